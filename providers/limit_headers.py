"""What answers say of rate limits in their headers. Pure; a connector names the reader that fits its provider.

Sources: draft-ietf-httpapi-ratelimit-headers, revision 3 (`RateLimit-Limit`, `-Remaining`, `-Reset`) and revision 10
(`RateLimit: "name";r=…;t=…`); for `X-RateLimit-*` there is custom only, and its reset is seconds or a moment.
"""

import email.utils
import re
from typing import Final

from providers.connector import Answer, LimitReading

_MOST_DIGITS: Final = 10
_MEMBER: Final = re.compile(r'\s*(?:"[^"]*"|[A-Za-z*][\w.*-]*)\s*((?:;[^,;"]*(?:"[^"]*")?)*)\s*(?:,|$)')
_PARAMETER: Final = re.compile(r";\s*([a-z]+)=([0-9]{1,10})(?![0-9])")


def standard_limits(answer: Answer) -> LimitReading | None:
    """`RateLimit` as one field, else the three fields of its forerunner; of several windows the tightest counts."""
    field = answer.headers.get("ratelimit")
    if field is not None:
        return _tightest(field)
    return _three(answer, "ratelimit")


def x_limits(answer: Answer) -> LimitReading | None:
    """`X-RateLimit-*` whose reset is in seconds from now."""
    return _three(answer, "x-ratelimit")


def x_limits_until(answer: Answer) -> LimitReading | None:
    """`X-RateLimit-*` whose reset is a moment in Unix seconds, measured from the answer's own `Date`."""
    reading = _three(answer, "x-ratelimit")
    if reading is None or reading.reset_s is None:
        return reading
    try:
        sent_at = email.utils.parsedate_to_datetime(answer.headers.get("date", "")).timestamp()
    except (ValueError, OverflowError):
        return LimitReading(reading.limit, reading.remaining, None)
    return LimitReading(reading.limit, reading.remaining, max(0.0, reading.reset_s - sent_at))


def _three(answer: Answer, prefix: str) -> LimitReading | None:
    limit, remaining, reset = (_number(answer, f"{prefix}-{name}") for name in ("limit", "remaining", "reset"))
    if limit is None and remaining is None:
        return None
    return LimitReading(limit, remaining, None if reset is None else float(reset))


def _number(answer: Answer, name: str) -> int | None:
    """The first number: `100, 100;w=60` repeats the limit with its window."""
    text = answer.headers.get(name, "").split(",", 1)[0].split(";", 1)[0].strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS else None


def _tightest(field: str) -> LimitReading | None:
    found = []
    for member in _MEMBER.finditer(field):
        values = {name: int(number) for name, number in _PARAMETER.findall(member[1])}
        if "r" in values:
            reset = values.get("t")
            found.append(LimitReading(values.get("q"), values["r"], None if reset is None else float(reset)))
    return min(found, key=lambda reading: reading.remaining or 0, default=None)
