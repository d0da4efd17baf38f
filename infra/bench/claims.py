"""The ledger alone: claims a second, whole lives of commands a second, and what a long history does to them.

Two databases, one with a short and one with a long history, are measured in turns, so that whatever else the machine
does falls on both alike. Half of the commands are about payments that the ledger knows already.
"""

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from statistics import median
from typing import Final
from uuid import UUID, uuid4

import asyncpg

from agents.ledger import Ask, Claim, Conclusion, Ledger, Sending, StoredResult
from agents.pool import open_pool
from infra.bench.databases import fresh_database
from infra.migrate import migrate
from schemas.ids import new_id

_AT_ONCE: Final = 200
"""Commands under way, as in a worker."""
_RESULT: Final = json.dumps({"payment_id": str(uuid4()), "filled": "x" * 560}).encode()
_HEADERS: Final = (("ce_id", b"0190163d-8694-739b-aea5-966c26f8ad91"), ("ce_type", b"payments.created.v1"))
_STATE: Final = json.dumps({"stage": "captured", "provider_reference": "260000000000", "captured": 34990}).encode()

_SEED: Final = """
    insert into ledger.keys (key, epoch, state) select k.key, 1, $2
        from (select 'payments/' || gen_random_uuid() as key from generate_series(1, $1)) k;
"""
_SEED_COMMANDS: Final = """
    insert into ledger.commands (command_id, key, command_type, digest, state, claimed_at, first_sent_at, concluded_at,
                                 result_value, result_headers)
    select uuidv7(interval '-1 day'), key, 'payments.create.v1', sha256(convert_to(key, 'UTF8')), 'concluded',
           now(), now(), now(), $1, $2::jsonb
    from ledger.keys
"""
_SEED_ATTEMPTS: Final = """
    insert into ledger.attempts (command_id, number, epoch, integration_id, reference, request_digest, state, sent_at)
    select command_id, 1, 1, 'iyzico-bench', replace(command_id::text, '-', ''), encode(digest, 'hex'), 'sending', now()
    from ledger.commands
"""


@dataclass(frozen=True, slots=True)
class Claims:
    """Rates of one process, with a short history; and how much dearer a life is with a long one.

    Attributes:
        long_over_short: the median of rounds side by side; 1 when the history's length does not matter.
    """

    claims_per_s: float
    lives_per_s: float
    long_over_short: float
    short: int
    long: int


async def measure_claims(
    server_url: str, *, short: int, long: int, rounds: int, round_s: float, say: Callable[[str], None]
) -> Claims:
    """On two databases of their own, which are dropped in the end. `short` and `long` are keys of history."""
    async with _history(server_url, short) as small, _history(server_url, long) as large:
        say(f"histories of {short:,} and {long:,} keys are there")
        for bench in (small, large):
            await bench.run(bench.life, round_s)  # connections, plans and caches
        claims, lives, ratios = [], [], []
        for number in range(rounds):
            first, second = (small, large) if number % 2 == 0 else (large, small)
            rates = {first: await first.run(first.life, round_s)}
            rates[second] = await second.run(second.life, round_s)
            lives.append(rates[small])
            ratios.append(rates[small] / rates[large])
            claims.append(await small.run(small.claim, round_s))
    return Claims(round(median(claims)), round(median(lives)), round(median(ratios), 3), short, long)


class _LedgerBench:
    def __init__(self, ledger: Ledger, known: Sequence[str]) -> None:
        self._ledger = ledger
        self._known = known
        self._numbers = count()

    async def run(self, act: Callable[[], Awaitable[object]], seconds: float) -> float:
        """How many acts a second."""
        began = time.monotonic()
        done = 0

        async def work() -> None:
            nonlocal done
            while time.monotonic() - began < seconds:
                await act()
                done += 1

        async with asyncio.TaskGroup() as tasks:
            for _ in range(_AT_ONCE):
                tasks.create_task(work())
        return done / (time.monotonic() - began)

    async def claim(self) -> Claim:
        """Of a payment that nobody has met; what is claimed stays open, as no key is asked for twice."""
        return await self._ledger.claim(_ask(f"payments/{uuid4()}"))

    async def life(self) -> None:
        """Claim, mark, conclude: all that the ledger does for a command that succeeds at once."""
        number = next(self._numbers)
        known = self._known[number % len(self._known)]
        claim = await self._ledger.claim(_ask(known if number % 2 else f"payments/{uuid4()}"))
        reference = claim.ask.command_id.hex
        sending = Sending(claim, 1, "iyzico-bench", reference, "0" * 64, repeatable=False)
        marked = await self._ledger.mark_sending(sending)
        stored = await self._ledger.conclude(Conclusion(claim, _STATE, StoredResult(_RESULT, _HEADERS)))
        if not marked or not stored:
            raise AssertionError(f"the ledger refused a command of {claim.ask.key}: {claim.status}")


@asynccontextmanager
async def _history(server_url: str, keys: int) -> AsyncIterator[_LedgerBench]:
    async with fresh_database(server_url, f"bench_{os.getpid()}_{keys}") as url:
        await migrate(url)
        known = await _seed(url, keys)
        pool = await open_pool(url)
        try:
            ledger = await Ledger.open(pool, lease_s=30, margin_s=5)
            yield _LedgerBench(ledger, known)
            await ledger.aclose()
        finally:
            await pool.close()


async def _seed(url: str, keys: int) -> list[str]:
    """A history of `keys` payments with one concluded command each; up to 100,000 of their keys in random order."""
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction():
            # Each row refers to one that was made by the line before; looking that up a million times proves nothing.
            await connection.execute("set local session_replication_role = replica")
            await connection.execute(_SEED, keys, _STATE)
            pairs = json.dumps([[name, value.decode()] for name, value in _HEADERS])
            await connection.execute(_SEED_COMMANDS, _RESULT, pairs)
            await connection.execute(_SEED_ATTEMPTS)
        await connection.execute("vacuum (analyze) ledger.keys, ledger.commands, ledger.attempts")
        await connection.execute("checkpoint")
        rows = await connection.fetch("select key from ledger.keys order by hashtext(key) limit 100000")
        return [row["key"] for row in rows]
    finally:
        await connection.close()


def _ask(key: str) -> Ask:
    command_id: UUID = new_id()
    return Ask(key, command_id, "payments.create.v1", command_id.bytes * 2)
