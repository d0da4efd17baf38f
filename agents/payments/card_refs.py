"""Which commands pay or store with a card of the hub's vault."""

from uuid import UUID

from schemas.payments import CardRef
from schemas.payments.resources import CreateSubscription, StoreCard
from schemas.payments.vocabulary import Command


def card_ref_of(command: Command) -> UUID | None:
    """The card's name in the vault. It is read once, so that a request with one cannot be built again."""
    match command:
        case StoreCard() | CreateSubscription():
            return command.card_ref
        case _:
            method = getattr(command, "method", None)
            return method.card_ref if isinstance(method, CardRef) else None
