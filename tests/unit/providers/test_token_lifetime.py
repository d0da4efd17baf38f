"""When a token is renewed, and what becomes of a renewal that fails."""

import asyncio

import pytest
from pydantic import SecretStr

from providers.tokens import Grant
from schemas.errors import NotSent, OutcomeUnknown, Throttled
from tests.unit.providers.token_trial import SELLER, Trial, callers_at_once
from tests.virtual_time import run, turns


async def test_a_provider_that_names_no_new_refresh_token_leaves_the_earlier_one_in_force() -> None:
    trial = Trial()
    await trial.access()
    trial.provider.rotates = False
    for _ in range(2):
        trial.after(3600)
        await trial.access()
    assert trial.stored_refresh() == "refresh 1"


async def test_a_failure_is_told_to_all_who_wait_and_not_kept() -> None:
    trial = Trial()
    trial.provider.fails = [Throttled("later", provider="parasut", operation="token", retry_after_s=9)]
    ends = await asyncio.gather(*(trial.access() for _ in range(50)), return_exceptions=True)
    assert [type(end) for end in ends] == [Throttled] * 50
    assert trial.provider.requests[SELLER] == 1
    assert await trial.access() == "production seller 1 at 2"


async def test_a_call_for_which_no_token_came_was_certainly_not_sent() -> None:
    trial = Trial()
    trial.provider.fails = [OutcomeUnknown("?", provider="parasut", operation="token", reason="timeout")]
    with pytest.raises(NotSent, match="no access token came for seller"):
        await trial.access()


def test_a_request_that_never_answers_ends_at_its_deadline() -> None:
    async def hanging() -> None:
        trial = Trial()
        trial.provider.gate.clear()
        began = asyncio.get_running_loop().time()
        with pytest.raises(NotSent):
            await trial.access()
        assert asyncio.get_running_loop().time() - began == 30

    run(hanging())


async def test_a_renewal_that_is_cut_off_is_made_anew_by_one_of_those_who_wait() -> None:
    trial = Trial(shelf=None)
    trial.provider.rotates = False
    callers = await callers_at_once(trial, 10)
    for renewal in trial.cache._under_way.values():
        renewal.cancel()
    await turns()
    trial.provider.gate.set()
    assert await asyncio.gather(*callers) == ["production seller 1 at 2"] * 10


async def test_a_token_is_renewed_a_little_before_its_end() -> None:
    trial = Trial(margin_s=60)
    await trial.access()
    trial.after(3539)
    assert await trial.access() == "production seller 1 at 1"
    trial.after(1)
    assert await trial.access() == "production seller 1 at 2"


async def test_a_token_that_is_shorter_than_the_margin_is_used_for_half_its_time() -> None:
    trial = Trial(margin_s=60)
    trial.provider.lifetime_s = 40
    await trial.access()
    trial.after(19)
    assert await trial.access() == "production seller 1 at 1"
    trial.after(1)
    assert await trial.access() == "production seller 1 at 2"


async def test_a_tokens_time_counts_from_before_it_was_asked_for() -> None:
    trial = Trial(margin_s=0)
    (caller,) = await callers_at_once(trial, 1)
    trial.after(10)
    trial.provider.gate.set()
    await caller
    trial.after(3590)
    assert await trial.access() == "production seller 1 at 2"


@pytest.mark.parametrize("expires_in_s", [0, -1])
def test_a_token_without_time_is_none(expires_in_s: float) -> None:
    with pytest.raises(ValueError, match="above 0 s"):
        Grant(SecretStr("x"), expires_in_s)


async def test_a_token_that_the_provider_refused_is_renewed_once_for_all_who_were_refused() -> None:
    trial = Trial()
    old = await trial.token()
    for _ in range(25):
        trial.cache.refuse(SELLER, old)
    new = await trial.access()
    for _ in range(25):
        trial.cache.refuse(SELLER, old)
    assert await trial.access() == new == "production seller 1 at 2"
    assert trial.provider.requests[SELLER] == 2


async def test_a_refused_token_without_a_store_is_renewed_too() -> None:
    trial = Trial(shelf=None)
    trial.provider.rotates = False
    trial.cache.refuse(SELLER, await trial.token())
    assert await trial.access() == await trial.access() == "production seller 1 at 2"


async def test_a_refresh_token_with_nowhere_to_be_kept_is_an_error() -> None:
    with pytest.raises(ValueError, match="a store is needed"):
        await Trial(shelf=None).access()


async def test_tokens_show_no_value() -> None:
    trial = Trial()
    token = await trial.token()
    assert "at 1" not in repr((token, Grant(SecretStr("at 1"), 1), trial.cache._kept))
