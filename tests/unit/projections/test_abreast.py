import asyncio
import gc

import pytest

from projections.abreast import both
from projections.collector import collecting_seldom


async def test_both_run_at_once_and_give_what_they_give() -> None:
    """Each waits for the other; one after the other they never would end."""
    here, there = asyncio.Event(), asyncio.Event()

    async def one() -> int:
        here.set()
        await there.wait()
        return 1

    async def other() -> str:
        there.set()
        await here.wait()
        return "two"

    assert await both(one(), other()) == (1, "two")


@pytest.mark.parametrize("fails_first", [True, False])
async def test_a_failure_waits_for_the_other_to_end(fails_first: bool) -> None:
    ended = False

    async def fail() -> None:
        raise ValueError("failed")

    async def go_on() -> None:
        nonlocal ended
        for _ in range(5):
            await asyncio.sleep(0)
        ended = True

    with pytest.raises(ValueError, match="failed"):
        await (both(fail(), go_on()) if fails_first else both(go_on(), fail()))
    assert ended


async def test_cancelling_ends_both() -> None:
    began, cancelled = asyncio.Event(), []

    async def wait(name: str) -> None:
        try:
            began.set()
            await asyncio.Event().wait()
        finally:
            cancelled.append(name)

    task = asyncio.ensure_future(both(wait("one"), wait("other")))
    await began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert sorted(cancelled) == ["one", "other"]


def test_the_usual_thresholds_come_back_with_the_last_block_to_end() -> None:
    usual = gc.get_threshold()
    one, other = collecting_seldom(), collecting_seldom()
    one.__enter__()
    seldom = gc.get_threshold()
    other.__enter__()
    one.__exit__(None, None, None)
    assert gc.get_threshold() == seldom != usual
    other.__exit__(None, None, None)
    assert gc.get_threshold() == usual
