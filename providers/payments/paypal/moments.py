"""Times as PayPal tells them: RFC 3339."""

from datetime import UTC, datetime


def moment(text: str | None) -> datetime | None:
    """A time of theirs (RFC 3339); `None` for one that cannot be read, or says no offset."""
    try:
        read = None if text is None else datetime.fromisoformat(text)
        return None if read is None or read.tzinfo is None else read.astimezone(UTC)
    except (ValueError, OverflowError):  # the first and the last hours that can be written have no time by UTC
        return None
