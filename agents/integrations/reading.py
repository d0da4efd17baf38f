"""What the registry holds, read. Every function raises `StoreError` when PostgreSQL fails."""

from collections.abc import Sequence
from typing import Any, TypeVar

import asyncpg
from pydantic import BaseModel

from agents.pool import FAILURES
from agents.sql import statement
from schemas.errors import StoreError
from schemas.integrations import IntegrationState, RuleState, UserMapping

M = TypeVar("M", bound=BaseModel)


async def last_revision(pool: asyncpg.Pool) -> int:
    """The number of the last change."""
    [row] = await _rows(pool, "registry_revision")
    return int(row["value"])


async def integrations(pool: asyncpg.Pool) -> list[IntegrationState]:
    """All integrations, the removed ones too, by id."""
    return await _states(pool, IntegrationState, "registry_integrations")


async def integration(pool: asyncpg.Pool, integration_id: str) -> IntegrationState | None:
    """One integration; `None` when there never was one of this id."""
    found = await _states(pool, IntegrationState, "registry_integration", integration_id)
    return found[0] if found else None


async def users(pool: asyncpg.Pool, integration_id: str) -> list[UserMapping]:
    """Who uses an integration."""
    return await _states(pool, UserMapping, "registry_mappings", integration_id)


async def used_by(pool: asyncpg.Pool) -> dict[str, tuple[str, ...]]:
    """By user, seller or store, the integrations that it is mapped to."""
    return {row["user_id"]: tuple(row["integration_ids"]) for row in await _rows(pool, "registry_used_by")}


async def rules(pool: asyncpg.Pool) -> list[RuleState]:
    """All routing rules, by id."""
    return await _states(pool, RuleState, "registry_rules")


async def _states(pool: asyncpg.Pool, model: type[M], name: str, *arguments: object) -> list[M]:
    return [model.model_validate_json(row["state"]) for row in await _rows(pool, name, *arguments)]


async def _rows(pool: asyncpg.Pool, name: str, *arguments: object) -> Sequence[Any]:
    try:
        rows: Sequence[Any] = await pool.fetch(statement(name), *arguments)
    except FAILURES as failed:
        raise StoreError(f"the registry cannot be read: {type(failed).__name__}: {failed}") from failed
    return rows
