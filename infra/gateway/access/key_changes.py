"""Changes of API keys that people make. Each is told to the log, and no new key opens anything before."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import asyncpg

from agents.pool import FAILURES
from infra.gateway.access.key import ApiKey
from infra.gateway.access.key_text import mint, read
from infra.gateway.sql import statement
from schemas.access import KeyCreated, KeyEvent, KeyRevoked, KeyRotated
from schemas.errors import HubError, StoreError

Tell = Callable[[KeyEvent], Awaitable[None]]


class NoSuchKey(HubError):
    """The key that was named is not there, or is not in a state to be changed so; the message says which."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What a new key is to open.

    Attributes:
        integrations: those that it may name and see; `None`: all.
        rate: such as `20/second`; `None`: the setting's.
    """

    name: str
    source: str
    scopes: tuple[str, ...]
    integrations: tuple[str, ...] | None = None
    rate: str | None = None
    expires_at: datetime | None = None


class ApiKeys:
    """The keys, for those who change them.

    Args:
        tell: appends a fact to the log; it returns when the fact is there.
    """

    def __init__(self, pool: asyncpg.Pool, tell: Tell) -> None:
        self._pool = pool
        self._tell = tell

    async def all(self) -> list[ApiKey]:
        """Every key that there ever was, in the order of the last changes.

        Raises:
            StoreError: PostgreSQL does not answer.
        """
        async with self._connection() as connection:
            return [ApiKey.of(row) for row in await connection.fetch(statement("api_keys_since"), 0)]

    async def create(self, grant: Grant, *, by: str, at: datetime) -> tuple[ApiKey, str]:
        """Make a key; it and its text, which nobody can be shown again.

        Raises:
            StoreError: a store does not answer. The key opens nothing.
        """
        text = mint()
        async with self._change() as (connection, revision):
            key = _key(text, grant, by, at, caller=None)
            await _add(connection, key, revision)
            await self._tell(
                KeyCreated(
                    key=key.prefix,
                    caller=key.caller_id,
                    name=key.name,
                    source=key.source,
                    scopes=key.scopes,
                    integrations=key.integrations,
                    rate=key.rate,
                    expires_at=key.expires_at,
                    created_by=by,
                    created_at=at,
                )
            )
        return key, text

    async def rotate(
        self, prefix: str, *, overlap_s: float, expires_at: datetime | None, by: str, at: datetime
    ) -> tuple[ApiKey, ApiKey, str]:
        """Follow a key by a new one that opens the same; the old one, which ends after `overlap_s`, the new, its text.

        Raises:
            NoSuchKey: nobody has it, or it was revoked, has expired, or was followed already.
            StoreError: a store does not answer. Nothing has changed.
        """
        text, ends_at = mint(), at + timedelta(seconds=overlap_s)
        async with self._change() as (connection, revision):
            old = await _held(connection, prefix)
            state = old.state(at)
            if state != "live":
                raise NoSuchKey(f"{prefix} is {state}" + _follower(old) + "; only a live key is rotated")
            grant = Grant(old.name, old.source, old.scopes, old.integrations, old.rate, expires_at)
            new = _key(text, grant, by, at, caller=old.caller)
            await _add(connection, new, revision)
            await connection.execute(statement("api_key_replace"), prefix, new.prefix, ends_at, revision)
            ends_at = min(ends_at, old.expires_at or ends_at)
            await self._tell(
                KeyRotated(
                    key=new.prefix,
                    replaces=prefix,
                    caller=new.caller_id,
                    expires_at=expires_at,
                    overlap_ends_at=ends_at,
                    rotated_by=by,
                    rotated_at=at,
                )
            )
        return replace(old, replaced_by=new.prefix, expires_at=ends_at), new, text

    async def revoke(self, prefix: str, *, by: str, at: datetime) -> ApiKey:
        """End a key at once, whether or not the log can be told; a key that was ended before is told again.

        Raises:
            NoSuchKey: nobody has it.
            StoreError: a store does not answer; the message says whether the key is ended.
        """
        async with self._change() as (connection, revision):
            await _held(connection, prefix)
            await connection.execute(statement("api_key_revoke"), prefix, at, by, revision)
            ended = await _held(connection, prefix)
        event = KeyRevoked(
            key=prefix, caller=ended.caller_id, revoked_by=ended.revoked_by or by, revoked_at=ended.revoked_at or at
        )
        try:
            await self._tell(event)
        except StoreError as untold:
            raise StoreError(
                f"{prefix} is revoked and opens nothing, but the log was not told: {untold}; revoke it once more"
            ) from untold
        return ended

    @asynccontextmanager
    async def _change(self) -> AsyncIterator[tuple[Any, int]]:
        async with self._connection() as connection, connection.transaction():
            yield connection, await connection.fetchval(statement("api_key_advance"))

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Any]:
        try:
            async with self._pool.acquire() as connection:
                yield connection
        except FAILURES as failed:
            raise StoreError(f"the API keys cannot be reached: {type(failed).__name__}: {failed}") from failed


def _key(text: str, grant: Grant, by: str, at: datetime, *, caller: str | None) -> ApiKey:
    shown = read(text)
    return ApiKey(
        prefix=shown.prefix,
        caller=caller or shown.prefix,
        name=grant.name,
        source=grant.source,
        scopes=grant.scopes,
        integrations=grant.integrations,
        rate=grant.rate,
        digest=shown.digest,
        created_at=at,
        created_by=by,
        expires_at=grant.expires_at,
    )


async def _add(connection: Any, key: ApiKey, revision: int) -> None:
    values: Sequence[object] = (
        key.prefix, key.caller, key.name, key.source, list(key.scopes),
        None if key.integrations is None else list(key.integrations),
        key.rate, key.digest, key.created_at, key.created_by, key.expires_at, revision,
    )  # fmt: skip
    await connection.execute(statement("api_key_add"), *values)


async def _held(connection: Any, prefix: str) -> ApiKey:
    row = await connection.fetchrow(statement("api_key"), prefix)
    if row is None:
        raise NoSuchKey(f"there is no key {prefix}; `kolaj api-keys list` shows all")
    return ApiKey.of(row)


def _follower(key: ApiKey) -> str:
    return "" if key.replaced_by is None else f" (by {key.replaced_by})"
