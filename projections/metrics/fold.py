"""Calls to providers, to rows of `integration_metrics`."""

from collections.abc import Iterable
from datetime import datetime
from operator import add
from typing import NamedTuple

from projections.entry import Entry
from projections.metrics.histogram import BUCKETS, bucket_of
from schemas.provider_calls import ProviderCalled


class MetricRow(NamedTuple):
    integration_id: str
    provider: str
    operation: str
    minute: datetime
    outcome: str
    calls: int
    duration_us_sum: int
    duration_us_max: int
    buckets: tuple[int, ...]

    @property
    def key(self) -> tuple[str, str, str, datetime, str]:
        return self[:5]


def fold(entry: Entry) -> tuple[MetricRow, ...]:
    """One call counts in the minute it began in."""
    match entry.body:
        case ProviderCalled() as call:
            counts = [0] * BUCKETS
            counts[bucket_of(call.duration_us)] = 1
            minute = call.started_at.replace(second=0, microsecond=0)
            key = (call.integration_id, call.provider, call.operation, minute, call.outcome)
            return (MetricRow(*key, 1, call.duration_us, call.duration_us, tuple(counts)),)
        case _:  # other topics are not read, so this is a record that could not be
            return ()


def merge(one: MetricRow, other: MetricRow) -> MetricRow:
    """Two rows of one key as one: associative and commutative."""
    return MetricRow(
        *one.key,
        one.calls + other.calls,
        one.duration_us_sum + other.duration_us_sum,
        max(one.duration_us_max, other.duration_us_max),
        tuple(map(add, one.buckets, other.buckets)),
    )


def merged(rows: Iterable[MetricRow]) -> list[MetricRow]:
    """One row for each key, in the order of keys."""
    found: dict[tuple[str, str, str, datetime, str], MetricRow] = {}
    for row in rows:
        known = found.get(row.key)
        found[row.key] = row if known is None else merge(known, row)
    return [found[key] for key in sorted(found)]
