"""A card that a provider keeps."""

from schemas.base import Frozen, Token
from schemas.payments.card_summary import CardSummary


class KeptCard(Frozen):
    """A card that the provider keeps: by these names it is paid with. They are worth nothing without the account's keys."""

    card_token: Token
    customer_key: Token | None = None
    alias: str | None = None
    bank: str | None = None
    card: CardSummary | None = None
    code_needed: bool | None = None
    """Whether a payment with it needs the card's verification code."""
