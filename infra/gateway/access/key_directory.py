"""The API keys as a running gateway knows them: all in memory, read again whenever one changed.

Strangers cost no look into the database, however many keys they make up, and a key that was revoked opens nothing after
two seconds at the latest, in every process.
"""

import asyncio
import hmac
import logging
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final, Literal

import asyncpg

from agents.pool import FAILURES
from infra.gateway.access.key import ApiKey
from infra.gateway.access.key_text import Presented
from infra.gateway.sql import statement
from schemas.errors import StoreError

log = logging.getLogger(__name__)

POLL_S: Final = 0.5
"""Between two looks; what changed is known within two seconds."""
LOOK_AGAIN_S: Final = 0.25
"""For keys that are not known yet, at most so often over all requests. Each waits for a look that began after it came,
so that one which was made just now opens at once."""
STALE_S: Final = 10.0
"""How old the last look may be. Beyond it nobody can tell whether a key was revoked, and none opens."""
NOTE_USE_S: Final = 60.0
_DEADLINE_S: Final = 5.0
_NOBODYS: Final = bytes(32)

KeyRefusal = Literal["unknown", "revoked", "expired"]


class KeyDirectory:
    """Knows each key by its prefix, revoked and expired ones too, so that their use is told apart from a guess."""

    def __init__(
        self,
        pool: asyncpg.Pool,
        *,
        now: Callable[[], datetime],
        poll_s: float = POLL_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._pool = pool
        self._now = now
        self.poll_s = poll_s
        self._clock = clock
        self._keys: dict[str, ApiKey] = {}
        self._seen = 0
        self._looked_at = self._began_at = self._tried_at = float("-inf")
        self._failed = False
        self._looking = asyncio.Lock()
        self._used: dict[str, datetime] = {}

    async def find(self, presented: Presented) -> tuple[ApiKey | None, KeyRefusal | None]:
        """The key, and why it does not open; no key where nobody has it.

        Raises:
            StoreError: the keys were not looked at for too long.
        """
        known = presented.prefix in self._keys
        if not known:
            await self._look_again()
        # Of a key that is not known yet nothing can be said unless the last look went well.
        if self._clock() - self._looked_at > STALE_S or (not known and self._failed):
            raise StoreError("the API keys cannot be looked at: PostgreSQL does not answer")
        key = self._keys.get(presented.prefix)
        # Compared with something in every case, so that the time tells no prefix that exists from one that does not.
        right = hmac.compare_digest(_NOBODYS if key is None else key.digest, presented.digest)
        if key is None or not right:
            return None, "unknown"
        at = self._now()
        match key.state(at):
            case "revoked":
                return key, "revoked"
            case "expired":
                return key, "expired"
            case _:
                self._used[key.prefix] = at
                return key, None

    async def refresh(self) -> None:
        """Look once, and read what changed since.

        Raises:
            StoreError: PostgreSQL does not answer. What was known stays.
        """
        async with self._looking:
            await self._look()

    async def watch(self) -> None:
        """Look until cancelled, and note now and then which keys were used. An outage is waited out."""
        before, noted_at = "", self._clock()
        while True:
            await asyncio.sleep(self.poll_s)
            why = ""
            try:
                await self.refresh()
                if self._clock() - noted_at >= NOTE_USE_S:
                    noted_at = self._clock()
                    await self.note_use()
            except StoreError as failed:
                why = str(failed)
            if why and why != before:
                log.error("the API keys cannot be followed", extra={"why": why})
            before = why

    async def note_use(self) -> None:
        """Write down when keys were used last, all in one statement.

        Raises:
            StoreError: PostgreSQL does not answer; they are written down the next time.
        """
        if not self._used:
            return
        used, self._used = self._used, {}
        try:
            await self._ask("api_keys_used", list(used), list(used.values()))
        except StoreError:
            self._used = {**used, **self._used}
            raise

    async def _look_again(self) -> None:
        came_at = self._clock()
        async with self._looking:
            if self._began_at < came_at:
                await asyncio.sleep(max(0.0, self._tried_at + LOOK_AGAIN_S - self._clock()))
                await self._look()

    async def _look(self) -> None:
        self._began_at, self._failed = self._clock(), True
        try:
            [row] = await self._ask("api_key_revision")
            if row["value"] != self._seen:
                # A number that went back is a database that was put back to an older moment.
                whole = row["value"] < self._seen
                changed = await self._ask("api_keys_since", 0 if whole else self._seen)
                kept = {} if whole else self._keys
                self._keys = kept | {key.prefix: key for key in map(ApiKey.of, changed)}
                # As it was before they were read: what came meanwhile is read again the next time.
                self._seen = row["value"]
        finally:
            self._tried_at = self._clock()
        self._looked_at, self._failed = self._began_at, False

    async def _ask(self, name: str, *arguments: object) -> Sequence[Any]:
        try:
            rows: Sequence[Any] = await self._pool.fetch(statement(name), *arguments, timeout=_DEADLINE_S)
        except FAILURES as failed:
            raise StoreError(f"the API keys cannot be read: {type(failed).__name__}: {failed}") from failed
        return rows
