"""Reports of rate limits, to rows of `integration_rate_limits`."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from projections.entry import Entry
from schemas.integrations import RateLimitReported


class RateLimitRow(NamedTuple):
    integration_id: str
    operation: str
    process: str
    provider: str
    limit_calls: int | None
    window_ms: int | None
    allowed: int | None
    used: int
    throttled: int
    turned_away: int
    shared: bool
    closed_until: datetime | None
    resets_at: datetime | None
    event_source: str
    event_id: UUID
    reported_at: datetime

    @property
    def key(self) -> tuple[str, str, str]:
        return self.integration_id, self.operation, self.process

    @property
    def order(self) -> tuple[datetime, UUID]:
        """The later report of a process counts; the event's id decides between two of one moment."""
        return self.reported_at, self.event_id


def fold(entry: Entry) -> tuple[RateLimitRow, ...]:
    event, envelope = entry.body, entry.envelope
    if envelope is None or not isinstance(event, RateLimitReported):
        return ()
    row = RateLimitRow(
        integration_id=event.integration_id,
        operation=event.operation,
        process=event.process,
        provider=event.provider,
        limit_calls=event.limit_calls,
        window_ms=event.window_ms,
        allowed=event.allowed,
        used=event.used,
        throttled=event.throttled,
        turned_away=event.turned_away,
        shared=event.shared,
        closed_until=event.closed_until,
        resets_at=event.resets_at,
        event_source=envelope.source,
        event_id=envelope.id,
        reported_at=event.reported_at,
    )
    return (row,)


def latest(rows: list[RateLimitRow]) -> list[RateLimitRow]:
    """One row for each process and operation, in the order of their keys."""
    found: dict[tuple[str, str, str], RateLimitRow] = {}
    for row in rows:
        known = found.get(row.key)
        if known is None or known.order < row.order:
            found[row.key] = row
    return [found[key] for key in sorted(found)]
