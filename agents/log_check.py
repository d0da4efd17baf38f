"""Whether the ledger is behind the log: a database restored from an older backup would let money move twice."""

import json
from collections.abc import Mapping
from typing import Final
from uuid import UUID

import asyncpg

from agents.sql import statement
from schemas.errors import SettingsError, StoreError
from streams.kafka import KafkaAccess
from streams.reader import high_water_marks, replay
from streams.topics import Topics

TAIL: Final = 200
"""How many of the newest intents of each partition are looked up. A restored backup lacks the newest first."""


async def check_not_behind(access: KafkaAccess, topics: Topics, pool: asyncpg.Pool) -> None:
    """Compare the newest intents on Kafka with the ledger.

    An intent is written after its command was claimed, so that each of them names a command that the ledger knows;
    unless the ledger was restored to an earlier moment.

    Raises:
        SettingsError: the ledger lacks commands that were about to be sent.
        StoreError: Kafka or PostgreSQL does not answer.
    """
    intended = await _newest_intents(access, topics)
    if not intended:
        return
    try:
        rows = await pool.fetch(statement("unknown_commands"), list(intended))
    except (asyncpg.PostgresError, OSError) as failed:
        raise StoreError(f"the ledger cannot be compared with the log: {failed}") from failed
    if rows:
        example = intended[rows[0]["command_id"]]
        raise SettingsError(
            f"the ledger is behind the log: it lacks {len(rows)} of the newest {len(intended)} commands that were "
            f"about to be sent (one is {rows[0]['command_id']}, {example}). PostgreSQL was restored from an older "
            "backup, or DATABASE_URL names another hub's database; bring back the newer one before starting workers"
        )


async def _newest_intents(access: KafkaAccess, topics: Topics) -> Mapping[UUID, str]:
    name = topics.intents.name
    found: dict[UUID, str] = {}
    marks = await high_water_marks(access, name)
    starts = {partition: max(0, mark - TAIL) for partition, mark in marks.items()}
    async for record in replay(access, name, start=min(starts.values(), default=0)):
        if record.value is None or record.offset < starts.get(record.partition, 0):
            continue
        found[UUID(json.loads(record.value)["command_id"])] = f"{name} {record.partition}/{record.offset}"
    return found
