"""Recomputes the audit log from Kafka and names the first row that differs."""

import json
from collections.abc import Collection
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
from streams.reader import high_water_marks, replay
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
    """`rows` and `anchors` were compared; `difference` is the first that was found, by topic, partition and offset.

    Attributes:
        linked: rows whose records retention has deleted: only that they follow from each other was compared.
        elsewhere: rows of topics under another prefix, which were not compared.
    """

    rows: int
    anchors: int
    difference: Difference | None = None
    linked: int = 0
    elsewhere: int = 0

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
    anchored: dict[int, int]
    """By partition of the topic of anchors: where it ended before that."""


async def verify(access: KafkaAccess, pool: Any, topics: Topics) -> AuditReport:
    """Compare every audit row that was written with the record that it is of, and every anchor with its row.

    Rows of records that retention has deleted cannot be recomputed: that none was added, taken away or put elsewhere
    is compared, and not what they say. Records that the projector has not reached yet are no difference.

    Raises:
        SettingsError: a topic does not exist.
        StoreError: Kafka does not answer.
    """
    names = AUDIT.topic_names(topics)
    places = sorted(await bounds(access, names))
    # Before the snapshot: whatever is anchored by now was committed before it, and must be in it.
    anchored = await high_water_marks(access, topics.audit_anchors.name)
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        # One snapshot, taken before the ends of the log are asked for: what is written meanwhile is left out.
        stored = await positions.read(connection, [AUDIT.name], places)
        stood = {place: stored.get((AUDIT.name, *place), 0) for place in places}
        log = _Log(access, connection, topics, stood, anchored)
        stretches = await bounds(access, names)
        strays, elsewhere = await _strays(connection, names, places)
        report = AuditReport(0, 0, elsewhere=elsewhere)
        with collecting_seldom():
            for place in sorted({*places, *strays}):
                if place in strays:
                    return replace(report, difference=strays[place])
                first, end = stretches[place]
                report = await _chain(log, place, (first, min(end, log.stood[place])), report)
                if not report.ok:
                    return report
            return await _anchors(log, report)


async def _strays(
    connection: Connection, names: Collection[str], places: Collection[Place]
) -> tuple[dict[Place, Difference], int]:
    """Rows of partitions that our topics do not have, and how many there are of topics that are not ours."""
    strays, elsewhere = dict[Place, Difference](), 0
    for row in await connection.fetch(statement("audit/places")):
        place = (row["topic"], row["partition"])
        if place[0] not in names:
            elsewhere += row["rows"]
        elif place not in places:
            strays[place] = Difference(*place, row["first"], "there is no such partition")
    return strays, elsewhere


async def _chain(
    log: _Log,
    place: Place,
    stretch: tuple[int, int],
    report: AuditReport,
) -> AuditReport:
    report, previous = await _before(log.connection, place, stretch[0], report)
    if not report.ok:
        return report
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
    if place in last and last[place][0] >= stretch[1]:
        beyond = Difference(*place, last[place][0], "the row lies beyond the log, or beyond what was read of it")
        return replace(report, difference=beyond)
    return report


async def _before(connection: Connection, place: Place, first: int, report: AuditReport) -> tuple[AuditReport, bytes]:
    """Compares the links of the rows before the log begins; the last one's hash, or the start of the chain."""
    (row,) = await connection.fetch(statement("audit/before"), *place, first, GENESIS)
    if row["broken"] is not None:
        broken = Difference(*place, row["broken"], "the row does not follow from the one before it")
        return replace(report, difference=broken), GENESIS
    previous = GENESIS if row["hash"] is None else bytes(row["hash"])
    return replace(report, linked=report.linked + row["rows"]), previous


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
    return None if text is None else json.loads(text, parse_float=_number, parse_int=_number)


def _number(digits: str) -> tuple[str]:
    """As jsonb writes it: digits that were given stay, an exponent and the sign of zero do not.

    A tuple, so that it equals neither a text nor true, which Python takes for 1.
    """
    number = Decimal(digits)
    return (format(number or number.copy_abs(), "f"),)


async def _anchors(log: _Log, report: AuditReport) -> AuditReport:
    """Every anchor against its row. What cannot be read is not ours."""
    async for raw in replay(log.access, log.topics.audit_anchors.name, type=AuditAnchored.type):
        try:
            anchor = decode({AuditAnchored.type: AuditAnchored}, raw.key, raw.value, raw.readable_headers).body
        except UnreadableRecord:
            continue
        place = (anchor.topic, anchor.partition)
        if anchor.offset >= log.stood.get(place, 0):
            if raw.offset >= log.anchored.get(raw.partition, 0):
                continue  # written since we began
            detail = f"the row is missing, and all after it: {anchor.offset} was anchored; was the table put back?"
            return replace(report, difference=Difference(*place, log.stood.get(place, 0), detail))
        rows = await log.connection.fetch(statement("audit/rows"), *place, anchor.offset, anchor.offset + 1)
        head = bytes(rows[0]["hash"]).hex() if rows else "missing"
        if head != anchor.head:
            detail = f"its hash is {head}, and was anchored as {anchor.head}"
            return replace(report, difference=Difference(*place, anchor.offset, detail))
        report = replace(report, anchors=report.anchors + 1)
    return report
