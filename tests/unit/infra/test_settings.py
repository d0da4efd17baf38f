import base64
from pathlib import Path

import pytest
from pydantic import SecretStr

from infra.settings import Settings, read_settings
from schemas.errors import SettingsError

NEEDED = {"KAFKA_BOOTSTRAP": "127.0.0.1:9092", "DATABASE_URL": "postgresql://kolaj:hush-hush@127.0.0.1:5432/kolaj"}


RULE = '{"rule_id": "r", "priority": 1, "choices": [{"integration_id": "iyzico-b", "weight": 1}]}'


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in NEEDED.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def read(environment: pytest.MonkeyPatch, **values: str) -> Settings:
    for name, value in values.items():
        environment.setenv(name, value)
    return read_settings()


def test_the_defaults_are_the_documented_ones(environment: pytest.MonkeyPatch) -> None:
    settings = read(environment)
    assert (settings.lease_s, settings.deadline_s, settings.lease_margin_s, settings.rebalance_timeout_s) == (
        30,
        15,
        5,
        60,
    )
    assert (settings.environment, settings.topic_prefix, settings.max_in_flight) == ("sandbox", "kolaj", 200)


def test_the_password_of_the_database_is_never_shown(environment: pytest.MonkeyPatch) -> None:
    settings = read(environment)
    assert "hush-hush" not in f"{settings!r} {settings} {settings.model_dump_json()}"
    assert settings.database_url.get_secret_value() == NEEDED["DATABASE_URL"]


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("KAFKA_BOOTSTRAP", "localhost", "KAFKA_BOOTSTRAP: must be host:port"),
        ("KAFKA_BOOTSTRAP", "", "KAFKA_BOOTSTRAP is not set"),
        ("DATABASE_URL", "mysql://root:sesame@db/x", "DATABASE_URL: must be like postgresql://"),
        ("DATABASE_URL", "", "DATABASE_URL is not set"),
        ("KOLAJ_ENVIRONMENT", "staging", "KOLAJ_ENVIRONMENT: "),
        ("KOLAJ_TOPIC_PREFIX", "Kolaj", "KOLAJ_TOPIC_PREFIX: "),
        ("KOLAJ_PARTITIONS", "0", "KOLAJ_PARTITIONS: "),
        ("KOLAJ_LEASE_S", "20", r"deadline \+ margin < lease < rebalance timeout"),
        ("KOLAJ_LEASE_S", "60", r"deadline \+ margin < lease < rebalance timeout"),
        ("KOLAJ_LEASE_S", "nan", "KOLAJ_LEASE_S: "),
        ("KOLAJ_WINDOW_SIZE", "10", "KOLAJ_WINDOW_SIZE: must be at least KOLAJ_MAX_IN_FLIGHT"),
        ("KOLAJ_MIN_INSYNC", "2", "KOLAJ_MIN_INSYNC: cannot be more than KOLAJ_REPLICATION"),
        ("KOLAJ_ENVIRONMENT", "production", "KOLAJ_REPLICATION: production needs 3"),
        ("KAFKA_SECURITY_PROTOCOL", "SASL_SSL", "KAFKA_USERNAME: SASL_SSL needs"),
        ("INTEGRATION_ENCRYPTION_KEY", "sesame", "INTEGRATION_ENCRYPTION_KEY: must be base64 of 32 bytes"),
        ("KOLAJ_LOG_LEVEL", "loud", "KOLAJ_LOG_LEVEL: "),
        ("KOLAJ_STALL_S", "60", "KOLAJ_STALL_S: must be longer than KOLAJ_REBALANCE_TIMEOUT_S"),
        ("KOLAJ_ROUTING", "[{]", "KOLAJ_ROUTING: is not JSON"),
        ("KOLAJ_ROUTING", "/nowhere/at/all", "KOLAJ_ROUTING: /nowhere/at/all cannot be read"),
        ("KOLAJ_ROUTING", '[{"rule_id": "r"}]', "KOLAJ_ROUTING: entry 0.priority: "),
        ("KOLAJ_ROUTING", f"[{RULE},{RULE}]", "KOLAJ_ROUTING: two rules are called r"),
        ("KOLAJ_ROUTING", f"[{RULE}]", "KOLAJ_ROUTING: rule r names iyzico-b, which KOLAJ_INTEGRATIONS does not have"),
        ("KOLAJ_ENV_FILE", "/nowhere/at/all", "KOLAJ_ENV_FILE: /nowhere/at/all is not a file"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_secret_with_it(
    environment: pytest.MonkeyPatch, name: str, value: str, says: str
) -> None:
    with pytest.raises(SettingsError, match=says) as raised:
        read(environment, **{name: value})
    assert "sesame" not in str(raised.value)


def test_routing_rules_may_lie_in_a_file(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "rules.json"
    file.write_text(f"[{RULE}]", encoding="utf-8")
    accounts = '[{"id": "iyzico-b", "provider": "iyzico"}]'
    (rule,) = read(environment, KOLAJ_INTEGRATIONS=accounts, KOLAJ_ROUTING=str(file)).routing
    assert (rule.rule_id, rule.integration_ids) == ("r", ("iyzico-b",))


def test_all_faults_are_told_at_once(environment: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match=r"KOLAJ_PARTITIONS.*KOLAJ_LOG_LEVEL"):
        read(environment, KOLAJ_PARTITIONS="many", KOLAJ_LOG_LEVEL="loud")


def test_publishers_need_no_database(environment: pytest.MonkeyPatch) -> None:
    environment.delenv("DATABASE_URL")
    assert read_settings(database=False).bootstrap == NEEDED["KAFKA_BOOTSTRAP"]


def test_the_file_fills_in_what_the_environment_does_not_say(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "hub.env"
    file.write_text(
        'KOLAJ_PARTITIONS=12\nKOLAJ_LEASE_S=25\nKOLAJ_INTEGRATIONS=[{"id":"iyzico-main","provider":"iyzico"}]\n'
        "IYZICO_MAIN_API_KEY=from-file\nIYZICO_MAIN_SECRET_KEY=from-file\n",
        encoding="utf-8",
    )
    settings = read(environment, KOLAJ_ENV_FILE=str(file), KOLAJ_LEASE_S="28", IYZICO_MAIN_API_KEY="from-environment")
    assert (settings.partitions, settings.lease_s) == (12, 28)
    assert {name: secret.get_secret_value() for name, secret in settings.secrets.items()} == {
        "IYZICO_MAIN_API_KEY": "from-environment",
        "IYZICO_MAIN_SECRET_KEY": "from-file",
    }


def test_production_takes_three_copies(environment: pytest.MonkeyPatch) -> None:
    settings = read(environment, KOLAJ_ENVIRONMENT="production", KOLAJ_REPLICATION="3", KOLAJ_MIN_INSYNC="2")
    assert settings.environment == "production"


def test_a_good_encryption_key_is_taken_and_hidden(environment: pytest.MonkeyPatch) -> None:
    key = base64.b64encode(bytes(range(32))).decode()
    settings = read(environment, INTEGRATION_ENCRYPTION_KEY=key)
    assert settings.encryption_key == SecretStr(key)
    assert key not in repr(settings)


def test_another_environment_can_be_read_instead_of_this_ones(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("KOLAJ_PARTITIONS", "12")
    settings = read_settings(environment={"KAFKA_BOOTSTRAP": "127.0.0.1:1"}, database=False)
    assert (settings.bootstrap, settings.partitions) == ("127.0.0.1:1", 6)


def test_settings_cannot_be_changed(environment: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="frozen"):
        read(environment).lease_s = 1  # type: ignore[misc] # what is tested
