"""Which master keys something may be sealed under: a process that lacks one of them does not start."""

from collections.abc import Iterable

import asyncpg

from agents.pool import FAILURES
from agents.sql import statement
from agents.vault.envelope import FORMAT
from agents.vault.keyring import KEY_ID_BYTES, KeyRing, UnknownMasterKey
from schemas.errors import StoreError


class MasterKeys:
    """The table `vault.master_keys`."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def check(self, ring: KeyRing) -> None:
        """Look whether the ring has every key that may be needed.

        Raises:
            UnknownMasterKey: it lacks one; the message names it.
        """
        for key_id in sorted({row["key_id"] for row in await self._fetch("master_keys", FORMAT, KEY_ID_BYTES)}):
            if key_id not in ring.ids:
                raise UnknownMasterKey(key_id)

    async def begin(self, ring: KeyRing) -> None:
        """Check, and note that this process seals with the ring's primary key from now on.

        Raises:
            UnknownMasterKey: see `check`; then nothing is noted.
        """
        await self.check(ring)
        await self._fetch("master_key_seen", ring.primary_id)

    async def retire(self, key_ids: Iterable[str]) -> tuple[str, ...]:
        """Note that nothing is under these keys any more; those that were not retired before."""
        return tuple(sorted(row["key_id"] for row in await self._fetch("master_keys_retire", list(key_ids))))

    async def _fetch(self, name: str, *arguments: object) -> list[asyncpg.Record]:
        try:
            return list(await self._pool.fetch(statement(name), *arguments))
        except FAILURES as failed:
            raise StoreError(f"the table of master keys cannot be read: {type(failed).__name__}") from failed
