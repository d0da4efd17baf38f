"""Who asked what of the HTTP edge, and who gave whom a key to it. Never a secret, an address of a person, or a body."""

from typing import Annotated, ClassVar, Final, Literal
from uuid import UUID

from pydantic import Field

from schemas.base import Fact, IntegrationId, NoNul, Text, Token
from schemas.envelope import UtcTime

RefusedWhy = Literal["missing", "malformed", "unknown", "revoked", "expired", "no_route"]
"""No credentials, half of some, some that nobody knows, some that were good once; or a path that leads nowhere."""

Method = Annotated[str, Field(pattern=r"^[A-Z]{1,20}$")]
Route = Annotated[str, Field(min_length=1, max_length=300), NoNul]
"""The template, such as `/v1/commands/{command_id}`: never the path as it was asked for, nor its query."""
Status = Annotated[int, Field(ge=100, le=599)]
Times = Annotated[int, Field(ge=1)]


class AccessRequested(Fact):
    """A caller who proved itself asked for something. Keyed by the caller."""

    type: ClassVar[str] = "access.requested.v1"

    caller: Token
    key: Token | None = None
    """The prefix of the API key that was shown; absent with a token of the issuer."""
    method: Method
    route: Route
    status: Status
    outcome: Literal["allowed", "forbidden", "limited"]
    """Whether it was let through; what became of it then is in `status`."""
    scope: Token | None = None
    """The scope that the route asks for."""
    integration_id: IntegrationId | None = None
    command_id: UUID | None = None
    requested_at: UtcTime
    duration_ms: Annotated[int, Field(ge=0)]
    """Until the answer began."""


class AccessRefused(Fact):
    """Requests of strangers that were turned away, counted: whoever floods the edge must not flood the log."""

    type: ClassVar[str] = "access.refused.v1"

    why: RefusedWhy
    caller: Token | None = None
    """Whose credentials they were, where they were good once."""
    times: Times
    first_at: UtcTime
    last_at: UtcTime
    process: Text


class AccessUnproved(Fact):
    """Requests of routes that are open to anybody, and such as failed before anybody could be asked; counted."""

    type: ClassVar[str] = "access.unproved.v1"

    method: Method
    route: Route
    status: Status
    times: Times
    first_at: UtcTime
    last_at: UtcTime
    process: Text


class KeyCreated(Fact):
    """A caller was given an API key. Keyed by the caller, as the other facts about keys."""

    type: ClassVar[str] = "access.key_created.v1"

    key: Token
    caller: Token
    name: Token
    source: Token
    scopes: tuple[Token, ...]
    integrations: tuple[IntegrationId, ...] | None = None
    """Absent: all of them."""
    rate: Token | None = None
    expires_at: UtcTime | None = None
    created_by: Text
    created_at: UtcTime


class KeyRotated(Fact):
    """A caller was given a further API key in place of one that lives on until the overlap ends."""

    type: ClassVar[str] = "access.key_rotated.v1"

    key: Token
    replaces: Token
    caller: Token
    expires_at: UtcTime | None = None
    overlap_ends_at: UtcTime
    rotated_by: Text
    rotated_at: UtcTime


class KeyRevoked(Fact):
    """An API key was ended at once."""

    type: ClassVar[str] = "access.key_revoked.v1"

    key: Token
    caller: Token
    revoked_by: Text
    revoked_at: UtcTime


KeyEvent = KeyCreated | KeyRotated | KeyRevoked
AccessEvent = AccessRequested | AccessRefused | AccessUnproved | KeyEvent
ACCESS_EVENTS: Final[tuple[type[AccessEvent], ...]] = (
    AccessRequested,
    AccessRefused,
    AccessUnproved,
    KeyCreated,
    KeyRotated,
    KeyRevoked,
)
