from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.conformance.line import Line, a_line


@pytest_asyncio.fixture(scope="module")
async def module_line() -> AsyncIterator[Line]:
    async with a_line() as made:
        yield made


@pytest.fixture
def line(module_line: Line) -> Line:
    """The module's line, as if nothing had gone over it yet."""
    module_line.begin_anew()
    return module_line
