"""Times and ranges of times in a query: RFC 3339."""

from datetime import datetime

from infra.sandbox.paypal.call import Call
from infra.sandbox.paypal.refusing import invalid

Range = tuple[int, int]
"""From the first to the last millisecond, both within."""


def read_range(call: Call, start: str, end: str) -> Range:
    """The range that two parameters of the query name.

    Raises:
        Refused: one is missing or no time, or the end lies before the start.
    """
    first, last = read_time(call, start), read_time(call, end)
    if last < first:
        raise invalid("INVALID_PARAMETER_VALUE", end)
    return first, last + 999


def read_time(call: Call, name: str) -> int:
    """Epoch milliseconds.

    Raises:
        Refused: it is missing, or no time with an offset.
    """
    text = call.query.get(name)
    if not text:
        raise invalid("MISSING_REQUIRED_PARAMETER", name)
    try:
        # A plus sign that nobody escaped arrives as a space.
        found = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError:
        raise invalid("INVALID_PARAMETER_SYNTAX", name) from None
    if found.tzinfo is None:
        raise invalid("INVALID_PARAMETER_SYNTAX", name)
    return round(found.timestamp() * 1000)


def in_range(at_ms: int, wanted: Range) -> bool:
    return wanted[0] <= at_ms <= wanted[1]
