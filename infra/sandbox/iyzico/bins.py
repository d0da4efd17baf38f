"""BIN check and instalment table, from the public cards alone; nothing is written."""

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal

from infra.sandbox.iyzico.amounts import CURRENCIES, read_price, two_decimals
from infra.sandbox.iyzico.cards import BANK_CODES, CARDS, Card, card_of_bin
from infra.sandbox.iyzico.errors import Refused
from infra.sandbox.iyzico.fields import one_of, optional_text, text

_BIN_LENGTHS = (6, 8)
_RATES: dict[int, Decimal] = {
    1: Decimal(0),
    2: Decimal("0.0275"),
    3: Decimal("0.0410"),
    6: Decimal("0.0825"),
    9: Decimal("0.1245"),
    12: Decimal("0.1690"),
}
_CENT = Decimal("0.01")


def check_bin(body: Mapping[str, object]) -> dict[str, object]:
    """POST /payment/bin/check."""
    bin_number = text(body, "binNumber", missing="5007")
    card = _card_of(bin_number)
    return {
        "binNumber": bin_number,
        **card.described(),
        "bankName": card.bank,
        "bankCode": BANK_CODES[card.bank] if card.bank else None,
        "commercial": 0,
    }


def installment_table(body: Mapping[str, object]) -> dict[str, object]:
    """POST /payment/iyzipos/installment: for one BIN, or without it for one card of each family."""
    price_minor = read_price(body.get("price"), "price")
    one_of(body, "currency", CURRENCIES, "TRY")
    bin_number = optional_text(body, "binNumber")
    cards = [_card_of(bin_number)] if bin_number else list(_one_of_each_family().values())
    return {"installmentDetails": [_details(card, bin_number, two_decimals(price_minor)) for card in cards]}


def _card_of(bin_number: str) -> Card:
    if not bin_number.isascii() or not bin_number.isdecimal():
        # The real one answers this with its code for a crossed request limit and a text about digits.
        raise Refused("50000", detail="binNumber must be digits")
    if len(bin_number) not in _BIN_LENGTHS:
        raise Refused("5007", detail="binNumber must have 6 or 8 digits")
    card = card_of_bin(bin_number)
    if card is None:
        raise Refused("10213")
    return card


def _one_of_each_family() -> dict[str, Card]:
    return {card.family: card for card in reversed(CARDS) if card.family is not None}


def _details(card: Card, bin_number: str | None, price: Decimal) -> dict[str, object]:
    several = card.kind == "CREDIT_CARD" and not card.foreign
    details: dict[str, object] = {
        "binNumber": bin_number,
        "price": price,
        "cardType": card.kind,
        "cardAssociation": card.association,
        "cardFamilyName": card.family,
        "force3ds": 0,
        "bankCode": BANK_CODES[card.bank] if card.bank else None,
        "bankName": card.bank,
        "forceCvc": 0,
        "commercial": 0,
        "dccEnabled": 0,
        "agricultureEnabled": 0,
        "installmentPrices": [_row(number, price) for number in (_RATES if several else (1,))],
    }
    return {name: value for name, value in details.items() if value is not None}


def total_with_surcharge(number: int, price: Decimal) -> Decimal:
    """What the buyer pays in all in `number` instalments."""
    return (price * (1 + _RATES[number])).quantize(_CENT, ROUND_HALF_UP)


def _row(number: int, price: Decimal) -> dict[str, object]:
    total = total_with_surcharge(number, price)
    each = (total / number).quantize(_CENT, ROUND_HALF_UP)
    return {"installmentNumber": number, "installmentPrice": each, "totalPrice": total}
