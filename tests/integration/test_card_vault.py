from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio
from pydantic import SecretStr

from agents.card_vault import CardVault
from agents.ledger import Ask, Claim, ClaimStatus, Conclusion, Ledger, Sending, StoredResult
from agents.pool import open_pool
from agents.vault.card_rewrap import Cards
from agents.vault.keyring import KeyRing, UnknownMasterKey
from agents.vault.master_keys import MasterKeys
from infra.migrate import migrate
from providers.connector import Card
from schemas.errors import StoreError
from schemas.ids import new_id
from tests.database_clock import install_clock, reset_clock, step_clock
from tests.master_keys import a_master_key

TTL_S = 600.0
LEASE_S = 30.0
NUMBER = "5528790000000008"
CARD = Card(SecretStr(NUMBER), SecretStr("İıŞ 😀"), SecretStr("12"), SecretStr("2030"), SecretStr("123"))


def a_ring() -> KeyRing:
    return KeyRing.of(a_master_key())


@dataclass
class Bench:
    url: str
    pool: asyncpg.Pool
    ledger: Ledger
    ring: KeyRing
    vault: CardVault

    async def claim(self, key: str | None = None) -> Claim:
        claim = await self.ledger.claim(Ask(key or f"payments/{new_id()}", new_id(), "payments.create.v1", b"d"))
        assert claim.status is ClaimStatus.TAKEN
        return claim


@pytest_asyncio.fixture(scope="module")
async def prepared(database_url: str) -> AsyncIterator[Bench]:
    await migrate(database_url)
    async with await open_pool(database_url) as pool:
        async with pool.acquire() as connection:
            await install_clock(connection)
        ring = a_ring()
        ledger = await Ledger.open(pool, lease_s=LEASE_S, margin_s=5)
        yield Bench(database_url, pool, ledger, ring, CardVault(pool, ring, ttl_s=TTL_S))


@pytest_asyncio.fixture
async def bench(prepared: Bench) -> AsyncIterator[Bench]:
    yield prepared
    async with prepared.pool.acquire() as connection:
        await reset_clock(connection)


async def test_a_card_opens_under_the_claim_of_the_command_that_pays_with_it(bench: Bench) -> None:
    card_ref = await bench.vault.put(CARD)
    claim = await bench.claim()
    assert await bench.vault.open(card_ref, claim) == CARD
    assert await bench.vault.open(card_ref, claim) == CARD  # the send may fail before a byte left, and is made again


@pytest.mark.parametrize("code", [None, SecretStr("")])
async def test_a_card_without_a_verification_code_stays_so(bench: Bench, code: SecretStr | None) -> None:
    card = replace(CARD, verification_code=code)
    assert await bench.vault.open(await bench.vault.put(card), await bench.claim()) == card


async def test_a_card_is_one_commands_for_good(bench: Bench) -> None:
    card_ref = await bench.vault.put(CARD)
    first, second = await bench.claim(), await bench.claim()
    assert await bench.vault.open(card_ref, first) is not None
    assert await bench.vault.open(card_ref, second) is None
    assert await bench.ledger.conclude(Conclusion(first, b"{}", StoredResult(b"r", ())))
    assert await bench.vault.open(card_ref, first) is None
    assert await bench.vault.open(card_ref, await bench.claim(first.ask.key)) is None


async def test_a_card_does_not_open_without_the_live_claim(bench: Bench) -> None:
    card_ref = await bench.vault.put(CARD)
    claim = await bench.claim()
    assert await bench.vault.open(card_ref, replace(claim, epoch=claim.epoch + 1)) is None
    assert await bench.vault.open(card_ref, replace(claim, ask=replace(claim.ask, command_id=new_id()))) is None
    assert await bench.vault.open(card_ref, replace(claim, ask=replace(claim.ask, key="payments/other"))) is None
    await bench.ledger.release(claim)
    assert await bench.vault.open(card_ref, claim) is None
    newer = await bench.ledger.claim(claim.ask)
    assert await bench.vault.open(card_ref, claim) is None
    assert await bench.vault.open(card_ref, newer) == CARD


async def test_a_card_does_not_open_once_the_lease_ran_out(bench: Bench) -> None:
    card_ref = await bench.vault.put(CARD)
    claim = await bench.claim()
    await step_clock(bench.pool, LEASE_S + 1)
    assert await bench.vault.open(card_ref, claim) is None


async def test_a_card_lives_as_long_as_it_was_given_and_is_then_swept_away(bench: Bench) -> None:
    card_ref = await bench.vault.put(CARD)
    await step_clock(bench.pool, TTL_S - 1)
    assert await bench.vault.open(card_ref, await bench.claim()) is not None
    await step_clock(bench.pool, 2)
    assert await bench.vault.open(card_ref, await bench.claim()) is None
    await bench.vault.put(CARD)
    assert await stored(bench, card_ref) is None


async def test_a_discarded_card_is_gone(bench: Bench) -> None:
    card_ref, other = await bench.vault.put(CARD), await bench.vault.put(CARD)
    await bench.vault.discard(card_ref)
    assert await stored(bench, card_ref) is None
    assert await bench.vault.open(other, await bench.claim()) == CARD


async def stored(bench: Bench, card_ref: UUID, table: str = "cards") -> bytes | None:
    sealed: bytes | None = await bench.pool.fetchval(f"select sealed from vault.{table} where card_ref = $1", card_ref)  # noqa: S608
    return sealed


async def kept(bench: Bench, card_ref: UUID) -> tuple[bool, bool]:
    """Whether the card lies there, and whether its code does."""
    return await stored(bench, card_ref) is not None, await stored(bench, card_ref, "card_codes") is not None


async def test_a_code_goes_with_its_card(bench: Bench) -> None:
    card_ref = await bench.vault.put(CARD)
    assert await kept(bench, card_ref) == (True, True)
    await bench.vault.discard(card_ref)
    assert await kept(bench, card_ref) == (False, False)


async def test_a_code_is_forgotten_before_its_card_which_then_does_not_open(bench: Bench) -> None:
    card_ref = await bench.vault.put(CARD)
    await bench.vault.forget_code(card_ref)
    assert await kept(bench, card_ref) == (True, False)
    assert await bench.vault.open(card_ref, await bench.claim()) is None


async def test_what_is_over_is_swept_away_with_nobody_asking_for_it(bench: Bench) -> None:
    card_ref = await bench.vault.put(CARD)
    await bench.vault.sweep()
    assert await kept(bench, card_ref) == (True, True)
    await step_clock(bench.pool, TTL_S + 1)
    await bench.vault.sweep()
    assert await kept(bench, card_ref) == (False, False)


async def test_the_card_of_a_concluded_command_is_swept_away(bench: Bench) -> None:
    card_ref, claim = await bench.vault.put(CARD), await bench.claim()
    await bench.vault.open(card_ref, claim)
    assert await bench.ledger.conclude(Conclusion(claim, b"{}", StoredResult(b"r", ())))
    await bench.vault.sweep()
    assert await kept(bench, card_ref) == (False, False)


async def test_the_code_of_a_worker_that_died_after_it_sent_is_swept_away(bench: Bench) -> None:
    card_ref, claim = await bench.vault.put(CARD), await bench.claim()
    await bench.vault.open(card_ref, claim)
    assert await bench.ledger.mark_sending(Sending(claim, 1, "iyzico", str(new_id()), "d", repeatable=False))
    await bench.vault.sweep()
    assert await kept(bench, card_ref) == (True, True), "it may be under way"
    await step_clock(bench.pool, LEASE_S + 1)
    await bench.vault.sweep()
    assert await kept(bench, card_ref) == (True, False)


async def test_a_crash_of_the_database_leaves_neither_card_nor_code(bench: Bench) -> None:
    kinds = await bench.pool.fetch(
        "select relname, relpersistence from pg_class where relkind = 'r' and relnamespace = 'vault'::regnamespace"
        " and relname like 'card%' order by relname"
    )
    assert [tuple(row) for row in kinds] == [("card_codes", b"u"), ("cards", b"u")]


async def test_nothing_of_card_or_code_is_stored_in_the_clear_and_no_two_seals_are_equal(bench: Bench) -> None:
    first, second = await bench.vault.put(CARD), await bench.vault.put(CARD)
    for table in ("cards", "card_codes"):
        ones, twos = await stored(bench, first, table) or b"", await stored(bench, second, table) or b""
        assert NUMBER.encode() not in ones
        assert b"123" not in ones
        assert ones[:12] == twos[:12], "format and key"
        assert ones[12:40] != twos[12:40]
    assert "5528" not in repr(CARD)


@pytest.mark.parametrize("table", ["cards", "card_codes"])
@pytest.mark.parametrize("place", ["first", "nonce", "middle", "last", "cut"])
async def test_a_changed_byte_does_not_open(bench: Bench, place: str, table: str) -> None:
    card_ref = await bench.vault.put(CARD)
    sealed = bytearray(await stored(bench, card_ref, table) or b"")
    if place == "cut":
        sealed = sealed[:5]
    else:
        sealed[{"first": 0, "nonce": 50, "middle": len(sealed) // 2, "last": -1}[place]] ^= 1
    await bench.pool.execute(
        f"update vault.{table} set sealed = $2 where card_ref = $1",  # noqa: S608
        card_ref,
        bytes(sealed),
    )
    with pytest.raises(StoreError, match="does not open"):
        await bench.vault.open(card_ref, await bench.claim())


@pytest.mark.parametrize("table", ["cards", "card_codes"])
async def test_a_row_copied_to_another_reference_does_not_open(bench: Bench, table: str) -> None:
    card_ref, other = await bench.vault.put(CARD), await bench.vault.put(CARD)
    sealed = await stored(bench, card_ref, table)
    await bench.pool.execute(f"update vault.{table} set sealed = $2 where card_ref = $1", other, sealed)  # noqa: S608
    with pytest.raises(StoreError, match="does not open"):
        await bench.vault.open(other, await bench.claim())


async def test_a_code_does_not_open_as_a_card(bench: Bench) -> None:
    card_ref = await bench.vault.put(CARD)
    code = await stored(bench, card_ref, "card_codes")
    await bench.pool.execute("update vault.cards set sealed = $2 where card_ref = $1", card_ref, code)
    with pytest.raises(StoreError, match="does not open"):
        await bench.vault.open(card_ref, await bench.claim())


async def test_a_key_that_is_missing_is_named_and_a_retired_one_still_opens(bench: Bench) -> None:
    key, newer = a_master_key(), a_master_key()
    card_ref = await CardVault(bench.pool, KeyRing.of(key)).put(CARD)
    claim = await bench.claim()
    with pytest.raises(StoreError, match=KeyRing.of(key).primary_id):
        await CardVault(bench.pool, KeyRing.of(newer)).open(card_ref, claim)
    assert await CardVault(bench.pool, KeyRing.of(newer, [key])).open(card_ref, claim) == CARD


async def test_a_database_that_fails_is_a_store_error_without_the_card(bench: Bench) -> None:
    claim = await bench.claim()
    pool = await open_pool(bench.url)
    await pool.close()
    with pytest.raises(StoreError, match="card_put") as raised:
        await CardVault(pool, bench.ring).put(CARD)
    assert NUMBER not in str(raised.value)
    with pytest.raises(StoreError, match="card_open"):
        await CardVault(pool, bench.ring).open(new_id(), claim)


async def test_a_card_and_its_code_follow_a_new_master_key_and_keep_the_old_one_needed_until_then(bench: Bench) -> None:
    await bench.pool.execute("delete from vault.cards")
    old, new = a_master_key(), a_master_key()
    alone, both = KeyRing.of(new), KeyRing.of(new, [old])
    card_ref = await CardVault(bench.pool, KeyRing.of(old), ttl_s=TTL_S).put(CARD)
    keys, cards = MasterKeys(bench.pool), Cards(bench.pool, both)
    with pytest.raises(UnknownMasterKey, match=KeyRing.of(old).primary_id):
        await keys.check(alone)
    assert (await cards.left(), await cards.rewrap(10), await cards.rewrap(10), await cards.left()) == (2, 2, 0, 0)
    await keys.check(alone)
    opened = await CardVault(bench.pool, alone).open(card_ref, await bench.claim())
    assert opened == CARD
