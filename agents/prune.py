"""`kolaj ledger prune`: commands that are old and concluded leave the ledger, and their ids are refused from then on.

The cut comes first and is never taken back: what is deleted can never be taken for new and performed again.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

import asyncpg

from agents.pool import FAILURES
from agents.sql import statement
from schemas.errors import SettingsError, StoreError

BATCH: Final = 2_000
_FIRST_ID: Final = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Pruned:
    """What was deleted, or would be.

    Attributes:
        before: commands whose id was made before this moment (UTC) are deleted.
        below: the smallest UUIDv7 that is kept.
        keys: rows of payments that never came to anything.
    """

    before: datetime
    below: UUID
    commands: int
    attempts: int
    keys: int


def cut(now: datetime, keep_days: int) -> datetime:
    """The first moment that is kept: the beginning of the month in which the kept days begin (UTC)."""
    first = (now - timedelta(days=keep_days)).astimezone(UTC)
    return first.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def smallest_id(moment: datetime) -> UUID:
    """The smallest UUIDv7 of this moment (RFC 9562, 5.7)."""
    since_epoch = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return UUID(int=(since_epoch // timedelta(milliseconds=1)) << 80 | 0x7 << 76 | 0b10 << 62)


async def prune(
    pool: asyncpg.Pool,
    before: datetime,
    *,
    now: datetime,
    may_come_again_for: timedelta,
    dry_run: bool = False,
    batch: int = BATCH,
    progress: Callable[[int], None] = lambda _: None,
) -> Pruned:
    """Delete the concluded commands whose id was made before the cut, in batches; beside running workers.

    Killed at any moment, it is simply run again.

    Args:
        before: from `cut`.
        may_come_again_for: how long a command may still be handed to a worker after it was published.
        progress: told how many commands are deleted.

    Raises:
        SettingsError: the cut would refuse commands that may still come or still wait.
        StoreError: PostgreSQL failed.
    """
    if now - before < may_come_again_for:
        raise SettingsError(
            f"the cut at {before:%Y-%m-%d} is too young: a command may be handed to a worker again for "
            f"{may_come_again_for.total_seconds() / 86_400:.1f} days after it was published (the retention of the "
            "command topic and KOLAJ_GIVE_UP_AFTER_S), and would then be refused instead of answered; keep more days"
        )
    below = smallest_id(before)
    try:
        waiting = await pool.fetchval(statement("prune_waiting"), below)
        if waiting is not None:
            raise SettingsError(
                f"command {waiting} is older than the cut at {before:%Y-%m-%d} and not concluded (`kolaj ledger show "
                "ID`); see to it first, or keep more days"
            )
        if dry_run:
            row = await pool.fetchrow(statement("prune_count"), below, before)
            return Pruned(before, below, row["commands"], row["attempts"], 0)
        await pool.execute(statement("prune_cut"), below)
        return await _delete(pool, before, below, batch, progress)
    except asyncpg.UndefinedTableError as missing:
        raise SettingsError("the ledger's tables are missing; run `kolaj migrate`") from missing
    except FAILURES as failed:
        raise StoreError(f"the ledger could not be pruned: {type(failed).__name__}: {failed}; run it again") from failed


async def _delete(
    pool: asyncpg.Pool, before: datetime, below: UUID, batch: int, progress: Callable[[int], None]
) -> Pruned:
    commands = attempts = keys = 0
    last: UUID | None = _FIRST_ID
    while last is not None:
        async with pool.acquire() as connection, connection.transaction():
            row = await connection.fetchrow(statement("prune"), below, before, last, batch)
            keys += await connection.fetchval(statement("prune_keys"), row["keys"] or [])
        last = row["last"]
        commands += row["commands"]
        attempts += row["attempts"]
        progress(commands)
    return Pruned(before, below, commands, attempts, keys)
