import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.lanes import Lanes
from tests.virtual_time import run, turns

Item = tuple[str, int]
Handle = Callable[[Item], Awaitable[float | None]]


@asynccontextmanager
async def lanes(handle: Handle, *, in_flight: int = 4, queued: int = 1000) -> AsyncIterator[Lanes[Item]]:
    """Lanes that run, and are stopped in the end."""
    own: Lanes[Item] = Lanes(handle, in_flight=in_flight, queued=queued)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(own.run())
        yield own
        own.stop()


class Desk:
    """A handler whose records go on when the test says so."""

    def __init__(self) -> None:
        self.begun: list[Item] = []
        self.ended: list[Item] = []
        self.gates: dict[Item, asyncio.Event] = {}

    def open(self, *items: Item) -> None:
        for item in items:
            self.gates.setdefault(item, asyncio.Event()).set()

    async def __call__(self, item: Item) -> float | None:
        self.begun.append(item)
        await self.gates.setdefault(item, asyncio.Event()).wait()
        self.ended.append(item)
        return None


records = st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 4), st.integers(0, 2)), max_size=40)


@given(records, st.integers(1, 5), st.integers(1, 10))
@settings(max_examples=60, deadline=None)
def test_each_key_keeps_its_order_whatever_the_delays(
    plan: list[tuple[str, int, int]], in_flight: int, queued: int
) -> None:
    """A record takes some turns of the loop, is handed in again up to twice, and no second one of its key runs."""
    repeats = {(key, number): again for number, (key, _, again) in enumerate(plan)}
    delays = {(key, number): delay for number, (key, delay, _) in enumerate(plan)}
    running: set[str] = set()
    finished: list[Item] = []
    most = 0

    async def handle(item: Item) -> float | None:
        nonlocal most
        assert item[0] not in running
        running.add(item[0])
        most = max(most, len(running))
        await turns(delays[item])
        running.remove(item[0])
        if repeats[item]:
            repeats[item] -= 1
            return delays[item] * 10.0
        finished.append(item)
        return None

    async def main() -> None:
        async with lanes(handle, in_flight=in_flight, queued=queued) as own:
            for number, (key, _, _) in enumerate(plan):
                assert await own.submit(0, key, (key, number))
            await own.drained()

    run(main())
    assert most <= in_flight
    for key in "abcd":
        assert [item for item in finished if item[0] == key] == [(k, n) for n, (k, _, _) in enumerate(plan) if k == key]


@given(records, st.integers(1, 4), st.integers(0, 60))
@settings(max_examples=60, deadline=None)
def test_nothing_of_a_revoked_group_begins_and_all_of_the_others_ends(
    plan: list[tuple[str, int, int]], in_flight: int, revoked_after: int
) -> None:
    """`again` serves as the group here; group 0 is revoked somewhere on the way."""
    revoked = False
    finished: list[Item] = []

    async def handle(item: Item) -> float | None:
        _, delay, group = plan[item[1]]
        assert not (revoked and group == 0)
        await turns(delay)
        finished.append(item)
        return None

    async def main() -> None:
        nonlocal revoked
        async with lanes(handle, in_flight=in_flight) as own:
            for number, (key, _, group) in enumerate(plan):
                await own.submit(group, key, (key, number))
            await turns(revoked_after)
            revoked = True
            assert await own.revoke(0, within_s=60)
            await own.drained()

    run(main())
    expected = [(key, number) for number, (key, _, group) in enumerate(plan) if group]
    assert sorted(item for item in finished if plan[item[1]][2]) == sorted(expected)


def test_a_sleeping_record_takes_no_place_in_flight_and_holds_its_key() -> None:
    finished: list[tuple[float, Item]] = []
    slept = False

    async def handle(item: Item) -> float | None:
        nonlocal slept
        if item == ("a", 0) and not slept:
            slept = True
            return 1000.0
        finished.append((asyncio.get_running_loop().time(), item))
        return None

    async def main() -> None:
        async with lanes(handle, in_flight=1) as own:
            for item in (("a", 0), ("a", 1), ("b", 2)):
                await own.submit(0, item[0], item)
            await own.drained()

    run(main())
    assert finished == [(0.0, ("b", 2)), (1000.0, ("a", 0)), (1000.0, ("a", 1))]


def test_submitting_waits_while_as_many_as_allowed_are_unfinished() -> None:
    async def main() -> None:
        desk = Desk()
        async with lanes(desk, in_flight=2, queued=3) as own:
            for number in range(3):
                await own.submit(0, f"k{number}", (f"k{number}", number))
            fourth = asyncio.ensure_future(own.submit(0, "k3", ("k3", 3)))
            await turns()
            assert not fourth.done()
            assert len(desk.begun) == 2
            desk.open(("k0", 0))
            assert await fourth
            desk.open(*((f"k{number}", number) for number in range(4)))
            await own.drained()

    run(main())


def test_revoking_drops_what_has_not_begun_and_waits_for_what_runs() -> None:
    async def main() -> None:
        desk = Desk()
        async with lanes(desk) as own:
            await own.submit("p0", "a", ("a", 0))
            await own.submit("p0", "a", ("a", 1))
            await own.submit("p1", "b", ("b", 2))
            await turns()
            revoking = asyncio.ensure_future(own.revoke("p0", within_s=60))
            await turns()
            assert not revoking.done()
            desk.open(("a", 0), ("a", 1))
            assert await revoking
            desk.open(("b", 2))
            await own.drained()
            assert sorted(desk.ended) == [("a", 0), ("b", 2)]

    run(main())


def test_revoking_does_not_wait_for_a_record_that_waits_for_a_place() -> None:
    async def main() -> None:
        desk = Desk()
        async with lanes(desk, in_flight=1) as own:
            await own.submit("p1", "a", ("a", 0))
            await own.submit("p0", "b", ("b", 1))
            await turns()
            assert await own.revoke("p0", within_s=60)
            assert asyncio.get_running_loop().time() == 0.0
            desk.open(("a", 0), ("b", 1))
            await own.drained()
            assert desk.ended == [("a", 0)]

    run(main())


def test_revoking_says_when_a_record_did_not_end_in_time_and_that_one_goes_on() -> None:
    async def main() -> None:
        desk = Desk()
        async with lanes(desk) as own:
            await own.submit("p0", "a", ("a", 0))
            await turns()
            assert not await own.revoke("p0", within_s=5)
            assert asyncio.get_running_loop().time() == 5.0
            desk.open(("a", 0))
            await own.drained()
            assert desk.ended == [("a", 0)]

    run(main())


def test_a_sleeping_record_of_a_revoked_group_does_not_wake_and_gives_its_room_back() -> None:
    handled: list[Item] = []

    async def handle(item: Item) -> float | None:
        handled.append(item)
        return 10.0 if item[0] == "a" else None

    async def main() -> None:
        async with lanes(handle, queued=1) as own:
            await own.submit("p0", "a", ("a", 0))
            await turns()
            assert await own.revoke("p0", within_s=1)
            assert await own.submit("p1", "b", ("b", 1))
            await own.drained()
            await asyncio.sleep(100)

    run(main())
    assert handled == [("a", 0), ("b", 1)]


def test_a_running_record_of_a_revoked_group_is_not_handed_in_again() -> None:
    handled: list[Item] = []
    gate = asyncio.Event()

    async def handle(item: Item) -> float | None:
        handled.append(item)
        await gate.wait()
        return 1.0

    async def main() -> None:
        async with lanes(handle) as own:
            await own.submit("p0", "a", ("a", 0))
            await turns()
            revoking = asyncio.ensure_future(own.revoke("p0", within_s=60))
            await turns()
            gate.set()
            assert await revoking
            await own.drained()
            await asyncio.sleep(100)

    run(main())
    assert handled == [("a", 0)]


def test_a_record_that_waits_for_room_while_its_group_is_revoked_is_dropped() -> None:
    async def main() -> None:
        desk = Desk()
        async with lanes(desk, queued=1) as own:
            await own.submit("p0", "a", ("a", 0))
            late = asyncio.ensure_future(own.submit("p0", "b", ("b", 1)))
            await turns()
            desk.open(("a", 0), ("b", 1))
            await own.revoke("p0", within_s=60)
            assert await late is False
            await own.drained()
            assert desk.begun == [("a", 0)]
            assert await own.submit("p1", "c", ("c", 2))
            desk.open(("c", 2))
            await own.drained()

    run(main())


def test_a_group_that_comes_back_runs_behind_the_last_record_of_the_old_one() -> None:
    async def main() -> None:
        desk = Desk()
        async with lanes(desk) as own:
            await own.submit(("p0", 1), "a", ("a", 0))
            await turns()
            assert not await own.revoke(("p0", 1), within_s=1)
            await own.submit(("p0", 2), "a", ("a", 1))
            await turns()
            assert desk.begun == [("a", 0)]
            desk.open(("a", 0), ("a", 1))
            await own.drained()
            assert desk.ended == [("a", 0), ("a", 1)]

    run(main())


def test_a_handlers_error_is_fatal_and_the_next_record_of_its_key_does_not_begin() -> None:
    begun: list[Item] = []

    async def handle(item: Item) -> float | None:
        begun.append(item)
        await turns(3)
        raise RuntimeError("not settled")

    async def main() -> None:
        own: Lanes[Item] = Lanes(handle, in_flight=4, queued=10)
        await own.submit(0, "a", ("a", 0))
        await own.submit(0, "a", ("a", 1))
        with pytest.raises(ExceptionGroup, match="unhandled errors") as raised:
            await own.run()
        assert raised.group_contains(RuntimeError, match="not settled")
        assert await own.revoke(0, within_s=60)

    run(main())
    assert begun == [("a", 0)]


def test_stopping_lets_what_runs_end_and_leaves_the_rest_alone() -> None:
    async def main() -> None:
        desk = Desk()
        async with lanes(desk, in_flight=1) as own:
            for item in (("a", 0), ("a", 1), ("b", 2)):
                await own.submit(0, item[0], item)
            await turns()
            own.stop()
            desk.open(("a", 0), ("a", 1), ("b", 2))
        assert desk.ended == [("a", 0)]

    run(main())
