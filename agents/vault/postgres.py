"""Credentials in PostgreSQL, in the table `vault.integration_credentials`."""

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, Final

import asyncpg

from agents.pool import FAILURES
from agents.sql import statement
from agents.vault.envelope import SealBroken, open_sealed, rewrap, seal
from agents.vault.keyring import KeyRing
from agents.vault.secret import Secret
from agents.vault.store import CredentialConflict, NoSuchVersion, OpenVersion, Version, place_of
from schemas.errors import StoreError
from schemas.ids import new_id


class PostgresCredentials:
    """A `CredentialStore` on the hub's own database. Writers take turns; readers wait for nobody."""

    name: Final = "credentials"

    def __init__(self, pool: asyncpg.Pool, ring: KeyRing) -> None:
        self._pool = pool
        self._ring = ring

    async def put(
        self,
        integration_id: str,
        values: Mapping[str, Secret],
        *,
        by: str,
        at: datetime,
        follows: int,
        overlap_s: float = 0,
    ) -> Version:
        number = follows + 1
        sealed = {
            name: seal(self._ring, secret.reveal_bytes(), place_of(integration_id, name, number))
            for name, secret in values.items()
        }
        async with self._turn() as (connection, change):
            newest = await connection.fetchval(statement("credential_newest"), integration_id)
            if newest != follows:
                raise CredentialConflict(integration_id, newest)
            end = at + timedelta(seconds=overlap_s)
            await connection.execute(statement("credential_end"), integration_id, at, end, change)
            key_id = self._ring.primary_id
            rows = [
                (new_id(), integration_id, name, number, value, key_id, at, by, change)
                for name, value in sealed.items()
            ]
            await connection.executemany(statement("credential_put"), rows)
        return Version(integration_id, number, tuple(sorted(values)), at, by, live_from=at)

    async def live(self, integration_id: str, at: datetime) -> tuple[OpenVersion, ...]:
        rows = await self._fetch("credential_live", integration_id, at)
        return tuple(
            OpenVersion(_version(fields), {row["field"]: self._open(row) for row in fields}) for fields in _sets(rows)
        )

    async def revoke(self, integration_id: str, number: int, *, by: str, at: datetime) -> Version:
        async with self._turn() as (connection, change):
            rows = await connection.fetch(statement("credential_revoke"), integration_id, number, at, by, change)
            if not rows:
                raise NoSuchVersion(integration_id, number)
        return _version(rows)

    async def history(self, integration_id: str) -> tuple[Version, ...]:
        return tuple(map(_version, _sets(await self._fetch("credential_history", integration_id))))

    async def all_live(self, at: datetime) -> tuple[Version, ...]:
        return tuple(map(_version, _sets(await self._fetch("credential_all_live", at))))

    async def change(self) -> int:
        (row,) = await self._fetch("credential_change")
        return int(row["change"])

    async def changed_since(self, change: int) -> frozenset[str]:
        return frozenset(row["integration_id"] for row in await self._fetch("credential_changed", change))

    async def key_ids(self) -> frozenset[str]:
        return frozenset(row["key_id"] for row in await self._fetch("credential_key_ids"))

    async def left(self) -> int:
        (row,) = await self._fetch("credential_left", self._ring.primary_id)
        return int(row["count"])

    async def rewrap(self, limit: int) -> int:
        async with self._transaction() as connection:
            rows = await connection.fetch(statement("credential_old"), self._ring.primary_id, limit)
            moved = [(row["id"], self._rewrapped(row), self._ring.primary_id) for row in rows]
            await connection.executemany(statement("credential_rewrap"), moved)
        return len(rows)

    def _rewrapped(self, row: Any) -> bytes:
        try:
            return rewrap(self._ring, row["sealed"], _place(row))
        except SealBroken as bad:
            raise _spoiled(row) from bad

    def _open(self, row: Any) -> Secret:
        try:
            return Secret(open_sealed(self._ring, row["sealed"], _place(row)))
        except SealBroken as bad:
            raise _spoiled(row) from bad

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[tuple[Any, int]]:
        """A transaction in which nobody else changes credentials, and the number of the change."""
        async with self._transaction() as connection:
            yield connection, await connection.fetchval(statement("credential_turn"))

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[Any]:
        try:
            async with self._pool.acquire() as connection, connection.transaction():
                yield connection
        except FAILURES as failed:
            raise StoreError(f"the credentials in PostgreSQL cannot be changed: {type(failed).__name__}") from failed

    async def _fetch(self, name: str, *arguments: object) -> list[Any]:
        try:
            return list(await self._pool.fetch(statement(name), *arguments))
        except FAILURES as failed:
            raise StoreError(f"the credentials' statement `{name}` failed: {type(failed).__name__}") from failed


def _place(row: Any) -> bytes:
    return place_of(row["integration_id"], row["field"], row["version"])


def _spoiled(row: Any) -> SealBroken:
    return SealBroken(f"{row['integration_id']}, {row['field']}, version {row['version']}")


def _sets(rows: Iterable[Any]) -> list[list[Any]]:
    """Rows of fields, which come in order of their versions, as one list for each version."""
    return [list(fields) for _, fields in groupby(rows, key=lambda row: (row["integration_id"], row["version"]))]


def _version(fields: list[Any]) -> Version:
    first = fields[0]
    return Version(
        first["integration_id"],
        first["version"],
        tuple(sorted(row["field"] for row in fields)),
        first["created_at"],
        first["created_by"],
        first["live_from"],
        first["live_until"],
        first["revoked_at"],
        first["revoked_by"],
    )
