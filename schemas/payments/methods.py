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


ReturnUrl = Annotated[str, Field(max_length=400, pattern=r"^https://[!-~]+$")]
"""Where the payer comes back to."""


class HostedPage(Frozen, extra="forbid"):
    """The shopper enters the card on the provider's page and comes back to `return_url`."""

    kind: Literal["hosted_page"]
    return_url: ReturnUrl
    most_instalments: Annotated[int, Field(ge=1, le=36)] | None = None
    """Up to how many parts the page may offer; absent: as the account is set at the provider."""
    customer_key: Token | None = None
    """The buyer's key at the provider, so that the page offers the cards that it keeps."""


class BankTransfer(Frozen, extra="forbid"):
    """The payer transfers the money from a bank account, as the provider's page tells."""

    kind: Literal["bank_transfer"]
    return_url: ReturnUrl
    bank: Token | None = None
    """The payer's bank by the provider's word for it, where the provider has to know."""


class Wallet(Frozen, extra="forbid"):
    """The payer pays from an account at a wallet, on its page, such as `iyzico` or `bkm_express`."""

    kind: Literal["wallet"]
    wallet: Token
    return_url: ReturnUrl


class Crypto(Frozen, extra="forbid"):
    """The payer pays in a crypto currency on the provider's page; the price stays in the payment's currency."""

    kind: Literal["crypto"]
    return_url: ReturnUrl


class CardRef(Frozen, extra="forbid"):
    """A card that waits, sealed and for minutes, in the hub's card vault."""

    kind: Literal["card_ref"]
    card_ref: UUID


PaymentMethod = Annotated[
    ProviderToken | StoredCard | HostedPage | CardRef | BankTransfer | Wallet | Crypto, Field(discriminator="kind")
]
