"""Amounts as PayPal writes them: decimal texts, with two decimals in every currency but three that have none.

Source: README, "Amounts".
"""

import re
from decimal import Decimal
from typing import Final

from providers.connector import Unsayable, Wire
from providers.outcome import UnusableAnswer
from schemas.money import Money, exponent
from schemas.payments import Reason

WHOLE: Final = frozenset({"HUF", "JPY", "TWD"})
"""Said without decimals. ISO 4217 gives forint and Taiwan dollar two, so that not every amount can be said."""
_VALUE: Final = re.compile(r"-?[0-9]{1,31}(?:\.[0-9]{1,30})?")
_LONGEST: Final = 32
_DECIMALS: Final = 2


class Amount(Wire):
    currency_code: str
    value: str


def to_wire(amount: Money) -> dict[str, str]:
    """As they want it said.

    Raises:
        Unsayable: it has more decimals than they take in its currency, or they do not say how that one is written.
    """
    if amount.currency not in WHOLE and exponent(amount.currency) != _DECIMALS:
        detail = f"PayPal does not say how amounts in {amount.currency} are written; send another currency"
        raise Unsayable(Reason.CURRENCY_NOT_PERMITTED, detail)
    decimals = 0 if amount.currency in WHOLE else _DECIMALS
    said = f"{amount.major:.{decimals}f}"
    if Decimal(said) != amount.major:
        detail = f"PayPal takes {amount.currency} with {decimals} decimals at most; {amount} cannot be said"
        raise Unsayable(Reason.INVALID_AMOUNT, detail)
    return {"currency_code": amount.currency, "value": said}


def from_wire(amount: Amount | None, field: str) -> Money:
    """The exact amount, below zero where they write a minus. A missing one is never nothing.

    Raises:
        UnusableAnswer: it is missing, or no amount of a known currency.
    """
    if amount is None:
        raise UnusableAnswer(f"{field} is missing")
    if len(amount.value) > _LONGEST or not _VALUE.fullmatch(amount.value):
        raise UnusableAnswer(f"{field} is no amount")
    try:
        return Money.from_major(Decimal(amount.value), amount.currency_code)
    except ValueError:
        raise UnusableAnswer(f"{field} is no amount of a known currency") from None


def moved(amount: Amount | None, field: str) -> Money:
    """An amount that was moved: above zero.

    Raises:
        UnusableAnswer: as `from_wire`, or nothing was moved.
    """
    found = from_wire(amount, field)
    if found.minor <= 0:
        raise UnusableAnswer(f"{field} is not above zero")
    return found
