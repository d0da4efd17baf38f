"""The database fails, is another one, or is not one to open."""

import asyncio
from uuid import UUID

import pytest

from agents.ledger import Ask, Claim, ClaimStatus, Ledger
from agents.pool import open_pool
from infra.migrate import migrate
from schemas.errors import LedgerReplaced, SettingsError, StoreError
from tests.integration.ledger_bench import LEASE_S, MARGIN_S, Bench, a_conclusion, a_sending, an_ask, redelivered, taken
from tests.stack import fresh_database


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
