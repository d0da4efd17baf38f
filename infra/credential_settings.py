"""Master keys, and where accounts' secrets are stored."""

from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import NoDecode

from agents.vault.keyring import KeyRing, decode_key
from infra.access_settings import AccessSettings
from providers.loopback import is_loopback
from schemas.errors import SettingsError

Seconds = Annotated[float, Field(gt=0, le=30 * 24 * 3600, allow_inf_nan=False)]


class CredentialSettings(AccessSettings):
    """The part of the settings by which secrets are kept."""

    encryption_key: Annotated[SecretStr | None, Field(validation_alias="INTEGRATION_ENCRYPTION_KEY")] = None
    retired_keys: Annotated[
        tuple[SecretStr, ...], NoDecode, Field(validation_alias="INTEGRATION_ENCRYPTION_KEYS_RETIRED")
    ] = ()
    credential_store: Annotated[Literal["postgres", "hashicorp"], Field(validation_alias="KOLAJ_CREDENTIAL_STORE")] = (
        "postgres"
    )
    credential_ttl_s: Annotated[Seconds, Field(validation_alias="KOLAJ_CREDENTIAL_TTL_S")] = 300
    vault_address: Annotated[str | None, Field(validation_alias="VAULT_ADDR")] = None
    vault_token: Annotated[SecretStr | None, Field(validation_alias="VAULT_TOKEN")] = None
    vault_token_file: Annotated[str | None, Field(validation_alias="VAULT_TOKEN_FILE")] = None
    vault_ca_file: Annotated[str | None, Field(validation_alias="VAULT_CACERT")] = None
    vault_namespace: Annotated[str | None, Field(validation_alias="VAULT_NAMESPACE")] = None
    vault_kv_mount: Annotated[str, Field(validation_alias="KOLAJ_VAULT_KV_MOUNT")] = "secret"
    vault_transit_mount: Annotated[str, Field(validation_alias="KOLAJ_VAULT_TRANSIT_MOUNT")] = "transit"
    vault_transit_key: Annotated[str, Field(validation_alias="KOLAJ_VAULT_TRANSIT_KEY")] = "kolaj"

    @field_validator("encryption_key")
    @classmethod
    def _key(cls, key: SecretStr | None) -> SecretStr | None:
        if key is not None:
            decode_key(key)
        return key

    @field_validator("retired_keys", mode="before")
    @classmethod
    def _retired(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return tuple(SecretStr(part.strip()) for part in value.split(",") if part.strip())

    @model_validator(mode="after")
    def _key_rule(self) -> Self:
        if self.encryption_key is None:
            if self.retired_keys:
                raise ValueError(
                    "INTEGRATION_ENCRYPTION_KEYS_RETIRED: there are retired keys and no INTEGRATION_ENCRYPTION_KEY"
                )
            return self
        try:
            KeyRing.of(self.encryption_key, self.retired_keys)
        except SettingsError as bad:
            raise ValueError(str(bad)) from None
        return self

    @model_validator(mode="after")
    def _vault_rule(self) -> Self:
        if self.credential_store != "hashicorp":
            return self
        parts = urlsplit(self.vault_address or "")
        if not parts.hostname or not (
            parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname))
        ):
            raise ValueError(
                "VAULT_ADDR: KOLAJ_CREDENTIAL_STORE is hashicorp; give https://host:8200, http:// on this machine only"
            )
        if (self.vault_token is None) == (self.vault_token_file is None):
            raise ValueError("VAULT_TOKEN: give a token, or VAULT_TOKEN_FILE where an agent keeps one, and not both")
        if self.vault_ca_file is not None and not Path(self.vault_ca_file).is_file():
            raise ValueError(f"VAULT_CACERT: {self.vault_ca_file} is not a file")
        return self
