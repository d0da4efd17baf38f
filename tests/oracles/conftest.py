"""The oracles, each started when the first test asks for it, and ended by its own pid."""

import asyncio
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from infra.local.process import LOOPBACK, free_ports, spawn
from providers.transport import Transport
from tests.oracles import node_modules, stripe_mock
from tests.oracles.paypal_specification import Specification, specification_file
from tests.oracles.requirement import lacking

READY_S = 60
STOP_S = 10


@asynccontextmanager
async def serving(
    name: str, command: Sequence[str], url: str, folder: Path, environment: Mapping[str, str] | None = None
) -> AsyncIterator[str]:
    """A program that answers at `url`, whatever it answers."""
    process = spawn(name, command, log=folder / "log", environment=environment)

    async def probe() -> None:
        async with httpx.AsyncClient(trust_env=False) as client:
            await client.get(url, timeout=READY_S)

    try:
        await process.ready(probe, within_s=READY_S)
        yield url
    finally:
        await process.stop(signal.SIGTERM, within_s=STOP_S)


@pytest_asyncio.fixture(scope="session")
async def transport() -> AsyncIterator[Transport]:
    """The hub's own: what it sends is what would leave for a provider."""
    ours = Transport()
    yield ours
    await ours.aclose()


@pytest_asyncio.fixture(scope="session")
async def stripe_mock_url(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    try:
        program = await asyncio.to_thread(stripe_mock.binary)
    except stripe_mock.CannotBuild as error:
        lacking(f"stripe-mock could not be built: {error}")
    port, tls = free_ports(2)
    # Both addresses: with the first alone it opens the usual port for TLS as well, and ends where that is taken.
    command = [str(program), "-http-addr", f"{LOOPBACK}:{port}", "-https-addr", f"{LOOPBACK}:{tls}"]
    folder = tmp_path_factory.mktemp("stripe-mock")
    async with serving("stripe-mock", command, f"http://{LOOPBACK}:{port}", folder) as url:
        yield url


@pytest_asyncio.fixture(scope="session")
async def localstripe_url(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """Run as a program by `on_loopback.py`: by itself it listens on all interfaces, and writes to a fixed file."""
    (port,) = free_ports(1)
    folder = tmp_path_factory.mktemp("localstripe")
    runner = str(Path(__file__).with_name("on_loopback.py"))
    command = [sys.executable, runner, str(folder), "localstripe", "--from-scratch", "--port", str(port)]
    async with serving("localstripe", command, f"http://{LOOPBACK}:{port}", folder) as url:
        yield url


@pytest.fixture(scope="session")
def paypal_specification() -> Specification:
    return Specification.read(specification_file())


@pytest_asyncio.fixture(scope="session")
async def prism_url(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    file = specification_file()
    node = shutil.which("node")
    if node is None:
        lacking("Prism needs node, which is not here.")
    try:
        programs = await asyncio.to_thread(node_modules.installed)
    except node_modules.CannotInstall as error:
        lacking(f"Prism could not be installed: {error}.")
    (port,) = free_ports(1)
    command = [node, str(programs / "prism"), "mock", "--host", LOOPBACK, "--port", str(port), str(file)]
    async with serving("Prism", command, f"http://{LOOPBACK}:{port}", tmp_path_factory.mktemp("prism")) as url:
        yield url
