import asyncio
from dataclasses import replace

import pytest

from agents.ledger import ClaimStatus, StoredResult, boottime
from schemas.ids import new_id
from schemas.routing import Routed
from tests.database_clock import step_clock
from tests.integration.ledger_bench import (
    LEASE_S,
    MARGIN_S,
    RESULT,
    Bench,
    a_conclusion,
    a_sending,
    an_ask,
    redelivered,
    taken,
)

# Claims.


async def test_a_new_command_is_taken_and_its_lease_is_counted_from_before_the_question(bench: Bench) -> None:
    before = boottime()
    claim = await taken(bench.one, an_ask())
    assert (claim.epoch, claim.key_state, claim.attempts, claim.sent_age_s) == (1, None, (), None)
    assert before + LEASE_S - MARGIN_S <= claim.lease_ends <= boottime() + LEASE_S - MARGIN_S
    assert 0 < claim.lease_left_s <= LEASE_S - MARGIN_S


async def test_of_two_workers_that_claim_one_command_at_the_same_time_one_gets_it(bench: Bench) -> None:
    asks = [an_ask() for _ in range(40)]
    answers = await asyncio.gather(
        *(bench.one.claim(ask) for ask in asks), *(bench.two.claim(redelivered(ask)) for ask in asks)
    )
    for first, second in zip(answers[:40], answers[40:], strict=True):
        assert {first.status, second.status} == {ClaimStatus.TAKEN, ClaimStatus.HELD}


async def test_of_two_commands_of_one_key_one_gets_it_and_the_other_waits_for_its_end(bench: Bench) -> None:
    asks = [an_ask() for _ in range(40)]
    others = [an_ask(ask.key) for ask in asks]
    answers = await asyncio.gather(*map(bench.one.claim, asks), *map(bench.two.claim, others))
    for first, second in zip(answers[:40], answers[40:], strict=True):
        assert {first.status, second.status} == {ClaimStatus.TAKEN, ClaimStatus.HELD}
        winner, loser = (first, second) if first.status is ClaimStatus.TAKEN else (second, first)
        assert await bench.one.conclude(a_conclusion(winner))
        assert (await taken(bench.two, loser.ask)).epoch == 2


async def test_a_held_command_is_told_how_long_the_lease_runs_but_a_later_one_is_not(bench: Bench) -> None:
    ask = an_ask()
    await taken(bench.one, ask)
    same = await bench.two.claim(redelivered(ask))
    assert same.wait_s is not None
    assert LEASE_S - 5 < same.wait_s <= LEASE_S
    assert (await bench.two.claim(an_ask(ask.key))).wait_s is None
    await step_clock(bench.outside, LEASE_S + 1)
    later = await bench.two.claim(an_ask(ask.key))
    assert (later.status, later.wait_s) == (ClaimStatus.HELD, None)


async def test_the_same_delivery_may_ask_again_after_a_lost_answer(bench: Bench) -> None:
    ask = an_ask()
    first = await taken(bench.one, ask)
    second = await taken(bench.one, ask)
    assert second.epoch == first.epoch + 1
    assert not await bench.one.mark_sending(a_sending(first))
    assert await bench.one.mark_sending(a_sending(second))


async def test_the_same_id_with_another_body_is_a_conflict_open_or_concluded(bench: Bench) -> None:
    ask = an_ask()
    claim = await taken(bench.one, ask)
    assert (await bench.two.claim(redelivered(ask, digest=b"other"))).status is ClaimStatus.CONFLICT
    await bench.one.conclude(a_conclusion(claim))
    assert (await bench.two.claim(redelivered(ask, digest=b"other"))).status is ClaimStatus.CONFLICT
    assert (await bench.two.claim(redelivered(ask))).status is ClaimStatus.CONCLUDED


async def test_a_conflict_leaves_the_key_alone(bench: Bench) -> None:
    ask, key = an_ask(), f"payments/{new_id()}"
    await taken(bench.one, ask)
    assert (await bench.two.claim(redelivered(ask, key=key, digest=b"other"))).status is ClaimStatus.CONFLICT
    assert await bench.row(key) is None


async def test_one_id_under_two_keys_at_the_same_time_is_one_command_and_blocks_neither_key(bench: Bench) -> None:
    asks = [an_ask(digest=b"one") for _ in range(30)]
    twins = [replace(ask, key=f"payments/{new_id()}", digest=b"two", token=new_id()) for ask in asks]
    answers = await asyncio.gather(
        *map(bench.one.claim, asks), *(bench.two.claim(twin) for twin in reversed(twins)), return_exceptions=True
    )
    assert not [answer for answer in answers if isinstance(answer, BaseException)]
    for ask, twin in zip(asks, twins, strict=True):
        again = [await bench.one.claim(ask), await bench.two.claim(twin)]
        assert {claim.status for claim in again} == {ClaimStatus.TAKEN, ClaimStatus.CONFLICT}
        loser = next(claim for claim in again if claim.status is ClaimStatus.CONFLICT)
        assert (await bench.two.claim(an_ask(loser.ask.key))).status is ClaimStatus.TAKEN


async def test_one_id_twice_in_one_workers_batch_is_taken_once(bench: Bench) -> None:
    ask = an_ask(digest=b"one")
    twin = replace(ask, key=f"payments/{new_id()}", digest=b"two", token=new_id())
    filling = [an_ask() for _ in range(20)]
    first, second, *rest = await asyncio.gather(*map(bench.one.claim, [ask, twin, *filling]))
    # The two may travel in different batches at the same time; the loser then looks again.
    again = await bench.one.claim(twin if first.status is ClaimStatus.TAKEN else ask)
    assert {first.status, second.status} >= {ClaimStatus.TAKEN}
    assert again.status is ClaimStatus.CONFLICT
    assert {claim.status for claim in rest} == {ClaimStatus.TAKEN}


# Taking over.


async def test_a_lease_that_ran_out_is_taken_over_with_all_that_was_sent(bench: Bench) -> None:
    ask = an_ask()
    old = await taken(bench.one, ask)
    assert await bench.one.mark_sending(a_sending(old))
    await step_clock(bench.outside, LEASE_S - 1)
    assert (await bench.two.claim(redelivered(ask))).status is ClaimStatus.HELD
    await step_clock(bench.outside, 2)
    new = await taken(bench.two, redelivered(ask))
    assert new.epoch == old.epoch + 1
    [attempt] = new.attempts
    assert (attempt.number, attempt.maybe_sent, attempt.request_digest) == (1, True, "digest")
    assert new.sent_age_s is not None
    assert LEASE_S < new.sent_age_s < LEASE_S + 10
    assert attempt.sent_age_s == pytest.approx(new.sent_age_s, abs=1)
    assert new.claimed_age_s >= new.sent_age_s


async def test_whoever_lost_the_key_stores_nothing(bench: Bench) -> None:
    ask = an_ask()
    old = await taken(bench.one, ask)
    await step_clock(bench.outside, LEASE_S + 1)
    new = await taken(bench.two, redelivered(ask))
    assert not await bench.one.mark_sending(a_sending(old))
    assert await bench.two.mark_sending(a_sending(new))
    assert not await bench.one.mark_not_sent(a_sending(old))
    assert not await bench.one.conclude(a_conclusion(old))
    await bench.one.release(old)
    assert (await bench.one.claim(redelivered(ask))).status is ClaimStatus.HELD
    assert await bench.two.conclude(a_conclusion(new))


async def test_nothing_may_be_sent_once_the_lease_ran_out_but_a_result_may_still_be_stored(bench: Bench) -> None:
    sent, late = await taken(bench.one, an_ask()), await taken(bench.one, an_ask())
    assert await bench.one.mark_sending(a_sending(sent))
    await step_clock(bench.outside, LEASE_S + 1)
    assert not await bench.one.mark_sending(a_sending(late))
    assert await bench.one.conclude(a_conclusion(sent))


async def test_a_clock_that_steps_back_keeps_the_lease_and_one_that_steps_forward_ends_it(bench: Bench) -> None:
    ask = an_ask()
    claim = await taken(bench.one, ask)
    await step_clock(bench.outside, -3600)
    held = await bench.two.claim(redelivered(ask))
    assert held.status is ClaimStatus.HELD
    assert await bench.one.mark_sending(a_sending(claim))
    await step_clock(bench.outside, 7200)
    taken_over = await taken(bench.two, redelivered(ask))
    assert [attempt.maybe_sent for attempt in taken_over.attempts] == [True]
    assert not await bench.two.mark_sending(a_sending(taken_over))


async def test_a_released_key_goes_to_the_same_command_at_once_and_to_no_other(bench: Bench) -> None:
    ask = an_ask()
    claim = await taken(bench.one, ask)
    await bench.one.release(claim)
    assert not await bench.one.mark_sending(a_sending(claim))
    assert (await bench.two.claim(an_ask(ask.key))).status is ClaimStatus.HELD
    assert (await taken(bench.two, redelivered(ask))).epoch == claim.epoch + 1


# Marks.


async def test_marking_again_under_one_claim_is_the_same_mark(bench: Bench) -> None:
    claim = await taken(bench.one, an_ask())
    assert await bench.one.mark_sending(a_sending(claim))
    assert await bench.one.mark_sending(a_sending(claim))


async def test_what_may_have_been_sent_is_marked_again_only_as_the_very_same_repeatable_request(bench: Bench) -> None:
    ask = an_ask()
    first = await taken(bench.one, ask)
    assert await bench.one.mark_sending(a_sending(first))
    second = await taken(bench.one, ask)
    assert not await bench.one.mark_sending(a_sending(second))
    assert not await bench.one.mark_sending(a_sending(second, repeatable=True, digest="another"))
    assert await bench.one.mark_sending(a_sending(second, repeatable=True))


async def test_a_mark_that_is_taken_back_leaves_the_command_as_if_never_sent(bench: Bench) -> None:
    ask = an_ask()
    first = await taken(bench.one, ask)
    await bench.one.mark_sending(a_sending(first))
    assert await bench.one.mark_not_sent(a_sending(first))
    assert await bench.one.mark_not_sent(a_sending(first))
    second = await taken(bench.one, ask)
    assert ([attempt.maybe_sent for attempt in second.attempts], second.sent_age_s) == ([False], None)
    assert await bench.one.mark_sending(a_sending(second))


async def test_taking_back_a_repetition_does_not_take_back_the_send_before_it(bench: Bench) -> None:
    ask = an_ask()
    first = await taken(bench.one, ask)
    await bench.one.mark_sending(a_sending(first))
    await step_clock(bench.outside, 100)
    second = await taken(bench.one, ask)
    assert await bench.one.mark_sending(a_sending(second, repeatable=True))
    assert not await bench.one.mark_not_sent(a_sending(second, repeatable=True))
    third = await taken(bench.one, ask)
    [attempt] = third.attempts
    assert attempt.maybe_sent
    assert third.sent_age_s is not None
    assert third.sent_age_s > 99  # the provider's promise counts from the first
    assert attempt.sent_age_s < 50  # its silence from the last


async def test_one_attempt_taken_back_leaves_another_that_may_have_been_sent(bench: Bench) -> None:
    ask = an_ask()
    claim = await taken(bench.one, ask)
    await bench.one.mark_sending(a_sending(claim, number=1))
    await bench.one.mark_not_sent(a_sending(claim, number=1))
    await bench.one.mark_sending(a_sending(claim, number=2))
    # A rebuilt ledger takes every send that was intended for one that may have been.
    undo = "update ledger.attempts set state = 'sending' where command_id = $1 and number = 1"
    await bench.outside.execute(undo, ask.command_id)
    await bench.one.mark_not_sent(a_sending(claim, number=2))
    again = await taken(bench.one, ask)
    assert [(attempt.number, attempt.maybe_sent) for attempt in again.attempts] == [(1, True), (2, False)]
    assert again.sent_age_s is not None


async def test_no_attempt_is_opened_while_another_one_may_have_been_sent(bench: Bench) -> None:
    ask = an_ask()
    claim = await taken(bench.one, ask)
    elsewhere = replace(a_sending(claim, number=2), integration_id="iyzico-other")
    assert await bench.one.mark_sending(a_sending(claim))
    assert not await bench.one.mark_sending(elsewhere)
    assert await bench.one.mark_not_sent(a_sending(claim))
    assert await bench.one.mark_sending(elsewhere)
    assert not await bench.one.mark_sending(a_sending(claim)), "the one before it was left behind"
    again = await taken(bench.one, ask)
    assert [(attempt.integration_id, attempt.maybe_sent) for attempt in again.attempts] == [
        ("iyzico-main", False),
        ("iyzico-other", True),
    ]


async def test_an_attempt_is_never_made_at_another_integration(bench: Bench) -> None:
    claim = await taken(bench.one, an_ask())
    assert await bench.one.mark_sending(a_sending(claim))
    assert await bench.one.mark_not_sent(a_sending(claim))
    assert not await bench.one.mark_sending(replace(a_sending(claim), integration_id="iyzico-other"))
    assert await bench.one.mark_sending(a_sending(claim))


async def test_how_the_integration_was_chosen_is_kept_with_the_attempt(bench: Bench) -> None:
    ask = an_ask()
    claim = await taken(bench.one, ask)
    routed = Routed(rule_id="cards", integration_id="iyzico-main", why="İşte", fallback_of=("iyzico-other",))
    assert await bench.one.mark_sending(replace(a_sending(claim), routed=routed))
    (attempt,) = (await taken(bench.one, ask)).attempts
    assert attempt.routed == routed


# Conclusions.


async def test_a_result_stands_word_for_word_and_the_keys_state_goes_to_the_next_command(bench: Bench) -> None:
    ask = an_ask()
    claim = await taken(bench.one, ask)
    assert await bench.one.conclude(a_conclusion(claim, state=b'{"n": 1}'))
    concluded = await bench.two.claim(redelivered(ask))
    assert (concluded.status, concluded.result) == (ClaimStatus.CONCLUDED, RESULT)
    follower = await taken(bench.two, an_ask(ask.key))
    assert (follower.key_state, follower.epoch) == (b'{"n": 1}', 2)


async def test_concluding_again_after_a_lost_answer_is_true_and_changes_nothing(bench: Bench) -> None:
    ask = an_ask()
    claim = await taken(bench.one, ask)
    assert await bench.one.conclude(a_conclusion(claim))
    assert await bench.one.conclude(a_conclusion(claim))
    other = StoredResult(b"{}", ())
    assert not await bench.one.conclude(a_conclusion(claim, other))
    assert (await bench.one.claim(ask)).result == RESULT


async def test_concluding_again_does_not_touch_the_command_that_holds_the_key_now(bench: Bench) -> None:
    claim = await taken(bench.one, an_ask())
    await bench.one.conclude(a_conclusion(claim, state=b'{"n": 1}'))
    follower = await taken(bench.two, an_ask(claim.ask.key))
    assert await bench.one.conclude(a_conclusion(claim, state=b'{"n": 2}'))
    await bench.one.release(claim)
    assert await bench.two.mark_sending(a_sending(follower))
    assert (await bench.row(claim.ask.key))["state"] == b'{"n": 1}'
