"""Recomputes the audit log from Kafka and names the first row that differs."""

import json
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from projections import positions
from projections.audit.chain import GENESIS
from projections.audit.fold import AuditRow, fold
from projections.audit.write import AUDIT, heads
from projections.collector import collecting_seldom
from projections.columns import storable
from projections.entry import Entry, Place
from projections.projection import Connection
from projections.statements import statement
from projections.stretch import bounds, spans
from schemas.audit import AuditAnchored
from schemas.errors import UnreadableRecord
from streams.codec import decode
from streams.kafka import KafkaAccess
from streams.reader import replay
from streams.topics import Topics


@dataclass(frozen=True, slots=True)
class Difference:
    """The row at this place is not what the log gives. `detail` says in which columns, or that it is missing."""

    topic: str
    partition: int
    offset: int
    detail: str

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition} offset {self.offset}: {self.detail}"


@dataclass(frozen=True, slots=True)
class AuditReport:
    """`rows` and `anchors` were compared; `difference` is the first that was found, by topic, partition and offset."""

    rows: int
    anchors: int
    difference: Difference | None = None

    @property
    def ok(self) -> bool:
        return self.difference is None


@dataclass(frozen=True, slots=True)
class _Log:
    access: KafkaAccess
    connection: Connection
    topics: Topics
    stood: dict[Place, int]
    """Where the audit log stood when the comparison began."""


async def verify(access: KafkaAccess, pool: Any, topics: Topics) -> AuditReport:
    """Compare every audit row that was written with the record that it is of, and every anchor with its row.

    Rows of records that retention has deleted cannot be recomputed: the chain is taken up after them. Records that the
    projector has not reached yet are no difference.

    Raises:
        SettingsError: a topic does not exist.
        StoreError: Kafka does not answer.
    """
    names = AUDIT.topic_names(topics)
    places = sorted(await bounds(access, names))
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        # One snapshot, taken before the ends of the log are asked for: what is written meanwhile is left out.
        stored = await positions.read(connection, [AUDIT.name], places)
        log = _Log(access, connection, topics, {place: stored.get((AUDIT.name, *place), 0) for place in places})
        stretches = await bounds(access, names)
        report = AuditReport(0, 0)
        with collecting_seldom():
            for place in places:
                first, end = stretches[place]
                report = await _chain(log, place, (first, min(end, log.stood[place])), report)
                if not report.ok:
                    return report
            return await _anchors(log, report)


async def _chain(
    log: _Log,
    place: Place,
    stretch: tuple[int, int],
    report: AuditReport,
) -> AuditReport:
    previous = await _before(log.connection, place, stretch[0])
    async for found in spans(log.access, log.topics, {place: stretch}):
        span = found[place]
        rows = {row["offset"]: row for row in await log.connection.fetch(
            statement("audit/rows"), *place, span.start, span.stop)}  # fmt: skip
        for entry in span.entries:
            difference, previous = _compared(entry, rows.pop(entry.offset, None), previous)
            if difference is not None:
                return replace(report, difference=difference)
            report = replace(report, rows=report.rows + 1)
        for offset in sorted(rows):
            return replace(report, difference=Difference(*place, offset, "there is no such record in the log"))
    last = await heads(log.connection, [place])
    if place in last and last[place][0] >= stretch[1] > 0:
        beyond = Difference(*place, last[place][0], "the row lies beyond the log, or beyond what was read of it")
        return replace(report, difference=beyond)
    return report


async def _before(connection: Connection, place: Place, first: int) -> bytes:
    """The hash of the last row before the log begins; the start of the chain when there is none."""
    rows = await connection.fetch(statement("audit/before"), *place, first)
    return bytes(rows[0]["hash"]) if rows else GENESIS


def _compared(entry: Entry, row: Any, previous: bytes) -> tuple[Difference | None, bytes]:
    expected = fold(entry, previous)
    if row is None:
        return Difference(*entry.place, entry.offset, "the row is missing"), previous
    different = _columns(expected, row)
    if different:
        return Difference(*entry.place, entry.offset, f"{', '.join(different)} differ from the log"), previous
    return None, expected.hash


def _columns(expected: AuditRow, row: Any) -> list[str]:
    return [name for name in AuditRow._fields if not _same(name, getattr(expected, name), row[name])]


def _same(name: str, expected: Any, stored: Any) -> bool:
    if name in {"request_data", "response_data"}:
        # jsonb orders names and drops blanks; both are read as PostgreSQL reads them.
        return bool(_as_value(expected) == _as_value(stored))
    return bool(storable(expected) == stored)


def _as_value(text: str | None) -> Any:
    return None if text is None else json.loads(text, parse_float=Decimal)


async def _anchors(log: _Log, report: AuditReport) -> AuditReport:
    """Every anchor against its row. What cannot be read is not ours."""
    async for raw in replay(log.access, log.topics.audit_anchors.name, type=AuditAnchored.type):
        try:
            anchor = decode({AuditAnchored.type: AuditAnchored}, raw.key, raw.value, raw.readable_headers).body
        except UnreadableRecord:
            continue
        place = (anchor.topic, anchor.partition)
        if anchor.offset >= log.stood.get(place, 0):
            continue  # written since we began
        rows = await log.connection.fetch(statement("audit/rows"), *place, anchor.offset, anchor.offset + 1)
        head = bytes(rows[0]["hash"]).hex() if rows else "missing"
        if head != anchor.head:
            detail = f"its hash is {head}, and was anchored as {anchor.head}"
            return replace(report, difference=Difference(*place, anchor.offset, detail))
        report = replace(report, anchors=report.anchors + 1)
    return report
