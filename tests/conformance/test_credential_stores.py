"""What every store of credentials promises, on PostgreSQL, memory, and a real OpenBao."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from agents.pool import open_pool
from agents.vault.hashicorp import HashicorpCredentials
from agents.vault.keyring import KeyRing
from agents.vault.memory import MemoryCredentials
from agents.vault.postgres import PostgresCredentials
from agents.vault.secret import Secret
from agents.vault.store import CredentialConflict, CredentialStore, NoSuchVersion, OpenVersion
from infra.migrate import migrate
from tests.master_keys import a_master_key
from tests.openbao import OpenBao, running_openbao
from tests.stack import fresh_name

START = datetime(2026, 11, 25, 10, tzinfo=UTC)
HOUR_S = 3600.0
FIRST = {"api_key": "kEy-one", "secret_key": "İıŞ-secret-one"}
SECOND = {"api_key": "kEy-two", "secret_key": "secret-two"}


@dataclass
class Bench:
    store: CredentialStore
    make: Callable[[], CredentialStore]
    """Another handle on the same store, as another process has."""
    renew: Callable[[], Awaitable[CredentialStore]]
    """A handle with a newer master key, that knows the older one too."""
    account: str = ""

    async def put(
        self, values: Mapping[str, str], *, follows: int = 0, at: datetime = START, overlap_s: float = 0
    ) -> int:
        secrets = {name: Secret(value) for name, value in values.items()}
        made = await self.store.put(self.account, secrets, by="Ayşe", at=at, follows=follows, overlap_s=overlap_s)
        return made.number

    async def live(self, at: datetime = START) -> list[tuple[int, dict[str, str]]]:
        return [shown(one) for one in await self.store.live(self.account, at)]


def shown(one: OpenVersion) -> tuple[int, dict[str, str]]:
    return one.version.number, {name: secret.reveal() for name, secret in one.values.items()}


@pytest_asyncio.fixture(scope="module")
async def openbao() -> AsyncIterator[OpenBao]:
    async with running_openbao() as server:
        yield server


@pytest_asyncio.fixture(scope="module", params=["postgres", "memory", "hashicorp"])
async def prepared(request: pytest.FixtureRequest, database_url: str, openbao: OpenBao) -> AsyncIterator[Bench]:
    key = a_master_key()
    ring, newer = KeyRing.of(key), KeyRing.of(a_master_key(), [key])
    match request.param:
        case "postgres":
            await migrate(database_url)
            async with await open_pool(database_url) as pool:

                async def with_newer_ring() -> CredentialStore:
                    return PostgresCredentials(pool, newer)

                yield Bench(PostgresCredentials(pool, ring), lambda: PostgresCredentials(pool, ring), with_newer_ring)
        case "memory":
            store = MemoryCredentials(ring)

            async def with_newer_key() -> CredentialStore:
                store.ring = newer
                return store

            yield Bench(store, lambda: store, with_newer_key)
        case _:
            api, prefix = openbao.api(), f"kolaj/{fresh_name('e')}"

            async def with_newer_version() -> CredentialStore:
                await openbao.ask("POST", "transit/keys/kolaj/rotate")
                return HashicorpCredentials(api, prefix=prefix)

            made = HashicorpCredentials(api, prefix=prefix)
            yield Bench(made, lambda: HashicorpCredentials(api, prefix=prefix), with_newer_version)


@pytest.fixture
def bench(prepared: Bench) -> Bench:
    return replace(prepared, account=fresh_name("account-"))


async def test_what_was_put_is_what_is_live(bench: Bench) -> None:
    assert await bench.live() == []
    assert await bench.put(FIRST) == 1
    assert await bench.live() == [(1, FIRST)]


async def test_a_version_that_is_followed_lives_on_for_the_overlap(bench: Bench) -> None:
    await bench.put(FIRST)
    assert await bench.put(SECOND, follows=1, at=START + timedelta(minutes=5), overlap_s=HOUR_S) == 2
    end = START + timedelta(minutes=65)
    assert await bench.live(end - timedelta(seconds=1)) == [(2, SECOND), (1, FIRST)]
    assert await bench.live(end) == [(2, SECOND)]


async def test_without_an_overlap_the_earlier_version_ends_at_once(bench: Bench) -> None:
    await bench.put(FIRST)
    await bench.put(SECOND, follows=1)
    assert await bench.live() == [(2, SECOND)]


async def test_a_later_rotation_does_not_lengthen_an_overlap(bench: Bench) -> None:
    await bench.put(FIRST)
    await bench.put(SECOND, follows=1, overlap_s=60)
    await bench.put(FIRST, follows=2, overlap_s=HOUR_S)
    assert [number for number, _ in await bench.live()] == [3, 2, 1]
    assert [number for number, _ in await bench.live(START + timedelta(seconds=60))] == [3, 2]


async def test_a_revoked_version_is_gone_at_once(bench: Bench) -> None:
    await bench.put(FIRST)
    await bench.put(SECOND, follows=1, overlap_s=HOUR_S)
    revoked = await bench.store.revoke(bench.account, 1, by="Işıl", at=START)
    assert (revoked.number, revoked.revoked_by, revoked.revoked_at) == (1, "Işıl", START)
    assert await bench.live() == [(2, SECOND)]
    for number in (1, 3):
        with pytest.raises(NoSuchVersion, match=f"version {number} of {bench.account}"):
            await bench.store.revoke(bench.account, number, by="Işıl", at=START)


async def test_when_the_newest_is_revoked_one_that_still_lives_serves_until_its_end(bench: Bench) -> None:
    await bench.put(FIRST)
    await bench.put(SECOND, follows=1, overlap_s=HOUR_S)
    await bench.store.revoke(bench.account, 2, by="Işıl", at=START)
    assert await bench.live() == [(1, FIRST)]
    assert await bench.live(START + timedelta(hours=1)) == []
    assert await bench.put(FIRST, follows=2, at=START + timedelta(hours=2)) == 3


async def test_who_does_not_know_the_newest_version_stores_nothing(bench: Bench) -> None:
    await bench.put(FIRST)
    for follows in (0, 2):
        with pytest.raises(CredentialConflict, match="version 1 is the newest"):
            await bench.put(SECOND, follows=follows)
    assert await bench.live() == [(1, FIRST)]


async def test_of_writers_at_the_same_time_one_wins_and_no_version_mixes_two(bench: Bench) -> None:
    async def write(number: int) -> int | None:
        values = {name: Secret(f"{name}-{number}") for name in FIRST}
        try:
            await bench.make().put(bench.account, values, by="x", at=START, follows=0)
        except CredentialConflict:
            return None
        return number

    won = [number for number in await asyncio.gather(*map(write, range(8))) if number is not None]
    assert len(won) == 1
    assert await bench.live() == [(1, {name: f"{name}-{won[0]}" for name in FIRST})]


async def test_history_tells_everything_but_values(bench: Bench) -> None:
    await bench.put(FIRST)
    await bench.put({"api_key": "only"}, follows=1, at=START + timedelta(hours=1), overlap_s=60)
    await bench.store.revoke(bench.account, 2, by="Işıl", at=START + timedelta(hours=3))
    first, second = await bench.store.history(bench.account)
    assert (first.number, first.fields, first.created_by) == (1, ("api_key", "secret_key"), "Ayşe")
    assert (first.live_from, first.live_until) == (START, START + timedelta(hours=1, minutes=1))
    assert (second.fields, second.live_until) == (("api_key",), None)
    assert second.revoked_by == "Işıl"
    assert not any(value in repr((first, second)) for value in (*FIRST.values(), "only"))


async def test_all_live_versions_are_listed_by_integration(bench: Bench) -> None:
    await bench.put(FIRST)
    await bench.put(SECOND, follows=1, overlap_s=HOUR_S)
    other = replace(bench, account=bench.account + "b")
    await other.put(FIRST)
    found = [(one.integration_id, one.number) for one in await bench.store.all_live(START)]
    assert [one for one in found if one[0].startswith(bench.account)] == [
        (bench.account, 2),
        (bench.account, 1),
        (other.account, 1),
    ]
    later = await bench.store.all_live(START + timedelta(hours=1))
    assert (bench.account, 1) not in [(one.integration_id, one.number) for one in later]


async def test_another_process_sees_that_something_changed_and_what(bench: Bench) -> None:
    other = bench.make()
    before = await other.change()
    assert bench.account not in await other.changed_since(before)
    await bench.put(FIRST)
    stored = await other.change()
    assert stored > before
    assert bench.account in await other.changed_since(before)
    await bench.store.revoke(bench.account, 1, by="x", at=START)
    assert await other.change() > stored
    assert bench.account in await other.changed_since(stored)
    assert await other.changed_since(await other.change()) == frozenset()


async def test_a_failed_change_changes_nothing(bench: Bench) -> None:
    before = await bench.store.change()
    with pytest.raises(NoSuchVersion):
        await bench.store.revoke(bench.account, 1, by="x", at=START)
    with pytest.raises(CredentialConflict):
        await bench.put(FIRST, follows=4)
    assert await bench.store.change() == before
    assert await bench.store.history(bench.account) == ()


async def test_everything_is_rewrapped_in_batches_while_it_is_read(bench: Bench) -> None:
    """The last test here: from then on the store has a newer key."""
    await bench.put(FIRST)
    await bench.put(SECOND, follows=1, overlap_s=HOUR_S)
    newer = await bench.renew()
    left = await newer.left()
    assert left >= 4
    while count := await newer.rewrap(3):
        assert count <= 3
        left -= count
        assert await newer.left() == left
        assert [shown(one) for one in await newer.live(bench.account, START)] == [(2, SECOND), (1, FIRST)]
    assert left == 0
    assert await newer.rewrap(3) == 0
