"""How often a caller may ask: `100/second`, `20 per minute`, `1000/2 hour`."""

from typing import Final

import limits

MOST: Final = 100_000
LONGEST_S: Final = 24 * 3600


def read_rate(text: str) -> limits.RateLimitItem:
    """The rate that a text names.

    Raises:
        ValueError: it names none; the message says what one is like.
    """
    try:
        [rate] = limits.parse_many(text)
        fits = 1 <= rate.amount <= MOST and 1 <= rate.get_expiry() <= LONGEST_S
    except (ValueError, OverflowError):
        fits = False
    if not fits:
        raise ValueError(f"must be like 100/second or 20/minute: at most {MOST} in at most a day")
    return rate
