"""Pruning: what is old and concluded goes, and can never be taken for new; what still matters stays."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from agents.ledger import Ask, ClaimStatus, Conclusion, Ledger, Sending, StoredResult
from agents.pool import open_pool
from agents.prune import Pruned, cut, prune, smallest_id
from infra.migrate import migrate
from schemas.errors import SettingsError
from schemas.ids import created_at, new_id
from tests.stack import fresh_database

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
CUT = datetime(2026, 8, 1, tzinfo=UTC)
LONG_AGO = datetime(2026, 7, 31, 23, 59, 59, tzinfo=UTC)
WEEK = timedelta(days=8)
EMPTY = b'{"payment_id": "00000000-0000-0000-0000-000000000000"}'
CAPTURED = b'{"payment_id": "00000000-0000-0000-0000-000000000000", "stage": "captured", "captured": 100}'


@pytest_asyncio.fixture
async def pool(stack: Any) -> AsyncIterator[asyncpg.Pool]:
    async with fresh_database(stack.database_url) as url:
        await migrate(url)
        opened = await open_pool(url)
        yield opened
        await opened.close()


def an_id(at: datetime) -> UUID:
    """A UUIDv7 of that moment."""
    low = (1 << 80) - 1
    return UUID(int=(smallest_id(at).int & ~low) | (new_id().int & low))


async def a_command(
    pool: asyncpg.Pool,
    command_id: UUID,
    *,
    key: str | None = None,
    concluded_at: datetime | None = LONG_AGO,
    state: bytes | None = CAPTURED,
) -> str:
    """A command with one attempt; its key."""
    name = key or f"payments/{new_id()}"
    await pool.execute(
        "insert into ledger.keys (key, epoch, state) values ($1, 1, $2) on conflict do nothing", name, state
    )
    await pool.execute(
        "insert into ledger.commands (command_id, key, command_type, digest, state, claimed_at, concluded_at, "
        "result_value, result_headers) values ($1, $2, 't', 'd', $3, $4, $5, $6, '[]')",
        command_id,
        name,
        "claimed" if concluded_at is None else "concluded",
        LONG_AGO,
        concluded_at,
        None if concluded_at is None else b"{}",
    )
    await pool.execute(
        "insert into ledger.attempts (command_id, number, epoch, integration_id, reference, request_digest, state, "
        "sent_at) values ($1, 1, 1, 'iyzico-main', $2, 'd', 'sending', now())",
        command_id,
        str(command_id),
    )
    return name


async def pruned(pool: asyncpg.Pool, **how: Any) -> Pruned:
    return await prune(pool, CUT, now=NOW, may_come_again_for=WEEK, **how)


async def commands(pool: asyncpg.Pool) -> set[UUID]:
    return {row["command_id"] for row in await pool.fetch("select command_id from ledger.commands")}


async def keys(pool: asyncpg.Pool) -> set[str]:
    return {row["key"] for row in await pool.fetch("select key from ledger.keys")}


def test_the_cut_is_the_beginning_of_the_month_in_which_the_kept_days_begin() -> None:
    assert cut(NOW, 90) == datetime(2026, 8, 1, tzinfo=UTC)
    assert cut(NOW, 25) == datetime(2026, 10, 1, tzinfo=UTC)
    assert cut(NOW, 24) == datetime(2026, 11, 1, tzinfo=UTC)


@given(st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1)), st.integers(0, (1 << 74) - 1))  # noqa: DTZ001 - UTC below
def test_no_id_of_a_moment_or_later_is_below_its_smallest_id(at: datetime, rest: int) -> None:
    moment = at.replace(tzinfo=UTC, microsecond=at.microsecond // 1000 * 1000)
    smallest = smallest_id(moment)
    assert (created_at(smallest), smallest.version, smallest.variant) == (moment, 7, UUID(int=0x8 << 60).variant)
    other = UUID(int=smallest.int | rest >> 62 << 64 | rest & ((1 << 62) - 1))
    assert other >= smallest > an_id(moment - timedelta(milliseconds=1))


async def test_old_concluded_commands_go_with_their_attempts_and_all_else_stays(pool: asyncpg.Pool) -> None:
    gone = [an_id(LONG_AGO - timedelta(days=days)) for days in range(7)]
    kept = [an_id(CUT), an_id(NOW), uuid4()]
    late = an_id(LONG_AGO)
    for command_id in (*gone, *kept):
        await a_command(pool, command_id)
    # Its id is old, and its result is not: it may be handed in again.
    await a_command(pool, late, concluded_at=NOW)

    done = await pruned(pool, batch=3)

    assert (done.commands, done.attempts, done.keys) == (7, 7, 0)
    assert await commands(pool) == {*kept, late}
    assert await pool.fetchval("select count(*) from ledger.attempts") == 4
    assert len(await keys(pool)) == 11, "what a payment has come to is needed for refunds years later"


async def test_a_pruned_command_is_refused_and_an_old_one_that_is_kept_answers(pool: asyncpg.Pool) -> None:
    old, other = an_id(LONG_AGO), uuid4()
    key = await a_command(pool, old)
    await a_command(pool, other, key=key)
    await pruned(pool)
    ledger = await Ledger.open(pool, lease_s=30, margin_s=5)
    try:
        assert (await ledger.claim(Ask(key, old, "t", b"d"))).status is ClaimStatus.TOO_OLD
        assert (await ledger.claim(Ask(key, other, "t", b"d"))).status is ClaimStatus.CONCLUDED
        assert (await ledger.claim(Ask(key, an_id(NOW), "t", b"d"))).status is ClaimStatus.TAKEN
    finally:
        await ledger.aclose()


async def test_a_dry_run_counts_and_changes_nothing(pool: asyncpg.Pool) -> None:
    for _ in range(3):
        await a_command(pool, an_id(LONG_AGO))
    done = await pruned(pool, dry_run=True)
    assert (done.commands, done.attempts) == (3, 3)
    assert len(await commands(pool)) == 3
    assert await pool.fetchval("select pruned_below from ledger.incarnation") is None


async def test_the_cut_comes_first_and_never_goes_back(pool: asyncpg.Pool) -> None:
    await pruned(pool)
    await prune(pool, datetime(2026, 5, 1, tzinfo=UTC), now=NOW, may_come_again_for=WEEK)
    assert await pool.fetchval("select pruned_below from ledger.incarnation") == smallest_id(CUT)


async def test_a_prune_that_was_cut_off_refuses_already_and_is_gone_on_with(pool: asyncpg.Pool) -> None:
    for _ in range(6):
        await a_command(pool, an_id(LONG_AGO))

    class Killed(Exception):
        pass

    def die(count: int) -> None:
        if count >= 2:
            raise Killed

    with pytest.raises(Killed):
        await pruned(pool, batch=2, progress=die)
    assert await pool.fetchval("select pruned_below from ledger.incarnation") == smallest_id(CUT)
    assert (await pruned(pool, batch=2)).commands == 4


@pytest.mark.parametrize("state", [None, EMPTY])
async def test_a_payment_that_came_to_nothing_goes_with_its_last_command(
    pool: asyncpg.Pool, state: bytes | None
) -> None:
    alone = await a_command(pool, an_id(LONG_AGO), state=state)
    shared = await a_command(pool, an_id(LONG_AGO), state=state)
    await a_command(pool, an_id(NOW), key=shared)
    assert (await pruned(pool)).keys == 1
    assert alone not in await keys(pool)
    assert shared in await keys(pool)


async def test_a_key_that_a_worker_takes_meanwhile_stays(pool: asyncpg.Pool) -> None:
    key = await a_command(pool, an_id(LONG_AGO), state=None)
    async with pool.acquire() as worker:
        taking = worker.transaction()
        await taking.start()
        await worker.execute("update ledger.keys set open_command = $2, epoch = 2 where key = $1", key, new_id())
        pruning = asyncio.create_task(pruned(pool))
        async with asyncio.timeout(20):
            while not await worker.fetchval("select count(*) from pg_locks where not granted"):
                continue
        await taking.commit()
    assert (await pruning).keys == 0
    assert key in await keys(pool)


async def test_a_command_that_still_waits_forbids_the_cut(pool: asyncpg.Pool) -> None:
    waiting = an_id(LONG_AGO)
    await a_command(pool, waiting, concluded_at=None)
    with pytest.raises(SettingsError, match=str(waiting)):
        await pruned(pool)
    assert await pool.fetchval("select pruned_below from ledger.incarnation") is None


async def test_a_cut_that_would_refuse_what_may_still_come_is_refused(pool: asyncpg.Pool) -> None:
    with pytest.raises(SettingsError, match=r"may be handed to a worker again for 8\.0 days"):
        await prune(pool, NOW - timedelta(days=7, hours=23), now=NOW, may_come_again_for=WEEK)


async def test_pruning_beside_workers_takes_nothing_from_them(pool: asyncpg.Pool) -> None:
    for _ in range(200):
        await a_command(pool, an_id(LONG_AGO))
    ledger = await Ledger.open(pool, lease_s=30, margin_s=5)

    async def work() -> None:
        for number in range(40):
            ask = Ask(f"payments/{new_id()}", an_id(NOW), "t", b"d")
            claim = await ledger.claim(ask)
            sending = Sending(claim, 1, "iyzico-main", f"r{ask.command_id}", f"d{number}", repeatable=False)
            assert await ledger.mark_sending(sending)
            assert await ledger.conclude(Conclusion(claim, CAPTURED, StoredResult(b"{}", ())))

    try:
        done, _ = await asyncio.gather(pruned(pool, batch=10), work())
    finally:
        await ledger.aclose()
    assert done.commands == 200
    assert len(await commands(pool)) == 40
