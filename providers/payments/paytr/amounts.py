"""Money between the hub and PayTR: kuruş or decimals, as each address wants it. No amount passes through float."""

import re
from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Annotated, Any, Final

from pydantic import BeforeValidator

from providers.connector import Unsayable
from providers.outcome import UnusableAnswer
from schemas.money import Money
from schemas.payments import Reason

_AMOUNT: Final = re.compile(r"[0-9]{1,15}(?:[.,][0-9]{1,2})?")
_MOST_DECIMALS: Final = 2
_WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {"TRY": "TL", "EUR": "EUR", "USD": "USD", "GBP": "GBP", "RUB": "RUB"}
)
"""Their words for the currencies that they take; each has two decimals."""
_CURRENCIES: Final[Mapping[str, str]] = MappingProxyType({"TRY": "TRY", **{word: own for own, word in _WORDS.items()}})


def currency_word(currency: str) -> str:
    """Their word for a currency.

    Raises:
        Unsayable: they do not take it.
    """
    word = _WORDS.get(currency)
    if word is None:
        raise Unsayable(Reason.CURRENCY_NOT_PERMITTED, f"PayTR takes {', '.join(_WORDS)}, and not {currency}")
    return word


def to_kurus(amount: Money) -> str:
    """`34.56 TRY` to `3456`.

    Raises:
        Unsayable: in a currency that they do not take.
    """
    currency_word(amount.currency)
    return str(amount.minor)


def to_decimal(amount: Money) -> str:
    """`34.56 TRY` to `34.56`: a dot, two decimals.

    Raises:
        Unsayable: in a currency that they do not take.
    """
    currency_word(amount.currency)
    return f"{amount.major:.2f}"


def from_wire(amount: Decimal | None, currency: str | None, name: str) -> Money:
    """An amount of an answer. A missing one is never nothing: a payment would be booked as free.

    Raises:
        UnusableAnswer: amount or currency is missing, or the currency is a word that was never met.
    """
    known = _CURRENCIES.get(currency or "")
    if amount is None or known is None:
        raise UnusableAnswer(f"{name} or its currency is missing in a success, or no word that was met")
    return Money.from_major(amount, known)


def _amount(value: Any) -> Any:
    """Text with a comma or a dot, or a number. More than two decimals, or both signs, could be thousands."""
    if isinstance(value, str) and _AMOUNT.fullmatch(value):
        return Decimal(value.replace(",", "."))
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError("not an amount")  # noqa: TRY004 - pydantic turns only this class into an error of the field
    number = Decimal(value)
    if number < 0 or number != round(number, _MOST_DECIMALS):
        raise ValueError("not an amount")
    return number


def _amount_beside(value: Any) -> Any:
    try:
        return _amount(value)
    except ValueError:
        return None


Amount = Annotated[Decimal, BeforeValidator(_amount)]
AmountBeside = Annotated[Decimal | None, BeforeValidator(_amount_beside)]
"""One that nothing is decided by: what cannot be read of it is not known."""
