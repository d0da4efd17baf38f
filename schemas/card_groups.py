"""Digits in groups: which groups, taken together, are written as people and programs write a card number.

A number begins with a group and ends with one, at most three characters (blanks, dashes, dots) between any two of its
digits. Digits of every script count.
"""

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterator
from itertools import accumulate
from typing import Final

from schemas.card_issuers import FIRST_DIGITS, LONGEST, SHORTEST, is_card_number

_BETWEEN: Final = r"[\s\-._+\x00\xad\xb7\u200b-\u200d\u2010-\u2015\u2060\u2212\ufeff]"
_STRETCH: Final = re.compile(rf"\d(?:{_BETWEEN}{{0,3}}+\d){{{SHORTEST - 1},}}+")
"""Enough digits for a card number."""
_GROUP: Final = re.compile(r"\d+")
_FIRST_TWO: Final = frozenset({(4, 6), (4, 3), (6, 2)})
_UNUSUAL: Final = frozenset({(4, 6, 5), (4, 6, 4), (4, 6, 6), (4, 3, 3, 3), (6, 2, 4, 4)})


def grouped_card_numbers(text: str) -> Iterator[tuple[int, int]]:
    """From where and to where something has the digits of a card number, and its groups."""
    for stretch in _STRETCH.finditer(text):
        yield from _Groups(text, stretch.start(), stretch.end()).card_numbers()


class _Groups:
    """The groups of one stretch of digits. Looking through them takes time in proportion to their number."""

    def __init__(self, text: str, start: int, end: int) -> None:
        self._spans = [match.span() for match in _GROUP.finditer(text, start, end)]
        self._sizes = [last - first for first, last in self._spans]
        self._digits = _ascii("".join(text[first:last] for first, last in self._spans))
        self._ends = list(accumulate(self._sizes))
        # What stands before each group; the first one has nothing of the stretch before it, nor the end behind.
        between = [text[left[1] : right[0]] for left, right in zip(self._spans, self._spans[1:], strict=False)]
        self._before = [None, *between, None]
        self._run_ends = self._find_run_ends()

    def card_numbers(self) -> Iterator[tuple[int, int]]:
        for first, size in enumerate(self._sizes):
            begin = self._ends[first] - size
            if self._digits[begin] not in FIRST_DIGITS or not self._can_begin(first):
                continue
            last = bisect_left(self._ends, begin + SHORTEST, first)
            while last < len(self._ends) and self._ends[last] - begin <= LONGEST:
                if is_card_number(self._digits[begin : self._ends[last]]) and self._is_written_so(first, last):
                    yield self._spans[first][0], self._spans[last][1]
                last += 1

    def _find_run_ends(self) -> list[int]:
        """For each group the last one of as many digits each behind it, with the same between all of them."""
        ends = list(range(len(self._sizes)))
        for group in range(len(ends) - 2, -1, -1):
            behind = group + 1
            if self._sizes[group] == self._sizes[behind]:
                goes_on = ends[behind] == behind or self._before[behind] == self._before[behind + 1]
                ends[group] = ends[behind] if goes_on else behind
        return ends

    def _can_begin(self, first: int) -> bool:
        """Quick: false only where no card number begins, by the first two groups and what goes on around them."""
        size = self._sizes[first]
        if size >= SHORTEST or first + 1 == len(self._sizes):
            return True
        if (self._run_ends[first] - first + 1) * size > LONGEST and self._goes_on_before(
            first, self._before[first + 1]
        ):
            return False  # inside of a longer number in equal groups
        following = self._sizes[first + 1]
        return (
            size == following
            or size + following >= SHORTEST
            or (size, following) in _FIRST_TWO
            or (
                following == 3 if size <= 3 else size % 4 == following % 4 == 0  # noqa: PLR2004 - thousands, or fours
            )
        )

    def _is_written_so(self, first: int, last: int) -> bool:
        """Whether a card number is grouped like this, and is not a piece out of a longer number that is."""
        if first == last:
            return self._before[first] != "."  # else the digits of a fraction
        sizes = tuple(self._sizes[first : last + 1])
        blank = self._before[first + 1]
        if any(before != blank for before in self._before[first + 2 : last + 1]) or not _are_groups_of_a_card(sizes):
            return False
        if len(sizes) == 2 and blank == ".":  # noqa: PLR2004 - a decimal fraction
            return False
        behind = self._before[last + 1] == blank and self._sizes[last + 1] == sizes[0]
        return not (behind and self._goes_on_before(first, blank))

    def _goes_on_before(self, first: int, blank: str | None) -> bool:
        return first > 0 and self._before[first] == blank and self._sizes[first - 1] == self._sizes[first]


def _ascii(digits: str) -> str:
    return digits if digits.isascii() else "".join(str(unicodedata.decimal(digit)) for digit in digits)


def _are_groups_of_a_card(sizes: tuple[int, ...]) -> bool:
    if len(sizes) == 2:  # noqa: PLR2004 - one blank somewhere
        return min(sizes) >= 4  # noqa: PLR2004 - fewer digits are rather a number of their own beside another
    first, last = sizes[0], sizes[-1]
    if last <= first and sizes[:-1] == (first,) * (len(sizes) - 1):
        return True
    if first <= 3 and all(size == 3 for size in sizes[1:]):  # noqa: PLR2004 - a number with its dots
        return True
    return all(size % 4 == 0 for size in sizes[:-1]) or sizes in _UNUSUAL
