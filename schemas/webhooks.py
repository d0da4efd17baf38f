"""Calls to us: that they came, whether they were theirs, and what became of them. Keyed by account and event."""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from schemas.base import Fact, Frozen, IntegrationId, Token
from schemas.envelope import UtcTime
from schemas.payments.notices import ProviderState

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
RefusedWhy = Literal[
    "missing",
    "malformed",
    "too_old",
    "from_the_future",
    "wrong",
    "wrong_environment",
    "unknown_integration",
    "no_webhooks",
    "too_large",
]
"""Why a call was not taken: its signature is missing or wrong, or it is nobody's or another environment's call."""


class Verified(Frozen):
    """That a call was found to be theirs when it came in. It travels with the call; whoever handles it later trusts it.

    A signature is checked once, at the edge: later the secret may have ended and its moment lies too far back.

    Attributes:
        arrived_at: the moment that ages and the ends of secrets were judged by.
        secret_index: which of the live secrets it was signed with; 0 is the newest.
        signed_at: the moment inside the signature, where the scheme has one.
        signed_id: the call's id inside the signature, where the scheme has one; repeats carry the same one.
    """

    arrived_at: UtcTime
    secret_index: Annotated[int, Field(ge=0)]
    signed_at: UtcTime | None = None
    signed_id: Token | None = None


class WebhookReceived(Fact):
    """A provider's call came and is theirs. Its `ce_id` is new for each call, repeats of an event included."""

    type: ClassVar[str] = "webhooks.received.v1"

    integration_id: IntegrationId
    provider: str
    event_id: Token
    """The provider's id of the event, or the digest of the body where it has none; repeats carry the same one."""
    event_type: Token
    verified: Verified
    body_digest: Sha256
    size_bytes: Annotated[int, Field(ge=0)]
    our_reference: Token | None = None
    provider_reference: Token | None = None
    said: ProviderState | None = None
    about: Literal["payment", "resource"] = "payment"
    """What the names are of: a resource is a subscription, a plan, a kept card."""
    customer_key: Token | None = None
    """The buyer's key at the provider, under which it keeps the card that was paid with; no signature covers it."""
    order_reference: Token | None = None
    """The provider's own id of the charge of a subscription that it is about."""
    dispute_reference: Token | None = None
    """The provider's own id of the dispute that it is about."""
    sealed: str
    """The body's exact bytes, sealed under the hub's master key, base64. A card number in it was masked before."""


class WebhooksRefused(Fact):
    """Calls that were not taken, counted: whoever floods the edge must not flood the log."""

    type: ClassVar[str] = "webhooks.refused.v1"

    integration_id: str
    """As the caller named it, cut to 100 characters."""
    why: RefusedWhy
    times: Annotated[int, Field(ge=1)]
    first_at: UtcTime
    last_at: UtcTime
    process: str
    last_digest: Sha256 | None = None
    """Of the last of these bodies."""


class WebhookHandled(Fact):
    """What became of a call that was taken. Its `ce_id` is made from the call's."""

    type: ClassVar[str] = "webhooks.handled.v1"

    integration_id: IntegrationId
    event_id: Token
    received_id: UUID
    """The `ce_id` of the call's record."""
    outcome: Literal["processed", "repeated", "unresolved", "about_nothing"]
    """It went to the lane of its payment or resource; the event had gone there before; neither was found for it in
    time; or it is about nothing that the hub performs."""
    payment_id: UUID | None = None
    resource_id: UUID | None = None
    command_id: UUID | None = None
    """Of the internal command that it became."""
    handled_at: UtcTime
    detail: str | None = None


WEBHOOK_EVENTS: tuple[type[WebhookReceived | WebhooksRefused | WebhookHandled], ...] = (
    WebhookReceived,
    WebhooksRefused,
    WebhookHandled,
)
