import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from agents.ledger import Ask, Claim, ClaimStatus, Conclusion, Ledger, Sending, StoredResult, boottime
from agents.pool import open_pool
from agents.sql import statement
from infra.migrate import migrate
from schemas.errors import LedgerReplaced, SettingsError, StoreError
from schemas.ids import new_id
from schemas.routing import Routed
from tests.database_clock import install_clock, reset_clock, step_clock
from tests.stack import fresh_database

LEASE_S = 30.0
MARGIN_S = 5.0
RESULT = StoredResult(b'{"a": 1}', (("ce_id", b"1"), ("ce_subject", "İı😀".encode()), ("ce_id", b"2")))


@dataclass
class Bench:
    """Two workers' ledgers over one database, and a connection of the test's own that stands outside of both."""

    url: str
    one: Ledger
    two: Ledger
    pools: tuple[asyncpg.Pool, asyncpg.Pool]
    outside: asyncpg.Connection

    async def blocked(self, worker: str) -> None:
        """Return once a statement of that worker waits for a lock; each look is a round trip, so nothing spins."""
        async with asyncio.timeout(20):
            while not await self.outside.fetchval(
                "select count(*) from pg_stat_activity where application_name = $1 and wait_event_type = 'Lock'", worker
            ):
                continue

    async def row(self, key: str) -> Any:
        return await self.outside.fetchrow("select * from ledger.keys where key = $1", key)


@pytest_asyncio.fixture(scope="module")
async def prepared(database_url: str) -> AsyncIterator[Bench]:
    await migrate(database_url)
    outside = await asyncpg.connect(database_url)
    await install_clock(outside)
    pools = (
        await open_pool(database_url, application_name="one"),
        await open_pool(database_url, application_name="two"),
    )
    one, two = [await Ledger.open(pool, lease_s=LEASE_S, margin_s=MARGIN_S) for pool in pools]
    yield Bench(database_url, one, two, pools, outside)
    await one.aclose()
    await two.aclose()
    for pool in pools:
        await pool.close()
    await outside.close()


@pytest_asyncio.fixture
async def bench(prepared: Bench) -> AsyncIterator[Bench]:
    yield prepared
    await reset_clock(prepared.outside)


def an_ask(key: str | None = None, **changed: Any) -> Ask:
    given: dict[str, Any] = {"command_id": new_id(), "command_type": "t", "digest": b"d", **changed}
    return Ask(key or f"payments/{new_id()}", **given)


def redelivered(ask: Ask, **changed: Any) -> Ask:
    """The same command in another delivery."""
    return replace(ask, token=new_id(), **changed)


def a_sending(claim: Claim, *, number: int = 1, repeatable: bool = False, digest: str = "digest") -> Sending:
    return Sending(claim, number, "iyzico-main", f"{claim.ask.command_id.hex}{number}", digest, repeatable)


def a_conclusion(claim: Claim, result: StoredResult = RESULT, state: bytes = b"{}") -> Conclusion:
    return Conclusion(claim, state, result)


async def taken(ledger: Ledger, ask: Ask) -> Claim:
    claim = await ledger.claim(ask)
    assert claim.status is ClaimStatus.TAKEN
    return claim


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
    await bench.one.conclude(a_conclusion(claim, state=b"first"))
    follower = await taken(bench.two, an_ask(claim.ask.key))
    assert await bench.one.conclude(a_conclusion(claim, state=b"again"))
    await bench.one.release(claim)
    assert await bench.two.mark_sending(a_sending(follower))
    assert (await bench.row(claim.ask.key))["state"] == b"first"


# What happens while a statement waits for a row.


async def test_a_command_concluded_while_its_claim_waits_is_found_concluded_next_time(bench: Bench) -> None:
    ask = an_ask()
    claim = await taken(bench.one, ask)
    async with bench.outside.transaction():
        fence = ([ask.key], [claim.epoch], [ask.command_id])
        await bench.outside.execute(
            statement("conclude"), *fence, [b"s"], [RESULT.value], ["[]"], bench.one.incarnation
        )
        waiting = asyncio.ensure_future(bench.two.claim(redelivered(ask)))
        await bench.blocked("two")
    held = await waiting
    assert (held.status, held.wait_s) == (ClaimStatus.HELD, 0.0)
    assert (await bench.two.claim(held.ask)).status is ClaimStatus.CONCLUDED
    assert (await taken(bench.two, an_ask(ask.key))).key_state == b"s"


async def test_an_attempt_marked_while_a_takeover_waits_is_never_overlooked(bench: Bench) -> None:
    ask = an_ask()
    old = await taken(bench.one, ask)
    async with bench.outside.transaction():
        columns = (
            [ask.key],
            [old.epoch],
            [ask.command_id],
            [1],
            ["iyzico-main"],
            [new_id().hex],
            ["digest"],
            [False],
            [None],
        )
        marked = await bench.outside.fetch(statement("send"), *columns, bench.one.incarnation)
        assert len(marked) == 1
        await step_clock(bench.pools[0], LEASE_S + 1)
        waiting = asyncio.ensure_future(bench.two.claim(redelivered(ask)))
        await bench.blocked("two")
    held = await waiting
    assert held.status is ClaimStatus.HELD
    [attempt] = (await taken(bench.two, held.ask)).attempts
    assert attempt.maybe_sent


@pytest.mark.parametrize("left", ["concluded", "another key's"])
async def test_a_key_left_behind_by_a_worker_that_died_while_giving_it_back_is_free(bench: Bench, left: str) -> None:
    finished = await taken(bench.one, an_ask())
    if left == "concluded":
        await bench.one.conclude(a_conclusion(finished))
        key = finished.ask.key
    else:
        key = f"payments/{new_id()}"
        await bench.one.conclude(a_conclusion(await taken(bench.one, an_ask(key))))
    await bench.outside.execute(
        "update ledger.keys set open_command = $2, owner = $3, lease_until = ledger.now() + '1 hour' where key = $1",
        key,
        finished.ask.command_id,
        new_id(),
    )
    assert (await bench.two.claim(an_ask(key))).status is ClaimStatus.TAKEN


async def test_batches_of_two_workers_over_the_same_keys_never_lock_each_other_out(bench: Bench) -> None:
    chance = random.Random(7)  # noqa: S311 - an order for a test
    keys = [f"payments/{new_id()}" for _ in range(30)]

    async def worker(ledger: Ledger) -> int:
        done = 0

        async def one(key: str) -> None:
            nonlocal done
            claim = await ledger.claim(an_ask(key))
            if claim.status is not ClaimStatus.TAKEN:
                return
            assert await ledger.mark_sending(a_sending(claim))
            assert await ledger.mark_not_sent(a_sending(claim))
            assert await ledger.conclude(a_conclusion(claim))
            done += 1

        for _ in range(15):
            await asyncio.gather(*(one(key) for key in chance.sample(keys, len(keys))))
        return done

    async with asyncio.TaskGroup() as tasks:
        workers = [tasks.create_task(worker(ledger)) for ledger in (bench.one, bench.two)]
    epochs = await bench.outside.fetchval("select sum(epoch) from ledger.keys where key = any($1)", keys)
    assert sum(task.result() for task in workers) == epochs


async def test_hundreds_at_once_travel_together_and_each_gets_its_own_answer(bench: Bench) -> None:
    asks = [an_ask() for _ in range(600)]
    claims = await asyncio.gather(*map(bench.one.claim, asks))
    assert [claim.ask for claim in claims] == asks
    assert all(claim.status is ClaimStatus.TAKEN for claim in claims)
    marks = await asyncio.gather(*(bench.one.mark_sending(a_sending(claim)) for claim in claims))
    assert all(marks)
    results = [StoredResult(ask.command_id.bytes, ()) for ask in asks]
    stored = await asyncio.gather(
        *(bench.one.conclude(a_conclusion(claim, result)) for claim, result in zip(claims, results, strict=True))
    )
    assert all(stored)
    again = await asyncio.gather(*(bench.two.claim(redelivered(ask)) for ask in asks))
    assert [claim.result for claim in again] == results


# The database fails, or is another one.


async def test_a_session_that_is_ended_under_a_statement_is_an_error_and_the_next_try_succeeds(bench: Bench) -> None:
    ask = an_ask()
    await bench.one.release(await taken(bench.one, ask))
    async with bench.outside.transaction():
        await bench.outside.execute("select from ledger.keys where key = $1 for update", ask.key)
        waiting = asyncio.ensure_future(bench.two.claim(redelivered(ask)))
        await bench.blocked("two")
        await _terminate(bench, "two")
        with pytest.raises(StoreError, match="claim"):
            await waiting
    assert (await _claimed_in_the_end(bench, redelivered(ask))).status is ClaimStatus.TAKEN


async def test_sessions_that_are_ended_while_idle_are_replaced(bench: Bench) -> None:
    ask = an_ask()
    await bench.two.claim(ask)
    await _terminate(bench, "two")
    assert (await _claimed_in_the_end(bench, ask)).status is ClaimStatus.TAKEN


async def _claimed_in_the_end(bench: Bench, ask: Ask) -> Claim:
    """Each session of the pool that was ended costs one try, and which is next is the pool's choice."""
    async with asyncio.timeout(20):
        while True:
            try:
                return await bench.two.claim(ask)
            except StoreError:
                continue


async def _terminate(bench: Bench, worker: str) -> None:
    await bench.outside.fetch(
        "select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1", worker
    )


async def test_one_bad_row_is_an_error_not_a_crash_and_the_next_batch_is_fine(bench: Bench) -> None:
    with pytest.raises(StoreError, match="claim"):
        await bench.one.claim(an_ask("payments/\x00"))
    assert (await bench.one.claim(an_ask())).status is ClaimStatus.TAKEN


async def test_a_closed_pool_is_a_store_error(bench: Bench) -> None:
    pool = await open_pool(bench.url)
    ledger = await Ledger.open(pool, lease_s=LEASE_S, margin_s=MARGIN_S)
    await pool.close()
    with pytest.raises(StoreError):
        await ledger.claim(an_ask())


async def test_a_ledger_that_was_replaced_under_the_worker_lets_it_do_nothing_more(bench: Bench) -> None:
    claim = await taken(bench.one, an_ask())
    was: UUID = bench.one.incarnation
    await bench.outside.execute("update ledger.incarnation set id = gen_random_uuid()")
    try:
        with pytest.raises(LedgerReplaced, match="restart the worker"):
            await bench.one.claim(an_ask())
        assert not await bench.one.mark_sending(a_sending(claim))
        assert not await bench.one.conclude(a_conclusion(claim))
    finally:
        await bench.outside.execute("update ledger.incarnation set id = $1", was)
    assert await bench.one.mark_sending(a_sending(claim))


# Opening.


async def test_a_database_that_would_forget_is_refused(bench: Bench) -> None:
    async with fresh_database(bench.url) as url:
        await migrate(url)
        pool = await open_pool(url, size=1)
        await pool.execute(f'alter database "{url.rsplit("/", 1)[1]}" set synchronous_commit = off')
        await pool.close()
        pool = await open_pool(url, size=1)
        with pytest.raises(SettingsError, match="synchronous_commit = off"):
            await Ledger.open(pool, lease_s=LEASE_S, margin_s=MARGIN_S)
        await pool.close()


@pytest.mark.parametrize("setting", ["fsync", "full_page_writes"])
async def test_a_server_without_durability_is_refused(setting: str) -> None:
    class Careless:
        """Stands for a server that was started so; the shared one cannot be asked to lose data."""

        async def fetchval(self, query: str) -> str:
            return "off" if query == f"show {setting}" else "on"

    with pytest.raises(SettingsError, match=f"{setting} = off"):
        await Ledger.open(Careless(), lease_s=LEASE_S, margin_s=MARGIN_S)


async def test_a_database_without_the_ledger_or_half_of_it_is_refused(bench: Bench) -> None:
    async with fresh_database(bench.url) as url:
        pool = await open_pool(url, size=1)
        with pytest.raises(SettingsError, match="kolaj migrate"):
            await Ledger.open(pool, lease_s=LEASE_S, margin_s=MARGIN_S)
        await migrate(url)
        await pool.execute("delete from ledger.incarnation")
        with pytest.raises(SettingsError, match="half restored"):
            await Ledger.open(pool, lease_s=LEASE_S, margin_s=MARGIN_S)
        await pool.close()
