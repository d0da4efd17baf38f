"""A card that a provider keeps."""

from schemas.base import Frozen, Token
from schemas.payments.card_summary import CardSummary


class KeptCard(Frozen):
    """A card that a provider keeps. Whoever has the account's keys pays with it by these names."""

    card_token: Token
    customer_key: Token | None = None
    alias: str | None = None
    bank: str | None = None
    card: CardSummary | None = None
    code_needed: bool | None = None
    """Whether a payment with it needs the card's verification code."""
