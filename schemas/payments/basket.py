"""What is bought."""

from typing import Literal

from schemas.base import Frozen, Text, Token
from schemas.money import Price, Share


class MerchantShare(Frozen, extra="forbid"):
    """In a marketplace: whose line it is, and how much of its price is theirs."""

    merchant_key: Token
    amount: Share


class BasketLine(Frozen, extra="forbid"):
    """One line. `price` is what the line adds to the basket's total, discounts included, quantity included."""

    line_id: Token
    name: Text
    category: Text
    goods: Literal["physical", "virtual"]
    price: Price
    merchant_share: MerchantShare | None = None
