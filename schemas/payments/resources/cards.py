"""Cards that a provider keeps. A card's number is in the hub's card vault for minutes, and nowhere else."""

from typing import Annotated, ClassVar, Self
from uuid import UUID

from pydantic import Field, model_validator

from schemas.base import Frozen, NoNul, Text, Token
from schemas.payments.kept_card import KeptCard
from schemas.payments.resources.orders import Question, ResourceOrder
from schemas.personal import Personal

Email = Annotated[str, Field(min_length=3, max_length=254, pattern=r"^[^@\s]+@[^@\s]+$"), NoNul]


class StoreCard(ResourceOrder):
    """Let the provider keep a card for a buyer, without a payment."""

    type: ClassVar[str] = "payments.store_card.v1"

    buyer_id: Annotated[Token, Personal()]
    email: Annotated[Email, Personal()]
    card_ref: UUID | None = None
    """The card in the hub's vault."""
    provider_token: Token | None = None
    """What the provider's own script made of the card in the buyer's browser, instead of `card_ref`."""
    alias: Text | None = None
    customer_key: Token | None = None
    """The buyer's key at the provider; absent for a buyer it does not know."""

    @model_validator(mode="after")
    def _one_card(self) -> Self:
        if (self.card_ref is None) == (self.provider_token is None):
            raise ValueError("name exactly one of card_ref and provider_token")
        return self


class DeleteCard(ResourceOrder):
    """Let the provider forget a card; one that was kept elsewhere, so that the hub does not know it, is named here."""

    type: ClassVar[str] = "payments.delete_card.v1"

    card_token: Token | None = None
    customer_key: Token | None = None


class ListCards(Question):
    """Which cards the provider keeps for a buyer."""

    type: ClassVar[str] = "payments.list_cards.v1"

    customer_key: Token


class KeptCards(Frozen):
    """Those that the provider keeps for one buyer."""

    customer_key: Token
    cards: tuple[KeptCard, ...] = ()


class CardDeletion(Frozen):
    """Which card the provider keeps no longer."""

    card_token: Token | None = None
    customer_key: Token | None = None
