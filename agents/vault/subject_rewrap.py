"""Subjects' keys, as something that is rewrapped when the master key is rotated."""

import asyncpg

from agents.pool import FAILURES
from agents.sql import statement
from agents.vault.envelope import rewrap
from agents.vault.keyring import KeyRing
from agents.vault.subjects import KEY, LOOKUP, run_statement
from schemas.errors import StoreError


class SubjectKeys:
    """Brings subjects' keys, and the key of their lookups, under the ring's primary key."""

    name = "subject keys"

    def __init__(self, pool: asyncpg.Pool, ring: KeyRing) -> None:
        self._pool = pool
        self._ring = ring

    async def rewrap(self, limit: int) -> int:
        """Rewrap one batch, in one transaction.

        Returns:
            How many keys that were; 0 once none is left that nobody else has in hand.

        Raises:
            UnknownMasterKey: one is under a key that the ring lacks.
            StoreError: PostgreSQL failed, or a sealed key does not open.
        """
        primary = self._ring.primary_id
        try:
            async with self._pool.acquire() as connection, connection.transaction():
                state = await connection.fetchrow("select sealed_lookup, key_id from vault.subject_state for update")
                if state is not None and state["key_id"] != primary:
                    sealed = rewrap(self._ring, state["sealed_lookup"], LOOKUP)
                    await connection.execute(statement("subject_state_rewrap"), sealed, primary)
                    return 1
                rows = await connection.fetch(statement("subject_old"), primary, limit)
                if rows:
                    sealed_keys = [rewrap(self._ring, row["sealed_key"], KEY + row["subject"].bytes) for row in rows]
                    subjects = [row["subject"] for row in rows]
                    await connection.execute(statement("subject_rewrap"), subjects, sealed_keys, primary)
                return len(rows)
        except FAILURES as failed:
            raise StoreError(
                f"subjects' keys could not be rewrapped: {type(failed).__name__}; run it again"
            ) from failed

    async def left(self) -> int:
        """How many keys are under another master key than the primary one.

        Raises:
            StoreError: PostgreSQL failed.
        """
        (row,) = await run_statement(self._pool, "subject_left", self._ring.primary_id)
        return int(row[0])
