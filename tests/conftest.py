import asyncio
from collections.abc import AsyncIterator
from typing import Final

import hypothesis
import pytest
import pytest_asyncio
from xdist.workermanage import WorkerController

from infra.local import LocalStack, local_stack
from infra.local.process import free_ports
from tests.shared_stack import StackOwner, shared_stack
from tests.stack import fresh_database, fresh_name

# How long an example takes says how busy the machine is, not whether the code is right.
hypothesis.settings.register_profile("hub", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("hub")

OWNER: Final = pytest.StashKey[StackOwner]()
ADDRESS: Final = "stack_address"


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: WorkerController) -> None:
    """Called where tests are handed out, for each process that is to run some."""
    stash = node.config.stash
    if OWNER not in stash:
        stash[OWNER] = StackOwner()
        node.config.add_cleanup(stash[OWNER].close)
    node.workerinput[ADDRESS] = stash[OWNER].address


@pytest_asyncio.fixture(scope="session")
async def stack(pytestconfig: pytest.Config) -> AsyncIterator[LocalStack]:
    """One broker and one PostgreSQL for the whole run, started when the first test asks for them."""
    if hasattr(pytestconfig, "workerinput"):
        yield await asyncio.to_thread(shared_stack, pytestconfig.workerinput[ADDRESS])
    else:
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
