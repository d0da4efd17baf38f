"""What may be set for one account beside its secrets: what every connector takes. One that needs more inherits."""

from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

from providers.loopback import is_loopback


class RateLimitSettings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    calls: Annotated[int, Field(ge=1)]
    per_s: Annotated[float, Field(gt=0, allow_inf_nan=False)]


class ConnectionSettings(BaseModel):
    """Settings of one account. What is absent is as the connector has it.

    Attributes:
        base_url: instead of the provider's own address, for its simulator; plain HTTP only to this machine.
        rate_limits: by operation, instead of the connector's.
        breaker_threshold: failures in a row that open a breaker of this account.
        breaker_open_s: how long it then stays open, in seconds.
        absence_window_s: how long "not found" proves nothing, in seconds. It may be longer than the connector's;
            shorter only for a simulator on this machine, whose word has authority at once.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    base_url: Annotated[str | None, Field(max_length=500)] = None
    rate_limits: Annotated[dict[str, RateLimitSettings], Field(max_length=100)] = Field(default_factory=dict)
    breaker_threshold: Annotated[int, Field(ge=1, le=1_000)] | None = None
    breaker_open_s: Annotated[float, Field(gt=0, le=3_600)] | None = None
    absence_window_s: Annotated[float, Field(gt=0, le=86_400)] | None = None

    @field_validator("base_url")
    @classmethod
    def _address(cls, url: str | None) -> str | None:
        if url is None:
            return None
        parts = urlsplit(url)
        loopback = parts.hostname is not None and is_loopback(parts.hostname)
        if not parts.hostname or not (parts.scheme == "https" or (parts.scheme == "http" and loopback)):
            raise ValueError("must be https://host, or http:// on this machine only: secrets travel with each request")
        if parts.username is not None or parts.password is not None:
            raise ValueError("must hold no user and no password: credentials have a place of their own")
        return url.rstrip("/")


USUAL: Final = ConnectionSettings()
"""Everything as the connector has it."""
