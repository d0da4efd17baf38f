"""The file that tells a probe whether a process is ready."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from infra.local import LocalStack
from infra.local.broker import Broker
from infra.sandbox.iyzico import running_sandbox
from tests.hub_environment import hub_environment
from tests.stack import fresh_name


@asynccontextmanager
async def process(
    command: str, ready_file: Path, environment: Mapping[str, str]
) -> AsyncIterator[asyncio.subprocess.Process]:
    known = {"PATH": os.environ["PATH"], "KOLAJ_LOG_LEVEL": "ERROR", **environment}
    running = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "infra.cli", command, "--ready-file", str(ready_file), env=known
    )
    try:
        yield running
    finally:
        if running.returncode is None:
            running.kill()
        await running.wait()


async def until(holds: Callable[[], bool], *, within_s: float = 90) -> None:
    """Files are another process's word, which tells nobody."""
    async with asyncio.timeout(within_s):
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(0.05)


@asynccontextmanager
async def an_environment(bootstrap: str, database_url: str) -> AsyncIterator[dict[str, str]]:
    async with running_sandbox() as sandbox:
        urls = {"iyzico-test": sandbox.base_url}
        yield hub_environment(
            bootstrap, database_url, fresh_name("t"), urls, sandbox, absence_s=300, overrides={"KOLAJ_PARTITIONS": "2"}
        )


@pytest.mark.parametrize("command", ["worker", "projector"])
async def test_the_file_is_there_while_the_process_is_ready_and_gone_when_it_stops(
    stack: LocalStack, database_url: str, tmp_path: Path, command: str
) -> None:
    ready = tmp_path / "ready"
    ready.touch()  # left behind by one that was killed
    async with (
        an_environment(stack.bootstrap, database_url) as environment,
        process(command, ready, environment) as running,
    ):
        await until(lambda: not ready.exists())
        await until(ready.exists)
        ready.unlink()
        await until(ready.exists)
        running.send_signal(signal.SIGTERM)
        assert await running.wait() == 0
        assert not ready.exists()


async def test_a_worker_without_its_broker_is_not_ready_until_it_is_back(
    stack: LocalStack, database_url: str, tmp_path: Path
) -> None:
    del stack  # its database is what is used
    broker = Broker(tmp_path / "kafka")
    await broker.start()
    ready = tmp_path / "ready"
    try:
        async with (
            an_environment(broker.bootstrap, database_url) as environment,
            process("worker", ready, environment) as running,
        ):
            await until(ready.exists)
            await broker.kill_node(1)
            await until(lambda: not ready.exists())
            await broker.start_node(1)
            await until(ready.exists)
            assert running.returncode is None
    finally:
        await broker.stop()


async def test_a_place_that_cannot_be_written_is_named(stack: LocalStack, database_url: str, tmp_path: Path) -> None:
    async with (
        an_environment(stack.bootstrap, database_url) as environment,
        process("worker", tmp_path / "missing" / "ready", environment) as running,
    ):
        assert await running.wait() == 4
