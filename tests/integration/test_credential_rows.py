"""What somebody who can write to the database cannot do with the rows of credentials."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio
from pydantic import SecretStr

from agents.card_vault import CardVault
from agents.pool import open_pool
from agents.vault.envelope import SealBroken, SealUnknown
from agents.vault.keyring import KeyRing, UnknownMasterKey
from agents.vault.master_keys import MasterKeys
from agents.vault.postgres import PostgresCredentials
from agents.vault.secret import Secret
from agents.vault.store import CredentialStore
from agents.vault.subjects import Subjects
from infra.migrate import migrate
from providers.connector import Card
from schemas.errors import StoreError
from tests.master_keys import a_master_key
from tests.stack import fresh_name

NOW = datetime(2026, 11, 25, 10, tzinfo=UTC)
KEY = a_master_key()
RING = KeyRing.of(KEY)


@pytest_asyncio.fixture(scope="module")
async def pool(database_url: str) -> AsyncIterator[asyncpg.Pool]:
    await migrate(database_url)
    async with await open_pool(database_url) as opened:
        yield opened


@pytest_asyncio.fixture
async def account(pool: asyncpg.Pool) -> str:
    """Two live versions of two fields."""
    name, store = fresh_name("a"), PostgresCredentials(pool, RING)
    for number in (1, 2):
        values = {field: Secret(f"{field} {number}") for field in ("api_key", "secret_key")}
        await store.put(name, values, by="x", at=NOW, follows=number - 1, overlap_s=60)
    return name


def store_of(pool: asyncpg.Pool) -> CredentialStore:
    return PostgresCredentials(pool, RING)


@pytest.mark.parametrize(
    "other",
    ["field <> r.field and version = r.version", "field = r.field and version <> r.version"],
    ids=["field", "version"],
)
async def test_a_value_copied_to_another_field_or_version_does_not_open(
    pool: asyncpg.Pool, account: str, other: str
) -> None:
    await pool.execute(
        "update vault.integration_credentials r set sealed = (select sealed from vault.integration_credentials"  # noqa: S608 - ours
        f" where integration_id = r.integration_id and {other})"
        " where integration_id = $1 and field = 'api_key' and version = 2",
        account,
    )
    with pytest.raises(SealBroken, match=f"{account}, api_key, version 2"):
        await store_of(pool).live(account, NOW)


async def test_a_row_given_to_another_integration_does_not_open(pool: asyncpg.Pool, account: str) -> None:
    thief = fresh_name("a")
    moved = "update vault.integration_credentials set integration_id = $2 where integration_id = $1"
    await pool.execute(moved, account, thief)
    with pytest.raises(SealBroken, match=thief):
        await store_of(pool).live(thief, NOW)


async def test_each_changed_byte_of_a_row_is_noticed(pool: asyncpg.Pool, account: str) -> None:
    store = store_of(pool)
    where = "where integration_id = $1 and field = 'api_key' and version = 2"
    sealed = await pool.fetchval(f"select sealed from vault.integration_credentials {where}", account)  # noqa: S608 - ours
    for place in range(len(sealed)):
        changed = sealed[:place] + bytes([sealed[place] ^ 0x80]) + sealed[place + 1 :]
        await pool.execute(f"update vault.integration_credentials set sealed = $2 {where}", account, changed)  # noqa: S608 - ours
        with pytest.raises((SealBroken, SealUnknown, UnknownMasterKey)):
            await store.live(account, NOW)


async def test_a_changed_row_stops_rewrapping_until_it_is_revoked(pool: asyncpg.Pool, account: str) -> None:
    await pool.execute("delete from vault.integration_credentials where integration_id <> $1", account)
    newer = PostgresCredentials(pool, KeyRing.of(a_master_key(), [KEY]))
    await pool.execute(
        "update vault.integration_credentials set sealed = set_byte(sealed, 20, 255 - get_byte(sealed, 20))"
        " where version = 1"
    )
    with pytest.raises(SealBroken, match=f"{account}, .*, version 1"):
        await newer.rewrap(1000)
    assert await newer.left() == 4
    await newer.revoke(account, 1, by="x", at=NOW)
    assert await newer.rewrap(1000) == 2
    assert await newer.left() == 0


async def test_a_value_is_erased_once_its_version_ended_or_was_revoked(pool: asyncpg.Pool, account: str) -> None:
    store = store_of(pool)
    later = datetime(2026, 11, 25, 12, tzinfo=UTC)
    await store.put(account, {"api_key": Secret("3")}, by="x", at=later, follows=2)
    rows = await pool.fetch(
        "select version, sealed is null as erased from vault.integration_credentials where integration_id = $1", account
    )
    assert {(row["version"], row["erased"]) for row in rows} == {(1, True), (2, True), (3, False)}


async def test_a_hub_starts_without_a_lost_master_key_once_what_it_sealed_was_let_go(
    pool: asyncpg.Pool, account: str
) -> None:
    await pool.execute("delete from vault.integration_credentials where integration_id <> $1", account)
    subject = (await Subjects(pool, RING).of("/shop", "buyer-1")).subject
    await CardVault(pool, RING).put(Card(*(SecretStr(part) for part in ("5528790000000008", "Işık", "12", "2030"))))
    found = KeyRing.of(a_master_key())
    with pytest.raises(UnknownMasterKey, match=RING.primary_id):
        await MasterKeys(pool).begin(found)
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    given_up = readme[readme.index("```sql\nupdate vault.") + 7 : readme.index("where key_id = '<id>';\n```") + 23]
    await pool.execute(given_up.replace("<id>", RING.primary_id))
    await MasterKeys(pool).begin(found)
    assert await PostgresCredentials(pool, found).live(account, NOW) == ()
    subjects = Subjects(pool, found)
    assert (await subjects.known([subject]))[subject].key is None
    assert (await subjects.of("/shop", "buyer-1")).subject != subject
    put = PostgresCredentials(pool, found).put
    assert (await put(account, {"api_key": Secret("new")}, by="x", at=NOW, follows=2)).number == 3


async def test_a_database_that_fails_is_a_store_error(database_url: str) -> None:
    closed = await open_pool(database_url)
    await closed.close()
    store = PostgresCredentials(closed, RING)
    for act in (
        store.live("a", NOW),
        store.change(),
        store.put("a", {"b": Secret("c")}, by="x", at=NOW, follows=0),
        store.rewrap(1),
    ):
        with pytest.raises(StoreError, match="InterfaceError"):
            await act
