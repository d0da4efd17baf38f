"""Money between text, minor units and the number styles that iyzico mixes in its answers. No float anywhere.

Every currency that iyzico takes has two decimals, so one minor unit is a hundredth.
"""

import re
from decimal import Decimal
from itertools import repeat

from infra.sandbox.iyzico.errors import Refused

CURRENCIES = frozenset({"TRY", "USD", "EUR", "GBP", "NOK", "CHF", "IRR", "RUB"})

_PRICE = re.compile(r"(-?)([0-9]{1,13})(?:\.([0-9]+))?")
_MINOR_DIGITS = 2
_LONGEST_NUMBER = 20
_EIGHT = Decimal("0.00000001")


def read_price(value: object, field: str) -> int:
    """Minor units of a request amount: text with a dot, or a JSON number, with at most two decimals.

    Raises:
        Refused: 5004 (missing), 5005 (not above zero), 11 (anything else: comma, exponent, a third decimal, too large).
    """
    if value is None or value == "":
        raise Refused("5004", detail=field)
    match = _PRICE.fullmatch(_as_text(value, field))
    if match is None:
        raise Refused("11", detail=f"{field} must be like 149.90, below 10 000 000 000 000")
    sign, whole, decimals = match[1], match[2], match[3] or ""
    minor = int(whole) * 100 + int(decimals[:_MINOR_DIGITS].ljust(_MINOR_DIGITS, "0"))
    if sign or (minor == 0 and not decimals[_MINOR_DIGITS:].strip("0")):
        raise Refused("5005", detail=field)
    if len(decimals) > _MINOR_DIGITS:
        raise Refused("11", detail=f"{field} has more than two decimals")
    return minor


def _as_text(value: object, field: str) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise Refused("11", detail=f"{field} must be a decimal text")
    # A number like 1e999999999 must not be written out.
    if abs(Decimal(value).adjusted()) > _LONGEST_NUMBER:
        raise Refused("11", detail=f"{field} is out of range")
    return format(Decimal(value), "f")


def two_decimals(minor: int) -> Decimal:
    """`120` to 1.20."""
    return Decimal(minor).scaleb(-_MINOR_DIGITS)


def short(minor: int) -> Decimal:
    """At least one decimal and no zero beyond it: `100` to 1.0, `120` to 1.2, `125` to 1.25."""
    return Decimal(minor // 10).scaleb(-1) if minor % 10 == 0 else two_decimals(minor)


def eight_decimals(amount: Decimal) -> Decimal:
    """Eight decimals, as lines and commissions are written: 0.33000000; zero becomes 0E-8, as the real one does."""
    return amount.quantize(_EIGHT)


def spread(total: int, weights: list[int]) -> list[int]:
    """Share `total` minor units by `weights` so that the parts add up exactly; the largest remainders get the rest."""
    whole = sum(weights)
    if whole == 0:
        return [0] * len(weights)
    parts = [total * weight // whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda index: -(total * weights[index] % whole))
    for index, extra in zip(by_remainder, repeat(1, total - sum(parts)), strict=False):
        parts[index] += extra
    return parts
