"""Watching a consumer: what it is behind, when that is an alarm, and that one which stands still ends."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest_asyncio
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from agents.consumer import CommandConsumer, Membership
from agents.delivery import Delivery
from agents.lag_alarm import lag_alarm
from infra.local import LocalStack
from infra.local.broker import Broker
from streams.lag import group_lags, overdue
from streams.watching import Bounds, Overdue
from tests.integration.consumer_bench import Bench, a_bench, ended, until
from tests.integration.consumer_child import FAILED
from tests.projecting import a_hub

WITHIN_S = 60.0
FOUR_DAYS_S = 4 * 24 * 3600


@pytest_asyncio.fixture
async def bench(stack: LocalStack, tmp_path: Path) -> AsyncIterator[Bench]:
    async with a_bench(stack.bootstrap, tmp_path) as made:
        yield made


async def publish_old(bench: Bench, count: int, age_s: float) -> None:
    producer = AIOKafkaProducer(**bench.access.options())
    await producer.start()
    try:
        for number in range(count):
            at_ms = int((time.time() - age_s) * 1000)
            await producer.send_and_wait(bench.topic.name, f"v{number}".encode(), b"k", timestamp_ms=at_ms)
    finally:
        await producer.stop()


async def commit(bench: Bench, offset: int) -> None:
    consumer = AIOKafkaConsumer(**bench.access.options(), group_id=bench.group, enable_auto_commit=False)
    await consumer.start()
    try:
        partition = TopicPartition(bench.topic.name, 0)
        consumer.assign([partition])
        await consumer.commit({partition: offset})
    finally:
        await consumer.stop()


async def while_it_goes_on(bench: Bench, seconds: float) -> None:
    """Round trips to the broker for so long: for what must not happen meanwhile."""
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        await bench.committed()


async def test_lag_is_what_is_not_committed_and_the_age_of_the_oldest_of_it(bench: Bench) -> None:
    place = (bench.topic.name, 0)
    await publish_old(bench, 3, FOUR_DAYS_S)
    await publish_old(bench, 2, 0)

    bound_ms = int((time.time() - FOUR_DAYS_S / 2) * 1000)
    before = (await group_lags(bench.access, bench.group, [place]))[place]
    late = await overdue(bench.access, {place: before.position}, bound_ms)
    await commit(bench, 3)
    between = (await group_lags(bench.access, bench.group, [place]))[place]
    await commit(bench, 5)
    after = (await group_lags(bench.access, bench.group, [place]))[place]

    now = time.time()
    assert late == {place}
    assert await overdue(bench.access, {place: between.position}, bound_ms) == set()
    assert await overdue(bench.access, {place: between.position}, int((now + 60) * 1000)) == {place}
    assert await overdue(bench.access, {place: after.position}, int((now + 60) * 1000)) == set()
    assert (before.position, before.records, between.records, after.records) == (0, 5, 2, 0)
    assert FOUR_DAYS_S <= before.age_s(now) < FOUR_DAYS_S + WITHIN_S
    assert between.age_s(now) < WITHIN_S
    assert after.age_s(now) == 0
    assert before.age_s(now, delay_s=FOUR_DAYS_S * 2) == 0


async def test_a_record_that_waits_past_the_bound_is_told_once_and_makes_the_worker_unready(bench: Bench) -> None:
    gate, stop = asyncio.Event(), asyncio.Event()
    told: list[Overdue] = []

    async def handle(delivery: Delivery) -> float | None:
        await gate.wait()
        delivery.done()
        return None

    async def on_overdue(overdue: Overdue) -> None:
        told.append(overdue)

    await publish_old(bench, 4, FOUR_DAYS_S)
    consumer = CommandConsumer(
        bench.access,
        bench.topic.name,
        Membership(bench.group, session_timeout_s=6, commit_interval_s=0.1),
        handle,
        in_flight=2,
        queued=10,
        bounds=Bounds(age_s=3.5 * 24 * 3600, look_s=0.1),
        on_overdue=on_overdue,
    )
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(consumer.run(stop))
        await until(bench, lambda: bool(told))
        await while_it_goes_on(bench, 1)
        problem = consumer.watch.problem
        gate.set()
        await until(bench, lambda: consumer.watch.problem is None)
        stop.set()

    assert [(one.place, one.records, one.group) for one in told] == [((bench.topic.name, 0), 4, bench.group)]
    assert told[0].age_s >= FOUR_DAYS_S
    assert problem is not None
    assert "has waited for" in problem


async def test_the_alarm_lies_in_the_audit_table(stack: LocalStack) -> None:
    async with a_hub(stack, partitions=1) as hub:
        tell = lag_alarm(hub.publisher, hub.topics, process="worker-1", now=lambda: datetime.now(UTC))
        await tell(Overdue("shop.payments", ("shop.payments.commands", 2), 12, FOUR_DAYS_S, FOUR_DAYS_S - 1.0))
        await hub.project_all()
        rows = await hub.rows("select action, error_message from integration_audit_logs")
    assert [row["action"] for row in rows] == ["integrations.lag_alarm.v1"]
    assert rows[0]["error_message"] == "shop.payments.commands/2: the oldest of 12 records waits for 345600000 ms"


async def test_large_commands_are_held_by_their_size_not_by_their_number(bench: Bench) -> None:
    gate, stop = asyncio.Event(), asyncio.Event()
    large = "x" * 900_000

    async def handle(delivery: Delivery) -> float | None:
        await gate.wait()
        delivery.done()
        return None

    await bench.publish((f"k{number}", large) for number in range(100))
    membership = Membership(bench.group, session_timeout_s=6, commit_interval_s=0.1)
    consumer = CommandConsumer(bench.access, bench.topic.name, membership, handle, in_flight=500, queued=500)
    most = 64 * 1024 * 1024 // len(large) + 1
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(consumer.run(stop))
        await until(bench, lambda: consumer.backlog.get(0, 0) >= most)
        await while_it_goes_on(bench, 1)
        held = consumer.backlog
        gate.set()
        await until(bench, committed_to(bench, 100))
        stop.set()
    assert held == {0: most}


def committed_to(bench: Bench, offset: int) -> Callable[[], Awaitable[bool]]:
    async def look() -> bool:
        return await bench.committed() == {0: offset}

    return look


async def test_a_worker_that_gets_nothing_although_records_wait_ends_and_the_next_one_goes_on(bench: Bench) -> None:
    await bench.publish([("a", "one"), ("b", "last")])
    worker = await bench.start(stuck_after="last", stall_s=3)
    await ended(bench, 2)
    await bench.publish([("a", "waits"), ("b", "waits")])
    async with asyncio.timeout(WITHIN_S):
        assert await worker.wait() == FAILED
    assert "stands still at 2 although records wait" in bench.errors()
    await bench.start()
    await ended(bench, 4)


async def test_an_idle_worker_and_one_with_a_long_call_go_on(bench: Bench) -> None:
    worker = await bench.start(stall_s=1)
    await bench.publish([("a", "one")])
    await ended(bench, 1)
    await while_it_goes_on(bench, 3)
    await bench.publish([("a", "gate"), ("a", "behind")])
    await until(bench, lambda: len(bench.lines("begun")) == 2)
    await while_it_goes_on(bench, 3)
    assert worker.returncode is None
    bench.gate.touch()
    await ended(bench, 3)
    assert worker.returncode is None


async def test_a_full_worker_is_not_stuck(bench: Bench) -> None:
    worker = await bench.start(stall_s=1, queued=2, in_flight=2)
    await bench.publish([(f"k{number}", f"gate{number}") for number in range(50)])
    await until(bench, lambda: len(bench.lines("begun")) == 2)
    await while_it_goes_on(bench, 3)
    assert worker.returncode is None
    bench.gate.touch()
    await ended(bench, 50)


async def test_a_head_that_hangs_lets_only_so_many_finished_ones_pile_up_behind_it(bench: Bench) -> None:
    await bench.publish([("a", "gate"), *((f"k{number}", f"{number}") for number in range(5_000))])
    worker = await bench.start(queued=20, in_flight=10, stall_s=1)
    await ended(bench, 199)
    await while_it_goes_on(bench, 2)
    assert len(bench.lines()) == 199  # ten times the queue, less the one that hangs
    assert worker.returncode is None
    bench.gate.touch()
    await ended(bench, 5_001)


async def test_a_broker_that_is_away_for_longer_than_a_stall_does_not_end_the_worker(tmp_path: Path) -> None:
    broker = Broker(tmp_path / "kafka")
    await broker.start()
    try:
        (tmp_path / "bench").mkdir()
        async with a_bench(broker.bootstrap, tmp_path / "bench", partitions=2) as bench:
            worker: Any = await bench.start(stall_s=20, takes_s=0.05, in_flight=2)
            await bench.publish([(f"k{number % 9}", f"{number}") for number in range(500)])
            await ended(bench, 20)
            await broker.kill_node(1)
            # Nobody tells when 25 s of an outage have gone by.
            await asyncio.sleep(25)
            assert worker.returncode is None
            await broker.start_node(1)
            await ended(bench, 500, within_s=120)
            assert worker.returncode is None
    finally:
        await broker.stop()
