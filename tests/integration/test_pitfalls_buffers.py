"""Full buffers, records that cannot be read, values that are null: nothing is lost, nothing stops, memory is flat."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from uuid import UUID

import pytest_asyncio

from agents.delivery import Delivery
from infra.local import LocalStack
from infra.projector import run_projector
from schemas.ids import new_id
from schemas.payments import CommandRejected, PaymentCreated
from streams.admin import ensure_topics
from streams.codec import Outgoing
from streams.reader import high_water_marks
from streams.topics import DAY_MS, Topic
from tests.acceptance.orders import Orders, a_payment
from tests.acceptance.test_bad_input import NAMELESS, REJECTED, price
from tests.builders import a_query_payment, a_refund_payment, lira
from tests.hub import Hub, running_hub
from tests.integration.lane_bench import LaneBench, a_lane_bench
from tests.stack import fresh_database, fresh_name

PAGE_KIB = 4
GROWTH_KIB = 48 * 1024
"""What a long run may add to memory: a tenth of what its records and their futures would take all together."""


@pytest_asyncio.fixture
async def wide(stack: LocalStack) -> AsyncIterator[LaneBench]:
    async with a_lane_bench(stack.bootstrap, partitions=6) as made:
        yield made


@pytest_asyncio.fixture(scope="module")
async def hub(stack: LocalStack, database_url: str, topic_prefix: str) -> AsyncIterator[Hub]:
    async with running_hub(stack.bootstrap, database_url, topic_prefix) as running:
        yield running


def _resident_kib() -> int:
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * PAGE_KIB


async def test_a_long_replay_that_emits_one_record_for_each_keeps_memory_flat(wide: LaneBench) -> None:
    """B3: sends under way are bounded by the lanes, each of them awaited; the rest waits in the log."""
    count, padding = 6_000, "x" * 8_000
    emitted = Topic(fresh_name("t"), 6, DAY_MS)
    await ensure_topics(wide.access, [emitted], replication=1, min_insync=1)
    for start in range(0, count, 2_000):
        await wide.publish([(f"k{n % 900}", f"{n} {padding}") for n in range(start, start + 2_000)])
    sizes: list[int] = []

    async def emit(delivery: Delivery) -> None:
        record = delivery.record
        await wide.publisher.publish([Outgoing(emitted.name, record.key, record.value, ())])
        if wide.desk.counts["ended"] % 100 == 0:
            sizes.append(_resident_kib())

    wide.desk.work = emit
    wide.desk.keeps_steps = False
    async with wide.worker(in_flight=100, queued=500):
        await wide.desk.until(lambda: wide.desk.counts["ended"] >= count, within_s=90)
    assert wide.desk.most_running <= 100
    assert max(sizes) - sizes[len(sizes) // 10] < GROWTH_KIB
    assert sum((await high_water_marks(wide.access, emitted.name)).values()) == count


async def test_one_poison_in_a_batch_of_five_takes_nobody_with_it(hub: Hub) -> None:
    """B5: its amount is a text. Four are handled, one is a dead letter, and the next batch runs."""
    orders = Orders(hub)
    for place in (2, 0, 4):
        ids = [new_id() for _ in range(5)]
        records = [orders.record(a_payment(), command_id) for command_id in ids]
        records[place] = price("a string")(records[place])
        positions = await hub.publish(records)
        results = await hub.results(ids[:place] + ids[place + 1 :])
        assert {type(result) for result in results.values()} == {PaymentCreated}
        dead = await hub.dead_letter(positions[place])
        assert (dead.reason, dead.field) == ("invalid_field", "price.minor")


async def test_every_kind_of_poison_at_once_among_good_commands_takes_nobody_with_it(hub: Hub) -> None:
    """B5: all kinds in one batch, each of them between two good commands of its own payment."""
    orders = Orders(hub)
    records: list[Outgoing] = []
    good: list[UUID] = []
    bad: list[int] = []
    for _, spoil, _, _ in (*REJECTED, *NAMELESS):
        payment, first, last = a_payment(), new_id(), new_id()
        good += [first, last]
        bad.append(len(records) + 1)
        records += [
            orders.record(payment, first),
            spoil(orders.record(payment)),
            orders.record(a_query_payment(payment.payment_id), last),
        ]
    positions = await hub.publish(records)
    results = await hub.results(good, within_s=60)
    assert {result.verdict for result in results.values()} == {"accepted"}
    letters = [await hub.dead_letter(positions[place]) for place in bad]
    assert [letter.reason for letter in letters] == [reason for *_, reason, _ in (*REJECTED, *NAMELESS)]
    rejected = [event for event in hub.events if isinstance(event, CommandRejected)]
    assert {event.command_id for event in rejected}.isdisjoint(good)


async def test_null_values_in_every_topic_stop_neither_a_running_hub_nor_one_that_starts(stack: LocalStack) -> None:
    """B7: delete markers, for keys that stand in the log and for others, then a restart over all of it."""
    async with AsyncExitStack() as place:
        database_url = await place.enter_async_context(fresh_database(stack.database_url))
        hub = await place.enter_async_context(
            running_hub(stack.bootstrap, database_url, fresh_name("t"), workers=0, projectors=0)
        )
        orders, payment = Orders(hub), a_payment()
        async with _processes(hub):
            assert (await orders.result(payment, within_s=60)).verdict == "accepted"
            # Not the dead letters: there a null value is what a marker was turned into, and is looked at below.
            topics = [topic for topic in hub.settings.topics.all() if topic != hub.settings.topics.dead_letters]
            keys = [str(payment.payment_id).encode(), b"nobody", None]
            await hub.publish(Outgoing(topic.name, key, None, ()) for topic in topics for key in keys)
            assert (await orders.result(a_query_payment(payment.payment_id), within_s=60)).provider_state == "captured"
            await hub.projected(within_s=60)
        async with _processes(hub):
            assert (
                await orders.result(a_refund_payment(payment.payment_id, lira("2.50")), within_s=60)
            ).verdict == "accepted"
            await hub.projected(within_s=60)
            letters = [dead for dead in hub.dead if dead.topic == hub.commands]
            assert [(dead.reason, dead.record.value) for dead in letters] == [("tombstone", None)] * len(keys)
            async with hub.database() as database:
                net = await database.fetchval(
                    "select net from payment_totals where payment_id = $1", payment.payment_id
                )
        assert net == 1000, "the marker took nothing back"


@asynccontextmanager
async def _processes(hub: Hub) -> AsyncIterator[None]:
    """A worker and a projector, started now and stopped at the end."""
    stop = asyncio.Event()
    async with hub.worker(), asyncio.TaskGroup() as tasks:
        tasks.create_task(run_projector(hub.settings, stop, on_ready=lambda: None))
        yield
        stop.set()
