"""Amounts in Stripe's unit of each currency, and what can be charged.

Source: docs.stripe.com: Currencies, "Zero-decimal", "Three-decimal", "Special cases", "Minimum and maximum amounts".
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from infra.sandbox.stripe.fields import Fields
from infra.sandbox.stripe.refusing import Refused, invalid

WHOLE: Final = frozenset(
    ("bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf")
)
THOUSANDTHS: Final = frozenset(("bhd", "jod", "kwd", "omr", "tnd"))
_MULTIPLES: Final[Mapping[str, int]] = MappingProxyType(dict.fromkeys(THOUSANDTHS, 10) | {"isk": 100, "ugx": 100})
_LEAST: Final[Mapping[str, int]] = MappingProxyType(
    {
        "aed": 200,
        "aud": 50,
        "brl": 50,
        "cad": 50,
        "chf": 50,
        "czk": 1500,
        "dkk": 250,
        "eur": 50,
        "gbp": 30,
        "hkd": 400,
        "huf": 17500,
        "inr": 50,
        "jpy": 50,
        "mxn": 1000,
        "myr": 200,
        "nok": 300,
        "nzd": 50,
        "pln": 200,
        "ron": 200,
        "sek": 300,
        "sgd": 50,
        "thb": 1000,
        "usd": 50,
    }
)
"""Of others Stripe takes the worth of the account's own minimum, which goes by the day's rate; here, one."""
_MOST: Final = 999_999_999_999
_CODE: Final = re.compile(r"[a-z]{3}")
_OTHERS: Final = """
afn all amd ang aoa ars awg azn bam bbd bdt bgn bmd bnd bob bsd bwp byn bzd cdf cny cop crc cve dop dzd egp etb fjd fkp
gel gip gmd gtq gyd hnl htg idr ils isk jmd kes kgs khr kyd kzt lak lbp lkr lrd lsl mad mdl mkd mmk mnt mop mur mvr mwk
mzn nad ngn nio npr pab pen pgk php pkr qar rsd rub sar sbd scr shp sle sos srd std szl tjs top try ttd twd tzs uah ugx
uyu uzs wst xcd yer zar zmw
"""
CURRENCIES: Final = WHOLE | THOUSANDTHS | frozenset(_OTHERS.split()) | frozenset(_LEAST)
_FOLD: Final = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")


def read_currency(fields: Fields, name: str = "currency") -> str:
    """Raises: Refused: it is missing, or no currency that Stripe takes."""
    currency = fields.text(name).translate(_FOLD)
    if not _CODE.fullmatch(currency) or currency not in CURRENCIES:
        raise invalid(f"Invalid currency: {currency}.", fields.named(name))
    return currency


def read_amount(fields: Fields, name: str, currency: str) -> int:
    """An amount above nothing that the currency can say.

    Raises:
        Refused: it is missing, no whole number, not above nothing, or ends in a digit that has to be nothing.
    """
    fields.text(name)
    return _checked(fields, name, currency) or 0


def optional_amount(fields: Fields, name: str, currency: str) -> int | None:
    """The same of an amount that may be left out."""
    return _checked(fields, name, currency)


def require_chargeable(amount: int, currency: str, param: str) -> None:
    """Raises: Refused: it is less or more than can be charged."""
    least = _LEAST.get(currency, 1)
    if amount < least:
        message = f"Amount must be no less than {least} of {currency}'s unit."
        raise Refused(message, code="amount_too_small", param=param, executed=False)
    if amount > _MOST:
        raise Refused(
            "Amount must be no more than twelve digits.", code="amount_too_large", param=param, executed=False
        )


def _checked(fields: Fields, name: str, currency: str) -> int | None:
    amount = fields.number(name)
    if amount is None:
        return None
    if amount < 1:
        raise invalid("This value must be greater than or equal to 1.", fields.named(name), "parameter_invalid_integer")
    multiple = _MULTIPLES.get(currency, 1)
    if amount % multiple:
        raise invalid(f"Amounts of {currency} have to be multiples of {multiple}.", fields.named(name))
    return amount
