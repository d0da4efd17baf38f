"""How Kafka and PostgreSQL are reached: addresses, accounts, certificates, and what production refuses."""

from functools import cached_property
from typing import Annotated, Literal, Self
from urllib.parse import unquote, urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from infra.database_address import TlsFiles, completed
from infra.plaintext import refuse_plaintext_database, refuse_plaintext_kafka
from streams.kafka import KafkaAccess, SaslMechanism, SecurityProtocol

Store = Literal["kafka", "postgresql"]


class AccessSettings(BaseSettings):
    """The part of the settings that leads to the two stores."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    bootstrap: Annotated[str, Field(validation_alias="KAFKA_BOOTSTRAP")] = ""
    security_protocol: Annotated[SecurityProtocol, Field(validation_alias="KAFKA_SECURITY_PROTOCOL")] = "PLAINTEXT"
    sasl_mechanism: Annotated[SaslMechanism, Field(validation_alias="KAFKA_SASL_MECHANISM")] = "SCRAM-SHA-512"
    kafka_username: Annotated[str | None, Field(validation_alias="KAFKA_USERNAME")] = None
    kafka_password: Annotated[SecretStr | None, Field(validation_alias="KAFKA_PASSWORD")] = None
    kafka_ca_file: Annotated[str | None, Field(validation_alias="KAFKA_CA_FILE")] = None
    kafka_cert_file: Annotated[str | None, Field(validation_alias="KAFKA_CERT_FILE")] = None
    kafka_key_file: Annotated[str | None, Field(validation_alias="KAFKA_KEY_FILE")] = None
    kafka_key_password: Annotated[SecretStr | None, Field(validation_alias="KAFKA_KEY_PASSWORD")] = None
    database_address: Annotated[SecretStr, Field(validation_alias="DATABASE_URL")] = SecretStr("")
    vault_database: Annotated[SecretStr, Field(validation_alias="VAULT_DATABASE_URL")] = SecretStr("")
    database_ca_file: Annotated[str | None, Field(validation_alias="DATABASE_CA_FILE")] = None
    database_cert_file: Annotated[str | None, Field(validation_alias="DATABASE_CERT_FILE")] = None
    database_key_file: Annotated[str | None, Field(validation_alias="DATABASE_KEY_FILE")] = None
    allow_plaintext: Annotated[tuple[Store, ...], NoDecode, Field(validation_alias="KOLAJ_ALLOW_PLAINTEXT")] = ()
    environment: Annotated[Literal["sandbox", "production"], Field(validation_alias="KOLAJ_ENVIRONMENT")] = "sandbox"

    @field_validator("bootstrap")
    @classmethod
    def _addresses(cls, text: str) -> str:
        for address in text.split(",") if text else ():
            host, colon, port = address.strip().rpartition(":")
            if not (host and colon and port.isdecimal() and 0 < int(port) < 65536):  # noqa: PLR2004 - ports are 16 bits
                raise ValueError("must be host:port, several separated by commas")
        return text

    @field_validator("database_address", "vault_database")
    @classmethod
    def _postgres(cls, url: SecretStr) -> SecretStr:
        text = url.get_secret_value()
        if text and urlsplit(text).scheme not in {"postgresql", "postgres"}:
            raise ValueError("must be like postgresql://user:password@host:5432/database")
        return url

    @field_validator("allow_plaintext", mode="before")
    @classmethod
    def _stores(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _access_rule(self) -> Self:
        if self.security_protocol.startswith("SASL") and not (self.kafka_username and self.kafka_password):
            raise ValueError(f"KAFKA_USERNAME: {self.security_protocol} needs KAFKA_USERNAME and KAFKA_PASSWORD")
        if bool(self.kafka_cert_file) != bool(self.kafka_key_file):
            missing = "KAFKA_KEY_FILE" if self.kafka_cert_file else "KAFKA_CERT_FILE"
            raise ValueError(f"{missing}: is not set; a certificate and its key go together")
        if self.kafka_cert_file and self.security_protocol not in {"SSL", "SASL_SSL"}:
            raise ValueError(
                f"KAFKA_CERT_FILE: {self.security_protocol} has no TLS; set KAFKA_SECURITY_PROTOCOL to SSL or SASL_SSL"
            )
        for url in (self.database_url, self.vault_url):
            refuse_plaintext_database(self, url.get_secret_value())
        refuse_plaintext_kafka(self)
        return self

    @cached_property
    def database_url(self) -> SecretStr:
        """Where PostgreSQL is, with the files of TLS in it."""
        return SecretStr(completed(self.database_address.get_secret_value(), self._database_files))

    @cached_property
    def vault_url(self) -> SecretStr:
        """The same database under the account that sees cards and credentials; the one account where there is one."""
        own = self.vault_database.get_secret_value()
        return SecretStr(completed(own, self._database_files)) if own else self.database_url

    @property
    def _database_files(self) -> TlsFiles:
        return TlsFiles(self.database_ca_file, self.database_cert_file, self.database_key_file)

    @property
    def database_passwords(self) -> tuple[str, ...]:
        """For the scrubber, which must know them apart from the addresses."""
        found = (password_of(self.database_address), password_of(self.vault_database))
        return tuple(password for password in found if password)

    @cached_property
    def kafka(self) -> KafkaAccess:
        password = self.kafka_password.get_secret_value() if self.kafka_password else None
        return KafkaAccess(
            self.bootstrap,
            self.security_protocol,
            self.sasl_mechanism,
            self.kafka_username,
            password,
            self.kafka_ca_file,
            self.kafka_cert_file,
            self.kafka_key_file,
            self.kafka_key_password.get_secret_value() if self.kafka_key_password else None,
        )


def password_of(url: SecretStr) -> str | None:
    """The password that an address holds."""
    password = urlsplit(url.get_secret_value()).password
    return None if password is None else unquote(password)
