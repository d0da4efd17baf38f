"""Endpoints in PostgreSQL, as their owners change them."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID, uuid4

import asyncpg

from agents.deliveries.secrets import close_secret
from agents.deliveries.signing import new_secret
from agents.pool import FAILURES
from agents.sealing import Seal
from infra.gateway.subscriptions.sql import statement
from schemas.errors import StoreError

MOST_ENDPOINTS: Final = 50
"""Of one owner."""
MOST_SECRETS: Final = 5
"""That sign at one time; each makes every message longer."""


class EndpointStore:
    """Every method is about the owner's own endpoints; those of others are not there."""

    def __init__(self, pool: asyncpg.Pool, seal: Seal, owner: str) -> None:
        self._pool = pool
        self._seal = seal
        self._owner = owner

    async def add(
        self,
        url: str,
        event_types: Sequence[str],
        integrations: Sequence[str] | None,
        description: str | None,
        *,
        partitions: int,
    ) -> tuple[Any, str] | None:
        """The new endpoint and its secret; `None` when the owner has as many as one may have."""
        secret_id, secret = uuid4(), new_secret()
        sealed = close_secret(self._seal, secret_id, secret)
        row = await self._row(
            "add", uuid4(), self._owner, url, list(event_types), integrations, description, secret_id, sealed,
            partitions, MOST_ENDPOINTS,
        )  # fmt: skip
        return None if row is None else (row, secret)

    async def one(self, endpoint_id: UUID) -> Any:
        return await self._row("one", endpoint_id, self._owner)

    async def all(self) -> Sequence[Any]:
        return await self._rows("all", self._owner)

    async def standing(self, endpoint_ids: Sequence[UUID]) -> dict[UUID, Any]:
        """How those of them stand that are failing."""
        return {row["endpoint_id"]: row for row in await self._rows("standing", list(endpoint_ids))}

    async def change(
        self,
        endpoint_id: UUID,
        *,
        url: str | None = None,
        event_types: Sequence[str] | None = None,
        integrations: Sequence[str] | None = None,
        set_integrations: bool = False,
        description: str | None = None,
        status: str | None = None,
    ) -> Any:
        return await self._row(
            "change", endpoint_id, self._owner, url, event_types, integrations, set_integrations, description, status
        )

    async def enable(self, endpoint_id: UUID) -> Any:
        """Active again, and tried at once."""
        row = await self.change(endpoint_id, status="active")
        if row is not None:
            await self._rows("restart", endpoint_id)
        return row

    async def replay(self, endpoint_id: UUID, moment: Any) -> bool:
        return bool(await self._rows("replay", endpoint_id, self._owner, moment))

    async def remove(self, endpoint_id: UUID) -> bool:
        return await self._row("remove", endpoint_id, self._owner) is not None

    async def rotate(self, endpoint_id: UUID, overlap_s: float) -> str | None:
        """A further secret; `None` when too many are live."""
        secret_id, secret = uuid4(), new_secret()
        sealed = close_secret(self._seal, secret_id, secret)
        row = await self._row("rotate", endpoint_id, self._owner, secret_id, sealed, float(overlap_s), MOST_SECRETS)
        return None if row is None else secret

    async def ask_test(self, endpoint_id: UUID) -> str | None:
        row = await self._row("ask_test", endpoint_id, self._owner, f"test_{uuid4().hex}")
        return None if row is None else str(row["message_id"])

    async def deliveries(self, endpoint_id: UUID, limit: int) -> Sequence[Any]:
        return await self._rows("deliveries", endpoint_id, limit)

    async def _row(self, name: str, *arguments: object) -> Any:
        rows = await self._rows(name, *arguments)
        return rows[0] if rows else None

    async def _rows(self, name: str, *arguments: object) -> Sequence[Any]:
        try:
            return list(await self._pool.fetch(statement(name), *arguments))
        except FAILURES as failed:
            raise StoreError(f"endpoints cannot be looked up: {type(failed).__name__}") from failed
