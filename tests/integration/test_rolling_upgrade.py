"""Two versions on one ledger: what workers of the version before may still do once a newer one has migrated it."""

from collections.abc import AsyncIterator
from importlib.resources import files
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from agents.ledger import Ask, ClaimStatus, Ledger
from agents.pool import open_pool
from infra.local import LocalStack
from infra.migrate import migrate, pending
from schemas.errors import LedgerReplaced
from schemas.ids import new_id
from tests.stack import fresh_database

OLDER = Path(__file__).parent / "older"
"""The statements of earlier versions, word for word."""
BEFORE_ROUTING = (
    "0001_ledger",
    "0002_card_vault",
    "0003_parking",
    "0004_log_marks",
    "0005_credentials",
    "0006_registry",
    "0007_card_codes",
    "0008_subjects",
)


@pytest_asyncio.fixture
async def url(stack: LocalStack) -> AsyncIterator[str]:
    async with fresh_database(stack.database_url) as fresh:
        yield fresh


async def migrate_up_to(url: str, *names: str) -> None:
    """As a version would whose last migration is the last of these."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("create schema ledger")
        folder = files("agents.sql") / "migrations"
        for name in names:
            await connection.execute((folder / f"{name}.sql").read_text(encoding="utf-8"))
        await connection.execute("create table ledger.migrations (version_num varchar(32) primary key)")
        await connection.execute("insert into ledger.migrations values ($1)", names[-1])
    finally:
        await connection.close()


class OlderWorker:
    """Claims, marks and concludes with the older statements, on the ledger that it started on."""

    def __init__(self, pool: asyncpg.Pool, incarnation: UUID) -> None:
        self._pool = pool
        self._incarnation = incarnation

    async def _run(self, name: str, *arguments: object) -> list[asyncpg.Record]:
        text = (OLDER / f"{name}.sql").read_text(encoding="utf-8")
        return list(await self._pool.fetch(text, *arguments, self._incarnation))

    async def claim(self, key: str, command_id: UUID) -> list[asyncpg.Record]:
        return await self._run("claim", [key], [command_id], ["t"], [b"d"], [new_id()], 60.0)

    async def mark(self, key: str, epoch: int, command_id: UUID) -> list[asyncpg.Record]:
        return await self._run("send", [key], [epoch], [command_id], [1], ["i"], [command_id.hex], ["d"], [False])

    async def conclude(self, key: str, epoch: int, command_id: UUID) -> list[asyncpg.Record]:
        return await self._run("conclude", [key], [epoch], [command_id], [b"{}"], [b"{}"], ["[]"])


async def test_workers_of_the_version_before_parking_can_do_nothing_once_the_ledger_knows_it(url: str) -> None:
    await migrate_up_to(url, "0001_ledger", "0002_card_vault")
    pool = await open_pool(url)
    older = OlderWorker(pool, await pool.fetchval("select id from ledger.incarnation"))
    key, command_id = f"payments/{new_id()}", new_id()
    (taken,) = await older.claim(key, command_id)
    assert taken["status"] == "taken"
    other = (f"payments/{new_id()}", new_id())
    (before,) = await older.claim(*other)
    assert await older.mark(other[0], before["epoch"], other[1]), "as long as the ledger is the one it knows"

    await migrate(url)

    assert await older.claim(f"payments/{new_id()}", new_id()) == [], "no row at all: it stops"
    assert await older.mark(key, taken["epoch"], command_id) == []
    assert await older.conclude(key, taken["epoch"], command_id) == []
    await pool.execute("update ledger.keys set lease_until = ledger.now()")
    newer = await Ledger.open(pool, lease_s=30, margin_s=5)
    claim = await newer.claim(Ask(key, command_id, "t", b"d"))
    assert (claim.status, claim.epoch) == (ClaimStatus.TAKEN, taken["epoch"] + 1)
    await newer.aclose()
    await pool.close()


async def test_a_migration_that_only_adds_lets_older_workers_go_on(url: str) -> None:
    await migrate_up_to(url, *BEFORE_ROUTING)
    pool = await open_pool(url)
    running = await Ledger.open(pool, lease_s=30, margin_s=5)
    running._sql = {**running._sql, "claim": (OLDER / "claim_before_routing.sql").read_text(encoding="utf-8")}
    assert "ledger/0009_routing" in await pending(url)
    assert (await running.claim(Ask(f"payments/{new_id()}", new_id(), "t", b"d"))).status is ClaimStatus.TAKEN

    await migrate(url)

    assert (await running.claim(Ask(f"payments/{new_id()}", new_id(), "t", b"d"))).status is ClaimStatus.TAKEN
    await running.aclose()
    await pool.close()


async def test_workers_that_cannot_open_what_newer_ones_park_can_do_nothing_more(url: str) -> None:
    await migrate_up_to(url, "0001_ledger", "0002_card_vault", "0003_parking", "0004_log_marks")
    pool = await open_pool(url)
    running = await Ledger.open(pool, lease_s=30, margin_s=5)

    await migrate(url)

    with pytest.raises(LedgerReplaced):
        await running.claim(Ask(f"payments/{new_id()}", new_id(), "t", b"d"))
    await running.aclose()
    await pool.close()
