"""A card that a provider keeps."""

from typing import Annotated

from pydantic import Field

from schemas.base import Frozen, Token
from schemas.payments.card_summary import CardSummary


class KeptCard(Frozen):
    """A card that a provider keeps. Whoever has the account's keys pays with it by these names."""

    card_token: Token
    customer_key: Token | None = None
    alias: str | None = None
    bank: str | None = None
    card: CardSummary | None = None
    expiry: Annotated[str, Field(pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])$")] | None = None
    """The last month in which it is good, as `2031-11`, where the provider tells."""
    code_needed: bool | None = None
    """Whether a payment with it needs the card's verification code."""
