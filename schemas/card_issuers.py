"""Which digits can be a card number: issuers' ranges with the lengths that they use, and the check digit.

Source: ISO/IEC 7812-1 (issuer ranges, check digit); the card schemes' own ranges and lengths.
"""

import re
from typing import Final

SHORTEST: Final = 13
LONGEST: Final = 19
FIRST_DIGITS: Final = frozenset("234569")

_RANGES: Final = re.compile(
    r"4(?:[0-9]{12}|[0-9]{15}|[0-9]{18})"  # Visa
    r"|(?:5[1-5][0-9]{2}|222[1-9]|22[3-9][0-9]|2[3-6][0-9]{2}|27[01][0-9]|2720)[0-9]{12}"  # Mastercard
    r"|3[47][0-9]{13}"  # American Express
    r"|9792[0-9]{12}"  # Troy
    r"|(?:6011|64[4-9][0-9]|65[0-9]{2})[0-9]{12}(?:[0-9]{3})?"  # Discover, and Troy on Discover's range
    r"|35(?:2[89]|[3-8][0-9])[0-9]{12}"  # JCB
    r"|36[0-9]{12}(?:[0-9]{2})?|3(?:0[0-5]|[89][0-9])[0-9]{13}"  # Diners Club
    r"|220[0-4][0-9]{12}(?:[0-9]{3})?"  # Mir
    r"|62[0-9]{14,17}"  # UnionPay
    r"|(?:5018|5019|5020|5038|5[6-8][0-9]{2}|6304|6759|676[1-3])[0-9]{12}(?:[0-9]{2,3})?"  # Maestro, Dankort
)
_DOUBLED: Final = bytes.maketrans(b"0123456789", b"0246813579")


def is_card_number(digits: str) -> bool:
    """Whether ASCII digits are an issuer's, of a length that it uses, and their check digit holds."""
    return _RANGES.fullmatch(digits) is not None and _luhn(digits)


def _luhn(digits: str) -> bool:
    spelled = digits.encode()
    # Summed as character codes: each of the `len(digits)` digits counts 48 (`0`) too much.
    total = sum(spelled[::-2]) + sum(spelled[-2::-2].translate(_DOUBLED)) - 48 * len(spelled)
    return total % 10 == 0
