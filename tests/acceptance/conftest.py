from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from infra.children import Children
from tests.hub import Hub


@pytest_asyncio.fixture
async def children(hub: Hub, tmp_path: Path) -> AsyncIterator[Children]:
    """Processes of the hub, each killed with the test; the sandbox has no faults left after it."""
    running = Children(tmp_path, hub.environment)
    yield running
    hub.sandbox.faults.clear()
    await running.stop()
