"""Two workers' ledgers over one database, and what is asked of them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import asyncpg

from agents.ledger import Ask, Claim, ClaimStatus, Conclusion, Ledger, Sending, StoredResult
from agents.pool import open_pool
from infra.migrate import migrate
from schemas.ids import new_id
from tests.database_clock import install_clock

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


@asynccontextmanager
async def opened_bench(database_url: str) -> AsyncIterator[Bench]:
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
