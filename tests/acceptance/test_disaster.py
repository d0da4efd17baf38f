"""Drills: PostgreSQL lost, PostgreSQL put back to an older moment, Kafka lost. Nothing is lost, nothing moves twice."""

import asyncio
import base64
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import suppress
from pathlib import Path
from uuid import UUID

import pytest
import pytest_asyncio

from agents.pool import open_pool
from infra.cli import ledger as command_line
from infra.local import LocalStack, embedded_stack
from infra.local.database import Database
from infra.local.process import free_ports
from infra.sandbox.iyzico import FaultKind, FaultOrder, Sandbox, running_sandbox
from schemas.errors import LedgerReplaced, SettingsError
from schemas.ids import new_id
from schemas.payments import CreatePayment
from streams.admin import admin_client
from streams.codec import Outgoing
from streams.groups import members
from tests.acceptance.orders import Orders, a_payment
from tests.builders import a_refund_payment, lira
from tests.hub import DOWN, Fact, Hub, running_hub
from tests.stack import fresh_database, fresh_name

KEY = base64.b64encode(bytes(range(32))).decode()
"""One for each process of a hub, before and after: what lies parked is sealed with it."""

WITHIN_S = 90.0


@pytest_asyncio.fixture(scope="module")
async def own_stack() -> AsyncIterator[LocalStack]:
    """Servers that nobody else uses, since their files are taken away."""
    async with embedded_stack() as running:
        yield running


@pytest.fixture
def database(own_stack: LocalStack) -> Database:
    assert own_stack.database is not None
    return own_stack.database


@pytest_asyncio.fixture
async def hub(own_stack: LocalStack) -> AsyncIterator[Hub]:
    """No worker and no projector: each drill starts its own. What an earlier one left is of another prefix."""
    async with running_hub(
        own_stack.bootstrap, own_stack.database_url, fresh_name("t"), workers=0, projectors=0, absence_s=3
    ) as running:
        async with running.database() as connection:
            await connection.execute("truncate ledger.parked, ledger.attempts, ledger.commands, ledger.keys")
            await connection.execute("truncate ledger.log_marks")
        yield running


def some_commands(hub: Hub, count: int) -> tuple[dict[UUID, Outgoing], list[CreatePayment]]:
    """Payments, each with a refund of a part behind it."""
    orders, records, payments = Orders(hub), {}, []
    for _ in range(count):
        payment = a_payment(lira("20.00"))
        payments.append(payment)
        for command in (payment, a_refund_payment(payment.payment_id, lira("4.00"))):
            command_id = new_id()
            records[command_id] = orders.record(command, command_id)
    return records, payments


def booked(sandbox: Sandbox) -> Counter[str | None]:
    """How often each reference stands in the provider's books."""
    found: Counter[str | None] = Counter()
    for entry in sandbox.books.entries():
        found[entry.conversation_id] += 1
        found.update(reversal.conversation_id for reversal in entry.reversals)
    return found


async def all_left(hub: Hub) -> None:
    """Returns once no worker is a member any more: one that was cut off counts until its session times out."""
    groups = command_line.worker_groups(hub.settings)
    async with asyncio.timeout(WITHIN_S):
        while any((await members(hub.settings.kafka, groups)).values()):
            continue


async def everything_once(
    hub: Hub, commands: Mapping[UUID, Outgoing], *, cut_off: Collection[UUID] = frozenset()
) -> None:
    """Publish all of it again: each command has one result that is true to the books, and nothing is new in them.

    Those that were `cut_off` may be unknown, and what follows them refused: their bytes may not have left.
    """
    results = await hub.results(commands, within_s=WITHIN_S)
    before, copies = booked(hub.sandbox), {command_id: len(hub.copies(command_id)) for command_id in commands}
    await hub.publish(commands.values())
    await hub.until(lambda: all(len(hub.copies(one)) > count for one, count in copies.items()), within_s=WITHIN_S)
    for command_id, result in results.items():
        if command_id not in cut_off or result.verdict == "accepted":
            assert result.verdict == "accepted"
            assert result.performed is not None
            assert before[result.performed.our_reference] == 1
        assert len({(copy.value, copy.header("ce_id")) for copy in hub.copies(command_id)}) == 1
    assert booked(hub.sandbox) == before
    assert hub.sandbox.books.totals().charged_more_than_once == ()


async def refused_start(hub: Hub, why: str) -> None:
    with pytest.raises(SettingsError, match=why):
        async with hub.worker():
            raise AssertionError("the worker is to refuse")


async def copied(source: Path, target: Path) -> None:
    """A folder as it is, owners included, in the place of what was there."""
    with suppress(FileNotFoundError):
        await asyncio.to_thread(shutil.rmtree, target)
    process = await asyncio.create_subprocess_exec("cp", "-a", str(source), str(target))
    assert await process.wait() == 0


async def lost(database: Database, hub: Hub) -> None:
    """The disk is gone; a new server stands in its place, empty, with the same address and password."""
    password = database._password
    await database.stop(immediate=True)
    await asyncio.to_thread(shutil.rmtree, database._files)
    await database.start()
    pool = await open_pool(database.url, size=1)
    await pool.execute(f"alter role kolaj password '{password}'")
    await pool.close()
    database._password = password
    database._password_file.write_text(password, encoding="ascii")
    assert database.url == hub.settings.database_url.get_secret_value()


async def test_postgresql_is_lost_under_running_workers(hub: Hub, database: Database) -> None:
    settled, payments = some_commands(hub, 20)
    flying, _ = some_commands(hub, 20)
    unseen, _ = some_commands(hub, 10)

    async def lose_it() -> None:
        async with hub.worker() as working:
            await hub.publish(settled.values())
            await hub.results(settled, within_s=WITHIN_S)
            for _ in range(4):
                hub.sandbox.faults.order(FaultOrder(FaultKind.LATE, "/payment/auth", count=1, seconds=1))
            await hub.publish(flying.values())
            await hub.booked(lambda _: all(used for _, used in hub.sandbox.faults.standing()))
            await lost(database, hub)
            await hub.publish(unseen.values())
            # An operator who does not stop the workers is told to, and the new tables are another ledger to them.
            with pytest.raises(SettingsError, match="stop every worker first"):
                await command_line._rebuild(hub.settings)
            await asyncio.wait({working}, timeout=WITHIN_S)

    with pytest.raises(ExceptionGroup) as stopped:
        await lose_it()
    assert stopped.group_contains(LedgerReplaced)
    await refused_start(hub, "the ledger is behind the log.*kolaj ledger rebuild")
    await all_left(hub)

    done = await command_line._rebuild(hub.settings)

    assert done.concluded >= len(settled)
    async with hub.worker():
        everything = {**settled, **flying, **unseen}
        await everything_once(hub, everything, cut_off=flying)
        over = await Orders(hub).result(a_refund_payment(payments[0].payment_id, lira("16.01")))
    assert over.reason == "amount_exceeds_captured", "what a payment has come to was found again, too"


async def test_postgresql_is_put_back_to_an_older_moment(hub: Hub, database: Database, tmp_path: Path) -> None:
    before, payments = some_commands(hub, 10)
    async with hub.worker():
        await hub.publish(before.values())
        await hub.results(before, within_s=WITHIN_S)
    await database.stop()
    await copied(database._files, tmp_path / "backup")
    await database.start()
    since, _ = some_commands(hub, 10)
    refunds = {new_id(): a_refund_payment(payment.payment_id, lira("10.00")) for payment in payments}
    since |= {command_id: Orders(hub).record(refund, command_id) for command_id, refund in refunds.items()}
    async with hub.worker():
        await hub.publish(since.values())
        await hub.results(since, within_s=WITHIN_S)
    await database.stop()
    await copied(tmp_path / "backup", database._files)
    await database.start()

    await refused_start(hub, "the ledger is behind the log.*kolaj ledger rebuild")
    await all_left(hub)
    done = await command_line._rebuild(hub.settings)

    assert (done.concluded, done.maybe_sent) == (len(before) + len(since), 0)
    async with hub.worker():
        await everything_once(hub, {**before, **since})
        over = await Orders(hub).result(a_refund_payment(payments[0].payment_id, lira("10.00")))
    assert over.reason == "amount_exceeds_captured"


async def totals(hub: Hub) -> list[tuple[object, ...]]:
    async with hub.database() as connection:
        rows = await connection.fetch("select payment_id, captured, refunded, net from payment_totals order by 1")
    return [tuple(row) for row in rows]


async def test_kafka_is_lost_with_the_ledger_intact(own_stack: LocalStack, tmp_path: Path) -> None:
    async with fresh_database(own_stack.database_url) as url:
        await kafka_is_lost(own_stack.bootstrap, url, tmp_path)


async def kafka_is_lost(bootstrap: str, url: str, tmp_path: Path) -> None:
    old, new, books = fresh_name("t"), fresh_name("t"), tmp_path / "books"
    (port,) = free_ports(1)
    how = {
        "books": books,
        "down_at": port,
        "overrides": {"INTEGRATION_ENCRYPTION_KEY": KEY},
        "absence_s": 3,
        "workers": 0,
        "projectors": 1,
    }
    async with running_hub(bootstrap, url, old, **how) as hub:  # type: ignore[arg-type]
        commands, _ = some_commands(hub, 20)
        waiting = [a_payment(integration_id=DOWN) for _ in range(5)]
        async with hub.worker():
            await hub.publish(commands.values())
            results = await hub.results(commands, within_s=WITHIN_S)
            parked = await Orders(hub).publish(*waiting)
            async with hub.database() as connection, asyncio.timeout(WITHIN_S):
                while await connection.fetchval("select count(*) from ledger.parked") < len(parked):
                    continue
        async with hub.worker():  # its start compares the log with the ledger, as running workers do now and then
            await Orders(hub).result(a_payment())
        await hub.projected(within_s=WITHIN_S)
        known = await totals(hub)
        charged = booked(hub.sandbox)

    async with admin_client(hub.settings.kafka) as admin:
        await admin.delete_topics([topic.name for topic in hub.settings.topics.all()])
    await refused_start(hub, "the log lacks what the ledger has.*kolaj ledger republish")

    async with running_hub(bootstrap, url, new, **how) as hub:  # type: ignore[arg-type]
        done = await command_line._republish(hub.settings)
        assert done.results >= len(commands)
        assert done.open == ()
        again = await command_line._republish(hub.settings)
        assert (again.results, again.intents) == (0, 0)
        found = await hub.results(commands, within_s=WITHIN_S)
        assert found == results
        await hub.projected(within_s=WITHIN_S)
        assert await totals(hub) == known
        # The new log is enough for the ledger, and what lies parked stays there.
        rebuilt = await command_line._rebuild(hub.settings)
        assert rebuilt.concluded == done.results
        async with hub.database() as connection:
            # A wake record that is a minute late counts as lost; the minute goes by here.
            await connection.execute("update ledger.parked set due_at = due_at - interval '1 minute'")
        async with running_sandbox(port=port) as back, hub.worker():
            ends = await hub.results(parked, within_s=WITHIN_S)
            assert back.books.totals().charged_more_than_once == ()
        assert {event.command_id for event in hub.events if not isinstance(event, Fact)} >= {*parked, *commands}
        assert {result.verdict for result in ends.values()} <= {"accepted", "unknown"}
        # The publishers' outbox brings back what it is not sure of.
        async with hub.worker():
            await everything_once(hub, {one: moved(hub, record) for one, record in commands.items()})
        assert booked(hub.sandbox) == charged


def moved(hub: Hub, record: Outgoing) -> Outgoing:
    return Outgoing(hub.commands, record.key, record.value, record.headers)
