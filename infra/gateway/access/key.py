"""An API key as the hub knows it: whose it is, what it opens, until when. Never the secret."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from infra.gateway.access.caller import Caller

KeyState = Literal["live", "replaced", "expired", "revoked"]


@dataclass(frozen=True, slots=True)
class ApiKey:
    """One key.

    Attributes:
        caller: the prefix of the first key of its line. Who rotates a key stays the same caller, for limits and for the
            repetition of requests.
        integrations: those that it may name and see; `None`: all.
        rate: such as `20/second`; `None`: the setting's.
        digest: SHA-256 of the whole key.
        replaced_by: the prefix of the key that follows it.
    """

    prefix: str
    caller: str
    name: str
    source: str
    scopes: tuple[str, ...]
    integrations: tuple[str, ...] | None
    rate: str | None
    digest: bytes = field(repr=False)
    created_at: datetime
    created_by: str
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    revoked_by: str | None = None
    replaced_by: str | None = None
    last_used_at: datetime | None = None

    @classmethod
    def of(cls, row: Any) -> "ApiKey":
        """From a row of `gateway.api_keys`."""
        found = dict(row)
        del found["revision"]
        integrations = found["integrations"]
        shape = {
            "scopes": tuple(found["scopes"]),
            "integrations": None if integrations is None else tuple(integrations),
        }
        return cls(**{**found, **shape})

    def state(self, at: datetime) -> KeyState:
        """`replaced`: it still opens, and another one has followed it."""
        if self.revoked_at is not None:
            return "revoked"
        if self.expires_at is not None and self.expires_at <= at:
            return "expired"
        return "live" if self.replaced_by is None else "replaced"

    @property
    def caller_id(self) -> str:
        return f"key:{self.caller}"

    def as_caller(self) -> Caller:
        return Caller(
            id=self.caller_id,
            source=self.source,
            scopes=frozenset(self.scopes),
            integrations=None if self.integrations is None else frozenset(self.integrations),
            rate=self.rate,
            key=self.prefix,
        )
