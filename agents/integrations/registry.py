"""The registry in PostgreSQL: each order decided once, in one transaction with its result."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, assert_never
from uuid import UUID

import asyncpg

from agents.health import SOURCE
from agents.integrations.decide import Asked, House, Outstanding, Standing, decide
from agents.pool import FAILURES
from agents.sql import statement
from schemas.envelope import Envelope, Header
from schemas.errors import StoreError
from schemas.ids import result_id
from schemas.integrations import (
    IntegrationChange,
    IntegrationCommand,
    IntegrationCommandRefused,
    IntegrationResult,
    IntegrationState,
    MapUser,
    PutRoutingRule,
    RemoveIntegration,
    RemoveRoutingRule,
    RoutingRulePut,
    RoutingRuleRemoved,
    RuleState,
    UnmapUser,
    UserMapped,
    UserMapping,
    UserUnmapped,
)
from streams.codec import encode

_LOOK_S: Final = 600.0
"""How long the look at what is open may take: at a large account it goes through millions of rows."""


@dataclass(frozen=True, slots=True)
class Decided:
    """A command's one result, as it is published.

    Attributes:
        again: it was decided before.
    """

    command_id: UUID
    key: str
    headers: tuple[Header, ...]
    value: bytes
    again: bool


@dataclass(frozen=True, slots=True)
class Order:
    """An order as it was read.

    Attributes:
        digest: of the whole decoded command, its source included.
    """

    envelope: Envelope
    command: IntegrationCommand
    digest: bytes


class Registry:
    """Every method raises `StoreError` when PostgreSQL fails; a call that raised may be repeated."""

    def __init__(self, pool: asyncpg.Pool, house: House) -> None:
        self._pool = pool
        self._house = house
        # The database decides one order at a time anyway. Those that wait for it must not hold a connection each:
        # the ledger works on the same ones.
        self._turn = asyncio.Lock()

    async def settle(self, order: Order, *, at: datetime, traceparent: str | None) -> Decided | Literal["conflict"]:
        """Decide an order, or find what was decided; `conflict`: its id was used for another command."""
        outstanding = await self._outstanding(order.command)
        async with self._turn, _failing(), self._pool.acquire() as connection, connection.transaction():
            revision = await connection.fetchval(statement("registry_lock"))
            known = await connection.fetchrow(statement("registry_decided"), order.envelope.id)
            if known is not None:
                if known["digest"] not in {order.digest, b""}:
                    return "conflict"
                headers = tuple((name, value.encode()) for name, value in json.loads(known["headers"]))
                return Decided(order.envelope.id, order.command.key, headers, known["value"], again=True)
            asked = Asked(order.envelope.id, order.command, revision + 1, at)
            standing = await _standing(connection, order.command, outstanding)
            result = decide(asked, standing, self._house)
            if not isinstance(result, IntegrationCommandRefused):
                await write(connection, result)
                await connection.execute(statement("registry_advance"), asked.revision)
            decided = _decided(order, result, at, traceparent)
            await keep(connection, decided, order.envelope.source, order.digest)
            return decided

    async def _outstanding(self, command: IntegrationCommand) -> Outstanding:
        """Looked at before the transaction, since it may take long; at a disabled one it only shrinks."""
        if not isinstance(command, RemoveIntegration):
            return Outstanding()
        async with _failing():
            row = await self._pool.fetchrow(statement("registry_outstanding"), command.integration_id, timeout=_LOOK_S)
        return Outstanding(**dict(row))


async def write(connection: Any, result: IntegrationResult) -> None:
    """Bring the rows to what a result says; an older one changes nothing that is newer."""
    match result:
        case IntegrationChange(integration=state):
            await _write_integration(connection, result, state)
        case UserMapped(mapping=mapping):
            await connection.execute(
                statement("registry_put_mapping"),
                mapping.integration_id,
                mapping.user_id,
                mapping.revision,
                mapping.model_dump_json(),
            )
        case UserUnmapped():
            await connection.execute(
                statement("registry_drop_mapping"), result.integration_id, result.user_id, result.revision
            )
        case RoutingRulePut(state=rule):
            await connection.execute(
                statement("registry_put_rule"), rule.rule.rule_id, rule.revision, rule.model_dump_json()
            )
        case RoutingRuleRemoved():
            await connection.execute(statement("registry_drop_rule"), result.rule_id, result.revision)
        case IntegrationCommandRefused():
            return
        case _:
            assert_never(result)


async def keep(connection: Any, decided: Decided, source: str, digest: bytes) -> None:
    """Keep a result word for word."""
    headers = json.dumps([(name, value.decode()) for name, value in decided.headers])
    row = (decided.command_id, source, digest, headers, decided.value)
    await connection.execute(statement("registry_keep"), *row)


async def _write_integration(connection: Any, result: IntegrationChange, state: IntegrationState) -> None:
    name = state.integration_id
    row = (name, state.status, state.revision, state.model_dump_json(exclude_none=True))
    await connection.execute(statement("registry_put_integration"), *row)
    if state.status == "active":
        await connection.execute(statement("unhold"), name)
    else:
        why = getattr(result, "why", None) or f"the integration is {state.status}"
        await connection.execute(statement("hold"), name, result.by, why)
    if state.status == "removed":
        await connection.execute(statement("registry_drop_mappings"), name)


async def _standing(connection: Any, command: IntegrationCommand, outstanding: Outstanding) -> Standing:
    match command:
        case MapUser() | UnmapUser():
            integration = await _read(connection, IntegrationState, "registry_integration", command.integration_id)
            row = (command.integration_id, command.user_id)
            mapping = await _read(connection, UserMapping, "registry_mapping", *row)
            return Standing(integration, mapping=mapping)
        case PutRoutingRule():
            rule = await _read(connection, RuleState, "registry_rule", command.rule_id)
            rows = await connection.fetch(statement("registry_known"), sorted(command.rule.integration_ids))
            return Standing(rule=rule, known=frozenset(found["integration_id"] for found in rows))
        case RemoveRoutingRule():
            return Standing(rule=await _read(connection, RuleState, "registry_rule", command.rule_id))
        case _:
            integration = await _read(connection, IntegrationState, "registry_integration", command.integration_id)
            naming: Sequence[Any] = ()
            if isinstance(command, RemoveIntegration):
                naming = await connection.fetch(statement("registry_naming"), command.integration_id)
            return Standing(integration, naming=tuple(found["rule_id"] for found in naming), outstanding=outstanding)


async def _read(connection: Any, model: Any, name: str, *arguments: object) -> Any:
    text = await connection.fetchval(statement(name), *arguments)
    return None if text is None else model.model_validate_json(text)


def _decided(order: Order, result: IntegrationResult, at: datetime, traceparent: str | None) -> Decided:
    key = order.command.key
    envelope = Envelope(
        id=result_id(order.envelope.id), type=result.type, source=SOURCE, subject=key, time=at, traceparent=traceparent
    )
    record = encode("", key, envelope, result)
    return Decided(order.envelope.id, key, record.headers, record.value or b"", again=False)


@asynccontextmanager
async def _failing() -> AsyncIterator[None]:
    try:
        yield
    except FAILURES as failed:
        raise StoreError(f"the registry failed: {type(failed).__name__}: {failed}") from failed
