"""Amounts as iyzico writes them: decimal texts with a dot going out, JSON numbers of any length coming in.

Source: README, "Amounts".
"""

from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any, Final

from providers.connector import Unsayable
from providers.outcome import UnusableAnswer
from providers.reading import is_sane
from schemas.money import Money, exponent
from schemas.payments import Reason

CURRENCIES: Final = ("TRY", "USD", "EUR", "GBP", "NOK", "CHF", "IRR", "RUB")


def to_wire(money: Money) -> str:
    """`12.50`: major units, a dot, the currency's decimals, whatever the process's locale.

    Raises:
        Unsayable: iyzico does not take the currency.
    """
    if money.currency not in CURRENCIES:
        raise Unsayable(Reason.CURRENCY_NOT_PERMITTED, f"iyzico takes {', '.join(CURRENCIES)}, not {money.currency}")
    return f"{money.major:f}"


def from_wire(amount: Decimal | None, currency: str | None, field: str) -> Money:
    """The exact amount. A missing one is never nothing: a payment would be booked as free.

    Raises:
        UnusableAnswer: the amount or the currency is missing, unknown or not in whole minor units.
    """
    if amount is None or currency is None:
        raise UnusableAnswer(f"{field} or currency is missing in a success")
    try:
        return Money.from_major(amount, currency)
    except ValueError:
        raise UnusableAnswer(f"{field} is no amount of a known currency") from None


def rounded_down(amount: Decimal, currency: str) -> Money:
    """A line's share, whose eight decimals may end between two minor units: what can be given back of it for sure."""
    return _rounded(amount, currency, ROUND_DOWN)


def rounded_half_up(amount: Decimal, currency: str) -> Money:
    return _rounded(amount, currency, ROUND_HALF_UP)


def magnitude(amount: Decimal, currency: str) -> Money:
    """A row of a report: how much, whichever way it went; eight decimals are rounded half up.

    Raises:
        UnusableAnswer: the currency is not known.
    """
    try:
        return _rounded(abs(amount), currency, ROUND_HALF_UP)
    except ValueError:
        raise UnusableAnswer("an amount is in no known currency") from None


def canonical(value: Any) -> str:
    """An amount as it is signed: `10.50` is `10.5`, `100.0` is `100`, and no exponent ever stands in it."""
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return str(value)
    if not is_sane(number):
        return str(value)
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _rounded(amount: Decimal, currency: str, rounding: str) -> Money:
    return Money.from_major(amount.quantize(Decimal(1).scaleb(-exponent(currency)), rounding=rounding), currency)
