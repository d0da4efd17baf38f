"""Consumer groups under rebalances and outages: no worker dies of a lost partition, none falls silent, none circles."""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio

from infra.local import LocalStack
from infra.local.broker import Broker
from schemas.errors import StoreError
from streams.watching import Bounds
from tests.integration.consumer_bench import Bench, a_bench, ended, until
from tests.integration.consumer_bench import each_key_in_order as each_line_in_order
from tests.integration.consumer_child import FAILED
from tests.integration.lane_bench import LaneBench, a_lane_bench
from tests.integration.lane_desk import Step, each_key_in_order, nothing_begins_without_its_partition

SOON = Bounds(stall_s=5, look_s=0.5)
"""When a worker that stands still ends, instead of the two minutes it has."""

SESSION_S = 6.0
"""After so long without a sign of life the broker gives a worker's partitions to others."""


@pytest_asyncio.fixture
async def wide(stack: LocalStack) -> AsyncIterator[LaneBench]:
    async with a_lane_bench(stack.bootstrap, partitions=6) as made:
        yield made


@pytest_asyncio.fixture
async def children(stack: LocalStack, tmp_path: Path) -> AsyncIterator[Bench]:
    async with a_bench(stack.bootstrap, tmp_path, partitions=6) as made:
        yield made


@pytest.mark.parametrize("moment", ["PreparingRebalance", "Stable"])
async def test_records_that_end_after_their_partition_went_away_kill_nobody_and_commit_nothing(
    wide: LaneBench, moment: str
) -> None:
    """A1: whether the late end falls into the rebalance or behind it."""
    heads = [wide.keys_of(partition, 1)[0] for partition in range(6)]
    records = [(key, f"{word}-{key}") for word in ("slow", "behind") for key in heads]
    slow = [f"slow-{key}" for key in heads]
    await wide.publish(records)
    wide.desk.hold(*slow)
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(wide.worker("first", drain_s=0.2))
        await wide.desk.begun(*slow)
        second = await stack.enter_async_context(wide.worker("second", drain_s=0.2))
        await (wide.in_state(moment) if moment != "Stable" else wide.has_members(2))
        wide.desk.let_go(*slow)
        await wide.stands_at(dict.fromkeys(range(6), 2))
        await wide.has_members(2)
        assert not first.task.done()
        assert not second.task.done()
    each_key_in_order(records, wide.desk.steps)
    nothing_begins_without_its_partition(wide.desk.steps)
    assert max(Counter(wide.desk.values("begun")).values()) <= 2


async def test_partitions_that_move_to_and_fro_under_deep_buffers_keep_each_key_in_order(wide: LaneBench) -> None:
    """A3, A11: what was fetched under an old assignment goes with it, in Faust's buffer, at the door and in lanes."""
    records = [(f"k{number % 60}", f"{number}") for number in range(6_000)]
    await wide.publish(records)
    wide.desk.takes_s = 0.025
    async with wide.worker("first", in_flight=8, queued=300, drain_s=0.1):
        await wide.desk.all_ended(200)
        async with wide.worker("second", in_flight=8, queued=300, drain_s=0.1):
            await wide.has_members(2)
            await _progress(wide, 100)
            async with wide.worker("third", in_flight=8, queued=300, drain_s=0.1):
                await wide.has_members(3)
                await _progress(wide, 100)
            await wide.has_members(2)
            assert len(wide.desk.ended_records()) < len(records), "the moves met records under way"
            wide.desk.takes_s = 0.0
            await wide.desk.all_ended(len(records))
    each_key_in_order(records, wide.desk.steps, "begun")
    nothing_begins_without_its_partition(wide.desk.steps)
    _nothing_is_skipped(wide.desk.steps)


async def _progress(wide: LaneBench, count: int) -> None:
    enough = wide.desk.counts["ended"] + count
    await wide.desk.until(lambda: wide.desk.counts["ended"] >= enough)


def _nothing_is_skipped(steps: list[Step]) -> None:
    """A record begins only when all before it of its key have ended: none is delivered far ahead of its turn."""
    done: dict[str, list[int]] = {}
    for step in steps:
        number = int(step.value) if step.value else -1
        if step.word == "begun":
            earlier = done.setdefault(step.key, [])
            assert number in earlier or number == (earlier[-1] + 60 if earlier else number % 60), step
        elif step.word == "ended" and number not in done[step.key]:
            done[step.key].append(number)


async def test_calls_longer_than_the_session_cause_no_rebalance_and_are_made_once(wide: LaneBench) -> None:
    """A9: every place is taken for longer than a member may be silent, and all buffers are full."""
    # Of one partition, so that they are taken up together and not one after the other.
    slow = [(key, f"slow-{key}") for key in wide.keys_of(0, 10)]
    records = [*slow, *((f"k{number % 500}", f"{number}") for number in range(4_500))]
    await wide.publish(records)
    wide.desk.own_s = {value: SESSION_S + 1 for _, value in slow}
    async with wide.worker(in_flight=10, queued=10):
        members = await wide.has_members(1)
        await wide.desk.all_ended(len(records))
        assert await wide.has_members(1) == members
    assert max(Counter(wide.desk.values("begun")).values()) == 1, "no record was handled a second time"
    assert [step.word for step in wide.desk.steps if step.word in {"got", "lost"}].count("got") == 6


async def test_a_worker_past_the_poll_limit_comes_back_or_says_so(wide: LaneBench) -> None:
    """A7, A9: all places are taken and nothing is fetched for so long that Kafka's client leaves the group."""
    records = [(f"k{number % 500}", f"{number}") for number in range(4_500)]
    await wide.publish(records)
    wide.desk.own_s = {f"{number}": 3.0 for number in range(10)}
    try:
        async with wide.worker(in_flight=10, queued=10, poll_limit_s=1.0, bounds=SOON) as worker:
            all_ended = asyncio.ensure_future(wide.desk.all_ended(len(records), within_s=30))
            await asyncio.wait({all_ended, worker.task}, return_when=asyncio.FIRST_COMPLETED)
            if worker.task.done():
                all_ended.cancel()
            else:
                await all_ended
    except ExceptionGroup as said:
        assert said.split(StoreError)[1] is None  # noqa: PT017 - ending with a word is one of the two right ends
    else:
        each_key_in_order(records, wide.desk.steps)


async def test_a_worker_that_slept_past_its_session_wakes_and_throws_its_old_records_away(children: Bench) -> None:
    """A1, A11: its commits come under an assignment that is over, its buffers hold what another has done since."""
    records = [(f"k{number % 40}", f"{number}") for number in range(3_000)]
    await children.publish(records)
    sleeper = await children.start(takes_s=0.02, in_flight=10)
    await ended(children, 100)
    sleeper.send_signal(signal.SIGSTOP)
    try:
        other = await children.start()
        await ended(children, len(records))
        await until(children, _all_committed(children, len(records)))
    finally:
        sleeper.send_signal(signal.SIGCONT)

    async def rejoined() -> bool:
        return await children.state() == ("Stable", 2)

    await until(children, rejoined)
    # Before it had word of the takeover it could not know better; from now on nothing of its old cache may begin.
    so_far = len(children.lines("begun"))
    late = [(f"k{number % 40}", f"late{number}") for number in range(100)]
    await children.publish(late)
    await ended(children, len(records) + len(late))
    await until(children, _all_committed(children, len(records) + len(late)))
    assert sleeper.returncode is None
    assert other.returncode is None
    each_line_in_order([*records, *late], children.lines())
    assert {line.value for line in children.lines("begun")[so_far:]} == {value for _, value in late}


def _all_committed(bench: Bench, count: int) -> Callable[[], Awaitable[bool]]:
    async def look() -> bool:
        return sum((await bench.committed()).values()) == count

    return look


async def test_after_an_outage_longer_than_the_session_reading_goes_on_or_the_worker_says_so(tmp_path: Path) -> None:
    """A7: 500 records wait while the broker hangs and then dies. Silence afterwards would be the failure."""
    broker = Broker(tmp_path / "kafka")
    await broker.start()
    try:
        (tmp_path / "bench").mkdir()
        async with a_bench(broker.bootstrap, tmp_path / "bench", partitions=2) as bench:
            records = [(f"k{number % 30}", f"{number}") for number in range(550)]
            await bench.publish(records)
            worker = await bench.start(takes_s=0.05, in_flight=5, queued=20)
            await ended(bench, 50)
            os.kill(broker.pids[0], signal.SIGSTOP)
            # It may give up meanwhile; if it does not, the broker has been away for longer than the session.
            await asyncio.wait({asyncio.ensure_future(worker.wait())}, timeout=SESSION_S + 1)
            await broker.kill_node(1)
            await broker.start_node(1)

            def goes_on_or_says_so() -> bool:
                return worker.returncode is not None or len({line.value for line in bench.lines()}) == len(records)

            await until(bench, goes_on_or_says_so)
            if worker.returncode is not None:
                assert worker.returncode == FAILED
                await bench.start()
            await ended(bench, len(records))
            await until(bench, _all_committed(bench, len(records)))
            each_line_in_order(records, bench.lines())
    finally:
        await broker.stop()
