import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest_asyncio

from infra.local import LocalStack
from infra.local.broker import Broker
from streams.kafka import KafkaAccess
from streams.topics import DAY_MS, Topic
from tests.integration.consumer_bench import WITHIN_S, Bench, a_bench, each_key_in_order, ended, has_committed, until
from tests.integration.consumer_child import FAILED


@pytest_asyncio.fixture
async def bench(stack: LocalStack, tmp_path: Path) -> AsyncIterator[Bench]:
    async with a_bench(stack.bootstrap, tmp_path) as made:
        yield made


async def test_what_runs_when_its_partition_is_taken_away_ends_and_is_committed_first(bench: Bench) -> None:
    await bench.publish([("a", "gate"), ("a", "behind")])
    first = await bench.start()
    await until(bench, lambda: len(bench.lines("begun")) == 1)
    await bench.start()

    async def rebalancing() -> bool:
        return (await bench.state())[0] == "PreparingRebalance"

    await until(bench, rebalancing)
    bench.gate.touch()
    await ended(bench, 2)
    assert first.returncode is None
    assert [line.value for line in bench.lines("begun")] == ["gate", "behind"]


async def test_a_worker_that_is_told_to_stop_ends_what_runs_commits_it_and_leaves_the_rest(bench: Bench) -> None:
    await bench.publish([("a", "gate"), ("a", "second"), ("b", "third")])
    worker = await bench.start(in_flight=1)
    await until(bench, lambda: len(bench.lines("begun")) == 1)
    worker.send_signal(signal.SIGTERM)
    await until(bench, lambda: bool(bench.lines("told")))
    bench.gate.touch()
    assert await worker.wait() == 0
    assert [line.value for line in bench.lines("begun")] == ["gate"]
    assert await bench.committed() == {0: 1}


async def test_a_worker_that_is_told_to_stop_while_a_record_hangs_stops_and_does_not_commit_it(bench: Bench) -> None:
    await bench.publish([("a", "gate"), ("b", "quick")])
    worker = await bench.start(drain_s=0.5)
    await ended(bench, 1)
    worker.send_signal(signal.SIGTERM)
    await until(bench, _stable_or_empty(bench))
    bench.gate.touch()
    assert await worker.wait() == 0
    assert await bench.committed() == {0: 0}


def _stable_or_empty(bench: Bench) -> Callable[[], Awaitable[bool]]:
    async def look() -> bool:
        return (await bench.state())[1] == 0

    return look


async def test_a_handlers_fatal_error_ends_the_worker_and_its_record_is_not_committed(bench: Bench) -> None:
    await bench.publish([("a", "one"), ("a", "bad"), ("a", "three")])
    worker = await bench.start(raises_at="bad")
    assert await worker.wait() == FAILED
    assert [line.value for line in bench.lines("begun")] == ["one", "bad"]
    await bench.start()
    await ended(bench, 3)
    each_key_in_order([("a", "one"), ("a", "bad"), ("a", "three")], bench.lines())


async def test_an_error_while_reading_ends_the_worker_instead_of_skipping_the_record(bench: Bench) -> None:
    await bench.publish([("a", "one"), ("a", "bad"), ("b", "three")])
    worker = await bench.start(fails_at="bad")
    assert await worker.wait() == FAILED
    assert "bad" not in {line.value for line in bench.lines()}
    await bench.start()
    await until(bench, lambda: {line.value for line in bench.lines()} == {"one", "bad", "three"})


async def test_forty_thousand_records_go_through_a_small_buffer_and_none_is_lost(bench: Bench) -> None:
    records = [(f"k{number % 50}", f"{number}") for number in range(40_000)]
    await bench.publish(records)
    worker = await bench.start(queued=200, in_flight=50)
    await until(bench, has_committed(bench, lambda at: sum(at.values()) == 40_000), within_s=150)
    each_key_in_order(records, bench.lines())
    assert len(bench.lines()) == 40_000
    assert not _listens(worker.pid)


def _listens(pid: int) -> list[str]:
    """The local addresses on which a process takes connections. Faust's web server would be one of them."""
    links = (str(entry.readlink()) for entry in Path(f"/proc/{pid}/fd").iterdir())
    sockets = {link.removeprefix("socket:[").rstrip("]") for link in links if link.startswith("socket:[")}
    tables = (Path(f"/proc/{pid}/net/{name}").read_text(encoding="ascii") for name in ("tcp", "tcp6"))
    rows = [line.split() for table in tables for line in table.splitlines()[1:]]
    return [row[1] for row in rows if row[3] == "0A" and row[9] in sockets]


async def test_a_broker_that_comes_back_is_read_from_again(tmp_path: Path) -> None:
    broker = Broker(tmp_path / "kafka")
    await broker.start()
    try:
        (tmp_path / "bench").mkdir()
        async with a_bench(broker.bootstrap, tmp_path / "bench", partitions=2) as bench:
            first = [(f"k{number % 9}", f"a{number}") for number in range(200)]
            await bench.publish(first)
            worker = await bench.start()
            await ended(bench, 200)
            await broker.kill_node(1)
            await broker.start_node(1)
            second = [(f"k{number % 9}", f"b{number}") for number in range(200)]
            await bench.publish(second)
            await ended(bench, 400)
            await until(bench, has_committed(bench, lambda at: sum(at.values()) == 400))
            each_key_in_order([*first, *second], bench.lines())
            assert worker.returncode is None
    finally:
        await broker.stop()


async def test_a_broker_that_is_not_there_is_an_error_that_says_so(tmp_path: Path) -> None:
    bench = Bench(KafkaAccess("127.0.0.1:9"), Topic("t", 1, DAY_MS), "g", tmp_path, [])
    worker = await bench.start()
    try:
        async with asyncio.timeout(WITHIN_S):
            assert await worker.wait() == FAILED
    finally:
        if worker.returncode is None:
            worker.kill()
            await worker.wait()
