r"""Finding card numbers where they do not belong.

A card number is digits that an issuer uses (see `card_issuers`), in one piece or in groups as people and programs write
them: `5528 7900 0000 0008`, `5528-7900-0000-0008`, one digit a line. Digits count in every script, and so do the many
blanks and dashes of Unicode. `\u0035` and `%35` are read as the digits that they stand for.

What only looks like one is passed over where that can be told: parts of UUIDs, of hexadecimal ids, of IBANs (by their
own check digits) and of decimal fractions. README and tests/unit/schemas/test_card_numbers_alarms.py have the rates.
"""

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote

from schemas.card_groups import grouped_card_numbers
from schemas.card_issuers import LONGEST, SHORTEST, is_card_number
from schemas.iban import stands_in_iban

_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_UUID_LENGTH: Final = 36
_WORD: Final = 64
"""Letters beside a number that are looked at, to tell whether all of it is a hexadecimal id."""
_HEXADECIMAL: Final = frozenset("0123456789abcdefABCDEF")
_ESCAPED: Final = re.compile(r"\\+u([0-9a-fA-F]{4})")

_ANY_DIGIT: Final = b"0123456789\xd9\xdb\xdf\xe0\xe1\xea\xef\xf0"
"""First bytes, in UTF-8, of the digits of all scripts."""
_ALIKE: Final = bytes.maketrans(_ANY_DIGIT, b"0" * len(_ANY_DIGIT))
_PASSED_OVER: Final = b"\0\t\n\v\f\r\x1c\x1d\x1e\x1f -._+\xc2\xe2\xe3" + bytes(range(0x80, 0xC0))
"""What may stand between digits, and the further bytes of longer characters."""
_LEAST: Final = 10 ** (SHORTEST - 1)
_MOST: Final = 10**LONGEST
_ENOUGH: Final = b"0" * SHORTEST


def may_hold_card_number(text: bytes) -> bool:
    """Quick: false only when `holds_card_number` would find nothing in this UTF-8, or in any part of it."""
    return _ENOUGH in text.translate(_ALIKE, _PASSED_OVER) or b"%" in text or b"\\u" in text


def holds_card_number(text: str) -> bool:
    """Whether a card number stands in the text."""
    if _is_free_of_any(text):
        return False
    return next(_found(text), None) is not None or _found_in_plain(text) is not None


def is_number_of_card(number: float) -> bool:
    """Whether a JSON number is a card number: `5528790000000008`, and `5.528790000000008e15` too."""
    if not _LEAST <= number <= _MOST:
        return False
    return is_card_number(str(int(number)))


def mask_card_numbers(text: str) -> str:
    r"""The same text, each card number's digits but the last four replaced by `*`; the length stays.

    Where only escapes hide one (`\u0035`), the text comes back without these escapes.
    """
    if _is_free_of_any(text):
        return text
    masked = _masked(text)
    plain = _found_in_plain(masked)
    return masked if plain is None else _masked(plain)


def _is_free_of_any(text: str) -> bool:
    """Quick, and true of most texts that are."""
    return len(text) < SHORTEST or not may_hold_card_number(text.encode("utf-8", "replace"))


def _found_in_plain(text: str) -> str | None:
    """The text without escapes, if it holds a card number then."""
    if "%" not in text and "\\u" not in text:
        return None
    plain = unquote(_ESCAPED.sub(lambda escape: chr(int(escape[1], 16)), text))
    return plain if plain != text and next(_found(plain), None) is not None else None


def _masked(text: str) -> str:
    # Again until nothing is found: what is left of one number may join the digits beside it.
    while spans := list(_found(text)):
        letters = list(text)
        for start, end in spans:
            digits = [place for place in range(start, end) if letters[place].isdecimal() or letters[place] == "*"]
            for place in digits[:-4]:
                letters[place] = "*"
        text = "".join(letters)
    return text


def _found(text: str) -> Iterator[tuple[int, int]]:
    """Where card numbers stand, from and to."""
    for start, end in grouped_card_numbers(text):
        if not _is_part_of_an_id(text, start, end):
            yield start, end


def _is_part_of_an_id(text: str, start: int, end: int) -> bool:
    around = max(start - _UUID_LENGTH, 0)
    for uuid in _UUID.finditer(text, around, end + _UUID_LENGTH):
        if uuid.start() < end and start < uuid.end():
            return True
    word_start, word_end = start, end
    while word_start > max(start - _WORD, 0) and _is_letter_or_digit(text[word_start - 1]):
        word_start -= 1
    while word_end < min(end + _WORD, len(text)) and _is_letter_or_digit(text[word_end]):
        word_end += 1
    beside = text[word_start:start] + text[end:word_end]
    if beside and _HEXADECIMAL.issuperset(beside):
        return True
    return stands_in_iban(text, start) or stands_in_iban(text, end - 1)


def _is_letter_or_digit(character: str) -> bool:
    return character.isascii() and character.isalnum()
