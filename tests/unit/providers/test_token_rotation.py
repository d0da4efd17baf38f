"""Refresh tokens that replace each other, under races. Pitfall G7."""

import asyncio
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from providers.tokens import Token
from schemas.errors import NotSent, StoreError
from tests.unit.providers.token_trial import SELLER, Trial, callers_at_once
from tests.virtual_time import run, turns


async def test_g7_fifty_calls_at_expiry_are_one_request_and_the_living_token_is_stored() -> None:
    trial = Trial()
    await trial.access()
    trial.after(3600)
    callers = await callers_at_once(trial)
    trial.provider.gate.set()
    assert await asyncio.gather(*callers) == ["production seller 1 at 2"] * 50
    assert trial.provider.requests[SELLER] == 2
    assert trial.stored_refresh() == trial.provider.living[SELLER] == "refresh 2"


async def test_g7_fifty_calls_of_five_processes_are_one_request() -> None:
    trial = Trial()
    await trial.access()
    trial.after(3600)
    processes = [trial.another_process() for _ in range(5)]
    found = await asyncio.gather(*(trial.access(cache=cache) for cache in processes * 10))
    assert found == ["production seller 1 at 2"] * 50
    assert trial.stored_refresh() == trial.provider.living[SELLER]


async def test_g7_a_cancelled_caller_takes_the_request_from_nobody() -> None:
    trial = Trial()
    callers = await callers_at_once(trial)
    for caller in callers[:49]:
        caller.cancel()
    await turns()
    trial.provider.gate.set()
    ends = await asyncio.gather(*callers, return_exceptions=True)
    assert ends[49] == "production seller 1 at 1"
    assert all(isinstance(end, asyncio.CancelledError) for end in ends[:49])
    assert trial.provider.requests[SELLER] == 1


async def test_g7_a_request_whose_callers_all_went_still_stores_what_it_brought() -> None:
    trial = Trial()
    for caller in await callers_at_once(trial, 3):
        caller.cancel()
    await turns()
    trial.provider.gate.set()
    await trial.cache.aclose()
    assert trial.stored_refresh() == trial.provider.living[SELLER]
    assert await trial.access() == "production seller 1 at 1"


async def test_g7_a_new_refresh_token_is_stored_before_anybody_gets_its_access_token() -> None:
    trial = Trial()
    assert trial.shelf is not None
    trial.shelf.down = True
    callers = await callers_at_once(trial)
    trial.provider.gate.set()
    ends = await asyncio.gather(*callers, return_exceptions=True)
    assert [type(end) for end in ends] == [StoreError] * 50


def test_g7_a_store_that_comes_back_gets_the_token_before_another_process_gets_its_turn() -> None:
    async def two_processes() -> None:
        trial = Trial(patience_s=15)
        assert trial.shelf is not None
        trial.shelf.down = True
        first = asyncio.create_task(trial.access())
        second = asyncio.create_task(trial.access(cache=trial.another_process()))
        await asyncio.sleep(10)
        trial.shelf.down = False
        assert list(await asyncio.gather(first, second)) == ["production seller 1 at 1"] * 2
        assert trial.stored_refresh() == trial.provider.living[SELLER]

    run(two_processes())


async def test_g7_what_could_not_be_stored_is_stored_later_and_not_asked_for_again() -> None:
    trial = Trial()
    assert trial.shelf is not None
    trial.shelf.down = True
    for _ in range(2):
        with pytest.raises(StoreError):
            await trial.access()
    trial.shelf.down = False
    assert await trial.access() == "production seller 1 at 1"
    assert trial.provider.requests[SELLER] == 1
    assert trial.stored_refresh() == trial.provider.living[SELLER]


async def test_g7_what_could_not_be_stored_is_stored_at_the_end() -> None:
    trial = Trial()
    assert trial.shelf is not None
    trial.shelf.down = True
    with pytest.raises(StoreError):
        await trial.access()
    with pytest.raises(StoreError):
        await trial.cache.aclose()
    trial.shelf.down = False
    await trial.cache.aclose()
    assert trial.stored_refresh() == trial.provider.living[SELLER]


async def test_g7_a_dead_refresh_token_is_never_stored_over_a_living_one() -> None:
    trial = Trial()
    assert trial.shelf is not None
    trial.shelf.down = True
    with pytest.raises(StoreError):
        await trial.access()
    trial.shelf.down = False
    newer = Token(7, SecretStr("theirs"), SecretStr("living"), trial.at, trial.at + timedelta(hours=1))
    trial.shelf.stored[SELLER] = newer
    assert await trial.access() == "theirs"
    assert trial.stored_refresh() == "living"
    await trial.cache.aclose()
    assert trial.stored_refresh() == "living"


async def test_g7_a_token_that_was_replaced_during_its_request_is_not_handed_out() -> None:
    trial = Trial()
    assert trial.shelf is not None
    callers = await callers_at_once(trial, 2)
    newer = Token(7, SecretStr("theirs"), SecretStr("living"), trial.at, trial.at + timedelta(hours=1))
    trial.shelf.stored[SELLER] = newer
    trial.provider.gate.set()
    ends = await asyncio.gather(*callers, return_exceptions=True)
    assert [type(end) for end in ends] == [NotSent] * 2
    assert await trial.access() == "theirs"


STEPS = st.tuples(st.integers(0, 2), st.integers(0, 9), st.sampled_from(["call", "cancel", "wait", "down"]))


@given(st.lists(STEPS, max_size=25))
def test_g7_no_order_of_calls_cancellations_and_failures_uses_a_dead_refresh_token(
    steps: list[tuple[int, int, str]],
) -> None:
    """Three processes share an account. The provider shuts it out at the first refresh token that is not the living."""

    async def play() -> None:
        trial = Trial(patience_s=600)
        assert trial.shelf is not None
        processes = [trial.cache, trial.another_process(), trial.another_process()]
        callers: list[asyncio.Task[str]] = []
        for process, number, step in steps:
            if step == "call":
                callers.append(asyncio.create_task(trial.access(cache=processes[process])))
            elif step == "cancel" and callers:
                callers[number % len(callers)].cancel()
            elif step == "down":
                trial.shelf.down = not trial.shelf.down
            else:
                trial.after(number * 400)
            await turns(number)
        trial.shelf.down = False
        await asyncio.gather(*callers, return_exceptions=True)
        for cache in processes:
            await cache.aclose()
        assert trial.provider.misused == 0
        if trial.provider.living:
            assert trial.stored_refresh() == trial.provider.living[SELLER]

    run(play())
