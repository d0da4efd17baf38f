"""Key-ordered concurrent consumption on a real broker: order, fairness, retries, poison, back-pressure."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.delivery import Delivery
from infra.local import LocalStack
from streams.lanes import Lanes
from streams.window import Ticket, Window
from tests.integration.lane_bench import LaneBench, a_lane_bench
from tests.integration.lane_desk import each_key_in_order
from tests.virtual_time import run, turns


@pytest_asyncio.fixture
async def bench(stack: LocalStack) -> AsyncIterator[LaneBench]:
    async with a_lane_bench(stack.bootstrap) as made:
        yield made


@pytest_asyncio.fixture
async def wide(stack: LocalStack) -> AsyncIterator[LaneBench]:
    async with a_lane_bench(stack.bootstrap, partitions=6) as made:
        yield made


async def test_records_of_a_key_never_overlap_when_there_are_more_workers_than_keys(bench: LaneBench) -> None:
    """Each record reads a sum, waits, and writes it: two at once of one key would lose an addition."""
    sums: Counter[str] = Counter()
    records: list[tuple[str | None, str]] = [(f"k{number % 3}", f"{number}") for number in range(600)]
    await bench.publish(records)

    async def add(delivery: Delivery) -> None:
        key = (delivery.record.key or b"").decode()
        before = sums[key]
        await asyncio.sleep(0)
        sums[key] = before + int(delivery.record.value or b"")

    bench.desk.work = add
    async with bench.worker(in_flight=50):
        await bench.stands_at(600)
    assert dict(sums) == {f"k{key}": sum(range(key, 600, 3)) for key in range(3)}
    assert bench.desk.most_running <= 3
    each_key_in_order(records, bench.desk.steps)


async def test_records_without_a_key_keep_the_order_of_the_log(bench: LaneBench) -> None:
    records: list[tuple[str | None, str]] = [(None, f"{number}") for number in range(100)]
    for record in records:
        await bench.publish([record])
    async with bench.worker():
        await bench.stands_at(100)
    assert bench.desk.values("begun") == [value for _, value in records]
    assert bench.desk.most_running == 1


async def test_one_busy_key_starves_no_other(bench: LaneBench) -> None:
    busy = [("busy", f"busy{number}") for number in range(200)]
    await bench.publish([*busy[:100], ("quiet", "quiet"), *busy[100:]])
    bench.desk.hold("busy0")
    async with bench.worker(in_flight=1):
        await bench.desk.begun("busy0")
        # All the rest is queued by the time the first one ends.
        await bench.has_taken(201)
        bench.desk.let_go("busy0")
        await bench.stands_at(201)
    assert bench.desk.values("ended").index("quiet") <= 2


async def test_no_partition_is_starved_by_the_backlog_of_another(wide: LaneBench) -> None:
    """Partition 0 has twenty times what the others have, and lies there before anybody reads.

    It is too much for one fetch, for what one fetch brought goes on before the next one.
    """
    records = [(key, f"0-{number}-{key}{'.' * 2_000}") for number in range(20) for key in wide.keys_of(0, 100)]
    records += [(key, f"{partition}-{key}") for partition in range(1, 6) for key in wide.keys_of(partition, 100)]
    await wide.publish(records)
    # Long enough for every partition to be fetched while the large one goes on, on a busy machine too.
    wide.desk.takes_s = 0.01
    async with wide.worker(in_flight=8, queued=200):
        await wide.desk.all_ended(len(records))
    order = [step.partition for step in wide.desk.steps if step.word == "ended"]
    last_of_the_others = max(place for place, partition in enumerate(order) if partition != 0)
    assert last_of_the_others < len(order) - 500, "the small ones end while the large one goes on"
    each_key_in_order(records, wide.desk.steps)


async def test_a_record_that_is_tried_again_holds_its_own_key_and_no_other(bench: LaneBench) -> None:
    others = [(f"k{number % 20}", f"o{number}") for number in range(300)]
    await bench.publish([("bad", "b0"), ("bad", "b1"), *others])
    bench.desk.again_s = {"b0": [0.05, 0.05, 3.0]}
    async with bench.worker(in_flight=1):
        await bench.desk.ended(*(value for _, value in others))
        assert "b1" not in bench.desk.values("begun")
        assert await bench.committed() == {0: 0}
        await bench.stands_at(302)
    assert [value for value in bench.desk.values("begun") if value[0] == "b"] == ["b0", "b0", "b0", "b0", "b1"]
    each_key_in_order([("bad", "b0"), ("bad", "b1"), *others], bench.desk.steps)


async def test_many_retries_at_once_are_each_as_many_as_asked_for(bench: LaneBench) -> None:
    records: list[tuple[str | None, str]] = [(f"k{number}", f"r{number}") for number in range(400)]
    await bench.publish(records)
    failing = [f"r{number}" for number in range(0, 400, 4)]
    bench.desk.again_s = {value: [0.02] * 5 for value in failing}
    async with bench.worker(in_flight=4):
        await bench.stands_at(400)
    begun = Counter(bench.desk.values("begun"))
    assert begun == {f"r{number}": 6 if number % 4 == 0 else 1 for number in range(400)}
    assert bench.desk.most_running <= 4


async def test_a_poison_in_a_lane_is_given_up_and_the_lane_goes_on(bench: LaneBench) -> None:
    """A handler gives a record up by ending without an effect; the records before and behind it have theirs."""
    records: list[tuple[str | None, str]] = [("a", "a0"), ("a", "poison"), ("a", "a1"), ("b", "b0"), ("b", "b1")]
    effects: list[str] = []

    async def perform(delivery: Delivery) -> None:
        value = (delivery.record.value or b"").decode()
        if value != "poison":
            effects.append(value)

    bench.desk.work = perform
    bench.desk.again_s = {"poison": [0.05, 0.05]}
    await bench.publish(records)
    async with bench.worker():
        await bench.stands_at(5)
    assert [value for value in effects if value[0] == "a"] == ["a0", "a1"]
    assert [value for value in effects if value[0] == "b"] == ["b0", "b1"]
    assert bench.desk.values("begun").count("poison") == 3


@pytest.mark.parametrize(("in_flight", "running"), [(60, 40), (2, 2)], ids=["all of them run", "most of them wait"])
async def test_reading_pauses_while_enough_is_unfinished_and_goes_on_afterwards(
    bench: LaneBench, in_flight: int, running: int
) -> None:
    values = [f"r{number}" for number in range(200)]
    await bench.publish([(f"k{value}", value) for value in values])
    bench.desk.hold(*values)
    async with bench.worker(in_flight=in_flight, queued=40) as worker:
        # One more than may wait has been taken from Faust, and stands at the door.
        await bench.has_taken(41)
        await bench.desk.until(lambda: bench.desk.counts["begun"] >= running)
        assert bench.desk.running == running
        bench.desk.let_go("r0")
        await bench.stands_at(1)
        assert worker.consumer.backlog[0] <= 41
        assert bench.desk.counts["begun"] <= running + 1
        bench.desk.let_go(*values)
        await bench.stands_at(200)
        await bench.publish([("late", f"late{number}") for number in range(10)])
        await bench.stands_at(210)
    assert bench.desk.most_running <= in_flight


plans = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 4), st.integers(0, 2)), min_size=1, max_size=30)


@given(plans, st.integers(1, 5), st.integers(1, 8), st.integers(0, 80))
@settings(max_examples=80, deadline=None)
def test_whenever_the_worker_dies_the_next_one_loses_nothing_and_keeps_the_order(
    plan: list[tuple[str, int, int]], in_flight: int, queued: int, dies_after: int
) -> None:
    """Lanes and window together: each record takes some turns and is handed in again up to twice."""
    finished: list[int] = []
    committed = 0

    async def life(start: int, lasts: int | None) -> None:
        nonlocal committed
        repeats = {number: again for number, (_, _, again) in enumerate(plan)}

        def acknowledge(number: int) -> None:
            nonlocal committed
            assert number == committed, "in order, without a gap"
            committed = number + 1

        window: Window[int] = Window(acknowledge)

        async def handle(ticket: Ticket[int]) -> float | None:
            await turns(plan[ticket.item][1])
            if repeats[ticket.item]:
                repeats[ticket.item] -= 1
                return 1.0
            finished.append(ticket.item)
            ticket.done()
            return None

        lanes: Lanes[Ticket[int]] = Lanes(handle, in_flight=in_flight, queued=queued)
        running = asyncio.ensure_future(lanes.run())

        async def read() -> None:
            for number in range(start, len(plan)):
                await lanes.submit(0, plan[number][0], window.admit(number, number))
            await lanes.drained()

        reading = asyncio.ensure_future(read())
        if lasts is None:
            await reading
        else:
            await turns(lasts)
        window.close()  # from here on nothing of this life is committed any more
        reading.cancel()
        running.cancel()
        await asyncio.gather(reading, running, return_exceptions=True)

    run(life(0, dies_after))
    assert set(range(committed)) <= set(finished)
    run(life(committed, None))
    assert committed == len(plan)
    first_times = list(dict.fromkeys(finished))
    for key in "abc":
        own = [number for number, (name, _, _) in enumerate(plan) if name == key]
        assert [number for number in first_times if plan[number][0] == key] == own
