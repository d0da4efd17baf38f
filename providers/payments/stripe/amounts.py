"""Amounts as Stripe counts them: whole numbers of a unit of its own, which is not always ISO 4217's.

Source: README, "Amounts".
"""

import re
from decimal import Decimal
from typing import Final

from providers.outcome import UnusableAnswer
from schemas.money import Money

_WHOLE: Final = frozenset(
    {"BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"}
)
_THOUSANDTHS: Final = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})
_CODE: Final = re.compile(r"[a-z]{3}")
_RAISE: Final = str.maketrans("abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
"""Currency codes are ASCII; raising them must not depend on anybody's alphabet."""


def from_wire(amount: int | None, currency: str | None, field: str) -> Money:
    """The exact amount. A missing one is never nothing: a payment would be booked as free.

    Raises:
        UnusableAnswer: the amount or the currency is missing, unknown or not in whole minor units.
    """
    if amount is None or amount < 0 or currency is None or not _CODE.fullmatch(currency):
        raise UnusableAnswer(f"{field} or currency is missing, or is none")
    code = currency.translate(_RAISE)
    try:
        return Money.from_major(Decimal(amount).scaleb(-stripe_exponent(code)), code)
    except ValueError:
        raise UnusableAnswer(f"{field} is no amount of a known currency") from None


def stripe_exponent(currency: str) -> int:
    """How many decimals Stripe's unit of a currency has; ISK and UGX have two there and none in ISO 4217."""
    if currency in _WHOLE:
        return 0
    return 3 if currency in _THOUSANDTHS else 2
