"""Ledger and log are compared at every start: neither may lack what the other one has."""

from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio

from agents.log_check import check_not_behind
from agents.pool import open_pool
from infra.cli import ledger as command_line
from infra.local import LocalStack
from schemas.errors import SettingsError
from streams.stretches import bounds
from tests.acceptance.orders import Orders, a_payment
from tests.builders import a_refund_payment, lira
from tests.hub import Hub, running_hub


@pytest_asyncio.fixture(scope="module")
async def hub(stack: LocalStack, database_url: str, topic_prefix: str) -> AsyncIterator[Hub]:
    """A worker runs all the time: the check may be made beside it."""
    async with running_hub(stack.bootstrap, database_url, topic_prefix, projectors=0) as running:
        yield running


@pytest_asyncio.fixture
async def pool(hub: Hub) -> AsyncIterator[asyncpg.Pool]:
    opened = await open_pool(hub.settings.database_url.get_secret_value())
    yield opened
    await opened.close()


async def check(hub: Hub, pool: asyncpg.Pool) -> None:
    await check_not_behind(hub.settings.kafka, hub.settings.topics, pool)


class Backup:
    """The ledger's tables as they were, put back for the length of a block; the marks go back with the rest."""

    TABLES = ("keys", "commands", "attempts", "parked", "log_marks")

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def take(self) -> None:
        await self._pool.execute("drop schema if exists backup cascade; create schema backup")
        for table in self.TABLES:
            await self._pool.execute(f"create table backup.{table} as table ledger.{table}")

    async def lose_what_came_since(self, *, up_to: str) -> None:
        """Take away all commands after the backup that were claimed before this moment, and put the marks back."""
        await self._pool.execute(
            "create table backup.lost as select c.* from ledger.commands c where c.claimed_at < $1::text::timestamptz "
            "and not exists (select from backup.commands b where b.command_id = c.command_id)",
            up_to,
        )
        await self._pool.execute(
            "create table backup.lost_attempts as select a.* from ledger.attempts a join backup.lost using (command_id)"
        )
        await self._pool.execute("create table backup.new_marks as table ledger.log_marks")
        await self._pool.execute(
            "delete from ledger.commands c using backup.lost l where c.command_id = l.command_id; "
            "delete from ledger.log_marks; insert into ledger.log_marks table backup.log_marks"
        )

    async def find_again(self) -> None:
        await self._pool.execute(
            "insert into ledger.commands table backup.lost; "
            "insert into ledger.attempts (command_id, number, epoch, integration_id, reference, request_digest, state, "
            "sent_at) select command_id, number, epoch, integration_id, reference, request_digest, state, sent_at "
            "from backup.lost_attempts; "
            "delete from ledger.log_marks; insert into ledger.log_marks table backup.new_marks"
        )


async def test_what_was_compared_is_marked_up_to_the_end_of_the_log(hub: Hub, pool: asyncpg.Pool) -> None:
    await Orders(hub).results(*(a_payment() for _ in range(20)))
    await check(hub, pool)
    names = [hub.settings.topics.intents.name, hub.settings.topics.payment_events.name]
    ends = {place: end for place, (_, end) in (await bounds(hub.settings.kafka, names)).items() if end}
    marks = {(row["topic"], row["partition"]): row["next_offset"] for row in await pool.fetch("table ledger.log_marks")}
    assert marks == ends


async def test_a_restore_is_found_however_many_commands_came_after_it(hub: Hub, pool: asyncpg.Pool) -> None:
    await check(hub, pool)
    backup = Backup(pool)
    await backup.take()
    await Orders(hub).results(*(a_payment() for _ in range(3)))
    now = str(await pool.fetchval("select now()"))
    # Workers went on with the restored ledger, which is of the same incarnation, and these hide what it lacks.
    for _ in range(5):
        await Orders(hub).results(*(a_payment() for _ in range(60)))
    await check(hub, pool)
    await backup.lose_what_came_since(up_to=now)
    try:
        with pytest.raises(SettingsError, match=r"lacks 1 commands|lacks [23] commands") as refused:
            await check(hub, pool)
    finally:
        await backup.find_again()
    assert "kolaj ledger rebuild" in str(refused.value)
    await check(hub, pool)


async def test_a_result_in_the_log_that_the_ledger_has_not_concluded_is_found(hub: Hub, pool: asyncpg.Pool) -> None:
    await check(hub, pool)
    # Refused before anything is sent: it leaves no intent.
    command_id = (await Orders(hub).publish(a_refund_payment(None, lira("1.00"))))[0]
    await hub.results([command_id])
    row = await pool.fetchrow("select * from ledger.commands where command_id = $1", command_id)
    await pool.execute("delete from ledger.commands where command_id = $1", command_id)
    with pytest.raises(SettingsError, match=f"commands that have a result .one is {command_id}"):
        await check(hub, pool)
    # Claimed again, and not concluded, is no better.
    await pool.execute(
        "insert into ledger.commands (command_id, key, command_type, digest, state, claimed_at) "
        "values ($1, $2, $3, $4, 'claimed', now())",
        *(row[name] for name in ("command_id", "key", "command_type", "digest")),
    )
    with pytest.raises(SettingsError, match="the ledger is behind the log"):
        await check(hub, pool)
    # What was pruned, the ledger has known.
    await pool.execute("delete from ledger.commands where command_id = $1", command_id)
    await pool.execute("update ledger.incarnation set pruned_below = 'ffffffff-0000-7000-8000-000000000000'")
    try:
        await check(hub, pool)
    finally:
        await pool.execute("update ledger.incarnation set pruned_below = null")


async def test_a_log_that_ends_before_what_was_compared_is_refused(hub: Hub, pool: asyncpg.Pool) -> None:
    await check(hub, pool)
    await pool.execute("update ledger.log_marks set next_offset = next_offset + 1000")
    try:
        with pytest.raises(SettingsError, match=r"the log lacks what the ledger has.*kolaj ledger republish"):
            await check(hub, pool)
        with pytest.raises(SettingsError, match=r"stop every worker|the log lacks"):
            await command_line._rebuild(hub.settings)
    finally:
        await pool.execute("update ledger.log_marks set next_offset = next_offset - 1000")


async def test_a_log_that_was_replaced_by_a_longer_one_is_refused(hub: Hub, pool: asyncpg.Pool) -> None:
    await check(hub, pool)
    await pool.execute("update ledger.log_marks set record_id = 'x' || record_id")
    try:
        with pytest.raises(SettingsError, match="holds another record now"):
            await check(hub, pool)
    finally:
        await pool.execute("update ledger.log_marks set record_id = substr(record_id, 2)")
    await check(hub, pool)
