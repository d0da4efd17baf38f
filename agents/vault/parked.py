"""Parked records, as something that is rewrapped when the master key is rotated."""

from typing import Final
from uuid import UUID

import asyncpg

from agents.pool import FAILURES
from agents.sealing import Seal
from agents.sql import statement
from agents.vault.envelope import FORMAT
from agents.vault.keyring import KEY_ID_BYTES, KeyRing, UnknownMasterKey
from schemas.errors import StoreError


class ParkedRecords:
    """Goes through the parked records once, by command; what is parked meanwhile is under the newest key already."""

    name: Final = "parked records"

    def __init__(self, pool: asyncpg.Pool, seal: Seal) -> None:
        self._pool = pool
        self._seal = seal
        self._after = UUID(int=0)

    async def check(self, ring: KeyRing) -> None:
        """Look whether the ring has every key that a parked record names, whatever was noted as retired.

        Raises:
            UnknownMasterKey: it lacks one; the message names it.
            StoreError: PostgreSQL failed.
        """
        try:
            rows = await self._pool.fetch(statement("parked_keys"), FORMAT, KEY_ID_BYTES)
        except FAILURES as failed:
            raise StoreError(f"the parked records cannot be looked at: {type(failed).__name__}") from failed
        for row in sorted(rows, key=lambda row: str(row["key_id"])):
            if row["key_id"] not in ring.ids:
                raise UnknownMasterKey(row["key_id"])

    async def left(self) -> int:
        try:
            return int(await self._pool.fetchval(statement("parked_left"), self._seal.begins))
        except FAILURES as failed:
            raise StoreError(f"the parked records cannot be counted: {type(failed).__name__}") from failed

    async def rewrap(self, limit: int) -> int:
        try:
            rows = await self._pool.fetch(statement("parked_old"), self._seal.begins, self._after, limit)
            if rows:
                ids, was = [row["command_id"] for row in rows], [row["sealed"] for row in rows]
                now = [self._seal.rewrap(sealed, name) for name, sealed in zip(ids, was, strict=True)]
                await self._pool.execute(statement("parked_rewrap"), ids, was, now)
                self._after = ids[-1]
        except FAILURES as failed:
            raise StoreError(f"the parked records cannot be rewrapped: {type(failed).__name__}") from failed
        return len(rows)
