"""What happens while a statement of one worker waits for a row that another holds."""

import asyncio
import random

import pytest

from agents.ledger import ClaimStatus, Ledger, StoredResult
from agents.sql import statement
from schemas.ids import new_id
from tests.database_clock import step_clock
from tests.integration.ledger_bench import LEASE_S, RESULT, Bench, a_conclusion, a_sending, an_ask, redelivered, taken


async def test_a_command_concluded_while_its_claim_waits_is_found_concluded_next_time(bench: Bench) -> None:
    ask = an_ask()
    claim = await taken(bench.one, ask)
    async with bench.outside.transaction():
        fence = ([ask.key], [claim.epoch], [ask.command_id])
        await bench.outside.execute(
            statement("conclude"), *fence, [b"{}"], [RESULT.value], ["[]"], [None], [False], bench.one.incarnation
        )
        waiting = asyncio.ensure_future(bench.two.claim(redelivered(ask)))
        await bench.blocked("two")
    held = await waiting
    assert (held.status, held.wait_s) == (ClaimStatus.HELD, 0.0)
    assert (await bench.two.claim(held.ask)).status is ClaimStatus.CONCLUDED
    assert (await taken(bench.two, an_ask(ask.key))).key_state == b"{}"


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
