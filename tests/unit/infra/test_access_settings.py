from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from infra.logs import Scrubber
from infra.settings import Settings, read_settings
from schemas.errors import SettingsError
from streams.kafka import KafkaAccess

FAR = {
    "KAFKA_BOOTSTRAP": "kafka.example:9092",
    "KAFKA_SECURITY_PROTOCOL": "SSL",
    "DATABASE_URL": "postgresql://kolaj:sesame-1@db.example/kolaj?sslmode=verify-full",
    "KOLAJ_ENVIRONMENT": "production",
    "KOLAJ_REPLICATION": "3",
    "KOLAJ_MIN_INSYNC": "2",
}


def read(**changes: str) -> Settings:
    return read_settings(environment={**FAR, **changes})


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"KAFKA_SECURITY_PROTOCOL": "PLAINTEXT"}, "KAFKA_SECURITY_PROTOCOL: PLAINTEXT sends .* to kafka.example"),
        (
            {"KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT", "KAFKA_USERNAME": "w", "KAFKA_PASSWORD": "p"},
            "KAFKA_SECURITY_PROTOCOL: SASL_PLAINTEXT sends",
        ),
        ({"DATABASE_URL": "postgresql://k@db.example/k"}, "DATABASE_URL: sslmode=prefer may go to db.example"),
        ({"DATABASE_URL": "postgresql://k@db.example/k?sslmode=disable"}, "DATABASE_URL: sslmode=disable"),
        ({"DATABASE_URL": "postgresql://k@127.0.0.1,db.example/k"}, "may go to db.example"),
        ({"DATABASE_URL": "postgresql:///k"}, "whatever host the environment names"),
        ({"VAULT_DATABASE_URL": "postgresql://v@db.example/k"}, "sslmode=prefer may go to db.example"),
    ],
)
def test_production_refuses_plain_text_to_another_machine(changes: dict[str, str], says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        read(**changes)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"KAFKA_BOOTSTRAP": "127.0.0.1:9092,[::1]:9092,localhost:9", "KAFKA_SECURITY_PROTOCOL": "PLAINTEXT"},
        {"DATABASE_URL": "postgresql://k@127.0.0.1/k"},
        {"DATABASE_URL": "postgresql:///k?host=/run/postgresql"},
        {"KAFKA_SECURITY_PROTOCOL": "PLAINTEXT", "KOLAJ_ALLOW_PLAINTEXT": "kafka"},
        {"DATABASE_URL": "postgresql://k@db.example/k", "KOLAJ_ALLOW_PLAINTEXT": "kafka, postgresql"},
        {"DATABASE_URL": "postgresql://k@db.example/k", "KOLAJ_ENVIRONMENT": "sandbox"},
    ],
)
def test_what_is_encrypted_or_local_or_allowed_in_words_starts(changes: dict[str, str]) -> None:
    assert read(**changes).bootstrap


def test_only_stores_that_there_are_can_be_allowed_plain_text() -> None:
    with pytest.raises(SettingsError, match="KOLAJ_ALLOW_PLAINTEXT"):
        read(KOLAJ_ALLOW_PLAINTEXT="everything")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"KAFKA_CERT_FILE": "/x.pem"}, "KAFKA_KEY_FILE: is not set"),
        ({"KAFKA_KEY_FILE": "/x.pem"}, "KAFKA_CERT_FILE: is not set"),
        (
            {"KAFKA_CERT_FILE": "/x", "KAFKA_KEY_FILE": "/y", "KAFKA_SECURITY_PROTOCOL": "PLAINTEXT"},
            "KAFKA_CERT_FILE: PLAINTEXT has no TLS",
        ),
        ({"DATABASE_CERT_FILE": "/x.pem"}, "DATABASE_KEY_FILE: is not set"),
    ],
)
def test_a_half_set_certificate_is_refused(changes: dict[str, str], says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        read(**{**changes, "KOLAJ_ENVIRONMENT": "sandbox"})


def test_the_vault_has_the_same_address_unless_it_has_its_own() -> None:
    assert read().vault_url == read().database_url
    own = read(VAULT_DATABASE_URL="postgresql://vault:sesame-2@db.example/kolaj?sslmode=verify-full")
    assert own.vault_url != own.database_url


def test_no_password_of_the_stores_reaches_a_log() -> None:
    settings = read(
        VAULT_DATABASE_URL="postgresql://vault:sesame-2@db.example/kolaj?sslmode=verify-full",
        KAFKA_PASSWORD="sesame-3",
        KAFKA_KEY_PASSWORD="sesame-4",
    )
    assert "sesame" not in Scrubber.of(settings).scrub("sesame-1 sesame-2 sesame-3 sesame-4")
    assert "sesame" not in f"{settings!r} {settings.kafka!r}"


@pytest.fixture
def encrypted(tmp_path: Path) -> tuple[str, str]:
    """A certificate, and its key under the password `sesame`."""
    issued = trustme.CA().issue_cert("worker.example")
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    issued.cert_chain_pems[0].write_to_path(certificate)
    clear = load_pem_private_key(issued.private_key_pem.bytes(), None)
    key.write_bytes(clear.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"sesame")))
    return str(certificate), str(key)


def test_a_password_opens_an_encrypted_key(encrypted: tuple[str, str]) -> None:
    access = KafkaAccess("k:1", "SSL", cert_file=encrypted[0], key_file=encrypted[1], key_password="sesame")
    assert access.options()["ssl_context"]


@pytest.mark.parametrize("password", [None, "wrong-word"])
def test_an_encrypted_key_without_its_password_is_refused_and_not_asked_for(
    encrypted: tuple[str, str], password: str | None
) -> None:
    access = KafkaAccess("k:1", "SSL", cert_file=encrypted[0], key_file=encrypted[1], key_password=password)
    with pytest.raises(SettingsError, match=r"KAFKA_KEY_FILE: .*KAFKA_KEY_PASSWORD") as refused:
        access.options()
    assert "wrong-word" not in str(refused.value)


def test_an_authority_that_cannot_be_read_is_named() -> None:
    with pytest.raises(SettingsError, match="KAFKA_CA_FILE: /nowhere"):
        KafkaAccess("k:1", "SSL", ca_file="/nowhere").options()
