import asyncio
from pathlib import Path

import asyncpg
import pytest

from infra.local import LocalStack
from infra.migrate import migrate, pending
from infra.migrations import HISTORIES, History
from schemas.errors import SettingsError, StoreError
from tests.stack import fresh_database


async def test_an_empty_database_has_everything_pending_and_then_nothing(database_url: str) -> None:
    before = await pending(database_url)
    await migrate(database_url)
    assert "projections/0001_tables" in before
    assert "ledger/0001_ledger" in before
    assert await pending(database_url) == []


async def test_asking_what_is_pending_changes_nothing(stack: LocalStack) -> None:
    async with fresh_database(stack.database_url) as url:
        await pending(url)
        connection = await asyncpg.connect(url)
        try:
            tables = await connection.fetchval(
                "select count(*) from pg_tables where schemaname in ('public', 'ledger')"
            )
        finally:
            await connection.close()
    assert tables == 0


async def test_processes_that_start_at_once_migrate_once(stack: LocalStack) -> None:
    async with fresh_database(stack.database_url) as url:
        await asyncio.gather(*(migrate(url) for _ in range(8)))
        connection = await asyncpg.connect(url)
        try:
            versions = await connection.fetch("select version_num from projection_migrations")
            ledgers = await connection.fetchval("select count(*) from ledger.incarnation")
        finally:
            await connection.close()
    assert len(versions) == 1
    assert ledgers == 1


async def test_a_second_migration_keeps_what_the_tables_hold(stack: LocalStack) -> None:
    async with fresh_database(stack.database_url) as url:
        await migrate(url)
        connection = await asyncpg.connect(url)
        try:
            await connection.execute("insert into projection_positions values ('p', 't', 0, 7)")
            await migrate(url)
            kept = await connection.fetchval("select next_offset from projection_positions")
        finally:
            await connection.close()
    assert kept == 7


async def test_a_failed_migration_leaves_nothing_behind(stack: LocalStack) -> None:
    async with fresh_database(stack.database_url) as url:
        connection = await asyncpg.connect(url)
        try:
            # In the way of the first history's second half, once the ledger was made already.
            await connection.execute("create table integration_metrics (nothing int)")
            with pytest.raises(StoreError, match="integration_metrics"):
                await migrate(url)
            ledger = await connection.fetchval("select to_regclass('ledger.commands')")
        finally:
            await connection.close()
    assert ledger is None


@pytest.mark.parametrize(("table", "name"), [("ledger.migrations", "ledger"), ("projection_migrations", "projections")])
async def test_a_database_newer_than_the_hub_is_refused_with_what_to_do(
    stack: LocalStack, table: str, name: str
) -> None:
    async with fresh_database(stack.database_url) as url:
        await migrate(url)
        connection = await asyncpg.connect(url)
        try:
            await connection.execute(f"update {table} set version_num = '9000_from_tomorrow'")  # noqa: S608
            for ask in (migrate, pending):
                with pytest.raises(SettingsError, match=rf"{name} tables are newer .* 9000_from"):
                    await ask(url)
            assert await connection.fetchval(f"select version_num from {table}") == "9000_from_tomorrow"  # noqa: S608
        finally:
            await connection.close()


async def test_a_wrong_address_is_a_store_error() -> None:
    with pytest.raises(StoreError):
        await migrate("postgresql://kolaj@127.0.0.1:1/kolaj")


def test_a_gap_in_the_numbers_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "gapped_history" / "sql"
    folder.mkdir(parents=True)
    (tmp_path / "gapped_history" / "__init__.py").touch()
    (folder / "0001_one.sql").write_text("select 1;", encoding="utf-8")
    (folder / "0003_three.sql").write_text("select 3;", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    history = History("gapped", "gapped_history", "sql", "public", "versions")
    with pytest.raises(ValueError, match=r"0003_three\.sql: number 0002 was expected"):
        history.revisions()


def test_files_run_in_the_order_of_their_numbers() -> None:
    for history in HISTORIES:
        names = history.revisions()
        assert names == sorted(names)
        assert history.ahead(names[-1]) == []
