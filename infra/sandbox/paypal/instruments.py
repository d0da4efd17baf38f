"""What orders are paid with here: test cards and wallets, and how each of them turns out.

Source: developer.paypal.com, Card testing (numbers, and the holder's names that provoke a decline).
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any, Final, Literal

from infra.sandbox.paypal.refusing import Json, invalid, unprocessable

TAKEN: Final = "taken"
ECHECK: Final = "echeck"
REVIEW: Final = "review"
UNFUNDED: Final = "instrument_declined"
DECLINED: Final = "0500"
BANK_CODE: Final = "1234"
"""What the payer types on the bank's page."""

FUNDINGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "balance": TAKEN,
        "echeck": ECHECK,
        "review": REVIEW,
        "declined_card": UNFUNDED,
        "declined": DECLINED,
    }
)
"""What a payer may pay with on PayPal's page, and how it turns out."""
REJECTING_HOLDERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "CCREJECT-REFUSED": "0500",
        "CCREJECT-SF": "9500",
        "CCREJECT-EC": "5400",
        "CCREJECT-IRC": "5180",
        "CCREJECT-IF": "5120",
        "CCREJECT-LS": "9520",
        "CCREJECT-IA": "1330",
        "CCREJECT-BANK_ERROR": "5100",
        "CCREJECT-CVV_F": "00N7",
    }
)
"""The network's code for a card of this holder, whatever its number."""


@dataclass(frozen=True, slots=True)
class Card:
    """One test card. `outcome` is a word of this module, or the network's code for a decline."""

    number: str
    brand: str
    type: Literal["CREDIT", "DEBIT"] = "CREDIT"
    outcome: str = TAKEN
    asks_payer: bool = False  # the bank wants to see the payer whenever it may

    @property
    def last_digits(self) -> str:
        return self.number[-4:]


CARDS: Final = (
    Card("4012000033330026", "VISA"),
    Card("4032039317984658", "VISA", "DEBIT"),
    Card("2223000048400011", "MASTERCARD"),
    Card("371449635398431", "AMEX"),
    Card("4868719460707704", "VISA", asks_payer=True),
    Card("4000000000000002", "VISA", outcome="5120"),
)


@dataclass(frozen=True, slots=True)
class Instrument:
    """A card or a wallet that an order is paid with.

    Attributes:
        outcome: a word of this module, or the network's code for a decline.
        shown: as an answer's `payment_source` shows it.
        payer: of a wallet.
    """

    kind: Literal["card", "paypal"]
    outcome: str
    shown: Json
    payer: Json | None = None
    asks_payer: bool = False

    def stored(self) -> Json:
        return asdict(self)


def read_instrument(stored: Mapping[str, Any]) -> Instrument:
    """One that stands in the books."""
    return Instrument(**stored)


def read_card(source: Mapping[str, Any], field: str) -> Instrument:
    """The card that a request gives by its number.

    Raises:
        Refused: a part is missing, or it is none of the test cards.
    """
    for name in ("number", "expiry"):
        if not isinstance(source.get(name), str):
            raise invalid("MISSING_REQUIRED_PARAMETER", f"{field}/{name}")
    card = next((card for card in CARDS if card.number == source["number"]), None)
    if card is None:
        raise unprocessable("PAYMENT_SOURCE_INFO_CANNOT_BE_VERIFIED", "The card is none of the sandbox's.", field=field)
    holder = source.get("name")
    shown: Json = {"last_digits": card.last_digits, "brand": card.brand, "type": card.type, "expiry": source["expiry"]}
    if holder:
        shown["name"] = holder
    outcome = REJECTING_HOLDERS.get(str(holder), card.outcome)
    return Instrument("card", outcome, shown, asks_payer=card.asks_payer)


def wallet_of(payer_id: str, outcome: str, email: str = "payer@sandbox.example") -> Instrument:
    """A payer's PayPal account."""
    name = {"given_name": "Ayse", "surname": "Yilmaz"}
    shown: Json = {"email_address": email, "account_id": payer_id, "account_status": "VERIFIED", "name": name}
    payer: Json = {"email_address": email, "payer_id": payer_id, "name": name, "address": {"country_code": "TR"}}
    return Instrument("paypal", outcome, shown, payer)
