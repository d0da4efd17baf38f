"""Endpoints' secrets at rest: sealed under the hub's master key, each bound to its own row."""

from uuid import UUID

import asyncpg

from agents.deliveries.sql import statement
from agents.pool import FAILURES
from agents.sealing import Seal
from schemas.errors import StoreError
from streams.records import RawRecord


def close_secret(seal: Seal, secret_id: UUID, secret: str) -> bytes:
    """The secret, to be kept under this id alone."""
    return seal.close(RawRecord("", 0, 0, 0, None, secret.encode(), ()), secret_id)


def open_secret(seal: Seal, secret_id: UUID, sealed: bytes) -> str:
    """The secret as it was.

    Raises:
        UnknownMasterKey: it is under a key that this process was not given.
        StoreError: it was changed, or belongs to another row.
    """
    return (seal.open(sealed, secret_id, "", 0, 0).value or b"").decode()


async def rewrap_secrets(pool: asyncpg.Pool, seal: Seal, limit: int) -> int:
    """Bring secrets under the newest master key; how many they were, at most `limit`.

    Raises:
        UnknownMasterKey, StoreError: as `open_secret`, or PostgreSQL failed.
    """
    try:
        rows = await pool.fetch(statement("secrets_old"), seal.begins, limit)
        if rows:
            ids, was = [row["secret_id"] for row in rows], [row["sealed"] for row in rows]
            now = [seal.rewrap(sealed, name) for name, sealed in zip(ids, was, strict=True)]
            await pool.execute(statement("secrets_rewrap"), ids, was, now)
    except FAILURES as failed:
        raise StoreError(f"endpoints' secrets cannot be rewrapped: {type(failed).__name__}") from failed
    return len(rows)
