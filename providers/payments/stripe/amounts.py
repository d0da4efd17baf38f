"""Amounts as Stripe counts them: whole numbers of a unit of its own, which is not always ISO 4217's.

Source: README, "Amounts".
"""

import re
from decimal import Decimal
from typing import Final

from providers.connector import Unsayable
from providers.outcome import UnusableAnswer
from schemas.money import Money
from schemas.payments import Reason

_WHOLE: Final = frozenset(
    {"BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"}
)
_THOUSANDTHS: Final = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})
_LAST_DIGIT: Final = 10
"""An amount in thousandths has to be a multiple of this."""
_CODE: Final = re.compile(r"[a-z]{3}")
_RAISE: Final = str.maketrans("abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
_FOLD: Final = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")
"""Currency codes are ASCII; raising or folding them must not depend on anybody's alphabet."""


def to_wire(money: Money) -> str:
    """The amount in Stripe's unit. Nothing is rounded.

    Raises:
        Unsayable: Stripe's unit cannot say it, such as 5.124 dinar, or a part of an ariary.
    """
    amount = money.major.scaleb(stripe_exponent(money.currency))
    multiple = _LAST_DIGIT if money.currency in _THOUSANDTHS else 1
    if amount % multiple != 0:
        raise Unsayable(Reason.INVALID_AMOUNT, f"Stripe cannot say {money}: its last decimal has to be nothing")
    return str(int(amount))


def currency_to_wire(money: Money) -> str:
    return money.currency.translate(_FOLD)


def from_wire(amount: int | None, currency: str | None, field: str) -> Money:
    """The exact amount. A missing one is never nothing: a payment would be booked as free.

    Raises:
        UnusableAnswer: the amount or the currency is missing, below zero, unknown or not in whole minor units.
    """
    if amount is None or amount < 0:
        raise UnusableAnswer(f"{field} is missing, or below zero")
    return signed_from_wire(amount, currency, field)


def signed_from_wire(amount: int | None, currency: str | None, field: str) -> Money:
    """The same of a balance or a movement, which may be below zero.

    Raises:
        UnusableAnswer: the amount or the currency is missing, unknown or not in whole minor units.
    """
    named = currency or ""
    if amount is None or not _CODE.fullmatch(named):
        raise UnusableAnswer(f"{field} is missing, or it is in no currency's code")
    code = named.translate(_RAISE)
    try:
        return Money.from_major(Decimal(amount).scaleb(-stripe_exponent(code)), code)
    except ValueError:
        raise UnusableAnswer(f"{field} is no amount of a known currency") from None


def stripe_exponent(currency: str) -> int:
    """How many decimals Stripe's unit of a currency has; ISK and UGX have two there and none in ISO 4217."""
    if currency in _WHOLE:
        return 0
    return 3 if currency in _THOUSANDTHS else 2
