"""What each role of PostgreSQL may do, over every table that there is, and no more."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import asyncpg
import pytest
import pytest_asyncio
from pydantic import SecretStr

from agents.card_vault import CardVault
from agents.ledger import Ask, Claim, ClaimStatus
from agents.pool import open_pool
from agents.vault.keyring import KeyRing
from infra.accounts import now
from infra.gateway.access.gatekeeper import Gatekeeper
from infra.gateway.access.key_directory import KeyDirectory
from infra.local import LocalStack
from infra.migrate import hand_over, migrate, pending
from providers.connector import Card
from schemas.errors import SettingsError
from schemas.ids import new_id
from tests.access import an_api_key, bearing
from tests.database_accounts import ROLES, Accounts, database_accounts
from tests.master_keys import a_master_key
from tests.stack import fresh_database

ADDED_ONLY: Final = {
    "integration_audit_logs",
    "integration_metrics_seen",
    "payment_transactions_seen",
    "payment_resources_seen",
    "payment_dispute_history",
    "integration_health_checks",
    "dead_letters",
    "projection_errors",
    "webhook_records",
}
READ_ONLY: Final = {"latency_buckets", "projection_migrations", "migrations"}
CREDENTIALS: Final = {"integration_credentials", "credential_change"}
KEYS: Final = {"api_keys": {"select", "insert", "update"}, "api_key_changes": {"select", "update"}}
"""Of callers: kept by who keeps credentials, read by who asks for them."""
WRITES: Final = {"insert", "update", "delete"}
TABLES: Final = """
    select n.nspname, c.relname, c.relkind = 'v', array(
        select wanted from unnest($2::text[]) wanted
        where has_schema_privilege($1::name, n.oid, 'usage') and has_table_privilege($1::name, c.oid, wanted))
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'v') and n.nspname in ('public', 'ledger', 'vault', 'registry', 'gateway')
"""
CARD: Final = Card(*(SecretStr(part) for part in ("5528790000000008", "Çiğdem Işık", "12", "2030", "123")))
RIGHTS: Final = ("select", "insert", "update", "delete", "truncate", "references", "trigger")


def expected(role: str, schema: str, table: str, *, is_view: bool) -> set[str]:
    """The rights that a role needs on a table."""
    match role, schema:
        case "kolaj_migrator", _:
            return set(RIGHTS)
        case ("kolaj_agent", "ledger" | "registry") | ("kolaj_vault", "vault"):
            return {"select"} if table in READ_ONLY else {"select"} | WRITES
        case "kolaj_gateway", "gateway":
            return {"select"} if table in READ_ONLY or table in KEYS else {"select"} | WRITES
        case "kolaj_vault", "gateway":
            return KEYS.get(table, set())
        case "kolaj_gateway", "public" | "registry":
            return {"select"}
        case "kolaj_projector", "public":
            if is_view:
                return set()
            if table in READ_ONLY:
                return {"select"}
            return {"select", "insert"} if table in ADDED_ONLY else {"select", "insert", "update"}
        case "kolaj_reader", "public":
            return {"select"}
        case "kolaj_secrets", "vault":
            return {"select"} if table in CREDENTIALS else set()
        case _:
            return set()


@pytest_asyncio.fixture(scope="module")
async def accounts(database_url: str) -> AsyncIterator[Accounts]:
    async with database_accounts(database_url) as made:
        yield made


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


@pytest.mark.parametrize("role", ROLES)
async def test_a_role_has_the_rights_it_needs_on_every_table_and_no_other(accounts: Accounts, role: str) -> None:
    async with connected(accounts.administrator) as connection:
        tables = await connection.fetch(TABLES, role, RIGHTS)
    wrong = {}
    for schema, name, is_view, rights in tables:
        wanted = expected(role, schema, name, is_view=is_view)
        if set(rights) != wanted:
            wrong[f"{schema}.{name}"] = (set(rights), wanted)
    assert len(tables) > 20
    assert wrong == {}


@pytest.mark.parametrize(
    ("role", "statement"),
    [
        ("kolaj_agent", "select from vault.cards"),
        ("kolaj_agent", "select from payment_transactions"),
        ("kolaj_agent", "update ledger.migrations set version_num = 'x'"),
        ("kolaj_vault", "select state from ledger.keys"),
        ("kolaj_vault", "select result_value from ledger.commands"),
        ("kolaj_vault", "select reference from ledger.attempts"),
        ("kolaj_vault", "select from ledger.parked"),
        ("kolaj_projector", "select from vault.cards"),
        ("kolaj_projector", "select from ledger.commands"),
        ("kolaj_projector", "delete from integration_audit_logs"),
        ("kolaj_projector", "update integration_audit_logs set action = 'x'"),
        ("kolaj_gateway", "update gateway.api_keys set scopes = '{payments:write}'"),
        ("kolaj_gateway", "update gateway.api_key_changes set value = value + 1"),
        ("kolaj_gateway", "select from vault.cards"),
        ("kolaj_gateway", "select from ledger.commands"),
        ("kolaj_vault", "delete from gateway.api_keys"),
        ("kolaj_vault", "select from gateway.commands"),
        ("kolaj_agent", "select from gateway.api_keys"),
        ("kolaj_reader", "insert into projection_positions values ('p', 't', 0, 0)"),
        ("kolaj_gateway", "select from vault.integration_credentials"),
        ("kolaj_gateway", "update gateway.migrations set version_num = 'x'"),
        ("kolaj_gateway", "update registry.integrations set state = '{}'"),
        ("kolaj_gateway", "delete from payment_transactions"),
        ("kolaj_secrets", "select from vault.cards"),
        ("kolaj_secrets", "select from vault.subjects"),
        ("kolaj_secrets", "delete from vault.integration_credentials"),
        ("kolaj_secrets", "select from ledger.commands"),
        ("kolaj_reader", "select from ledger.parked"),
        ("kolaj_reader", "select from vault.cards"),
        ("kolaj_reader", "create table public.mine ()"),
        ("kolaj_agent", "create schema mine"),
        ("kolaj_agent", "create temporary table mine ()"),
        ("kolaj_agent", "set role kolaj_vault"),
    ],
)
async def test_an_account_is_refused_what_its_role_does_not_need(accounts: Accounts, role: str, statement: str) -> None:
    async with connected(accounts[role]) as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)


async def test_the_vault_sees_of_the_ledger_where_a_command_stands_and_nothing_else(accounts: Accounts) -> None:
    async with await open_pool(accounts["kolaj_vault"]) as pool:
        vault = CardVault(pool, KeyRing.of(a_master_key()))
        card_ref = await vault.put(CARD)
        assert await vault.open(card_ref, Claim(Ask("payments/x", new_id(), "t", b"d"), ClaimStatus.TAKEN, 1)) is None
        await vault.forget_code(card_ref)
        await vault.discard(card_ref)
        assert await vault.sweep() == 0


async def test_the_gateway_notes_when_keys_were_used(accounts: Accounts) -> None:
    async with await open_pool(accounts["kolaj_vault"]) as vault, await open_pool(accounts["kolaj_gateway"]) as pool:
        _, text = await an_api_key(vault)
        keys = KeyDirectory(pool, now=now)
        await Gatekeeper(keys, None).authenticate(bearing(text))
        await keys.note_use()
        assert await vault.fetchval("select count(last_used_at) from gateway.api_keys") == 1


async def test_what_a_member_of_the_owner_makes_belongs_to_the_owner(accounts: Accounts) -> None:
    async with connected(accounts.administrator) as connection:
        await connection.execute("drop view payment_totals")
        await migrate(accounts["kolaj_migrator"])
        owner = await connection.fetchval("select viewowner from pg_views where viewname = 'payment_totals'")
    assert owner == "kolaj_migrator"


async def test_a_table_that_came_later_is_granted_with_the_next_migration(accounts: Accounts) -> None:
    async with connected(accounts["kolaj_migrator"]) as owner:
        await owner.execute("create table public.came_later (id int)")
        await owner.execute("create table ledger.came_later (id int)")
        await owner.execute("create table vault.came_later (id int)")
        try:
            await migrate(accounts["kolaj_migrator"])
            for role, statement in (
                ("kolaj_projector", "insert into public.came_later values (1)"),
                ("kolaj_reader", "select from public.came_later"),
                ("kolaj_agent", "delete from ledger.came_later"),
                ("kolaj_vault", "delete from vault.came_later"),
            ):
                async with connected(accounts[role]) as connection:
                    await connection.execute(statement)
        finally:
            await owner.execute("drop table public.came_later, ledger.came_later, vault.came_later")


@pytest.mark.parametrize("role", ["kolaj_agent", "kolaj_projector", "kolaj_gateway"])
async def test_a_process_that_may_not_migrate_starts_on_tables_that_are_up_to_date(
    accounts: Accounts, role: str
) -> None:
    await migrate(accounts[role])
    assert await pending(accounts[role]) == []


@pytest.mark.parametrize(
    ("role", "version_table"),
    [("kolaj_agent", "ledger.migrations"), ("kolaj_projector", "public.projection_migrations")],
)
async def test_a_process_that_may_not_migrate_says_who_has_to(
    accounts: Accounts, role: str, version_table: str
) -> None:
    async with connected(accounts.administrator) as connection:
        version = await connection.fetchval(f"select version_num from {version_table}")  # noqa: S608 - a name of ours
        first = "0001_ledger" if role == "kolaj_agent" else "0001_tables"
        await connection.execute(f"update {version_table} set version_num = $1", first)  # noqa: S608
        try:
            with pytest.raises(SettingsError, match=r"lacks \d+ migrations .*may not run them: run `kolaj migrate`"):
                await migrate(accounts[role])
        finally:
            await connection.execute(f"update {version_table} set version_num = $1", version)  # noqa: S608


async def test_an_account_without_any_role_is_told_to_get_one(stack: LocalStack, accounts: Accounts) -> None:
    async with fresh_database(stack.database_url) as url:
        name = accounts["kolaj_agent"].rpartition("@")[0]
        other = f"{name}@{url.rpartition('@')[2]}"
        with pytest.raises(SettingsError, match=r"has no tables that .* may work on: run `kolaj migrate`"):
            await migrate(other)


async def test_a_stranger_does_not_get_into_a_database_that_was_handed_over(accounts: Accounts) -> None:
    async with connected(accounts.administrator) as connection:
        await connection.execute("create role kolaj_stranger login password 'sesame'")
        try:
            place = accounts.administrator.rpartition("@")[2]
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await asyncpg.connect(f"postgresql://kolaj_stranger:sesame@{place}")
        finally:
            await connection.execute("drop role kolaj_stranger")


async def test_a_database_that_has_tables_already_is_handed_over_with_them(stack: LocalStack) -> None:
    async with fresh_database(stack.database_url) as url:
        await migrate(url)
        await hand_over(url)
        async with connected(url) as connection:
            left = await connection.fetch(
                "select relname from pg_class c join pg_namespace n on n.oid = c.relnamespace "
                "where n.nspname in ('public', 'ledger', 'vault') and pg_get_userbyid(relowner) <> 'kolaj_migrator'"
            )
    assert left == []
