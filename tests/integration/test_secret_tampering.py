"""No byte of anything that is stored sealed can be changed unseen: every byte of a real row is tried."""

import random
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio
from pydantic import SecretStr

from agents.card_vault import CardVault
from agents.ledger import Ask, Claim, Ledger, Parking
from agents.pool import open_pool
from agents.sealing import Seal
from agents.vault.keyring import KeyRing, UnknownMasterKey
from agents.vault.postgres import PostgresCredentials
from agents.vault.secret import Secret
from agents.vault.subjects import Subjects
from infra.migrate import migrate
from providers.connector import Card
from schemas.errors import StoreError
from schemas.ids import new_id
from streams.records import RawRecord
from tests.master_keys import a_master_key

RING: Final = KeyRing.of(a_master_key())
NOW: Final = datetime(2026, 11, 25, 10, tzinfo=UTC)
SHOP, BUYER = "/shop", "uye-5519-gulbahar"
CARD: Final = Card(*map(SecretStr, ("5528790000000008", "İıŞ 😀", "12", "2030", "123")))


@dataclass(frozen=True)
class Stored:
    """One sealed value in its row, and how the hub opens it."""

    table: str
    column: str
    where: str
    key: UUID | str | bool
    opened: Callable[[], Awaitable[object]]


@pytest_asyncio.fixture(scope="module")
async def pool(database_url: str) -> AsyncIterator[asyncpg.Pool]:
    await migrate(database_url)
    async with await open_pool(database_url) as opened:
        yield opened


@pytest_asyncio.fixture(scope="module")
async def ledger(pool: asyncpg.Pool) -> AsyncIterator[Ledger]:
    opened = await Ledger.open(pool, lease_s=300, margin_s=5)
    yield opened
    await opened.aclose()


async def a_claim(ledger: Ledger) -> Claim:
    return await ledger.claim(Ask(f"payments/{new_id()}", new_id(), "payments.create.v1", b"d"))


async def a_credential(pool: asyncpg.Pool, _: Ledger) -> Stored:
    store, account = PostgresCredentials(pool, RING), "iyzico-main"
    await store.put(account, {"secret_key": Secret("sesame")}, by="x", at=NOW, follows=0)
    table = "vault.integration_credentials"
    return Stored(table, "sealed", "integration_id", account, lambda: store.live(account, NOW))


async def a_card(pool: asyncpg.Pool, ledger: Ledger) -> Stored:
    return await _in_the_card_vault(pool, ledger, "vault.cards")


async def a_code(pool: asyncpg.Pool, ledger: Ledger) -> Stored:
    return await _in_the_card_vault(pool, ledger, "vault.card_codes")


async def _in_the_card_vault(pool: asyncpg.Pool, ledger: Ledger, table: str) -> Stored:
    vault, claim = CardVault(pool, RING), await a_claim(ledger)
    card_ref = await vault.put(CARD)
    return Stored(table, "sealed", "card_ref", card_ref, lambda: vault.open(card_ref, claim))


async def a_key_of_a_subject(pool: asyncpg.Pool, _: Ledger) -> Stored:
    subjects = Subjects(pool, RING)
    subject = (await subjects.of(SHOP, BUYER)).subject
    return Stored("vault.subjects", "sealed_key", "subject", subject, lambda: subjects.known([subject]))


async def the_key_of_lookups(pool: asyncpg.Pool, _: Ledger) -> Stored:
    await Subjects(pool, RING).of(SHOP, BUYER)
    # Read once by each process, so that each look is one of a process of its own.
    return Stored(
        "vault.subject_state", "sealed_lookup", "only_one", True, lambda: Subjects(pool, RING).find(SHOP, BUYER)
    )


async def a_parked_command(_: asyncpg.Pool, ledger: Ledger) -> Stored:
    seal, claim = Seal(RING), await a_claim(ledger)
    record = RawRecord("shop.payments.commands", 3, 7, 1_700_000_000_123, b"key", b"value", (("ce_id", b"1"),))
    sealed = seal.close(record, claim.ask.command_id)
    assert await ledger.park(Parking(claim, "iyzico-main", record.topic, 3, 7, sealed, "breaker_open", 10, counts=True))

    async def opened() -> RawRecord:
        lying = await ledger.next_parked(claim.ask.key)
        assert lying is not None
        return seal.open(lying.sealed, lying.command_id, lying.topic, lying.partition, lying.offset)

    return Stored("ledger.parked", "sealed", "command_id", claim.ask.command_id, opened)


SEALED: Final = {
    "ledger.parked.sealed",
    "vault.card_codes.sealed",
    "vault.cards.sealed",
    "vault.integration_credentials.sealed",
    "vault.subject_state.sealed_lookup",
    "vault.subjects.sealed_key",
}
NOT_SEALED: Final = {
    "ledger.commands.digest",
    "ledger.commands.result_value",
    "ledger.keys.state",
    "ledger.parked.digest",
    "registry.changes.digest",
    "registry.changes.value",
    "vault.subjects.lookup",
}
EVERY = (a_credential, a_card, a_code, a_key_of_a_subject, the_key_of_lookups, a_parked_command)


@pytest.mark.parametrize("make", EVERY, ids=lambda make: make.__name__)
async def test_each_byte_of_a_sealed_value_counts(
    pool: asyncpg.Pool, ledger: Ledger, make: Callable[[asyncpg.Pool, Ledger], Awaitable[Stored]]
) -> None:
    stored = await make(pool, ledger)
    read = f"select {stored.column} from {stored.table} where {stored.where} = $1"  # noqa: S608 - ours
    write = f"update {stored.table} set {stored.column} = $2 where {stored.where} = $1"  # noqa: S608 - ours
    assert f"{stored.table}.{stored.column}" in SEALED
    sealed = await pool.fetchval(read, stored.key)
    assert await stored.opened(), "untouched, it opens"
    unnoticed = []
    for place, byte in enumerate(sealed):
        # Drawn anew in each run, so that over time each of the 255 ways to change a byte was tried.
        changed = sealed[:place] + bytes([byte ^ random.randint(1, 255)]) + sealed[place + 1 :]  # noqa: S311 - no secret
        await pool.execute(write, stored.key, changed)
        try:
            await stored.opened()
        except (StoreError, UnknownMasterKey):
            continue
        unnoticed.append((place, changed.hex()))
    assert unnoticed == []
    await pool.execute(write, stored.key, sealed)
    assert await stored.opened(), "put back, it opens again"


async def test_no_other_column_of_bytes_holds_anything_sealed(pool: asyncpg.Pool) -> None:
    found = await pool.fetch(
        "select table_schema || '.' || table_name || '.' || column_name from information_schema.columns"
        " where data_type = 'bytea' and table_schema in ('ledger', 'registry', 'vault')"
    )
    assert {row[0] for row in found} == SEALED | NOT_SEALED
