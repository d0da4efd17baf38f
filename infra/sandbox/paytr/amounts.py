"""Money between text and kuruş, in the format that each service wants. No float anywhere.

Every currency that PayTR takes has two decimals, so one minor unit is a hundredth.
"""

import re
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from types import MappingProxyType
from typing import Final

from infra.sandbox.paytr.refusing import Refused

CURRENCIES: Final[Mapping[str, str]] = MappingProxyType(
    {"TL": "TL", "TRY": "TL", "EUR": "EUR", "USD": "USD", "GBP": "GBP", "RUB": "RUB"}
)

_KURUS: Final = re.compile(r"[0-9]{1,12}")
_DECIMAL: Final = re.compile(r"([0-9]{1,10})(?:\.([0-9]{1,2}))?")
_ONE: Final = Decimal(1)


def read_kurus(text: str, field: str, *, err_no: str | None = None) -> int:
    """A whole number of kuruş, above zero.

    Raises:
        Refused: it holds a dot, a comma, a sign, or is zero.
    """
    if not _KURUS.fullmatch(text) or int(text) == 0:
        raise Refused(f"{field} gecersiz", detail="kurus olarak tam sayi gonderin, or. 34.56 icin 3456", err_no=err_no)
    return int(text)


def read_decimal(text: str, field: str, *, err_no: str | None = None) -> int:
    """Kuruş of an amount in lira with a dot: `100.99`, `150`, `1500.3`.

    Raises:
        Refused: it holds a comma, a sign, three decimals, or is zero.
    """
    match = _DECIMAL.fullmatch(text)
    minor = int(match[1]) * 100 + int((match[2] or "").ljust(2, "0")) if match else 0
    if minor == 0:
        raise Refused(f"{field} gecersiz", detail="ayrac nokta olmali, or. 34.56", err_no=err_no)
    return minor


def dotted(minor: int) -> str:
    """`3456` to 34.56."""
    sign, whole = ("-", -minor) if minor < 0 else ("", minor)
    return f"{sign}{whole // 100}.{whole % 100:02}"


def with_comma(minor: int) -> str:
    """As the documents show an amount: a comma, and no more decimals than it needs (`1080` to 10,8)."""
    return dotted(minor).rstrip("0").rstrip(".").replace(".", ",")


def share(minor: int, percent: Decimal) -> int:
    """`percent` of an amount, half a kuruş upwards."""
    return int((minor * percent / 100).quantize(_ONE, ROUND_HALF_UP))


def grossed_up(minor: int, percent: Decimal) -> int:
    """What the buyer pays so that `percent` off it leaves `minor`: total ÷ ((100 - rate) ÷ 100)."""
    return int((minor * 100 / (100 - percent)).quantize(_ONE, ROUND_HALF_UP))
