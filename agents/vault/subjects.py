"""Data subjects: each person that paid has a random name and a key of its own, and destroying the key erases them.

A subject is a publisher's buyer: `ce_source` and `buyer_id` together. The table holds neither, but a keyed hash of the
two. Its key is made from random bytes and stays the same when the master key is exchanged.
"""

import asyncio
import hashlib
import hmac
import os
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid4

import asyncpg

from agents.coalesce import Coalescer
from agents.pool import FAILURES
from agents.sql import statement
from agents.vault.envelope import open_sealed, seal
from agents.vault.keyring import KEY_BYTES, KeyRing, UnknownMasterKey
from schemas.errors import StoreError

KEY: Final = b"vault.subjects/key/1/"
LOOKUP: Final = b"vault.subject_state/lookup/1"
_TRIES: Final = 5


@dataclass(frozen=True, slots=True)
class Subject:
    """A data subject and the key that its fields are sealed under."""

    subject: UUID
    key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class KnownSubject:
    """What is known of one. `key` is `None` once it was erased."""

    subject: UUID
    key: bytes | None = field(repr=False)
    created_at: datetime
    erased_at: datetime | None


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A lookup, and the subject that it is to be if there is none."""

    lookup: bytes
    subject: UUID
    sealed_key: bytes


@dataclass(frozen=True, slots=True)
class _Cached:
    """As it lies in the table: the key is sealed in memory too, and opened for each use."""

    subject: UUID
    sealed_key: bytes
    read_at: float


class Subjects:
    """The subjects in PostgreSQL's schema `vault`.

    Args:
        ttl_s: how long a subject is remembered without asking again, in seconds. `refresh` forgets sooner.
        kept: how many are remembered at most.
        clock: seconds, monotonic.
    """

    def __init__(
        self,
        pool: asyncpg.Pool,
        ring: KeyRing,
        *,
        ttl_s: float = 300,
        kept: int = 10_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._pool = pool
        self._ring = ring
        self._ttl_s = ttl_s
        self._kept = kept
        self._clock = clock
        self._cached: OrderedDict[bytes, _Cached] = OrderedDict()
        self._lookup_key: bytes | None = None
        self._loading = asyncio.Lock()
        self._erasures: int | None = None
        self._unknown = Coalescer(self._find_or_make, identities=lambda wanted: (wanted.lookup,))

    async def aclose(self) -> None:
        """Wait for what is under way."""
        await self._unknown.aclose()

    async def of(self, source: str, buyer_id: str) -> Subject:
        """The subject of a publisher's buyer; a new one if there is none, or if an earlier one was erased.

        Raises:
            StoreError: PostgreSQL failed, a master key is missing, or a sealed key does not open.
        """
        lookup = await self._lookup(source, buyer_id)
        known = self._cached.get(lookup)
        if known is None or self._clock() - known.read_at >= self._ttl_s:
            known = await self._read(lookup)
        return Subject(known.subject, self._opened(known.sealed_key, known.subject))

    async def find(self, source: str, buyer_id: str) -> UUID | None:
        """The subject of a publisher's buyer, if there is one that was not erased.

        Raises:
            StoreError: as `of`.
        """
        rows = await self._run("subject_find", await self._lookup(source, buyer_id))
        return rows[0]["subject"] if rows else None

    async def known(self, subjects: Iterable[UUID]) -> dict[UUID, KnownSubject]:
        """What is known of these subjects. One that is missing was never here, or was lost with the database.

        Raises:
            StoreError: as `of`.
        """
        rows = await self._run("subject_keys", list(subjects))
        return {
            row["subject"]: KnownSubject(
                row["subject"],
                None if row["sealed_key"] is None else self._opened(row["sealed_key"], row["subject"]),
                row["created_at"],
                row["erased_at"],
            )
            for row in rows
        }

    async def refresh(self) -> None:
        """Forget what is remembered if anybody was erased since the last time.

        Raises:
            StoreError: PostgreSQL failed.
        """
        rows = await self._run("subject_erasures")
        erasures = rows[0]["erasures"] if rows else 0
        if erasures != self._erasures:
            self._cached.clear()
        self._erasures = erasures

    async def _lookup(self, source: str, buyer_id: str) -> bytes:
        if self._lookup_key is None:
            async with self._loading:
                self._lookup_key = self._lookup_key or await self._load_lookup_key()
        told = len(source.encode()).to_bytes(4, "big") + source.encode() + buyer_id.encode()
        return hmac.new(self._lookup_key, told, hashlib.sha256).digest()

    async def _load_lookup_key(self) -> bytes:
        made = seal(self._ring, os.urandom(KEY_BYTES), LOOKUP)
        (row,) = await self._run("subject_state", made, self._ring.primary_id)
        return self._open(row["sealed_lookup"], LOOKUP)

    async def _read(self, lookup: bytes) -> _Cached:
        subject = uuid4()  # not of version 7: when somebody first paid is nobody's business
        wanted = _Wanted(lookup, subject, seal(self._ring, os.urandom(KEY_BYTES), KEY + subject.bytes))
        for _ in range(_TRIES):
            before = self._erasures
            known = await self._unknown.one(wanted)
            if known is None:
                continue
            if before == self._erasures:  # else it may have been erased since it was read
                self._cached[lookup] = known
                self._cached.move_to_end(lookup)
                if len(self._cached) > self._kept:
                    self._cached.popitem(last=False)
            return known
        raise StoreError("a data subject is being made and erased again and again; try again")

    async def _find_or_make(self, batch: Sequence[_Wanted]) -> list[_Cached | None]:
        read_at = self._clock()
        columns = [[one.lookup for one in batch], [one.subject for one in batch], [one.sealed_key for one in batch]]
        rows = await self._run("subject_of", *columns, self._ring.primary_id)
        found = {row["lookup"]: _Cached(row["subject"], row["sealed_key"], read_at) for row in rows}
        return [found.get(one.lookup) for one in batch]

    def _opened(self, sealed_key: bytes, subject: UUID) -> bytes:
        return self._open(sealed_key, KEY + subject.bytes)

    def _open(self, sealed: bytes, context: bytes) -> bytes:
        try:
            return open_sealed(self._ring, sealed, context)
        except UnknownMasterKey as missing:  # a setting is wrong, and the command waits until it is right
            raise StoreError(str(missing)) from missing

    async def _run(self, name: str, *arguments: object) -> list[Any]:
        return await run_statement(self._pool, name, *arguments)


async def erase_subjects(pool: asyncpg.Pool, subjects: Iterable[UUID]) -> list[UUID]:
    """Destroy the keys of subjects; needs no master key.

    Returns:
        Those that had one.

    Raises:
        StoreError: PostgreSQL failed.
    """
    return [row["subject"] for row in await run_statement(pool, "subject_erase", list(subjects))]


async def run_statement(pool: asyncpg.Pool, name: str, *arguments: object) -> list[Any]:
    try:
        rows: list[Any] = await pool.fetch(statement(name), *arguments)
    except FAILURES as failed:
        raise StoreError(f"the statement `{name}` about data subjects failed: {type(failed).__name__}") from failed
    return rows
