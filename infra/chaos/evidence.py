"""What lies where when all is over: the log, the ledger, the provider's books, the tables. Read once, into values."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from infra.chaos.settle import count_parked
from infra.chaos.stage import Stage
from infra.demo.balance import TableTotal
from infra.sandbox.iyzico import BookedPayment, Books
from projections import PROJECTIONS
from projections.audit import verify
from projections.pool import open_pool
from projections.rebuild import differences
from schemas.envelope import REPUBLISHED, Envelope
from schemas.errors import UnreadableRecord
from schemas.payments import PAYMENT_COMMANDS, PAYMENT_EVENTS, PaymentCommand, PaymentEvent
from streams.codec import decode, digest
from streams.dead_letters import read_dead_letter
from streams.reader import replay
from streams.records import RawRecord

_COMMANDS: Final = {model.type: model for model in PAYMENT_COMMANDS}
_EVENTS: Final = {model.type: model for model in PAYMENT_EVENTS}

Place = tuple[int, int]
"""Partition and offset in the command topic."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A command as it stands first in the log."""

    command_id: UUID
    command: PaymentCommand
    place: Place


@dataclass(frozen=True, slots=True)
class Told:
    """A record of the events topic; `headers` without the mark of a further copy."""

    event_id: str
    event: PaymentEvent
    value: bytes
    headers: tuple[tuple[str, bytes], ...]
    place: Place


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """A command as the ledger has it; `references` are those that may have been sent."""

    state: str
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    references: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Evidence:
    """All of it.

    Attributes:
        asked: each command that can be read, in the order of the log.
        refused: places of records that nobody can take, and whether the record's own id can be read.
        dead: places that dead letters name.
        open_keys: keys that a command still holds.
        differences: what a rebuild of the tables would change, in words.
        audit: the audit chain's first difference, or `None`.
        unprojected: records of the hub's own that no projection could read.
    """

    asked: tuple[Asked, ...]
    refused: dict[Place, bool]
    told: tuple[Told, ...]
    dead: frozenset[Place]
    ledger: dict[UUID, LedgerRow]
    open_keys: int
    parked: int
    books: tuple[BookedPayment, ...]
    totals: tuple[TableTotal, ...]
    differences: tuple[str, ...]
    audit: str | None
    unprojected: int


async def gather(stage: Stage) -> Evidence:
    """Read everything; nothing may be at work any more.

    Raises:
        StoreError: Kafka or PostgreSQL does not answer.
    """
    settings = stage.settings
    access, topics = settings.kafka, settings.topics
    asked, refused = _commands([record async for record in replay(access, topics.payment_commands.name)])
    told = tuple([_told(record) async for record in replay(access, topics.payment_events.name)])
    letters = [read_dead_letter(record) async for record in replay(access, topics.dead_letters.name)]
    with Books(stage.books, read_only=True) as books:
        entries = books.entries()
    pool = await open_pool(settings.database_url.get_secret_value(), size=2)
    try:
        found = [
            f"{name.name}: only in {one.only_in}: {one.row}"
            for name in PROJECTIONS
            for one in await differences(access, pool, topics, name.name)
        ]
        report = await verify(access, pool, topics)
        return Evidence(
            asked=asked,
            refused=refused,
            told=told,
            dead=frozenset((letter.partition, letter.offset) for letter in letters),
            ledger=await _ledger(pool),
            open_keys=await pool.fetchval("select count(*) from ledger.keys where open_command is not null"),
            parked=await count_parked(pool),
            books=entries,
            totals=await _totals(pool),
            differences=tuple(found),
            audit=None if report.ok else str(report.difference),
            unprojected=await pool.fetchval(
                "select count(*) from projection_errors where topic <> $1", topics.payment_commands.name
            ),
        )
    finally:
        await pool.close()


def _commands(records: Sequence[RawRecord]) -> tuple[tuple[Asked, ...], dict[Place, bool]]:
    """Commands, and what is none: unreadable, or under the id of another command that stands before it."""
    asked: dict[UUID, Asked] = {}
    digests: dict[UUID, bytes] = {}
    refused: dict[Place, bool] = {}
    for record in records:
        place = (record.partition, record.offset)
        try:
            incoming = decode(_COMMANDS, record.key, record.value, record.readable_headers)
        except UnreadableRecord:
            refused[place] = _has_id(record)
            continue
        command_id = incoming.envelope.id
        meaning = digest(incoming.envelope, incoming.key, incoming.body)
        if digests.setdefault(command_id, meaning) != meaning:
            refused[place] = True
        elif command_id not in asked:
            asked[command_id] = Asked(command_id, incoming.body, place)
    return tuple(asked.values()), refused


def _has_id(record: RawRecord) -> bool:
    try:
        Envelope.read(record.readable_headers)
    except UnreadableRecord:
        return False
    return True


def _told(record: RawRecord) -> Told:
    headers = tuple(pair for pair in record.readable_headers if pair[0] != REPUBLISHED)
    event = decode(_EVENTS, record.key, record.value, record.readable_headers).body
    place = (record.partition, record.offset)
    return Told(record.text("ce_id") or "", event, record.value or b"", headers, place)


async def _ledger(pool: Any) -> dict[UUID, LedgerRow]:
    rows = await pool.fetch(
        "select c.command_id, c.state, c.result_value, c.result_headers, "
        "array(select a.reference from ledger.attempts a where a.command_id = c.command_id order by a.number) as sent "
        "from ledger.commands c"
    )
    return {
        row["command_id"]: LedgerRow(
            row["state"],
            row["result_value"],
            tuple((name, value.encode()) for name, value in json.loads(row["result_headers"] or "[]")),
            tuple(row["sent"]),
        )
        for row in rows
    }


async def _totals(pool: Any) -> tuple[TableTotal, ...]:
    rows = await pool.fetch(
        "select payment_id, captured, refunded, net from payment_totals where captured > 0 or refunded > 0"
    )
    return tuple(
        TableTotal(UUID(str(row["payment_id"])), int(row["captured"]), int(row["refunded"]), int(row["net"]))
        for row in rows
    )
