"""Moments as Stripe tells them: whole seconds since 1970."""

from datetime import UTC, datetime
from typing import Final

_LAST_S: Final = 253_402_300_799
"""The end of the year 9999."""


def moment(seconds: int | None) -> datetime | None:
    """The moment; `None` for what is none: no decision hangs on it."""
    if seconds is None or not 0 <= seconds <= _LAST_S:
        return None
    return datetime.fromtimestamp(seconds, UTC)
