from pathlib import Path

import pytest

from infra.credential_store import key_ring, vault_token
from infra.logs import Scrubber
from infra.settings import Settings, read_settings
from schemas.errors import SettingsError
from tests.master_keys import a_master_key

PRIMARY, FIRST, SECOND = (a_master_key().get_secret_value() for _ in range(3))
VAULT = {"KOLAJ_CREDENTIAL_STORE": "hashicorp", "VAULT_ADDR": "https://vault.example:8200", "VAULT_TOKEN": "s.sesame"}


def read(**values: str) -> Settings:
    needed = {"DATABASE_URL": "postgresql://kolaj@127.0.0.1/kolaj", "INTEGRATION_ENCRYPTION_KEY": PRIMARY}
    return read_settings(kafka=False, environment=needed | values)


def test_retired_keys_are_separated_by_commas_and_blanks_do_not_count() -> None:
    ring = key_ring(read(INTEGRATION_ENCRYPTION_KEYS_RETIRED=f" {FIRST}, {SECOND},"))
    assert len(ring.ids) == 3
    assert key_ring(read(INTEGRATION_ENCRYPTION_KEYS_RETIRED="")).ids == (ring.primary_id,)


def test_no_key_and_no_token_is_shown_or_logged() -> None:
    settings = read(INTEGRATION_ENCRYPTION_KEYS_RETIRED=FIRST, **VAULT)
    scrubber = Scrubber.of(settings)
    for secret in (PRIMARY, FIRST, "s.sesame"):
        assert secret not in f"{settings!r} {settings.model_dump_json()}"
        assert scrubber.scrub(f"x {secret} y") == "x *** y"


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"INTEGRATION_ENCRYPTION_KEYS_RETIRED": f"{FIRST},sesame"}, "KEYS_RETIRED: key 2 must be base64 of 32 bytes"),
        ({"INTEGRATION_ENCRYPTION_KEYS_RETIRED": f"{FIRST},{FIRST}"}, "KEYS_RETIRED: key 2 is the same key"),
        ({"INTEGRATION_ENCRYPTION_KEYS_RETIRED": PRIMARY}, "KEYS_RETIRED: key 1 is the same key"),
        ({"KOLAJ_CREDENTIAL_STORE": "sesame"}, "KOLAJ_CREDENTIAL_STORE: "),
        ({**VAULT, "VAULT_ADDR": ""}, "VAULT_ADDR: "),
        ({**VAULT, "VAULT_ADDR": "http://vault.example:8200"}, "VAULT_ADDR: "),
        ({"KOLAJ_CREDENTIAL_STORE": "hashicorp", "VAULT_ADDR": VAULT["VAULT_ADDR"]}, "VAULT_TOKEN: give a token"),
        ({**VAULT, "VAULT_TOKEN_FILE": "/x"}, "and not both"),
        ({**VAULT, "VAULT_CACERT": "/nowhere"}, "VAULT_CACERT: /nowhere is not a file"),
        ({"KOLAJ_CREDENTIAL_TTL_S": "0"}, "KOLAJ_CREDENTIAL_TTL_S: "),
    ],
)
def test_what_is_wrong_is_named_and_nothing_secret_with_it(values: dict[str, str], says: str) -> None:
    with pytest.raises(SettingsError, match=says) as raised:
        read(**values)
    assert not any(secret in str(raised.value) for secret in ("s.sesame", PRIMARY, FIRST))


def test_retired_keys_alone_are_refused_and_a_ring_needs_a_key() -> None:
    bare = {"DATABASE_URL": "postgresql://kolaj@127.0.0.1/kolaj"}
    with pytest.raises(SettingsError, match="no INTEGRATION_ENCRYPTION_KEY"):
        read_settings(kafka=False, environment=bare | {"INTEGRATION_ENCRYPTION_KEYS_RETIRED": FIRST})
    with pytest.raises(SettingsError, match="INTEGRATION_ENCRYPTION_KEY is not set"):
        key_ring(read_settings(kafka=False, environment=bare))


def test_a_token_that_an_agent_renews_is_read_anew_each_time(tmp_path: Path) -> None:
    file = tmp_path / "token"
    where = {name: value for name, value in VAULT.items() if name != "VAULT_TOKEN"}
    settings = read(**where, VAULT_TOKEN_FILE=str(file))
    with pytest.raises(SettingsError, match="VAULT_TOKEN_FILE"):
        vault_token(settings)
    for token in ("first", "second"):
        file.write_text(f"{token}\n", encoding="utf-8")
        assert vault_token(settings) == token
