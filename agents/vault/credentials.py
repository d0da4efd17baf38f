"""Credentials of accounts in use: loaded once, kept sealed in memory, dropped when they change.

Nothing is open in memory but the value that a call is being signed with. A cached account is found under its
environment, its id and the number of its last change, so that what was loaded before a rotation is not found after it.
"""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from weakref import WeakValueDictionary

from agents.vault.box import Box, Boxed
from agents.vault.hiding import Hiding
from agents.vault.opening import OpeningCredentials
from agents.vault.store import CredentialStore, OpenVersion, Version, place_of
from providers.connector import LiveCredentials
from schemas.errors import StoreError

TTL_S: Final = 300.0
MOST: Final = 2_000
_LOAD_S: Final = 15.0

_Key = tuple[str, str, int]
"""Environment, integration, number of the integration's last change."""


@dataclass(frozen=True, slots=True)
class _Entry:
    good_until: datetime
    versions: tuple[tuple[Version, Mapping[str, Boxed]], ...]
    """The newest first."""


class CredentialCache:
    """The accounts of one process.

    Args:
        ttl_s: how long what was loaded is good, in seconds, whatever the store says of changes.
        most: accounts that are kept; the one that was not used for the longest goes first.
    """

    def __init__(
        self,
        store: CredentialStore,
        *,
        environment: str,
        now: Callable[[], datetime],
        ttl_s: float = TTL_S,
        most: int = MOST,
    ) -> None:
        self._store = store
        self._environment = environment
        self._now = now
        self._ttl = timedelta(seconds=ttl_s)
        self._most = most
        self._box = Box()
        self._hiding = Hiding(self._box)
        self._entries: OrderedDict[_Key, _Entry] = OrderedDict()
        self._loading: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._change = 0
        self._changes: dict[str, int] = {}
        self._ends: dict[str, datetime] = {}
        self._ended = 0

    async def load(self, integration_id: str, names: Sequence[str]) -> LiveCredentials | None:
        """The account's credentials that are live now; `None` when it has none, or lacks one of the names.

        Many that ask at once for the same account wait for one look into the store.

        Raises:
            UnknownMasterKey: they are sealed under a key that this process was not given.
            StoreError: the store failed, or they were changed there.
        """
        at = self._now()
        entry = await self._entry(integration_id, at)
        live = [
            OpeningCredentials(version, boxed)
            for version, boxed in entry.versions
            if version.is_live(at) and boxed.keys() >= set(names)
        ]
        newest = next((version for version, _ in entry.versions if version.is_live(at)), None)
        if newest is None or not set(names) <= set(newest.fields):
            return None
        return LiveCredentials(live[0], tuple(live[1:]))

    async def refresh(self) -> frozenset[str]:
        """Ask the store whether something changed, and drop what did; the integrations that were changed."""
        async with _deadline():
            change = await self._store.change()
            # A store that was restored to an earlier moment counts from less than we knew: then nothing is certain.
            since = self._change if change >= self._change else -1
            changed = frozenset[str]() if change == since else await self._store.changed_since(since)
        if since < 0:
            changed |= {integration_id for _, integration_id, _ in self._entries}
        for integration_id in changed:
            self._changes[integration_id] = change
            self.drop(integration_id)
        self._change = change
        return changed

    async def version(self) -> int:
        """A number that rises when anything that was handed out may not be good any more. Cheap: it is polled.

        It rises with each change in the store, with the end of an overlap, and with the end of an account's time here.
        """
        await self.refresh()
        at = self._now()
        for integration_id in list(self._ends):
            if self._end(integration_id, at):
                self.drop(integration_id)
        return self._change + self._ended

    def drop(self, integration_id: str) -> None:
        """Load this account anew at its next use."""
        self._ends.pop(integration_id, None)
        for key in [key for key in self._entries if key[1] == integration_id]:
            del self._entries[key]

    def hide(self, text: str) -> str:
        """The text without any secret that was ever loaded here."""
        return self._hiding.hide(text)

    async def _entry(self, integration_id: str, at: datetime) -> _Entry:
        lock = self._loading.get(integration_id)
        if lock is None:
            lock = self._loading[integration_id] = asyncio.Lock()
        async with lock:
            # The number of before the look: what changes meanwhile makes the entry one that is never found.
            key = self._key(integration_id)
            found = self._entries.get(key)
            if found is not None and found.good_until > at:
                self._entries.move_to_end(key)
                return found
            async with _deadline():
                opened = await self._store.live(integration_id, at)
            entry = self._closed(opened, at)
            self._entries[key] = entry
            self._entries.move_to_end(key)
            # Others may hold what has ended and was loaded anew here: the number has to rise for them.
            self._end(integration_id, at)
            ends = [version.live_until for version, _ in entry.versions if version.live_until is not None]
            self._ends[integration_id] = min([*ends, entry.good_until])
            while len(self._entries) > self._most:
                self._entries.popitem(last=False)
            return entry

    def _end(self, integration_id: str, at: datetime) -> bool:
        """Whether what was handed out of this account has ended; each end counts once."""
        ended = integration_id in self._ends and self._ends[integration_id] <= at
        if ended:
            del self._ends[integration_id]
            self._ended += 1
        return ended

    def _key(self, integration_id: str) -> _Key:
        return self._environment, integration_id, self._changes.get(integration_id, 0)

    def _closed(self, opened: Sequence[OpenVersion], at: datetime) -> _Entry:
        versions = []
        for one in opened:
            number, name_of = one.version.number, one.version.integration_id
            boxed = {}
            for name, secret in one.values.items():
                self._hiding.learn(secret)
                boxed[name] = self._box.close(secret, place_of(name_of, name, number))
            one.wipe()
            versions.append((one.version, boxed))
        return _Entry(at + self._ttl, tuple(versions))


@asynccontextmanager
async def _deadline() -> AsyncIterator[None]:
    """A look into the store that takes too long is the store's failure."""
    try:
        async with asyncio.timeout(_LOAD_S):
            yield
    except TimeoutError as late:
        raise StoreError(f"the store of credentials did not answer within {_LOAD_S:g} s") from late
