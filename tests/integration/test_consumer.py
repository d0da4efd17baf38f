import asyncio
import json
import os
import signal
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest_asyncio
from aiokafka.admin import AIOKafkaAdminClient

from infra.local import LocalStack
from infra.local.broker import Broker
from streams.admin import ensure_topics
from streams.codec import Outgoing
from streams.kafka import KafkaAccess
from streams.publisher import Publisher, partition_of
from streams.topics import DAY_MS, Topic
from tests.integration.consumer_child import FAILED
from tests.stack import fresh_name

CHILD = Path(__file__).with_name("consumer_child.py")
ROOT = Path(__file__).parents[2]
WITHIN_S = 60.0
LOOK_AGAIN_S = 0.05


@dataclass(frozen=True)
class Line:
    word: str
    partition: int
    offset: int
    key: str
    value: str


@dataclass
class Bench:
    """A topic of its own, the file its workers write to, and those workers."""

    access: KafkaAccess
    topic: Topic
    group: str
    folder: Path
    workers: list[asyncio.subprocess.Process]
    _read: list[Line] = field(default_factory=list, repr=False)
    _read_to: int = 0
    _ended: set[tuple[int, int]] = field(default_factory=set, repr=False)

    @property
    def log(self) -> Path:
        return self.folder / "log"

    @property
    def gate(self) -> Path:
        return self.folder / "gate"

    def lines(self, word: str = "ended") -> list[Line]:
        self._read_on()
        return [line for line in self._read if line.word == word]

    def ended_count(self) -> int:
        """How many different records have ended."""
        self._read_on()
        return len(self._ended)

    def _read_on(self) -> None:
        """What the workers have written since the last look, whole lines of it."""
        if not self.log.exists():
            return
        with self.log.open("rb") as log:
            log.seek(self._read_to)
            new = log.read()
        whole = new[: new.rfind(b"\n") + 1]
        self._read_to += len(whole)
        for text in whole.decode().splitlines():
            word, partition, offset, key, value = text.split(" ")
            self._read.append(Line(word, int(partition), int(offset), key, value))
            if word == "ended":
                self._ended.add((int(partition), int(offset)))

    async def publish(self, records: Iterable[tuple[str, str]]) -> None:
        async with Publisher(self.access) as publisher:
            await publisher.publish(
                [Outgoing(self.topic.name, key.encode(), value.encode(), ()) for key, value in records]
            )

    async def start(self, **orders: Any) -> asyncio.subprocess.Process:
        """A worker; how it is told to behave, see `Orders`."""
        told = {
            "bootstrap": self.access.bootstrap,
            "topic": self.topic.name,
            "group": self.group,
            "log": str(self.log),
            "gate": str(self.gate),
            **orders,
        }
        with (self.folder / "errors").open("ab") as errors:
            worker = await asyncio.create_subprocess_exec(
                sys.executable,
                str(CHILD),
                json.dumps(told),
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                stderr=errors,
            )
        self.workers.append(worker)
        return worker

    async def committed(self) -> dict[int, int]:
        """The group's offsets by partition; 0 where none is committed."""
        async with self._admin() as admin:
            found = await admin.list_consumer_group_offsets(self.group)
        offsets = {place.partition: at.offset for place, at in found.items() if place.topic == self.topic.name}
        return {partition: max(0, offsets.get(partition, 0)) for partition in range(self.topic.partitions)}

    async def state(self) -> tuple[str, int]:
        """The group's state as the broker names it, and how many members it has."""
        async with self._admin() as admin:
            [answer] = await admin.describe_consumer_groups([self.group])
        [group] = answer.groups
        return group[2], len(group[5])

    @asynccontextmanager
    async def _admin(self) -> AsyncIterator[AIOKafkaAdminClient]:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.access.bootstrap)
        await admin.start()
        try:
            yield admin
        finally:
            await admin.close()

    def errors(self) -> str:
        return (self.folder / "errors").read_text(encoding="utf-8", errors="replace")[-3000:]


async def until(bench: Bench, holds: Callable[[], bool | Awaitable[bool]], *, within_s: float = WITHIN_S) -> None:
    """Return once `holds`; looks at files and brokers of other processes, which tell nobody."""
    try:
        async with asyncio.timeout(within_s):
            while True:
                answer = holds()
                if answer is True or (not isinstance(answer, bool) and await answer):
                    return
                await asyncio.sleep(LOOK_AGAIN_S)
    except TimeoutError:
        raise AssertionError(f"did not come about within {within_s:g} s; workers say: {bench.errors()}") from None


async def ended(bench: Bench, count: int, *, within_s: float = WITHIN_S) -> None:
    """Until so many different records have ended."""
    await until(bench, lambda: bench.ended_count() >= count, within_s=within_s)


@asynccontextmanager
async def a_bench(bootstrap: str, folder: Path, *, partitions: int = 1) -> AsyncIterator[Bench]:
    access = KafkaAccess(bootstrap)
    topic = Topic(fresh_name("t"), partitions, DAY_MS)
    await ensure_topics(access, [topic], replication=1, min_insync=1)
    bench = Bench(access, topic, fresh_name("g"), folder, [])
    try:
        yield bench
    finally:
        for worker in bench.workers:
            if worker.returncode is None:
                worker.kill()
            await worker.wait()


@pytest_asyncio.fixture
async def bench(stack: LocalStack, tmp_path: Path) -> AsyncIterator[Bench]:
    async with a_bench(stack.bootstrap, tmp_path) as made:
        yield made


@pytest_asyncio.fixture
async def wide(stack: LocalStack, tmp_path: Path) -> AsyncIterator[Bench]:
    async with a_bench(stack.bootstrap, tmp_path, partitions=6) as made:
        yield made


def each_key_in_order(published: list[tuple[str, str]], lines: list[Line]) -> None:
    """Repeats removed, each key's records ended in the order they were published in, and none is missing."""
    expected: dict[str, list[str]] = defaultdict(list)
    for key, value in published:
        expected[key].append(value)
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for line in lines:
        found[line.key].setdefault(line.value)
    assert {key: list(values) for key, values in found.items()} == dict(expected)


async def a_head_that_hangs(bench: Bench, **orders: Any) -> tuple[asyncio.subprocess.Process, list[tuple[str, str]]]:
    """Partition 0: some records end, the next one hangs, and all behind it but its own key's have ended.

    Returns:
        The worker, and what was published.
    """
    here = [key for key in (f"k{number}" for number in range(40)) if partition_of(key.encode(), 6) == 0]
    before = [(here[0], f"before{number}") for number in range(5)]
    after = [(key, f"after-{key}-{number}") for number in range(30) for key in here[1:]]
    records = [*before, (here[0], "gate"), *after, (here[0], "behind")]
    await bench.publish(records)
    worker = await bench.start(**orders)
    await ended(bench, len(records) - 2)
    return worker, records


async def test_a_worker_killed_behind_a_slow_head_loses_nothing(wide: Bench) -> None:
    worker, records = await a_head_that_hangs(wide)
    elsewhere = next(f"e{number}" for number in range(100) if partition_of(f"e{number}".encode(), 6) == 1)
    for number in (1, 2):
        # Whatever could be committed of partition 0 goes with the commit that this record of another one causes.
        records.append((elsewhere, f"last{number}"))
        await wide.publish(records[-1:])
        await until(wide, _committed(wide, _stands_at(1, number)))
    assert (await wide.committed())[0] == 5
    worker.kill()
    await worker.wait()
    wide.gate.touch()
    await wide.start()
    await ended(wide, len(records))
    each_key_in_order(records, wide.lines())


async def test_acknowledging_straight_through_loses_the_head_which_is_what_the_window_is_for(wide: Bench) -> None:
    worker, records = await a_head_that_hangs(wide, straight=True)
    await until(wide, _committed(wide, lambda at: at[0] > 5))
    worker.kill()
    await worker.wait()
    wide.gate.touch()
    await wide.start()
    # Once a new record of the same key has ended, all before it that anybody will ever read has ended too.
    key = next(key for key, value in records if value == "gate")
    await wide.publish([(key, "after-the-restart")])
    await until(wide, lambda: any(line.value == "after-the-restart" for line in wide.lines()))
    lost = {value for _, value in records} - {line.value for line in wide.lines()}
    assert "gate" in lost


async def test_kills_in_mid_stream_lose_nothing_and_each_key_keeps_its_order(wide: Bench) -> None:
    records = [(f"k{number % 90}", f"{number}") for number in range(3_000)]
    await wide.publish(records)
    for enough in (600, 1_500):
        worker = await wide.start(takes_s=0.01)
        await ended(wide, enough)
        worker.kill()
        await worker.wait()
    await wide.start()
    await ended(wide, len(records))
    each_key_in_order(records, wide.lines())


async def test_workers_that_join_and_leave_lose_nothing_and_each_key_keeps_its_order(wide: Bench) -> None:
    records = [(f"k{number % 90}", f"{number}") for number in range(6_000)]
    await wide.publish(records)
    first = await wide.start(takes_s=0.02, in_flight=20)
    await ended(wide, 300)
    second = await wide.start(takes_s=0.02, in_flight=20)
    await until(wide, _stable(wide, 2))
    so_far = len(wide.lines())
    await ended(wide, min(so_far + 500, len(records)))
    second.send_signal(signal.SIGTERM)
    assert await second.wait() == 0
    await until(wide, _stable(wide, 1))
    await wide.start(in_flight=20)
    await until(wide, _stable(wide, 2))
    await ended(wide, len(records))
    assert first.returncode is None
    each_key_in_order(records, wide.lines())


def _stable(bench: Bench, members: int) -> Callable[[], Awaitable[bool]]:
    async def look() -> bool:
        return await bench.state() == ("Stable", members)

    return look


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
    await until(bench, _committed(bench, lambda at: sum(at.values()) == 40_000), within_s=150)
    each_key_in_order(records, bench.lines())
    assert len(bench.lines()) == 40_000
    assert not _listens(worker.pid)


def _committed(bench: Bench, holds: Callable[[dict[int, int]], bool]) -> Callable[[], Awaitable[bool]]:
    async def look() -> bool:
        return holds(await bench.committed())

    return look


def _stands_at(partition: int, offset: int) -> Callable[[dict[int, int]], bool]:
    return lambda at: at[partition] == offset


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
            await until(bench, _committed(bench, lambda at: sum(at.values()) == 400))
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
