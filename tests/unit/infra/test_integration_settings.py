import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import Field

from infra.integration_settings import (
    EnvironmentCredentials,
    credential_prefix,
    load_integrations,
    read_integrations,
    without_secrets,
)
from infra.settings import read_settings
from providers.connection_settings import ConnectionSettings
from providers.connector import Connector, HealthProbe, Integration, RateLimit, Request
from schemas.errors import SettingsError

SECRETS = {"ACME_MAIN_API_KEY": "key-1", "ACME_MAIN_SECRET_KEY": "secret-1"}


def _no_headers(*_: object) -> dict[str, str]:
    return {}


def _trusted(*_: object) -> None:
    return None


def _healthy(*_: object) -> None:
    return None


ACME = Connector(
    name="acme",
    kind="payment",
    base_urls={"sandbox": "https://sandbox.acme.example"},
    credentials=("api_key", "secret_key"),
    sign=_no_headers,
    verify=_trusted,
    operations=(),
    probe=HealthProbe(Request("GET", "/"), _healthy),
    rate_limits={"create": RateLimit(10, 1.0), "refund": RateLimit(1, 1.0)},
)


def load(
    monkeypatch: pytest.MonkeyPatch, entry: dict[str, Any], *, connector: Connector = ACME, **changed: str | None
) -> dict[str, Integration]:
    monkeypatch.setenv("KOLAJ_INTEGRATIONS", json.dumps([{"id": "acme-main", "provider": "acme", **entry}]))
    for name, value in {**SECRETS, **changed}.items():
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)
    return load_integrations(read_settings(kafka=False, database=False), {"acme": connector})


class AcmeSettings(ConnectionSettings):
    shop_number: Annotated[str | None, Field(max_length=5)] = None


def test_a_provider_s_own_settings_stand_beside_those_that_all_have(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = {"breaker_threshold": 7, "settings": {"shop_number": "3404"}}
    loaded = load(monkeypatch, entry, connector=replace(ACME, settings=AcmeSettings))["acme-main"]
    assert loaded.settings == AcmeSettings(breaker_threshold=7, shop_number="3404")


@pytest.mark.parametrize(
    ("own", "says"),
    [
        (
            {"shop_no": "3404"},
            "entry 0, acme-main: settings.shop_no: acme has no such setting; its own are shop",
        ),
        ({"shop_number": 3404}, "settings.shop_number: Input should be a valid string"),
        ({"shop_number": "340459"}, "settings.shop_number: String should have at most 5 characters"),
        ({"base_url": "https://acme.example"}, "base_url stands in settings; every provider has it"),
    ],
)
def test_a_provider_s_setting_that_cannot_be_is_refused(
    monkeypatch: pytest.MonkeyPatch, own: dict[str, Any], says: str
) -> None:
    with pytest.raises(SettingsError, match=says):
        load(monkeypatch, {"settings": own}, connector=replace(ACME, settings=AcmeSettings))


def test_an_integration_has_its_address_and_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = load(monkeypatch, {})["acme-main"]
    assert (loaded.environment, loaded.base_url) == ("sandbox", "https://sandbox.acme.example")
    assert {name: secret.get_secret_value() for name, secret in loaded.credentials.items()} == {
        "api_key": "key-1",
        "secret_key": "secret-1",
    }
    assert "secret-1" not in repr(loaded)


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (None, "ACME_MAIN_SECRET_KEY is not set; acme needs its secret_key for acme-main"),
        ("", "ACME_MAIN_SECRET_KEY is empty"),
        (" sesame", "ACME_MAIN_SECRET_KEY begins or ends with a blank"),
        ("sesame\n", "ACME_MAIN_SECRET_KEY begins or ends with a blank"),
        ('"sesame"', "ACME_MAIN_SECRET_KEY stands in quotation marks"),
        ("ses ame", "ACME_MAIN_SECRET_KEY has a blank"),
        ("ses\u200bame", "ACME_MAIN_SECRET_KEY has a blank or an unprintable"),
        ("s" * 5000, "ACME_MAIN_SECRET_KEY is longer than 4096"),
    ],
)
def test_a_secret_that_cannot_be_right_is_refused_without_showing_it(
    monkeypatch: pytest.MonkeyPatch, value: str | None, says: str
) -> None:
    with pytest.raises(SettingsError, match=says) as raised:
        load(monkeypatch, {}, ACME_MAIN_SECRET_KEY=value)
    assert "sesame" not in str(raised.value)


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ({"provider": "acne"}, "no provider is called acne; there are acme"),
        ({"environment": "production"}, "acme-main is not of environment sandbox"),
        ({"base_url": "http://acme.example"}, "must be https://"),
        ({"ca_file": "/nowhere.pem"}, "entry 0.ca_file: /nowhere.pem is not a file"),
        ({"colour": "red"}, "entry 0.colour: Extra inputs"),
        ({"id": "ACME"}, "entry 0.id: "),
    ],
)
def test_an_entry_that_is_wrong_is_named(monkeypatch: pytest.MonkeyPatch, entry: dict[str, Any], says: str) -> None:
    with pytest.raises(SettingsError, match=f"KOLAJ_INTEGRATIONS: .*{says}"):
        load(monkeypatch, entry)


def test_a_simulator_on_this_machine_may_speak_plain_http(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load(monkeypatch, {"base_url": "http://127.0.0.1:8080/"})["acme-main"].base_url == "http://127.0.0.1:8080"


def test_rate_limits_are_overridden_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = load(monkeypatch, {"rate_limits": {"create": {"calls": 5, "per_s": 2}}})["acme-main"]
    assert loaded.connector.rate_limits == {"create": RateLimit(5, 2.0), "refund": RateLimit(1, 1.0)}


def test_two_integrations_cannot_share_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = [{"id": name, "provider": "acme"} for name in ("acme-main", "acme_main")]
    monkeypatch.setenv("KOLAJ_INTEGRATIONS", json.dumps(entries))
    with pytest.raises(SettingsError, match="would share the secrets ACME_MAIN_"):
        read_settings(kafka=False, database=False)


@pytest.mark.parametrize(
    ("text", "says"), [("[{]", "is not JSON .line 1, column 3"), ("/nowhere.json", "/nowhere.json cannot be read")]
)
def test_what_is_no_list_says_so(monkeypatch: pytest.MonkeyPatch, text: str, says: str) -> None:
    monkeypatch.setenv("KOLAJ_INTEGRATIONS", text)
    with pytest.raises(SettingsError, match=says):
        read_settings(kafka=False, database=False)


def test_the_list_may_lie_in_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "integrations.json"
    file.write_text('[{"id": "acme-main", "provider": "acme"}]', encoding="utf-8")
    monkeypatch.setenv("KOLAJ_INTEGRATIONS", str(file))
    assert [entry.id for entry in read_settings(kafka=False, database=False).integrations] == ["acme-main"]


def test_the_prefix_knows_no_locale() -> None:
    assert credential_prefix("iyzico-main_2") == "IYZICO_MAIN_2_"


def test_breaker_limits_are_an_accounts_own(monkeypatch: pytest.MonkeyPatch) -> None:
    own = load(monkeypatch, {"breaker_threshold": 2, "breaker_open_s": 1.5})["acme-main"].settings
    assert (own.breaker_threshold, own.breaker_open_s) == (2, 1.5)


@pytest.mark.parametrize("entry", [{"breaker_threshold": 0}, {"breaker_open_s": 0}, {"breaker_open_s": 1e9}])
def test_breaker_limits_that_make_no_sense_are_refused(monkeypatch: pytest.MonkeyPatch, entry: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match=f"entry 0.{next(iter(entry))}"):
        load(monkeypatch, entry)


def test_a_card_number_in_the_settings_is_refused_and_not_repeated() -> None:
    with pytest.raises(ValueError, match="holds a card number") as raised:
        read_integrations('[{"id": "acme-5528790000000008", "provider": "acme"}]')
    assert "5528" not in str(raised.value)


NEIGHBOURS = {
    "KOLAJ_INTEGRATIONS": json.dumps([{"id": name, "provider": "acme"} for name in ("acme", "acme-main")]),
    **SECRETS,
}


def test_a_variable_belongs_to_the_account_with_the_longest_name_that_fits() -> None:
    settings = read_settings(kafka=False, database=False, environment=NEIGHBOURS)
    assert without_secrets(settings) == ("acme",)


async def test_an_account_of_the_registry_gets_no_secrets_of_one_in_the_settings() -> None:
    given = {**NEIGHBOURS, "ACME_NEW_API_KEY": "key-2", "ACME_NEW_SECRET_KEY": "secret-2"}
    source = EnvironmentCredentials(read_settings(kafka=False, database=False, environment=given))
    assert await source.load("acme_main", ACME.credentials) is None
    assert await source.load("acme_new", ACME.credentials) is not None
