"""Words that somebody else says of a payment, which make the hub ask the provider how it stands."""

from typing import ClassVar, Literal

from schemas.base import Token
from schemas.payments.order import PaymentOrder

ProviderState = Literal["captured", "authorized", "pending", "failed", "cancelled", "not_found"]
"""How a payment stands at its provider."""


class TakeNotice(PaymentOrder):
    """Somebody heard of a change: ask the provider, and book what it says. Whoever publishes it decides nothing.

    Its `ce_id` is made from what was heard, so that the same word heard twice is one command.
    """

    type: ClassVar[str] = "payments.take_notice.v1"

    cause: Literal["webhook", "return", "deadline"]
    """`deadline`: nobody told anything, and the time that the payer had is over. The hub asks by itself then."""
    event_id: Token | None = None
    """The provider's id of the event, where it has one."""
    event_type: Token | None = None
    our_reference: Token | None = None
    """The reference that we sent with the attempt in question."""
    provider_reference: Token | None = None
    dispute_reference: Token | None = None
    """The provider's own id of a dispute: then that is asked about, and nothing else."""
    customer_key: Token | None = None
    """The buyer's key at the provider, under which it keeps the card that was paid with, as it was heard."""
    said: ProviderState | None = None
    """What was heard: kept beside what the provider answers. It counts only as `failed`, and only where the provider
    says of whatever failed that it does not know it."""
