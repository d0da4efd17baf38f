"""API keys on a real database: what opens, for whom, until when."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
import pytest_asyncio

from agents.pool import open_pool
from infra.gateway.access.caller import Caller, Stranger
from infra.gateway.access.gatekeeper import Gatekeeper
from infra.gateway.access.key_changes import ApiKeys, NoSuchKey
from infra.gateway.access.key_directory import KeyDirectory
from infra.gateway.access.key_text import mint
from infra.migrate import migrate
from schemas.access import KeyCreated, KeyEvent, KeyRevoked, KeyRotated
from schemas.errors import StoreError
from tests.access import a_grant, an_api_key, bearing


@pytest_asyncio.fixture(scope="module")
async def pool(database_url: str) -> AsyncIterator[asyncpg.Pool]:
    await migrate(database_url)
    async with await open_pool(database_url) as opened:
        yield opened


@dataclass
class Clock:
    """Of one process; only tests move it."""

    ahead: timedelta = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time() + self.ahead.total_seconds()


class Process:
    """One gateway, as far as keys are concerned."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self.clock = Clock()
        self.keys = KeyDirectory(pool, now=self.clock.now, poll_s=0.05, clock=self.clock.monotonic)
        self._gate = Gatekeeper(self.keys, None)

    async def caller(self, text: str) -> Caller:
        return await self._gate.authenticate(bearing(text))

    async def why(self, text: str) -> tuple[str, str | None]:
        with pytest.raises(Stranger) as stranger:
            await self.caller(text)
        return stranger.value.why, stranger.value.caller


@pytest_asyncio.fixture
async def process(pool: asyncpg.Pool) -> Process:
    made = Process(pool)
    await made.keys.refresh()
    return made


class Told(list[KeyEvent]):
    async def __call__(self, event: KeyEvent) -> None:
        self.append(event)


async def test_a_key_made_just_now_opens_what_it_was_made_for(pool: asyncpg.Pool, process: Process) -> None:
    grant = a_grant("payments:read", name="reports", integrations=("iyzico-main",), rate="7/minute")
    key, text = await an_api_key(pool, grant)
    caller = await process.caller(text)
    assert caller == Caller(
        f"key:{key.prefix}", "/services/reports", frozenset({"payments:read"}), frozenset({"iyzico-main"}),
        "7/minute", key.prefix,
    )  # fmt: skip
    assert caller.may("payments:read")
    assert not caller.may("payments:write")
    assert (caller.may_use("iyzico-main"), caller.may_use("iyzico-other"), caller.may_use(None)) == (True, False, False)


async def test_only_a_digest_is_stored(pool: asyncpg.Pool) -> None:
    _, text = await an_api_key(pool)
    rows = await pool.fetch("select k::text as held from gateway.api_keys k")
    secret = text.rpartition("_")[2]
    assert all(secret not in row["held"] and secret.encode().hex() not in row["held"] for row in rows)


async def test_strangers_are_told_apart_in_the_log_and_not_in_the_answer(pool: asyncpg.Pool, process: Process) -> None:
    key, text = await an_api_key(pool, a_grant(expires_at=datetime.now(UTC) + timedelta(hours=1)))
    other, revoked = await an_api_key(pool)
    await ApiKeys(pool, Told()).revoke(other.prefix, by="a test", at=datetime.now(UTC))
    await process.keys.refresh()
    process.clock.ahead += timedelta(hours=2)
    await process.keys.refresh()
    # The prefix of a key that there is, before a secret of one that there is not.
    grafted = _with_prefix(key.prefix)
    assert await process.why(mint()) == ("unknown", None)
    assert await process.why(grafted) == ("unknown", None)
    assert await process.why(text) == ("expired", key.caller_id)
    assert await process.why(revoked) == ("revoked", other.caller_id)
    assert await process.why(text[:-1]) == ("malformed", None)
    answers = set()
    for shown in (mint(), grafted, text, revoked):
        with pytest.raises(Stranger) as stranger:
            await process.caller(shown)
        answers.add((stranger.value.status, stranger.value.body.model_dump_json(), str(stranger.value.headers)))
    assert len(answers) == 1


async def test_a_revoked_key_opens_nothing_in_any_process_within_two_seconds(pool: asyncpg.Pool) -> None:
    processes = [Process(pool), Process(pool)]
    key, text = await an_api_key(pool)
    async with asyncio.TaskGroup() as tasks:
        watching = []
        for one in processes:
            await one.keys.refresh()
            await one.caller(text)
            watching.append(tasks.create_task(one.keys.watch()))
        await ApiKeys(pool, Told()).revoke(key.prefix, by="a test", at=datetime.now(UTC))
        async with asyncio.timeout(30):
            for one in processes:
                await _until_it_opens_nothing(one, text)
        for task in watching:
            task.cancel()


async def test_both_keys_open_while_one_follows_the_other_and_are_one_caller(
    pool: asyncpg.Pool, process: Process
) -> None:
    told = Told()
    keys = ApiKeys(pool, told)
    old, old_text = await keys.create(a_grant(), by="Işıl", at=datetime.now(UTC))
    ending, new, new_text = await keys.rotate(
        old.prefix, overlap_s=3600, expires_at=None, by="Çağrı", at=datetime.now(UTC)
    )
    await process.keys.refresh()
    first, second = await process.caller(old_text), await process.caller(new_text)
    assert (first.id, first.source, first.scopes) == (second.id, second.source, second.scopes)
    assert (first.key, second.key) == (old.prefix, new.prefix)
    process.clock.ahead += timedelta(minutes=61)
    await process.keys.refresh()
    assert await process.why(old_text) == ("expired", old.caller_id)
    assert (await process.caller(new_text)).id == old.caller_id
    created, rotated = told
    assert isinstance(created, KeyCreated)
    assert isinstance(rotated, KeyRotated)
    assert (rotated.key, rotated.replaces, rotated.caller) == (new.prefix, old.prefix, old.caller_id)
    assert rotated.overlap_ends_at == ending.expires_at


async def test_a_key_is_followed_once(pool: asyncpg.Pool) -> None:
    keys = ApiKeys(pool, Told())
    key, _ = await an_api_key(pool)
    at = datetime.now(UTC)
    await keys.rotate(key.prefix, overlap_s=60, expires_at=None, by="a test", at=at)
    with pytest.raises(NoSuchKey, match="is replaced"):
        await keys.rotate(key.prefix, overlap_s=60, expires_at=None, by="a test", at=at)
    with pytest.raises(NoSuchKey, match="there is no key"):
        await keys.rotate("000000000000", overlap_s=60, expires_at=None, by="a test", at=at)


async def test_an_overlap_does_not_lengthen_a_keys_life(pool: asyncpg.Pool) -> None:
    at = datetime.now(UTC)
    end = at + timedelta(minutes=5)
    key, _ = await an_api_key(pool, a_grant(expires_at=end))
    old, _, _ = await ApiKeys(pool, Told()).rotate(key.prefix, overlap_s=3600, expires_at=None, by="a test", at=at)
    assert old.expires_at == end


async def test_no_key_is_made_that_the_log_was_not_told_of(pool: asyncpg.Pool) -> None:
    async def away(event: KeyEvent) -> None:
        del event
        raise StoreError("Kafka is away")

    keys = ApiKeys(pool, away)
    before = {key.prefix for key in await keys.all()}
    key, text = await an_api_key(pool)
    for change in (
        keys.create(a_grant(), by="a test", at=datetime.now(UTC)),
        keys.rotate(key.prefix, overlap_s=60, expires_at=None, by="a test", at=datetime.now(UTC)),
    ):
        with pytest.raises(StoreError, match="Kafka is away"):
            await change
    assert {one.prefix for one in await keys.all()} - before == {key.prefix}
    with pytest.raises(StoreError, match="opens nothing, but the log was not told"):
        await keys.revoke(key.prefix, by="a test", at=datetime.now(UTC))
    process = Process(pool)
    assert await process.why(text) == ("revoked", key.caller_id)


async def test_a_revocation_that_was_not_told_is_told_when_it_is_repeated(pool: asyncpg.Pool) -> None:
    told = Told()
    keys = ApiKeys(pool, told)
    key, _ = await an_api_key(pool)
    at = datetime.now(UTC)
    await keys.revoke(key.prefix, by="Işıl", at=at)
    await keys.revoke(key.prefix, by="Çağrı", at=at + timedelta(hours=1))
    assert told == [KeyRevoked(key=key.prefix, caller=key.caller_id, revoked_by="Işıl", revoked_at=at)] * 2


async def test_its_use_is_noted_and_is_no_change(pool: asyncpg.Pool, process: Process) -> None:
    key, text = await an_api_key(pool)
    await process.keys.refresh()
    seen = await pool.fetchval("select value from gateway.api_key_changes")
    for _ in range(3):
        await process.caller(text)
    await process.keys.note_use()
    row = await pool.fetchrow("select last_used_at from gateway.api_keys where prefix = $1", key.prefix)
    assert datetime.now(UTC) - row["last_used_at"] < timedelta(minutes=5)
    assert await pool.fetchval("select value from gateway.api_key_changes") == seen


async def test_keys_that_are_known_cost_no_look_at_the_database(pool: asyncpg.Pool, database_url: str) -> None:
    async with await open_pool(database_url) as own:
        process = Process(own)
        _, text = await an_api_key(pool)
        await process.keys.refresh()
        await own.close()
        process.clock.ahead += timedelta(seconds=1)
        assert (await process.caller(text)).source == "/services/shop"
        # Of an unknown one nobody can say now that it does not exist.
        with pytest.raises(StoreError):
            await process.caller(mint())
        process.clock.ahead += timedelta(seconds=11)
        with pytest.raises(StoreError, match="cannot be looked at"):
            await process.caller(text)


async def test_keys_of_a_database_that_was_put_back_are_forgotten(pool: asyncpg.Pool, process: Process) -> None:
    before = await pool.fetchval("select value from gateway.api_key_changes")
    key, text = await an_api_key(pool)
    await process.keys.refresh()
    await process.caller(text)
    await pool.execute("delete from gateway.api_keys where prefix = $1", key.prefix)
    await pool.execute("update gateway.api_key_changes set value = $1", before)
    await process.keys.refresh()
    assert await process.why(text) == ("unknown", None)


async def _until_it_opens_nothing(process: Process, text: str) -> None:
    with suppress(Stranger):
        while await process.caller(text):  # noqa: ASYNC110 - what another process changed sets no event here
            await asyncio.sleep(process.keys.poll_s)


def _with_prefix(prefix: str) -> str:
    """A whole key with this prefix, as who saw it in a list could make it up."""
    from infra.gateway.access.key_text import MARK, _checksum  # noqa: PLC0415 - what a forger would write himself

    body = f"{MARK}{prefix}_" + mint().rpartition("_")[2][:43]
    return body + _checksum(body)
