"""What concurrent consumption commits on a real broker, and where it goes on after restarts, moves and gaps."""

from collections import Counter
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import RecordsToDelete

from infra.local import LocalStack
from tests.integration.lane_bench import LaneBench, Member, a_lane_bench, move_offset
from tests.integration.lane_desk import each_key_in_order


@pytest_asyncio.fixture
async def bench(stack: LocalStack) -> AsyncIterator[LaneBench]:
    async with a_lane_bench(stack.bootstrap) as made:
        yield made


@pytest_asyncio.fixture
async def wide(stack: LocalStack) -> AsyncIterator[LaneBench]:
    async with a_lane_bench(stack.bootstrap, partitions=6) as made:
        yield made


async def test_only_the_finished_prefix_is_committed_however_records_end(bench: LaneBench) -> None:
    values = [f"r{number}" for number in range(6)]
    await bench.publish([(f"k-{value}", value) for value in values])
    bench.desk.hold(*values)
    async with bench.worker() as worker:
        await bench.desk.begun(*values)
        for value, prefix in (("r4", 0), ("r1", 0), ("r0", 2), ("r3", 2), ("r2", 5), ("r5", 6)):
            bench.desk.let_go(value)
            await bench.desk.ended(value)
            await bench.stands_at(prefix)
            assert worker.consumer.backlog == {0: 6 - prefix}


async def test_a_hanging_record_holds_back_the_commits_of_its_partition_alone(wide: LaneBench) -> None:
    records = [(key, f"p{partition}-{key}") for partition in range(6) for key in wide.keys_of(partition, 5)]
    held = records[10][1]
    assert held.startswith("p2-")
    await wide.publish(records)
    wide.desk.hold(held)
    async with wide.worker():
        await wide.desk.all_ended(len(records) - 1)
        await wide.stands_at({0: 5, 1: 5, 2: 0, 3: 5, 4: 5, 5: 5})
        wide.desk.let_go(held)
        await wide.stands_at(dict.fromkeys(range(6), 5))


@pytest.mark.parametrize("count", [1, 2, 3])
async def test_a_restart_at_the_end_of_the_log_repeats_nothing_and_skips_nothing(bench: LaneBench, count: int) -> None:
    for number in range(count):
        await bench.publish([("k", f"r{number}")])
        async with bench.worker(f"w{number}"):
            await bench.desk.ended(f"r{number}")
        assert (await bench.committed())[0] == number + 1
    assert bench.desk.values("begun") == [f"r{number}" for number in range(count)]


async def test_a_restart_in_the_middle_goes_on_at_the_first_unfinished_record(bench: LaneBench) -> None:
    values = [f"r{number}" for number in range(8)]
    await bench.publish([(f"k-{value}", value) for value in values])
    bench.desk.hold("r2", "r4")
    async with bench.worker("before", drain_s=0.1) as before:
        await bench.desk.ended(*(value for value in values if value not in {"r2", "r4"}))
        await bench.stands_at(2)
        await _left_behind(bench, before, "r2", "r4")
    assert await bench.committed() == {0: 2}
    async with bench.worker("after"):
        await bench.stands_at(8)
    again = [step.value for step in bench.desk.steps if (step.word, step.worker) == ("begun", "after")]
    assert sorted(again) == values[2:]


async def _left_behind(bench: LaneBench, worker: Member, *values: str) -> None:
    """The worker leaves its group while these hang; they end afterwards, when nobody commits them any more."""
    worker.stopping.set()
    await bench.in_state("Empty")
    bench.desk.let_go(*values)
    await bench.desk.ended(*values)


async def test_what_ends_while_the_worker_stops_is_committed_and_nothing_new_begins(bench: LaneBench) -> None:
    await bench.publish([("a", "runs"), ("a", "waits"), ("b", "runs-too"), ("c", "waits-too")])
    bench.desk.hold("runs", "runs-too")
    async with bench.worker(in_flight=2) as worker:
        await bench.desk.begun("runs", "runs-too")
        await bench.has_taken(4)
        worker.stopping.set()
        await bench.publish([("d", "comes-late")])
        bench.desk.let_go("runs", "runs-too")
    assert bench.desk.values("begun") == ["runs", "runs-too"]
    # "waits" lies between the two, and holds back what lies behind it.
    assert await bench.committed() == {0: 1}


async def test_the_unfinished_work_of_a_revoked_partition_is_the_new_owners(bench: LaneBench) -> None:
    """The first owner's record outlasts its drain; it ends late, commits nothing, and the new owner's word counts."""
    await bench.publish([("a", "slow"), ("a", "behind"), ("b", "quick")])
    bench.desk.hold("slow")
    async with bench.worker("first", drain_s=0.2) as first:
        await bench.desk.ended("quick")
        async with bench.worker("second", drain_s=0.2) as second:
            await bench.has_members(2)
            bench.desk.let_go("slow")
            await bench.stands_at(3)
            assert not first.task.done()
            assert not second.task.done()
    # Whoever has the partition in the end handles what outlasted the rebalance again, even if it is the same worker.
    each_key_in_order([("a", "slow"), ("a", "behind"), ("b", "quick")], bench.desk.steps)
    assert bench.desk.values("begun").count("slow") == 2
    assert bench.desk.values("begun").count("behind") == 1


async def test_an_offset_that_was_moved_back_is_read_from_there_again(bench: LaneBench) -> None:
    await bench.publish([("k", f"r{number}") for number in range(5)])
    async with bench.worker("before"):
        await bench.stands_at(5)
    await move_offset(bench.access, bench.group, bench.topic.name, 0, 2)
    async with bench.worker("after"):
        await bench.stands_at(5)
    assert bench.desk.values("begun") == ["r0", "r1", "r2", "r3", "r4", "r2", "r3", "r4"]


async def test_records_that_retention_deleted_under_the_committed_offset_are_passed_over(bench: LaneBench) -> None:
    await bench.publish([("k", f"r{number}") for number in range(3)])
    async with bench.worker("before"):
        await bench.stands_at(3)
    await bench.publish([("k", f"r{number}") for number in range(3, 10)])
    await bench.admin.delete_records({TopicPartition(bench.topic.name, 0): RecordsToDelete(7)})
    async with bench.worker("after"):
        await bench.stands_at(10)
    assert bench.desk.values("begun") == ["r0", "r1", "r2", "r7", "r8", "r9"]


async def test_offsets_that_hold_no_record_do_not_stop_the_commits(bench: LaneBench) -> None:
    """A transaction leaves a marker behind its records, which takes an offset and is handed to nobody."""
    for batch in range(3):
        await _in_a_transaction(bench, [(f"k{number}", f"t{batch}-{number}") for number in range(4)], commit=True)
    (plain,) = await bench.publish([("plain", "plain")])
    bench.desk.hold("t1-2")
    async with bench.worker("before", drain_s=0.1) as before:
        await bench.desk.ended("plain")
        await bench.stands_at(7)  # four records, a marker, two records
        await _left_behind(bench, before, "t1-2")
    async with bench.worker("after"):
        await bench.stands_at(plain.offset + 1)
        (last,) = await bench.publish([("plain", "last")])
        await bench.stands_at(last.offset + 1)
    once = {f"t0-{number}" for number in range(4)} | {"t1-0", "t1-1", "t2-2", "last"}  # t2-2 has the key of t1-2
    begun = Counter(bench.desk.values("begun"))
    assert {value for value, times in begun.items() if times == 1} == once


async def test_records_of_a_transaction_that_was_taken_back_are_not_handled(bench: LaneBench) -> None:
    """What a publisher takes back was never published: to perform it would charge for an order nobody placed."""
    await bench.publish([("a", "before")])
    await _in_a_transaction(bench, [("a", "taken-back")], commit=False)
    await _in_a_transaction(bench, [("a", "kept")], commit=True)
    await bench.publish([("a", "after")])
    async with bench.worker():
        await bench.desk.ended("after")
    assert bench.desk.values("begun") == ["before", "kept", "after"]


async def _in_a_transaction(bench: LaneBench, records: list[tuple[str, str]], *, commit: bool) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bench.access.bootstrap, transactional_id=f"{bench.group}-publisher")
    await producer.start()
    try:
        await producer.begin_transaction()
        for key, value in records:
            await producer.send_and_wait(bench.topic.name, key=key.encode(), value=value.encode())
        await (producer.commit_transaction() if commit else producer.abort_transaction())
    finally:
        await producer.stop()
