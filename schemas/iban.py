"""IBANs, whose digits can look like a card number.

Source: ISO 13616-1 (structure, mod-97 check), the IBAN registry (lengths).
"""

import re
from typing import Final

_REGISTRY: Final = (
    "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DK18 DO28 EE20 EG29 ES24 FI18 "
    "FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LI21 LT20 LU20 "
    "LV21 MC27 MD24 ME22 MK19 MR27 MT31 MU30 NL18 NO15 PK24 PL28 PS29 PT25 QA29 RO24 RS22 SA24 SC31 SE24 SI19 SK24 "
    "SM27 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20"
)
_LENGTHS: Final = {country[:2]: int(country[2:]) for country in _REGISTRY.split()}
_LONGEST_WRITTEN: Final = 80
"""Characters that the longest one takes, with blanks between its groups."""
_BEGINNING: Final = re.compile(r"(?<![0-9A-Za-z])([A-Za-z]{2})[0-9]{2}")


def stands_in_iban(text: str, place: int) -> bool:
    """Whether the character at `place` belongs to an IBAN whose check digits hold."""
    for match in _BEGINNING.finditer(text, max(place - _LONGEST_WRITTEN, 0), place + 4):
        length = _LENGTHS.get(match[1].upper())
        end = length and _end(text, match.start(), length)
        if end and match.start() <= place < end and _holds(text[match.start() : end]):
            return True
    return False


def _end(text: str, start: int, length: int) -> int | None:
    """Behind the `length`-th letter or digit, if at most one blank or dash stands between any two of them."""
    end = start
    while length:
        if end >= len(text):
            return None
        if text[end].isascii() and text[end].isalnum():
            length -= 1
        elif text[end] not in " -\xa0" or text[end - 1] in " -\xa0":
            return None
        end += 1
    return end


def _holds(spelled: str) -> bool:
    plain = "".join(character for character in spelled if character.isalnum())
    # Letters count as 10 to 35, which is what they are in base 36.
    return int("".join(str(int(character, 36)) for character in plain[4:] + plain[:4])) % 97 == 1


def is_iban(text: str) -> bool:
    """Whether the text, written without blanks, is an IBAN of its country's length whose check digits hold."""
    length = _LENGTHS.get(text[:2])
    return length == len(text) and text.isascii() and text.isalnum() and text[2:4].isdigit() and _holds(text)
