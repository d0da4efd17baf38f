"""Dates as PayTR writes and reads them: local to Türkiye, three hours ahead of UTC all year."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Final

from infra.sandbox.paytr.call import Call
from infra.sandbox.paytr.refusing import Refused

DAY_MS: Final = 24 * 60 * 60 * 1000
MOMENT: Final = "%Y-%m-%d %H:%M:%S"
DAY: Final = "%Y-%m-%d"
DOTTED_DAY: Final = "%d.%m.%Y"
DOTTED_MOMENT: Final = "%d.%m.%Y %H:%M:%S"
_ZONE: Final = timezone(timedelta(hours=3))


def written(at_ms: int, form: str) -> str:
    """An epoch moment as a text of theirs."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(_ZONE).strftime(form)


def read_moment(text: str, form: str, field: str) -> datetime:
    """A text of theirs as a moment.

    Raises:
        Refused: it is written otherwise.
    """
    try:
        return datetime.strptime(text, form).replace(tzinfo=_ZONE)
    except ValueError as error:
        raise Refused(f"{field} gecersiz", detail=form) from error


def read_span(call: Call, form: str, most_days: int) -> tuple[int, int]:
    """First and last millisecond of `start_date` to `end_date`.

    Raises:
        Refused: one is written otherwise, they are the wrong way round, or lie too far apart.
    """
    start = read_moment(call.form["start_date"], form, "start_date")
    end = read_moment(call.form["end_date"], form, "end_date")
    length = end - start + (timedelta(days=1, seconds=-1) if form == DAY else timedelta(0))
    if not timedelta(0) <= length < timedelta(days=most_days):
        raise Refused(f"Tarih araligi en fazla {most_days} gun olabilir")
    return round(start.timestamp() * 1000), round((start.timestamp() + length.total_seconds()) * 1000) + 999


def day_of(text: str) -> tuple[int, int]:
    """First and last millisecond of a day.

    Raises:
        Refused: it is written otherwise.
    """
    first_ms = round(read_moment(text, DAY, "date").timestamp() * 1000)
    return first_ms, first_ms + DAY_MS - 1
