"""Questions about cards and instalments that move nothing, and their answers: no card number, no person in them."""

from typing import Annotated

from pydantic import Field

from schemas.base import Frozen
from schemas.money import Money, Price

Bin = Annotated[str, Field(pattern=r"^[0-9]{6}(?:[0-9]{2})?$")]
"""The first six or eight digits of a card number, which name its issuer."""


class BinLookUp(Frozen, extra="forbid"):
    bin_number: Bin


class CardBin(Frozen):
    """What the first digits tell of a card. The words are the provider's."""

    bin_number: Bin
    association: str | None = None
    card_type: str | None = None
    family: str | None = None
    bank: str | None = None
    bank_code: int | None = None
    commercial: bool | None = None


class InstalmentLookUp(Frozen, extra="forbid"):
    """What a price costs in instalments: for one card, or without its first digits for each card family."""

    price: Price
    bin_number: Bin | None = None


class InstalmentOffer(Frozen):
    """`total` is what the payer pays in all, the surcharge included; `each` is one of `number` parts, rounded."""

    number: Annotated[int, Field(ge=1, le=60)]
    each: Money
    total: Money


class InstalmentPlan(Frozen):
    """The offers for one card or card family, by number of parts."""

    bin_number: Bin | None = None
    association: str | None = None
    card_type: str | None = None
    family: str | None = None
    bank: str | None = None
    bank_code: int | None = None
    commercial: bool | None = None
    force_3ds: bool | None = None
    offers: Annotated[tuple[InstalmentOffer, ...], Field(min_length=1)]


class InstalmentTable(Frozen):
    price: Money
    plans: tuple[InstalmentPlan, ...]
