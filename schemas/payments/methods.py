"""What a payment is made with: a tagged union on `kind`. None of them can hold a card number."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from schemas.base import Frozen, Token


class ProviderToken(Frozen, extra="forbid"):
    """A single-use token that the provider's own script made in the shopper's browser."""

    kind: Literal["provider_token"]
    token: Token


class StoredCard(Frozen, extra="forbid"):
    """A card that the provider keeps for this buyer: its token, and the buyer's key where the provider has one."""

    kind: Literal["stored_card"]
    card_token: Token
    customer_key: Token | None = None


class HostedPage(Frozen, extra="forbid"):
    """The shopper enters the card on the provider's page and comes back to `return_url`."""

    kind: Literal["hosted_page"]
    return_url: Annotated[str, Field(max_length=400, pattern=r"^https://[!-~]+$")]


class CardRef(Frozen, extra="forbid"):
    """A card that waits, sealed and for minutes, in the hub's card vault."""

    kind: Literal["card_ref"]
    card_ref: UUID


PaymentMethod = Annotated[ProviderToken | StoredCard | HostedPage | CardRef, Field(discriminator="kind")]
