"""Delayed topics on a real broker: not before the delay and soon after it, in order, and nothing lost on the way."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest
import pytest_asyncio
from aiokafka import AIOKafkaProducer, TopicPartition

from infra.local import LocalStack
from schemas.errors import StoreError
from streams.admin import admin_client, ensure_topics
from streams.delayed import DelayedConsumer
from streams.kafka import KafkaAccess
from streams.publisher import partition_of
from streams.records import RawRecord
from streams.topics import DAY_MS, Topic
from streams.watching import Bounds
from tests.stack import fresh_name

WITHIN_S = 60.0

Item = tuple[RawRecord, Callable[[], None]]


@dataclass(frozen=True)
class Handled:
    member: str
    topic: str
    partition: int
    offset: int
    value: str
    waited_s: float
    """From the record's timestamp until it was handed out."""


@dataclass
class Bench:
    """Topics of their own, and what became of their records."""

    access: KafkaAccess
    group: str
    partitions: int
    delays_s: dict[str, float]
    producer: AIOKafkaProducer
    handled: list[Handled] = field(default_factory=list)
    grown: asyncio.Condition = field(default_factory=asyncio.Condition)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    raises_at: str = ""

    def consumer(self, name: str = "a", **changed: Any) -> DelayedConsumer[Item]:
        async def handle(item: Item) -> float | None:
            record, done = item
            value = (record.value or b"").decode()
            waited_s = time.time() - record.timestamp_ms / 1000
            if value == self.raises_at:
                raise StoreError("handling fails here")
            if value.startswith("gate"):
                await self.gate.wait()
            async with self.grown:
                self.handled.append(Handled(name, record.topic, record.partition, record.offset, value, waited_s))
                self.grown.notify_all()
            done()
            return None

        given: dict[str, Any] = {
            "in_flight": 20,
            "session_timeout_s": 6,
            "rebalance_timeout_s": 20,
            "commit_interval_s": 0.1,
            "drain_s": 5,
        }
        return DelayedConsumer(
            self.access,
            self.delays_s,
            group=self.group,
            make=lambda record, done: (record, done),
            handle=handle,
            **(given | changed),
        )

    @asynccontextmanager
    async def running(self, name: str = "a", **changed: Any) -> AsyncIterator[DelayedConsumer[Item]]:
        """A member of the group until the block ends; it drains then."""
        stop = asyncio.Event()
        consumer = self.consumer(name, **changed)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(consumer.run(stop))
            try:
                yield consumer
            finally:
                stop.set()

    async def publish(
        self, topic: str, count: int, *, key: str = "", at_ms: int | None = None, word: str = "v"
    ) -> None:
        """Values are numbered; so are keys, unless all records get one."""
        values = [f"{word}{number}".encode() for number in range(count)]
        sent = [await self.producer.send(topic, value, key.encode() or value, timestamp_ms=at_ms) for value in values]
        await asyncio.gather(*sent)

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(WITHIN_S), self.grown:
            await self.grown.wait_for(holds)

    async def committed(self) -> dict[tuple[str, int], int]:
        async with admin_client(self.access) as admin:
            found = await admin.list_consumer_group_offsets(self.group)
        return {(place.topic, place.partition): at.offset for place, at in found.items()}

    async def is_committed(self, total: int) -> None:
        async with asyncio.timeout(WITHIN_S):
            # Another process keeps the positions; it tells nobody.
            while sum((await self.committed()).values()) != total:  # noqa: ASYNC110
                await asyncio.sleep(0.05)

    async def members(self, count: int) -> None:
        async with asyncio.timeout(WITHIN_S), admin_client(self.access) as admin:
            while True:
                [answer] = await admin.describe_consumer_groups([self.group])
                [group] = answer.groups
                if (group[2], len(group[5])) == ("Stable", count):
                    return
                await asyncio.sleep(0.05)


@asynccontextmanager
async def a_bench(stack: LocalStack, delays_s: list[float], *, partitions: int = 1) -> AsyncIterator[Bench]:
    access = KafkaAccess(stack.bootstrap)
    topics = {fresh_name("t"): delay for delay in delays_s}
    await ensure_topics(access, [Topic(name, partitions, DAY_MS) for name in topics], replication=1, min_insync=1)
    producer = AIOKafkaProducer(**access.options(), acks="all", linger_ms=5)
    await producer.start()
    try:
        yield Bench(access, fresh_name("g"), partitions, topics, producer)
    finally:
        await producer.stop()


@pytest_asyncio.fixture
async def bench(stack: LocalStack) -> AsyncIterator[Bench]:
    """One topic with one partition and a delay of two seconds."""
    async with a_bench(stack, [2.0]) as made:
        yield made


def only(bench: Bench) -> str:
    (topic,) = bench.delays_s
    return topic


async def test_records_come_not_before_their_delay_soon_after_it_and_first_in_first_out(bench: Bench) -> None:
    async with bench.running():
        await bench.publish(only(bench), 50, key="one")
        await bench.until(lambda: len(bench.handled) == 50)
    assert [one.value for one in bench.handled] == [f"v{number}" for number in range(50)]
    assert min(one.waited_s for one in bench.handled) >= 2.0
    # "Soon" is a second on an idle machine; a loaded one gets more.
    assert max(one.waited_s for one in bench.handled) < 12


async def test_what_waited_long_enough_while_nobody_read_comes_at_once(bench: Bench) -> None:
    await bench.publish(only(bench), 20, at_ms=int((time.time() - 3600) * 1000))
    began = time.monotonic()
    async with bench.running():
        await bench.until(lambda: len(bench.handled) == 20)
    assert time.monotonic() - began < WITHIN_S / 2


async def test_a_timestamp_to_come_waits_for_the_delay_and_no_longer(bench: Bench) -> None:
    async with bench.running():
        await bench.members(1)
        began = time.monotonic()
        await bench.publish(only(bench), 1, at_ms=int((time.time() + 1800) * 1000))
        await bench.until(lambda: len(bench.handled) == 1)
        assert 2.0 <= time.monotonic() - began < 30


async def test_a_long_delay_in_one_topic_does_not_hold_back_another(stack: LocalStack) -> None:
    async with a_bench(stack, [3600.0, 0.5], partitions=2) as bench:
        slow, fast = bench.delays_s
        await bench.publish(slow, 1_000)
        async with bench.running() as consumer:
            for round_ in range(3):
                await bench.publish(fast, 100, word=f"r{round_}-")
                await bench.until(partial(_handled, bench, (round_ + 1) * 100))
            assert consumer.waiting > 0
        assert {one.topic for one in bench.handled} == {fast}


def _handled(bench: Bench, count: int) -> bool:
    return len(bench.handled) == count


async def test_a_backlog_that_is_due_in_one_partition_does_not_starve_another(stack: LocalStack) -> None:
    async with a_bench(stack, [0.2], partitions=2) as bench:
        topic = only(bench)
        here, there = (
            next(f"k{n}" for n in range(99) if partition_of(f"k{n}".encode(), 2) == number) for number in (0, 1)
        )
        await bench.publish(topic, 5_000, key=here, at_ms=int((time.time() - 60) * 1000), word="old")
        await bench.publish(topic, 50, key=there, at_ms=int((time.time() - 60) * 1000), word="new")
        async with bench.running(in_flight=2):
            await bench.until(lambda: sum(one.value.startswith("new") for one in bench.handled) == 50)
        assert sum(one.value.startswith("old") for one in bench.handled) < 2_000


async def test_ten_thousand_waiting_records_are_not_held_in_memory(stack: LocalStack) -> None:
    async with a_bench(stack, [3600.0]) as bench:
        await bench.publish(only(bench), 10_000)
        async with bench.running() as consumer:
            await bench.members(1)
            async with asyncio.timeout(WITHIN_S):
                # Nothing is handed out, so that nothing tells us when the first batch is there.
                while not consumer.waiting:  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
            most = 0
            for _ in range(20):
                await bench.committed()  # a round trip: the consumer reads on meanwhile, if it does
                most = max(most, consumer.waiting)
        assert 0 < most <= 500
        assert bench.handled == []


async def test_members_that_join_and_leave_while_records_wait_lose_nothing_and_hurry_nothing(
    stack: LocalStack,
) -> None:
    async with a_bench(stack, [4.0], partitions=6) as bench:
        topic = only(bench)
        await bench.publish(topic, 600)
        async with bench.running("a"):
            await bench.members(1)
            async with bench.running("b"):
                await bench.members(2)
                await bench.publish(topic, 600, word="w")
                await bench.until(lambda: len({one.value for one in bench.handled}) >= 100)
            await bench.members(1)
            await bench.publish(topic, 300, word="x")
            await bench.until(lambda: len({one.value for one in bench.handled}) == 1_500)
            await bench.is_committed(1_500)
        times = Counter((one.partition, one.offset) for one in bench.handled)
        assert len(times) == 1_500
        assert min(one.waited_s for one in bench.handled) >= 4.0
        for partition in range(6):
            for member in ("a", "b"):
                offsets = [one.offset for one in bench.handled if (one.partition, one.member) == (partition, member)]
                first = list(dict.fromkeys(offsets))
                assert first == sorted(first)


async def test_only_the_finished_prefix_is_committed_and_the_rest_comes_again(bench: Bench) -> None:
    topic = only(bench)
    old = int((time.time() - 60) * 1000)
    await bench.publish(topic, 3, at_ms=old)
    await bench.publish(topic, 1, at_ms=old, word="gate")
    await bench.publish(topic, 5, at_ms=old, word="behind")
    async with bench.running(drain_s=0.2):
        await bench.until(lambda: len(bench.handled) == 8)
        await bench.is_committed(3)
        bench.gate.set()
        await bench.is_committed(9)
    assert len(bench.handled) == 9


async def test_a_member_that_stops_lets_what_runs_end_commits_it_and_leaves_what_waits(bench: Bench) -> None:
    topic = only(bench)
    await bench.publish(topic, 1, at_ms=int((time.time() - 60) * 1000), word="gate")
    stop = asyncio.Event()
    consumer = bench.consumer(drain_s=30)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(consumer.run(stop))
        async with asyncio.timeout(WITHIN_S):
            while consumer.running == 0:
                await bench.committed()
        await bench.publish(topic, 10)
        stop.set()
        bench.gate.set()
        await running
    assert [one.value for one in bench.handled] == ["gate0"]
    assert await bench.committed() == {(topic, 0): 1}


async def test_a_handlers_error_ends_the_consumer_and_its_record_comes_again(bench: Bench) -> None:
    topic = only(bench)
    await bench.publish(topic, 3, key="one", at_ms=int((time.time() - 60) * 1000))
    bench.raises_at = "v1"
    with pytest.raises(ExceptionGroup) as failed:
        async with asyncio.timeout(WITHIN_S):
            await bench.consumer().run(asyncio.Event())
    assert failed.group_contains(StoreError, match="handling fails here")
    assert [one.value for one in bench.handled] == ["v0"]
    assert await bench.committed() == {(topic, 0): 1}
    bench.raises_at = ""
    async with bench.running():
        await bench.until(lambda: len(bench.handled) == 3)
    assert [one.value for one in bench.handled] == ["v0", "v1", "v2"]


async def test_a_member_told_to_stop_while_its_group_is_being_put_together_stops(bench: Bench) -> None:
    # The other member does not come back to the rebalance for as long as its record runs.
    await bench.publish(only(bench), 1, at_ms=int((time.time() - 60) * 1000), word="gate")
    async with bench.running("a", drain_s=50, rebalance_timeout_s=60) as first:
        async with asyncio.timeout(WITHIN_S):
            while first.running == 0:
                await bench.committed()
        stop = asyncio.Event()
        joining = asyncio.create_task(bench.consumer("b", rebalance_timeout_s=60).run(stop))
        async with asyncio.timeout(WITHIN_S), admin_client(bench.access) as admin:
            while (await admin.describe_consumer_groups([bench.group]))[0].groups[0][2] != "PreparingRebalance":
                continue
        stop.set()
        async with asyncio.timeout(30):
            await joining
        bench.gate.set()


async def test_a_consumer_that_gets_nothing_although_records_wait_ends(bench: Bench) -> None:
    topic = only(bench)
    bounds = Bounds(stall_s=1.5, look_s=0.2)
    await bench.publish(topic, 1, at_ms=int((time.time() - 60) * 1000))
    consumer = bench.consumer(bounds=bounds)
    client = consumer._consumer()
    consumer._consumer = lambda: client  # type: ignore[method-assign] # so that it can be made to hang from here

    async def hang_after_one() -> None:
        await bench.until(lambda: len(bench.handled) == 1)
        client.resume = lambda *_: None
        client.pause(TopicPartition(topic, 0))
        await bench.publish(topic, 5)

    hanging = asyncio.create_task(hang_after_one())
    with pytest.raises(ExceptionGroup) as failed:
        async with asyncio.timeout(WITHIN_S):
            await consumer.run(asyncio.Event())
    await hanging
    assert failed.group_contains(StoreError, match=f"{topic}/0 stands still at 1")
    assert len(bench.handled) == 1


async def test_records_that_are_not_due_are_no_standing_still(stack: LocalStack) -> None:
    async with a_bench(stack, [3600.0]) as bench:
        await bench.publish(only(bench), 1_000)
        async with bench.running(bounds=Bounds(stall_s=0.5, look_s=0.05)) as consumer:
            async with asyncio.timeout(WITHIN_S):
                while (only(bench), 0) not in consumer.watch.lags:
                    await bench.committed()
            began = time.monotonic()
            while time.monotonic() - began < 2:
                await bench.committed()
            assert consumer.watch.lags[only(bench), 0].records == 1_000
            assert consumer.watch.ages_s(time.time()) == {(only(bench), 0): 0.0}
            assert consumer.watch.problem is None
