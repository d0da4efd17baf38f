"""A worker's memory does not grow with what waits for it."""

import asyncio
import os
import socket
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from time import monotonic

import asyncpg
import pytest

from infra.local import LocalStack
from infra.sandbox.iyzico import running_sandbox
from infra.settings import read_settings
from infra.stores import prepare_stores
from schemas.ids import new_id
from streams.codec import Outgoing
from streams.publisher import Publisher
from tests.acceptance.orders import a_payment
from tests.builders import a_record
from tests.hub_environment import hub_environment
from tests.stack import fresh_name

COMMANDS = 200_000
ENOUGH = 20_000
"""What is published however long it takes."""
PUBLISH_WITHIN_S = 15
WATCH_S = 10
GROWTH_BYTES = 150 * 1024 * 1024


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that takes connections and never answers, as a provider that hangs."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(1_000)
        yield int(listening.getsockname()[1])


async def published(environment: Mapping[str, str]) -> int:
    """Payments by the thousand, until there are enough or time is over; how many."""
    settings = read_settings(environment=environment)
    await prepare_stores(settings)
    command = a_payment(integration_id="iyzico-test")
    first = a_record(settings.topics.payment_commands.name, command, type=command.type, id=new_id())
    began, count = monotonic(), 0
    async with Publisher(settings.kafka) as publisher:
        while count < COMMANDS and (count < ENOUGH or monotonic() - began < PUBLISH_WITHIN_S):
            await publisher.publish([another(first) for _ in range(1_000)])
            count += 1_000
    return count


def another(first: Outgoing) -> Outgoing:
    """The same command for a payment of its own: encoding each of so many anew would take most of the time."""
    assert first.key is not None
    assert first.value is not None
    payment_id, command_id = (str(new_id()).encode() for _ in range(2))
    headers = tuple(
        (name, command_id if name == "ce_id" else value.replace(first.key, payment_id)) for name, value in first.headers
    )
    return Outgoing(first.topic, payment_id, first.value.replace(first.key, payment_id), headers)


def memory(pid: int, name: str) -> int:
    """A figure of the kernel's about a process, in bytes: `VmRSS` now, `VmHWM` at its highest."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    (line,) = (line for line in lines if line.startswith(f"{name}:"))
    return int(line.split()[1]) * 1024


@pytest.mark.parametrize("provider", ["hangs", "is down"])
async def test_memory_stays_bounded_whatever_the_backlog(
    stack: LocalStack, database_url: str, silent_port: int, tmp_path: Path, provider: str
) -> None:
    url = f"http://127.0.0.1:{silent_port if provider == 'hangs' else 9}"
    async with running_sandbox() as keys:
        environment = hub_environment(
            stack.bootstrap,
            database_url,
            fresh_name("t"),
            {"iyzico-test": url},
            keys,
            absence_s=300,
            # As it is delivered, where tests are quicker.
            overrides={"KOLAJ_MAX_IN_FLIGHT": "200", "KOLAJ_RETRY_DELAYS_S": "10,60"},
        )
    count = await published(environment)
    ready = tmp_path / "ready"
    known = {"PATH": os.environ["PATH"], "KOLAJ_LOG_LEVEL": "ERROR", **environment}
    arguments = [sys.executable, "-m", "infra.cli", "worker", "--json", "--ready-file", str(ready)]
    worker = await asyncio.create_subprocess_exec(*arguments, env=known, stdout=asyncio.subprocess.PIPE)
    try:
        assert worker.stdout is not None
        async with asyncio.timeout(60):
            assert b"ready" in await worker.stdout.readline()
        at_start = memory(worker.pid, "VmRSS")
        async with asyncio.timeout(60):
            while not ready.exists():  # noqa: ASYNC110 - another process writes it
                await asyncio.sleep(0.05)
        connection = await asyncpg.connect(database_url)
        try:
            began = monotonic()
            while monotonic() - began < WATCH_S:
                taken_up = await connection.fetchval("select count(*) from ledger.commands, pg_sleep(0.5)")
        finally:
            await connection.close()
        highest = memory(worker.pid, "VmHWM")
        assert worker.returncode is None
    finally:
        worker.kill()
        await worker.wait()
    assert taken_up > 0
    assert highest - at_start < GROWTH_BYTES, f"{(highest - at_start) >> 20} MiB more, with {count} commands"
