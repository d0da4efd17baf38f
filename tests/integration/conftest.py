from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio

from agents.ledger import Ledger
from agents.pool import open_pool
from infra.local.redis import LocalRedis
from infra.migrate import migrate
from tests.database_clock import reset_clock
from tests.integration.ledger_bench import Bench, opened_bench


@pytest_asyncio.fixture(scope="module")
async def pool(database_url: str) -> AsyncIterator[asyncpg.Pool]:
    """The agents' connections to a database that has all tables."""
    await migrate(database_url)
    opened = await open_pool(database_url)
    yield opened
    await opened.close()


@pytest_asyncio.fixture
async def ledger(pool: asyncpg.Pool) -> AsyncIterator[Ledger]:
    opened = await Ledger.open(pool, lease_s=30, margin_s=5)
    yield opened
    await opened.aclose()


@pytest_asyncio.fixture(scope="module")
async def two_workers(database_url: str) -> AsyncIterator[Bench]:
    async with opened_bench(database_url) as made:
        yield made


@pytest_asyncio.fixture
async def bench(two_workers: Bench) -> AsyncIterator[Bench]:
    """Two workers' ledgers, whose database's clock runs right when each test begins."""
    yield two_workers
    await reset_clock(two_workers.outside)


@pytest_asyncio.fixture(scope="module")
async def redis(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[LocalRedis]:
    server = LocalRedis(tmp_path_factory.mktemp("redis"))
    await server.start()
    yield server
    await server.stop()
