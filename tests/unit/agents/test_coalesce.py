import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.coalesce import Coalescer
from tests.virtual_time import run, turns


class Doubler:
    """Answers each number with its double; batches go on when `gate` opens."""

    def __init__(self, *, limit: int = 256, lanes: int = 2, held: bool = False) -> None:
        self.batches: list[list[int]] = []
        self.under_way = 0
        self.most_under_way = 0
        self.gate = asyncio.Event()
        if not held:
            self.gate.set()
        self.coalescer: Coalescer[int, int] = Coalescer(
            self._run, identities=lambda item: (item % 7,), limit=limit, lanes=lanes
        )

    async def _run(self, batch: Sequence[int]) -> list[int]:
        self.batches.append(list(batch))
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        await self.gate.wait()
        await turns(len(batch) % 3)
        self.under_way -= 1
        if 13 in batch:
            raise LookupError("thirteen")
        return [2 * item for item in batch]


@given(st.lists(st.integers(0, 40).filter(lambda item: item != 13), max_size=60), st.integers(1, 9), st.integers(1, 3))
@settings(max_examples=60, deadline=None)
def test_everybody_gets_their_own_answer_and_no_name_stands_twice_in_a_batch(
    items: list[int], limit: int, lanes: int
) -> None:
    async def main() -> Doubler:
        doubler = Doubler(limit=limit, lanes=lanes)
        answers = await asyncio.gather(*(doubler.coalescer.one(item) for item in items))
        assert answers == [2 * item for item in items]
        await doubler.coalescer.aclose()
        return doubler

    doubler = run(main())
    assert sorted(item for batch in doubler.batches for item in batch) == sorted(items)
    assert all(len({item % 7 for item in batch}) == len(batch) <= limit for batch in doubler.batches)
    assert doubler.most_under_way <= lanes


def test_a_lone_row_leaves_at_once_and_those_that_come_meanwhile_travel_together() -> None:
    async def main() -> None:
        doubler = Doubler(lanes=1, held=True)
        callers = [asyncio.ensure_future(doubler.coalescer.one(0))]
        await turns()
        callers += [asyncio.ensure_future(doubler.coalescer.one(item)) for item in (1, 2, 3)]
        await turns()
        doubler.gate.set()
        assert await asyncio.gather(*callers) == [0, 2, 4, 6]
        assert doubler.batches == [[0], [1, 2, 3]]

    run(main())


def test_rows_of_one_name_are_done_in_the_order_they_came() -> None:
    async def main() -> None:
        doubler = Doubler(lanes=1, held=True)
        callers = [asyncio.ensure_future(doubler.coalescer.one(item)) for item in (0, 7, 14, 1)]
        await turns()
        doubler.gate.set()
        assert await asyncio.gather(*callers) == [0, 14, 28, 2]
        assert doubler.batches == [[0, 1], [7], [14]]

    run(main())


def test_a_failure_reaches_everybody_of_that_batch_and_nobody_else() -> None:
    async def main() -> None:
        doubler = Doubler(lanes=1, held=True)
        first = asyncio.ensure_future(doubler.coalescer.one(0))
        await turns()
        doomed = [asyncio.ensure_future(doubler.coalescer.one(item)) for item in (13, 1)]
        spared = asyncio.ensure_future(doubler.coalescer.one(20))  # the same name as 13, so another batch
        await turns()
        doubler.gate.set()
        assert await first == 0
        for caller in doomed:
            with pytest.raises(LookupError, match="thirteen"):
                await caller
        assert await spared == 40

    run(main())


def test_a_caller_that_is_cancelled_leaves_its_row_in_the_batch_and_disturbs_nobody() -> None:
    async def main() -> None:
        doubler = Doubler(held=True)
        gone, stays = (asyncio.ensure_future(doubler.coalescer.one(item)) for item in (1, 2))
        await turns()
        gone.cancel()
        doubler.gate.set()
        assert await stays == 4
        with pytest.raises(asyncio.CancelledError):
            await gone
        assert doubler.batches == [[1, 2]]
        assert await doubler.coalescer.one(3) == 6

    run(main())


def test_a_failure_that_nobody_waits_for_any_more_is_not_reported_by_the_loop() -> None:
    async def main() -> None:
        reports: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: reports.append(context))
        doubler = Doubler(held=True)
        gone = asyncio.ensure_future(doubler.coalescer.one(13))
        await turns()
        gone.cancel()
        doubler.gate.set()
        await doubler.coalescer.aclose()
        del gone
        await turns()
        assert reports == []

    run(main())


def test_too_few_answers_are_an_error_for_all_not_a_wait_for_some() -> None:
    async def short(batch: Sequence[int]) -> list[int]:
        return list(batch)[1:]

    async def main() -> None:
        coalescer: Coalescer[int, int] = Coalescer(short, identities=lambda item: (item,))
        answers = await asyncio.gather(*(coalescer.one(item) for item in (1, 2, 3)), return_exceptions=True)
        assert [type(answer) for answer in answers] == [AssertionError] * 3

    run(main())


def test_closing_waits_for_the_batches_under_way() -> None:
    async def main() -> None:
        doubler = Doubler(held=True)
        caller = asyncio.ensure_future(doubler.coalescer.one(1))
        await turns()
        closing = asyncio.ensure_future(doubler.coalescer.aclose())
        await turns()
        assert not closing.done()
        doubler.gate.set()
        await closing
        assert caller.done()
        assert await caller == 2

    run(main())
