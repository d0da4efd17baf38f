"""The kill switch in the ledger: once it says that it is settled, nothing can be on its way any more."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest_asyncio

from agents.ledger import Ask, Claim, Conclusion, Ledger, Sending, StoredResult
from agents.stops import Stops
from schemas.ids import new_id

RESULT = StoredResult(b"{}", (("ce_id", b"1"),))
NAME = "iyzico-main"


@pytest_asyncio.fixture
async def ledger(pool: asyncpg.Pool) -> AsyncIterator[Ledger]:
    opened = await Ledger.open(pool, lease_s=30, margin_s=5)
    yield opened
    await pool.execute("delete from ledger.stops")
    await opened.aclose()


async def claimed(ledger: Ledger) -> Claim:
    return await ledger.claim(Ask(f"payments/{new_id()}", new_id(), "t", b"d"))


async def marked(ledger: Ledger, claim: Claim, integration: str = NAME) -> bool:
    return await ledger.mark_sending(Sending(claim, 1, integration, str(new_id()), "r", repeatable=False))


async def still_waits(task: "asyncio.Task[int]", pool: asyncpg.Pool) -> bool:
    """Whether it has not ended after so many round trips of ours, in which it looked too."""
    for _ in range(100):
        await pool.fetchval("select 1")
    return not task.done()


async def test_a_call_under_way_is_waited_for_and_no_other(ledger: Ledger, pool: asyncpg.Pool) -> None:
    ours, other, late = await claimed(ledger), await claimed(ledger), await claimed(ledger)
    assert await marked(ledger, ours)
    assert await marked(ledger, other, "iyzico-other")
    stops = Stops(pool)
    stop = await stops.set(NAME, "Işıl", "it charges twice")
    assert (stop.fresh, stop.stopped_by) == (True, "Işıl")
    settling = asyncio.create_task(stops.settled(NAME))
    assert await still_waits(settling, pool)
    assert not await marked(ledger, late), "nothing begins any more"
    assert await ledger.conclude(Conclusion(ours, b"{}", RESULT))
    assert await settling == 1


async def test_a_mark_that_began_before_the_stop_is_waited_for(ledger: Ledger, pool: asyncpg.Pool) -> None:
    del ledger  # its teardown lifts the stop
    stops = Stops(pool)
    async with pool.acquire() as slow, slow.transaction():
        await slow.fetch("select from ledger.stops")
        await stops.set(NAME, "Işıl", "it charges twice")
        settling = asyncio.create_task(stops.settled(NAME))
        assert await still_waits(settling, pool)
    assert await settling == 0


async def test_the_first_stop_stands_and_only_the_stop_that_is_meant_is_lifted(
    ledger: Ledger, pool: asyncpg.Pool
) -> None:
    del ledger  # its teardown lifts the stop
    stops = Stops(pool)
    first = await stops.set(NAME, "Işıl", "it charges twice")
    second = await stops.set(NAME, "Çağrı", "me too")
    assert (second.fresh, second.stopped_by, second.stopped_at) == (False, "Işıl", first.stopped_at)
    assert await stops.lift(first)
    later = await stops.set(NAME, "Çağrı", "again")
    assert not await stops.lift(first)
    assert [row["stopped_by"] for row in await stops.all()] == ["Çağrı"]
    assert await stops.lift(later)
