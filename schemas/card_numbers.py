"""Finding card numbers where they do not belong.

A run of 12 to 19 digits, blanks or dashes between them allowed, is taken for a card number when its first digits are an
issuer's, its length is one that issuer uses, and the Luhn check holds.

Source: ISO/IEC 7812-1 (issuer ranges, check digit).
"""

import re
from typing import Final

_RUN: Final = re.compile(r"(?<![0-9A-Za-z])(?:[0-9][ -]?){12,18}[0-9](?![0-9A-Za-z])")
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")

_ISSUERS: Final = re.compile(
    r"4(?:[0-9]{12}|[0-9]{15}|[0-9]{18})"  # Visa
    r"|(?:5[1-5][0-9]{2}|222[1-9]|22[3-9][0-9]|2[3-6][0-9]{2}|27[01][0-9]|2720)[0-9]{12}"  # Mastercard
    r"|3[47][0-9]{13}"  # American Express
    r"|9792[0-9]{12}"  # Troy
    r"|(?:6011|64[4-9][0-9]|65[0-9]{2})[0-9]{12,15}"  # Discover, and Troy on Discover's range
    r"|35(?:2[89]|[3-8][0-9])[0-9]{12,15}"  # JCB
    r"|3(?:0[0-5]|[68][0-9])[0-9]{11,16}"  # Diners Club
    r"|62[0-9]{14,17}"  # UnionPay
    r"|(?:5018|5020|5038|5[6-8][0-9]{2}|6304|6759|676[1-3])[0-9]{8,15}"  # Maestro
)


def holds_card_number(text: str) -> bool:
    """Whether a card number stands in the text. UUIDs are passed over: their digit groups can look like one."""
    if len(text) < 12:  # noqa: PLR2004 - the shortest card number
        return False
    return any(_is_card(match.group()) for match in _RUN.finditer(_UUID.sub("", text)))


def mask_card_numbers(text: str) -> str:
    """The same text, each card number's digits but the last four replaced by `*`; the length stays."""
    if len(text) < 12:  # noqa: PLR2004 - the shortest card number
        return text
    return _RUN.sub(lambda match: _masked(match.group()) if _is_card(match.group()) else match.group(), text)


def _masked(run: str) -> str:
    return re.sub(r"[0-9](?=(?:[^0-9]*[0-9]){4})", "*", run)


def _is_card(run: str) -> bool:
    digits = run.replace(" ", "").replace("-", "")
    return _ISSUERS.fullmatch(digits) is not None and _luhn(digits)


def _luhn(digits: str) -> bool:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (2 if place % 2 else 1)
        total += doubled - 9 if doubled > 9 else doubled  # noqa: PLR2004 - the digits' sum of a two-digit number
    return total % 10 == 0
