"""Money in minor units. Source of currencies and exponents: the ISO 4217 list as kept by the `iso4217` package."""

import re
from datetime import datetime
from decimal import Context, Decimal
from functools import cache
from types import NoneType
from typing import Annotated, Any, Final, Self, TypeGuard
from uuid import UUID

from iso4217 import Currency
from pydantic import AfterValidator, Field, model_validator

from schemas.base import Frozen

INT64_MAX = 2**63 - 1

_PLAIN: Final = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?")
# Nothing is rounded at these lengths; the usual context would round at 28 digits.
_MAX_DIGITS: Final = 100
_EXACT: Final = Context(prec=2 * _MAX_DIGITS)


@cache
def exponent(currency: str) -> int:
    """How many decimals the currency has: 2 for TRY, 0 for JPY, 3 for KWD.

    Raises:
        ValueError: the code is not a currency of ISO 4217, or has no minor unit (precious metals, test codes).
    """
    try:
        digits = Currency(currency).exponent
    except ValueError as unknown:
        raise ValueError(f"{currency!r} is not an ISO 4217 currency code; send three letters such as TRY") from unknown
    if digits is None:
        raise ValueError(f"{currency} has no minor unit in ISO 4217 and cannot be paid in")
    return digits


def _known(currency: str) -> str:
    exponent(currency)
    return currency


CurrencyCode = Annotated[str, Field(pattern=r"^[A-Z]{3}$"), AfterValidator(_known)]


class Money(Frozen):
    """An exact amount: `minor` counts the currency's smallest unit (kuruş, cent, fils, whole yen), within int64."""

    minor: Annotated[int, Field(ge=-INT64_MAX, le=INT64_MAX)]
    currency: CurrencyCode

    @classmethod
    def parse(cls, text: str, currency: str) -> Self:
        """Read a decimal with a dot, such as `12.50`.

        Raises:
            ValueError: not a plain decimal, or more decimals than the currency has, zeros apart.
        """
        if len(text) > _MAX_DIGITS or _PLAIN.fullmatch(text) is None:
            raise ValueError(f"{text[:_MAX_DIGITS]!r} is not a decimal number with a dot")
        return cls.from_major(Decimal(text), currency)

    @classmethod
    def from_major(cls, amount: Decimal, currency: str) -> Self:
        """The amount in major units, exactly.

        Raises:
            ValueError: it is not finite, or cannot be said in whole minor units.
        """
        # Bounded before it is written out: "1e999999999" is short text and a very long number.
        if (
            not amount.is_finite()
            or len(amount.as_tuple().digits) > _MAX_DIGITS
            or abs(amount.adjusted()) > _MAX_DIGITS
        ):
            raise ValueError("an amount must be a finite number of reasonable length")
        digits = exponent(currency)
        minor = amount.scaleb(digits, _EXACT)
        if minor != minor.to_integral_value(context=_EXACT):
            raise ValueError(f"{amount} {currency} has more than {digits} decimals")
        return cls(minor=int(minor), currency=currency)

    @property
    def major(self) -> Decimal:
        return Decimal(self.minor).scaleb(-exponent(self.currency))

    def __str__(self) -> str:
        return f"{self.major:f} {self.currency}"

    def with_minor(self, minor: int) -> "Money":
        """Another amount of this currency: plain `Money`, since what is left of a price may be nothing."""
        return Money(minor=minor, currency=self.currency)


class Price(Money, extra="forbid"):
    """Money that somebody pays: above zero."""

    minor: Annotated[int, Field(gt=0, le=INT64_MAX)]


class Share(Money, extra="forbid"):
    """A part of a price that may be nothing: zero or more."""

    minor: Annotated[int, Field(ge=0, le=INT64_MAX)]


def _is_money(value: Any) -> TypeGuard[Money]:
    # Not by `isinstance`, which on models is slow: asked of every field, it was half the cost of reading a command.
    return Money in type(value).__mro__


_NO_MONEY: Final = frozenset({NoneType, bool, int, str, UUID, datetime})


class OneCurrency(Frozen):
    """A model all of whose money is in one currency."""

    @model_validator(mode="after")
    def _one_currency(self) -> Self:
        found: dict[str, str] = {}
        for name, value in self.__dict__.items():
            if type(value) in _NO_MONEY:
                continue
            for item in value if isinstance(value, tuple) else (value,):
                money = item if _is_money(item) else getattr(item, "__dict__", {}).get("price")
                if _is_money(money):
                    found.setdefault(money.currency, name)
        if len(found) > 1:
            (first, where), (second, other) = list(found.items())[:2]
            raise ValueError(f"{other} is in {second}, {where} in {first}; all amounts must be in one currency")
        return self
