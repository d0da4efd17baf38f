"""Times as PayTR writes them: those of Istanbul, without saying so."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Final
from zoneinfo import ZoneInfo

_ISTANBUL: Final = ZoneInfo("Europe/Istanbul")
_FORMS: Final = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d", "%d.%m.%Y %H:%M:%S", "%d.%m.%Y")


def written(at: datetime) -> str:
    return at.astimezone(_ISTANBUL).strftime(_FORMS[0])


def read(text: str | None) -> datetime | None:
    """The moment, in UTC; `None` for a form that was never met."""
    for form in _FORMS:
        try:
            return datetime.strptime(text or "", form).replace(tzinfo=_ISTANBUL).astimezone(UTC)
        except ValueError:
            continue
    return None


def whole_day(day: date) -> Mapping[str, str]:
    """The fields that ask for one of their days."""
    return {"start_date": f"{day.isoformat()} 00:00:00", "end_date": f"{day.isoformat()} 23:59:59"}
