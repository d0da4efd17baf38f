"""The public test cards, what a BIN tells, and what instalments cost. No other card number is accepted.

Source: dev.paytr.com, test cards. Banks and rates are made up, except for the BIN's own association.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Final

WALLET_UTOKEN: Final = "sandboxwallet"
SECURE_CODE: Final = "123456"
CVV: Final = "000"
SINGLE_RATIO: Final = Decimal("2.99")
MOST_INSTALMENTS: Final = 12


@dataclass(frozen=True, slots=True)
class Card:
    """One public card. `name` is its ctoken in the well-known wallet and all that the books keep of it."""

    name: str
    number: str
    schema: str
    bank: str
    bank_code: str
    brand: str

    @property
    def masked(self) -> str:
        return f"{self.number[:6]}******{self.number[-4:]}"

    @property
    def last_four(self) -> str:
        return self.number[-4:]


CARDS: Final = (
    Card("sandboxvisa", "4355084355084358", "VISA", "Akbank", "0046", "axess"),
    Card("sandboxmastercard", "5406675406675403", "MASTERCARD", "Yapı Kredi", "0067", "world"),
    Card("sandboxtroy", "9792030394440796", "TROY", "QNB", "0111", "cardfinans"),
)
CARD_BY_NUMBER: Final[Mapping[str, Card]] = MappingProxyType({card.number: card for card in CARDS})
CARD_BY_NAME: Final[Mapping[str, Card]] = MappingProxyType({card.name: card for card in CARDS})

BRANDS: Final = (
    "advantage",
    "axess",
    "combo",
    "bonus",
    "cardfinans",
    "maximum",
    "paraf",
    "world",
    "saglamkart",
)
_FIRST: Final = Decimal("4.39")
_STEP: Final = Decimal("0.97")
_BRAND_STEP: Final = Decimal("0.11")

# Users of the bank's wallet, by bank. Source: dev.paytr.com, BKM Express.
BKM_USERS: Final = frozenset(
    f"{bank}@banka.com" for bank in ("0010", "0012", "0015", "0032", "0046", "0062", "0064", "0067", "0111", "0134")
)


def ratio(brand: str, instalments: int) -> Decimal:
    """What PayTR keeps of a payment, in percent."""
    if instalments <= 1:
        return SINGLE_RATIO
    return _FIRST + _STEP * (instalments - 2) + _BRAND_STEP * BRANDS.index(brand)


def card_of_bin(bin_number: str) -> Card | None:
    """The public card that begins with these 6 or 8 digits."""
    return next((card for card in CARDS if card.number.startswith(bin_number)), None)
