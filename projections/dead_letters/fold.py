"""Dead letters, to rows of `dead_letters`."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from projections.entry import Entry, moment


class DeadLetterRow(NamedTuple):
    topic: str
    partition: int
    offset: int
    reason: str
    field: str
    detail: str
    record_topic: str
    record_partition: int
    record_offset: int
    attempts: int
    masked: bool
    cut_from: int | None
    record_key: str
    record_type: str | None
    record_id: UUID | None
    died_at: datetime


def fold(entry: Entry) -> tuple[DeadLetterRow, ...]:
    dead, envelope = entry.dead, entry.envelope
    if dead is None:
        return ()
    row = DeadLetterRow(
        topic=entry.raw.topic,
        partition=entry.raw.partition,
        offset=entry.offset,
        reason=dead.reason,
        field=dead.field,
        detail=dead.detail,
        record_topic=dead.topic,
        record_partition=dead.partition,
        record_offset=dead.offset,
        attempts=dead.attempts,
        masked=dead.masked,
        cut_from=dead.cut_from,
        record_key=entry.key,
        record_type=envelope.type if envelope is not None else None,
        record_id=envelope.id if envelope is not None else None,
        died_at=moment(entry.raw.timestamp_ms),
    )
    return (row,)
