"""Amounts as PayPal writes them: decimal texts, with two decimals in every currency but three that have none.

Source: developer.paypal.com, Currency codes.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from infra.sandbox.paypal.refusing import invalid, unprocessable

CURRENCIES: Final = frozenset(
    [
        "AUD",
        "BRL",
        "CAD",
        "CHF",
        "CNY",
        "CZK",
        "DKK",
        "EUR",
        "GBP",
        "HKD",
        "HUF",
        "ILS",
        "JPY",
        "MXN",
        "MYR",
        "NOK",
        "NZD",
        "PHP",
        "PLN",
        "SEK",
        "SGD",
        "THB",
        "TWD",
        "USD",
    ]
)
_WHOLE: Final = frozenset({"HUF", "JPY", "TWD"})
_NO_MINOR: Final = frozenset({"JPY"})
_SHAPE: Final = re.compile(r"-?[0-9]{1,32}(?:\.[0-9]{1,30})?")
_CODE: Final = re.compile(r"[A-Z]{3}")
_LONGEST: Final = 32
_MOST_MINOR: Final = 999_999_999_99
_DECIMALS: Final = 2
_FEE_PERCENT_HUNDREDTHS: Final = 349
_FIXED_FEE_MINOR: Final = 49


@dataclass(frozen=True, slots=True)
class Sum:
    """An amount in minor units of ISO 4217."""

    currency: str
    minor: int

    def written(self) -> dict[str, str]:
        """As PayPal writes it."""
        sign, minor = ("-" if self.minor < 0 else ""), abs(self.minor)
        if self.currency in _NO_MINOR:
            return {"currency_code": self.currency, "value": f"{sign}{minor}"}
        whole, rest = divmod(minor, 100)
        value = f"{whole}" if self.currency in _WHOLE else f"{whole}.{rest:02d}"
        return {"currency_code": self.currency, "value": f"{sign}{value}"}

    def of(self, minor: int) -> "Sum":
        """Another amount in the same currency."""
        return Sum(self.currency, minor)


def read_sum(value: Any, field: str) -> Sum:
    """An amount above zero, as a request must say it.

    Raises:
        Refused: it is missing, written wrongly, not above zero, or in a currency that is not taken.
    """
    found = read_any_sum(value, field)
    if found.minor <= 0:
        raise unprocessable("CANNOT_BE_ZERO_OR_NEGATIVE", "Must be greater than zero.", field=f"{field}/value")
    return found


def read_any_sum(value: Any, field: str) -> Sum:
    """An amount that may be zero; raises as `read_sum`."""
    if not isinstance(value, Mapping):
        raise invalid("MISSING_REQUIRED_PARAMETER", field)
    currency, text = value.get("currency_code"), value.get("value")
    for name, part in (("currency_code", currency), ("value", text)):
        if part is None:
            raise invalid("MISSING_REQUIRED_PARAMETER", f"{field}/{name}")
    if not isinstance(text, str) or len(text) > _LONGEST or not _SHAPE.fullmatch(text):
        raise invalid("INVALID_PARAMETER_SYNTAX", f"{field}/value")
    if not isinstance(currency, str) or not _CODE.fullmatch(currency):
        raise unprocessable("INVALID_CURRENCY_CODE", field=f"{field}/currency_code")
    if currency not in CURRENCIES:
        raise unprocessable("CURRENCY_NOT_SUPPORTED", field=f"{field}/currency_code")
    return Sum(currency, _minor(currency, text, field))


def _minor(currency: str, text: str, field: str) -> int:
    whole, _, decimals = text.lstrip("-").partition(".")
    if currency in _WHOLE and decimals:
        raise unprocessable("DECIMALS_NOT_SUPPORTED", "Currency does not support decimals.", field=f"{field}/value")
    if len(decimals) > _DECIMALS:
        raise unprocessable("DECIMAL_PRECISION", field=f"{field}/value")
    minor = int(whole) if currency in _NO_MINOR else int(whole) * 100 + int(decimals.ljust(2, "0") or "0")
    if minor > _MOST_MINOR:
        raise unprocessable("MAX_VALUE_EXCEEDED", field=f"{field}/value")
    return -minor if text.startswith("-") else minor


def stored_sum(value: Mapping[str, str]) -> Sum:
    """An amount that stands in the books."""
    return read_any_sum(value, "amount")


def fee_of(taken: Sum) -> Sum:
    """What PayPal keeps of a payment: 3.49 % and a fixed part, never more than was paid, without a broken unit."""
    unit = 100 if taken.currency in _WHOLE - _NO_MINOR else 1
    percent = -(-taken.minor * _FEE_PERCENT_HUNDREDTHS // (10_000 * unit)) * unit
    return taken.of(min(taken.minor, percent + _FIXED_FEE_MINOR * unit))
