"""Writing the audit log."""

from collections.abc import Sequence

from projections.audit.chain import GENESIS
from projections.audit.fold import AuditRow, fold
from projections.columns import tidy
from projections.entry import Entry, Place
from projections.projection import Connection, Projection
from projections.statements import SHADOW, statement
from streams.topics import Topic, Topics


def audited(topics: Topics) -> tuple[Topic, ...]:
    """The topics under audit: all events. Commands are not: they hold personal data and go after days."""
    return (
        topics.payment_events,
        topics.intents,
        topics.provider_calls,
        topics.integration_events,
        topics.webhook_events,
        topics.access_events,
        topics.privacy_events,
        topics.dead_letters,
    )


async def heads(connection: Connection, places: Sequence[Place], shadow: str = "") -> dict[Place, tuple[int, bytes]]:
    """Offset and hash of the last row of each place that has one."""
    topics, partitions = [place[0] for place in places], [place[1] for place in places]
    rows = await connection.fetch(statement("audit/heads", shadow), topics, partitions)
    return {(row["topic"], row["partition"]): (row["offset"], row["hash"]) for row in rows}


async def _write(connection: Connection, entries: Sequence[Entry], shadow: str) -> None:
    if not entries:
        return
    places = sorted({entry.place for entry in entries})
    last = {place: head[1] for place, head in (await heads(connection, places, shadow)).items()}
    rows: list[AuditRow] = []
    for entry in entries:
        row = fold(entry, last.get(entry.place, GENESIS))
        last[entry.place] = row.hash
        rows.append(row)
    # COPY, since these rows are only ever added: the position's lock keeps everyone else out, so none can be there.
    await connection.copy_records_to_table(
        f"integration_audit_logs{shadow}", columns=AuditRow._fields, records=tidy(rows)
    )


async def _carry(connection: Connection, topic: str, partition: int, below: int) -> None:
    await connection.execute(statement("audit/carry", SHADOW), topic, partition, below)


AUDIT = Projection("audit", ("integration_audit_logs",), (), audited, _write, _carry)
