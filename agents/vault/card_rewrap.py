"""Cards and their codes, as something that is rewrapped when the master key is rotated."""

from typing import Final

import asyncpg

from agents.card_vault import CARD, CODE
from agents.pool import FAILURES
from agents.sql import statement
from agents.vault.envelope import beginning, rewrap
from agents.vault.keyring import KeyRing
from schemas.errors import StoreError


class Cards:
    """Brings the data keys of cards and codes under the ring's primary key; nothing of them is opened."""

    name: Final = "cards"

    def __init__(self, pool: asyncpg.Pool, ring: KeyRing) -> None:
        self._pool = pool
        self._ring = ring
        self._begins = beginning(ring)

    async def left(self) -> int:
        try:
            return int(await self._pool.fetchval(statement("card_left"), self._begins))
        except FAILURES as failed:
            raise StoreError(f"cards cannot be counted: {type(failed).__name__}") from failed

    async def rewrap(self, limit: int) -> int:
        """As `Rewrappable.rewrap`, up to `limit` of each. A card never changes, so that nothing is locked for it."""
        try:
            async with self._pool.acquire() as connection, connection.transaction():
                rows = await connection.fetch(statement("card_old"), self._begins, limit)
                for what, context in (("card", CARD), ("code", CODE)):
                    ours = [row for row in rows if row["what"] == what]
                    sealed = [rewrap(self._ring, row["sealed"], context + row["card_ref"].bytes) for row in ours]
                    refs = [row["card_ref"] for row in ours]
                    await connection.execute(statement(f"card_rewrap_{what}"), refs, sealed)
        except FAILURES as failed:
            raise StoreError(f"cards could not be rewrapped: {type(failed).__name__}; run it again") from failed
        return len(rows)
