from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from infra.local import LocalStack, local_stack
from infra.local.process import free_ports
from tests.stack import fresh_database, fresh_name


@pytest_asyncio.fixture(scope="session")
async def stack() -> AsyncIterator[LocalStack]:
    """One broker and one PostgreSQL for the whole run, started when the first test asks for them."""
    async with local_stack() as running:
        yield running


@pytest.fixture(scope="module")
def topic_prefix() -> str:
    """New for each module, so that no module reads what another wrote."""
    return fresh_name("t")


@pytest_asyncio.fixture(scope="module")
async def database_url(stack: LocalStack) -> AsyncIterator[str]:
    """An empty database for each module."""
    async with fresh_database(stack.database_url) as url:
        yield url


@pytest.fixture(scope="module")
def port() -> int:
    """Of a provider that is down: nobody listens there until a test does."""
    (free,) = free_ports(1)
    return free
