"""When a period ends."""

import calendar
from datetime import UTC, datetime
from typing import Any, Final

_DAY_S: Final = 24 * 3600
_DAYS: Final = {"day": 1, "week": 7}
_MONTHS: Final = {"month": 1, "year": 12}


def period_end(begins_s: int, recurring: dict[str, Any]) -> int:
    """A month later is the same day of the next month, or its last one."""
    interval, count = str(recurring["interval"]), int(recurring["interval_count"])
    if interval in _DAYS:
        return begins_s + _DAYS[interval] * count * _DAY_S
    begins = datetime.fromtimestamp(begins_s, UTC)
    months = begins.month - 1 + _MONTHS[interval] * count
    year, month = begins.year + months // 12, months % 12 + 1
    day = min(begins.day, calendar.monthrange(year, month)[1])
    return int(begins.replace(year=year, month=month, day=day).timestamp())
