"""Telling the log of endpoints that were disabled: what a transaction has noted is told, and then struck out."""

from typing import Final
from urllib.parse import urlsplit
from uuid import uuid5

import asyncpg

from agents.deliveries.sql import statement
from agents.pool import FAILURES
from schemas.endpoints import EndpointDisabled
from schemas.envelope import Envelope, rfc3339
from schemas.errors import StoreError
from streams.codec import Outgoing, encode
from streams.publisher import Publisher
from streams.topics import Topics

SOURCE: Final = "kolaj/sender"
_AT_ONCE: Final = 100


async def tell_disabled(pool: asyncpg.Pool, publisher: Publisher, topics: Topics) -> int:
    """Tell of those that are noted; how many. After a crash between the two they are told again, under the same ids.

    Raises:
        StoreError: a store failed.
    """
    try:
        async with pool.acquire() as connection, connection.transaction():
            rows = await connection.fetch(statement("untold"), _AT_ONCE)
            if rows:
                await publisher.publish([_record(topics, row) for row in rows])
                ids, moments = [row["endpoint_id"] for row in rows], [row["disabled_at"] for row in rows]
                await connection.execute(statement("told"), ids, moments)
    except FAILURES as failed:
        raise StoreError(f"endpoints that were disabled cannot be told of: {type(failed).__name__}") from failed
    return len(rows)


def _record(topics: Topics, row: asyncpg.Record) -> Outgoing:
    fact = EndpointDisabled(
        endpoint_id=row["endpoint_id"],
        owner=row["owner"],
        host=urlsplit(row["url"]).hostname or "",
        why=row["why"],
        detail=row["detail"],
        failures=row["failures"],
        disabled_at=row["disabled_at"],
    )
    told_id = uuid5(fact.endpoint_id, f"disabled/{rfc3339(fact.disabled_at)}")
    envelope = Envelope(id=told_id, type=fact.type, source=SOURCE, time=fact.disabled_at)
    return encode(topics.access_events.name, str(fact.endpoint_id), envelope, fact)
