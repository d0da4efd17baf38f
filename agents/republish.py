"""`kolaj ledger republish`: what the ledger holds written into the log, after Kafka was lost.

Results go out word for word, marked as further copies, so that consumers and projections drop those that they know.
Intents go out too, so that the ledger can be rebuilt from the new log. What lies in the log already is left out, so
that it may be run again after a kill.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import asyncpg

from agents.ledger import Ask, Claim, ClaimStatus, Sending, StoredResult, read_routed
from agents.log_check import compared, marks_after, note
from agents.payments.dispute_facts import stored_fact
from agents.payments.ledger_keys import id_in
from agents.payments.records import PaymentRecords
from agents.pool import FAILURES
from agents.rebuild import refuse_members
from agents.rebuild_reading import command_of_result, read_intent
from agents.sql import statement
from schemas.errors import SettingsError, StoreError
from streams.codec import Outgoing
from streams.kafka import KafkaAccess
from streams.publisher import Publisher
from streams.stretches import bounds, stretches
from streams.topics import Topics

_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class Republished:
    """What was appended.

    Attributes:
        open: commands that were begun, have no result and do not lie parked; their publisher has to publish them again.
    """

    results: int
    intents: int
    open: tuple[UUID, ...]


async def republish(
    access: KafkaAccess, topics: Topics, groups: Iterable[str], pool: asyncpg.Pool, publisher: Publisher
) -> Republished:
    """Append every result and every intent of the ledger that the log does not hold.

    Args:
        groups: all groups that workers are in; none may have a member.

    Raises:
        SettingsError: workers run, or the ledger's tables are missing.
        StoreError: Kafka or PostgreSQL failed; run it again.
    """
    await refuse_members(access, groups)
    records = PaymentRecords(topics)
    try:
        async with pool.acquire() as connection, connection.transaction():
            incarnation = await connection.fetchval("select id from ledger.incarnation")

            def intent(row: Mapping[str, Any]) -> Sequence[Outgoing]:
                return (_intent(records, row, incarnation),)

            def result(row: Mapping[str, Any]) -> Sequence[Outgoing]:
                return results_again(records, row)

            await _look_up(access, topics, connection)
            intents = await _append(connection, publisher, "republish_attempts", intent)
            results = await _append(connection, publisher, "republish_results", result)
            rows = await connection.fetch(statement("republish_open"))
            await _mark(access, topics, connection, incarnation)
    except asyncpg.UndefinedTableError as missing:
        raise SettingsError("the ledger's tables are missing; run `kolaj migrate`") from missing
    except FAILURES as failed:
        raise StoreError(f"the ledger could not be read: {type(failed).__name__}: {failed}; run it again") from failed
    return Republished(results, intents, tuple(row["command_id"] for row in rows))


async def _look_up(access: KafkaAccess, topics: Topics, connection: Any) -> None:
    """Note what the log holds already."""
    await connection.execute(statement("republish_logged"))
    async for found in stretches(access, await bounds(access, compared(topics))):
        for place, records in found.items():
            if place[0] == topics.intents.name:
                intents = [intent for record in records if (intent := read_intent(record)) is not None]
                rows = [(intent.command_id, intent.attempt) for intent in intents]
            else:
                rows = [(command, 0) for record in records if (command := command_of_result(record)) is not None]
            await connection.copy_records_to_table("logged", records=rows)
    await connection.execute("create index on logged (command_id)")


async def _append(
    connection: Any, publisher: Publisher, name: str, records: Callable[[Mapping[str, Any]], Sequence[Outgoing]]
) -> int:
    """Append what each row comes to, and count the rows."""
    count = 0
    batch: list[Outgoing] = []
    async for row in connection.cursor(statement(name), prefetch=_AT_ONCE):
        batch += records(row)
        count += 1
        if len(batch) >= _AT_ONCE:
            await publisher.publish(batch)
            batch = []
    await publisher.publish(batch)
    return count


def results_again(records: PaymentRecords, row: Mapping[str, Any]) -> Sequence[Outgoing]:
    """A stored result word for word, and the fact about a dispute that was told with it."""
    headers = tuple((name, value.encode()) for name, value in row["result_headers"])
    stored = StoredResult(row["result_value"], headers)
    fact = stored_fact(stored)
    of_dispute = () if fact is None else (records.dispute_again(fact, None),)
    return (records.again(stored, str(id_in(row["key"]))), *of_dispute)


def _intent(records: PaymentRecords, row: Mapping[str, Any], incarnation: UUID) -> Outgoing:
    ask = Ask(row["key"], row["command_id"], row["command_type"], row["digest"])
    claim = Claim(ask, ClaimStatus.TAKEN, epoch=row["epoch"])
    sending = Sending(
        claim,
        row["number"],
        row["integration_id"],
        row["reference"],
        row["request_digest"],
        repeatable=False,
        routed=read_routed(row["routed"]),
    )
    return records.intent(sending, str(id_in(row["key"])), incarnation, row["sent_at"], None)


async def _mark(access: KafkaAccess, topics: Topics, connection: Any, incarnation: UUID) -> None:
    """From here on ledger and log are compared as they stand now."""
    names = compared(topics)
    await connection.execute("delete from ledger.log_marks where topic = any($1::text[])", names)
    lasts = {place: (end - 1, end) for place, (first, end) in (await bounds(access, names)).items() if first < end}
    async for found in stretches(access, lasts):
        await note(connection, incarnation, marks_after(found))
