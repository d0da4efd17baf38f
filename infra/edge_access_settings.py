"""Whom the HTTP edge lets in beside the holders of its own keys, and how often each may ask."""

from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from infra.credential_settings import CredentialSettings
from infra.gateway.access.rate import read_rate
from providers.loopback import is_loopback


class EdgeAccessSettings(CredentialSettings):
    """The part of the settings by which callers are known and limited."""

    gateway_rate: Annotated[str, Field(validation_alias="KOLAJ_GATEWAY_RATE")] = "100/second"
    oauth_issuer: Annotated[str | None, Field(validation_alias="KOLAJ_OAUTH_ISSUER")] = None
    oauth_audience: Annotated[str | None, Field(validation_alias="KOLAJ_OAUTH_AUDIENCE")] = None
    oauth_jwks_url: Annotated[str | None, Field(validation_alias="KOLAJ_OAUTH_JWKS_URL")] = None
    oauth_ca_file: Annotated[str | None, Field(validation_alias="KOLAJ_OAUTH_CA_FILE")] = None
    oauth_integrations_claim: Annotated[str | None, Field(validation_alias="KOLAJ_OAUTH_INTEGRATIONS_CLAIM")] = None

    @field_validator("gateway_rate")
    @classmethod
    def _rate(cls, text: str) -> str:
        read_rate(text)
        return text

    @field_validator(
        "oauth_issuer", "oauth_audience", "oauth_jwks_url", "oauth_ca_file", "oauth_integrations_claim", mode="before"
    )
    @classmethod
    def _unset(cls, value: object) -> object:
        return value or None

    @field_validator("oauth_jwks_url")
    @classmethod
    def _address(cls, url: str | None) -> str | None:
        parts = urlsplit(url or "")
        if url is not None and not (
            parts.hostname and (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname)))
        ):
            raise ValueError("must be like https://login.example/keys; plain http:// to this machine only")
        return url

    @field_validator("oauth_ca_file")
    @classmethod
    def _file(cls, path: str | None) -> str | None:
        if path is not None and not Path(path).is_file():
            raise ValueError(f"{path} is not a file")
        return path

    @model_validator(mode="after")
    def _issuer_rule(self) -> Self:
        given = {
            "KOLAJ_OAUTH_ISSUER": self.oauth_issuer,
            "KOLAJ_OAUTH_AUDIENCE": self.oauth_audience,
            "KOLAJ_OAUTH_JWKS_URL": self.oauth_jwks_url,
        }
        missing = [name for name, value in given.items() if value is None]
        if missing and len(missing) < len(given):
            raise ValueError(
                f"{missing[0]}: is not set; the issuer, the audience and the address of its keys go together"
            )
        return self
