"""The registry made anew from its events, after PostgreSQL was lost: each of them carries the whole state."""

from collections.abc import AsyncIterable, Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import asyncpg

from agents.integrations.registry import Decided, keep, write
from agents.pool import FAILURES
from agents.sql import statement
from schemas.envelope import REPUBLISHED
from schemas.errors import HubError, StoreError, UnreadableRecord
from schemas.integrations import (
    INTEGRATION_RESULTS,
    IntegrationChange,
    IntegrationCommandRefused,
    IntegrationResult,
    RoutingRulePut,
    UserMapped,
)
from streams.codec import decode
from streams.records import RawRecord

_MODELS: Final[Mapping[str, type[IntegrationResult]]] = {model.type: model for model in INTEGRATION_RESULTS}


class RegistryStands(HubError):
    """The registry holds something already."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What was found: results, each once, and the number of the last change."""

    results: int
    revision: int


async def rebuild_registry(pool: asyncpg.Pool, records: AsyncIterable[RawRecord], *, over: bool) -> Rebuilt:
    """Put what the events say in the place of what is there, all in one transaction; workers follow by themselves.

    A command that comes again afterwards finds its result, and is not decided anew.

    Args:
        records: the topic of integration events, from its first record.
        over: also where the registry holds something already.

    Raises:
        RegistryStands: the registry holds something already.
        StoreError: PostgreSQL failed; nothing was changed.
    """
    found: dict[UUID, tuple[RawRecord, IntegrationResult]] = {}
    async for record in records:
        try:
            body = decode(_MODELS, record.key, record.value, record.readable_headers).body
        except UnreadableRecord:
            continue  # health and other facts lie there too
        found.setdefault(body.command_id, (record, body))
    changes = sorted(found.values(), key=lambda pair: revision_of(pair[1]))
    revision = max((revision_of(body) for _, body in changes), default=0)
    try:
        async with pool.acquire() as connection, connection.transaction():
            standing = await connection.fetchval(statement("registry_lock"))
            if standing and not over:
                raise RegistryStands(
                    f"the registry stands at revision {standing} already; it is made anew over that only with --over"
                )
            await connection.execute(statement("registry_clear"))
            for record, body in changes:
                await write(connection, body)
                headers = tuple((name, value or b"") for name, value in record.headers if name != REPUBLISHED)
                key = (record.key or b"").decode()
                await keep(connection, Decided(body.command_id, key, headers, record.value or b"", again=True), "", b"")
            await connection.execute(statement("registry_advance"), max(revision, standing))
    except FAILURES as failed:
        raise StoreError(f"the registry could not be made anew: {type(failed).__name__}: {failed}") from failed
    return Rebuilt(len(changes), revision)


def revision_of(body: IntegrationResult) -> int:
    """The revision that a result made; 0 for a refusal."""
    match body:
        case IntegrationCommandRefused():
            return 0
        case IntegrationChange(integration=state):
            return state.revision
        case UserMapped(mapping=mapping):
            return mapping.revision
        case RoutingRulePut(state=rule):
            return rule.revision
        case _:
            return body.revision
