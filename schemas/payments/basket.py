"""What is bought."""

from typing import Literal, Self

from pydantic import model_validator

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

    @model_validator(mode="after")
    def _share_fits(self) -> Self:
        share = None if self.merchant_share is None else self.merchant_share.amount
        if share is not None and (share.currency != self.price.currency or share.minor > self.price.minor):
            raise ValueError("merchant_share must be in the line's currency and at most its price")
        return self
