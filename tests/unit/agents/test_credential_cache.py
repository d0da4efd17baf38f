import asyncio
import copy
import json
import pickle
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from agents.vault.credentials import CredentialCache
from agents.vault.keyring import KeyRing, UnknownMasterKey
from agents.vault.memory import MemoryCredentials
from agents.vault.opening import NoCredentials
from agents.vault.secret import Secret
from agents.vault.store import OpenVersion
from providers.connection_settings import USUAL
from providers.connector import Credentials, LiveCredentials
from providers.notices import Call, Notice
from providers.payments.iyzico.webhook import HEADER, read_notice, signature_of
from schemas.errors import NotSent, StoreError
from tests.master_keys import a_master_key

NAMES = ("api_key", "secret_key")
START = datetime(2026, 11, 25, 10, tzinfo=UTC)


@dataclass
class Bench:
    """A cache over a store in memory that counts its looks."""

    at: datetime = START
    looks: int = 0
    down: bool = False
    store: MemoryCredentials = field(default_factory=lambda: MemoryCredentials(KeyRing.of(a_master_key())))
    ttl_s: float = 300
    most: int = 100

    def __post_init__(self) -> None:
        live = self.store.live

        async def counted(integration_id: str, at: datetime) -> tuple[OpenVersion, ...]:
            self.looks += 1
            await asyncio.sleep(0)
            if self.down:
                raise StoreError("down")
            return await live(integration_id, at)

        self.store.live = counted  # type: ignore[method-assign]
        self.cache = CredentialCache(
            self.store, environment="sandbox", now=lambda: self.at, ttl_s=self.ttl_s, most=self.most
        )

    async def put(self, account: str, tag: str, *, follows: int = 0, overlap_s: float = 0) -> None:
        values = {name: Secret(f"{name} of {account} {tag}") for name in NAMES}
        await self.store.put(account, values, by="x", at=self.at, follows=follows, overlap_s=overlap_s)

    async def load(self, account: str = "a") -> LiveCredentials:
        loaded = await self.cache.load(account, NAMES)
        assert loaded is not None
        return loaded

    def after(self, **time: float) -> None:
        self.at += timedelta(**time)


def opened(credentials: Credentials) -> dict[str, str]:
    return {name: secret.get_secret_value() for name, secret in credentials.items()}


async def test_an_account_is_loaded_once_and_opens_at_each_look() -> None:
    bench = Bench()
    await bench.put("a", "1")
    loaded = [await bench.load() for _ in range(10)]
    assert bench.looks == 1
    assert [opened(one.current) for one in loaded] == [{name: f"{name} of a 1" for name in NAMES}] * 10
    assert loaded[0].retiring == ()


async def test_two_sellers_that_take_turns_each_get_their_own_credentials() -> None:
    """Pitfall G3: a key without the account in it hands out the first seller's session."""
    bench = Bench()
    await bench.put("seller-a", "1")
    await bench.put("seller-b", "1")
    for _ in range(100):
        for seller in ("seller-a", "seller-b"):
            assert opened((await bench.load(seller)).current)["api_key"] == f"api_key of {seller} 1"
    assert bench.looks == 2


async def test_fifteen_accounts_of_ten_calls_are_loaded_fifteen_times() -> None:
    """Pitfall G5: a cache that is built anew at each look keeps one account."""
    bench = Bench()
    accounts = [f"account-{number}" for number in range(15)]
    for account in accounts:
        await bench.put(account, "1")
    for _ in range(10):
        for account in accounts:
            await bench.load(account)
    assert bench.looks == 15


async def test_sellers_that_ask_at_once_get_their_own_credentials_while_they_are_rotated() -> None:
    """Pitfall G3, its whole kind: many accounts at one time, ids that begin alike, versions that change under way."""
    bench = Bench()
    sellers = ["seller", "seller-1", "seller-11", "seller-1-1"]
    for version in range(1, 4):
        for seller in sellers:
            await bench.put(seller, str(version), follows=version - 1)
        await bench.cache.refresh()
        asked = sellers * 25
        found = await asyncio.gather(*(bench.load(seller) for seller in asked))
        keys = [opened(one.current)["api_key"] for one in found]
        assert keys == [f"api_key of {seller} {version}" for seller in asked]


async def test_accounts_are_loaded_once_in_each_lifetime_however_they_are_asked_for() -> None:
    """Pitfall G5, its whole kind: at once or in turn, the looks are the accounts, once for each lifetime."""
    bench = Bench(ttl_s=300)
    accounts = [f"account-{number}" for number in range(15)]
    for account in accounts:
        await bench.put(account, "1")
    for lifetime in range(1, 4):
        await asyncio.gather(*(bench.load(account) for account in accounts * 10))
        for account in accounts:
            await bench.load(account)
        assert bench.looks == 15 * lifetime
        bench.after(seconds=300)


async def test_the_cache_is_bounded_and_lets_go_of_what_was_not_used_for_the_longest() -> None:
    bench = Bench(most=2)
    for account in ("a", "b", "c"):
        await bench.put(account, "1")
    for account in ("a", "b", "a", "c", "a"):
        await bench.load(account)
    assert bench.looks == 3
    await bench.load("b")
    assert bench.looks == 4


async def test_callers_that_come_at_once_wait_for_one_look() -> None:
    bench = Bench()
    await bench.put("a", "1")
    found = await asyncio.gather(*(bench.load() for _ in range(50)))
    assert bench.looks == 1
    assert {opened(one.current)["api_key"] for one in found} == {"api_key of a 1"}


async def test_an_account_is_loaded_anew_when_its_time_is_over() -> None:
    bench = Bench(ttl_s=300)
    await bench.put("a", "1")
    before = await bench.cache.version()
    await bench.load()
    bench.after(seconds=299)
    await bench.load()
    assert bench.looks == 1
    assert await bench.cache.version() == before
    bench.after(seconds=1)
    assert await bench.cache.version() > before
    await bench.load()
    assert bench.looks == 2


async def test_a_rotation_is_seen_at_the_next_look_at_the_version_and_for_that_account_alone() -> None:
    bench = Bench()
    await bench.put("a", "1")
    await bench.put("b", "1")
    before = await bench.cache.version()
    under_way = await bench.load("a")
    await bench.load("b")
    await bench.put("a", "2", follows=1)
    assert await bench.cache.version() > before
    assert opened((await bench.load("a")).current)["api_key"] == "api_key of a 2"
    await bench.load("b")
    assert bench.looks == 3
    assert opened(under_way.current)["api_key"] == "api_key of a 1"  # a call under way ends as it began


async def test_what_is_being_loaded_while_it_is_rotated_is_not_found_afterwards() -> None:
    bench = Bench()
    await bench.put("a", "1")
    await bench.cache.refresh()
    loading = asyncio.ensure_future(bench.load())
    await asyncio.sleep(0)
    await bench.put("a", "2", follows=1)
    assert await bench.cache.refresh() == {"a"}
    await loading
    assert opened((await bench.load()).current)["api_key"] == "api_key of a 2"


async def test_a_store_that_was_taken_back_to_an_earlier_moment_is_looked_at_anew() -> None:
    bench = Bench()
    await bench.put("a", "1")
    await bench.put("a", "2", follows=1)
    await bench.cache.refresh()
    await bench.load()
    bench.store._change = 1
    assert await bench.cache.refresh() == {"a"}
    await bench.load()
    assert bench.looks == 2


async def test_an_account_without_credentials_or_with_a_missing_one_is_none() -> None:
    bench = Bench()
    assert await bench.cache.load("a", NAMES) is None
    assert await bench.cache.load("a", NAMES) is None
    assert bench.looks == 1
    await bench.store.put("a", {"api_key": Secret("k")}, by="x", at=START, follows=0)
    await bench.cache.refresh()
    assert await bench.cache.load("a", NAMES) is None
    assert await bench.cache.load("a", ("api_key",)) is not None


async def test_an_earlier_set_that_lacks_a_name_is_not_offered() -> None:
    bench = Bench()
    await bench.store.put("a", {"api_key": Secret("k")}, by="x", at=START, follows=0)
    await bench.put("a", "2", follows=1, overlap_s=60)
    assert (await bench.load()).retiring == ()


async def test_a_store_that_fails_is_asked_again_by_the_next_caller() -> None:
    bench = Bench(down=True)
    await bench.put("a", "1")
    with pytest.raises(StoreError):
        await bench.load()
    bench.down = False
    assert opened((await bench.load()).current)["api_key"] == "api_key of a 1"


async def test_a_process_without_the_master_key_says_which_one_it_lacks() -> None:
    bench = Bench()
    await bench.put("a", "1")
    lacking = bench.store.ring.primary_id
    bench.store.ring = KeyRing.of(a_master_key())
    with pytest.raises(UnknownMasterKey, match=lacking):
        await bench.load()


async def test_webhooks_signed_with_the_old_secret_pass_until_the_overlap_ends() -> None:
    """Pitfall G1: rotated at 0 with an hour's overlap; the old secret passes at +30 min and fails at +61 min."""
    bench = Bench()
    await bench.put("a", "old")
    await bench.put("a", "new", follows=1, overlap_s=3600)

    async def passes(tag: str) -> bool:
        live = await bench.load()
        fields = {"iyziEventType": "CREDIT", "paymentId": "1", "paymentConversationId": "c", "status": "SUCCESS"}
        headers = {HEADER: signature_of(fields, f"secret_key of a {tag}")}
        call = Call(headers, json.dumps(fields).encode(), (live.current, *live.retiring), bench.at, USUAL)
        return isinstance(read_notice(call), Notice)

    assert await passes("old")
    assert await passes("new")
    before = await bench.cache.version()
    bench.after(minutes=30)
    assert await passes("old")
    bench.after(minutes=31)
    assert not await passes("old")
    assert await passes("new")
    assert await bench.cache.version() > before


async def test_secrets_of_several_rotations_each_hold_until_their_own_end() -> None:
    """Pitfall G1, its whole kind: rotated again within the overlap; a rotation without one ends at once."""
    bench = Bench()
    await bench.put("a", "1")
    await bench.put("a", "2", follows=1, overlap_s=3600)
    bench.after(minutes=30)
    await bench.put("a", "3", follows=2, overlap_s=3600)

    async def passing() -> str:
        await bench.cache.version()
        live = await bench.load()
        return "".join(opened(one)["secret_key"][-1] for one in (live.current, *live.retiring))

    assert await passing() == "321"
    bench.after(minutes=30)
    assert await passing() == "32"
    bench.after(minutes=29)
    assert await passing() == "32"
    await bench.put("a", "4", follows=3)
    assert await passing() == "4"


async def test_the_end_of_an_overlap_is_told_to_whoever_holds_the_credentials() -> None:
    bench = Bench(ttl_s=86_400)
    await bench.put("a", "old")
    await bench.put("a", "new", follows=1, overlap_s=3600)
    before = await bench.cache.version()
    await bench.load()
    bench.after(seconds=3599)
    assert await bench.cache.version() == before
    bench.after(seconds=1)
    assert await bench.cache.version() > before


async def test_what_the_cache_holds_says_nothing_and_neither_pickles_nor_copies() -> None:
    bench = Bench()
    await bench.put("a", "1")
    loaded = await bench.load()
    boxed, _ = loaded.current._boxed["api_key"]  # type: ignore[attr-defined]
    assert b"api_key of a" not in boxed._sealed
    assert "of a 1" not in repr((loaded, loaded.current, bench.cache.__dict__))
    for leave in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            leave(loaded.current)


async def test_every_secret_that_was_ever_loaded_is_hidden() -> None:
    bench = Bench()
    await bench.put("a", "1")
    await bench.load()
    await bench.put("a", "2", follows=1)
    await bench.cache.refresh()
    await bench.load()
    assert bench.cache.hide("x api_key of a 1, secret_key of a 2; api_key of b 1") == "x ***, ***; api_key of b 1"


def test_a_call_of_an_account_whose_credentials_are_gone_is_not_sent() -> None:
    gone = NoCredentials("a", "iyzico")
    with pytest.raises(NotSent, match="kolaj credentials set"):
        gone["api_key"]
    assert dict(gone) == {}
