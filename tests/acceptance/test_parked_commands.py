"""A provider that is down: its commands wait in the ledger, in order; offsets go on, and others keep their speed."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import pytest_asyncio

from infra.local import LocalStack
from infra.sandbox.iyzico import running_sandbox
from schemas.ids import new_id
from schemas.payments import CommandRefused, PaymentCreated, PaymentRefunded, Reason
from tests.acceptance.orders import Orders, a_payment
from tests.builders import a_refund_payment, lira
from tests.hub import DOWN, INTEGRATION, Hub, running_hub


@pytest_asyncio.fixture(scope="module")
async def hub(stack: LocalStack, database_url: str, topic_prefix: str, port: int) -> AsyncIterator[Hub]:
    overrides = {"KOLAJ_WINDOW_SIZE": "32"}
    async with running_hub(stack.bootstrap, database_url, topic_prefix, down_at=port, overrides=overrides) as running:
        yield running


async def lying(database: asyncpg.Connection, count: int) -> None:
    """Returns once so many commands lie parked; each look is a round trip, so nothing spins."""
    while await database.fetchval("select count(*) from ledger.parked") != count:
        continue


async def test_more_commands_than_the_window_holds_wait_for_a_provider_that_is_down_while_others_go_on(
    hub: Hub, port: int
) -> None:
    orders = Orders(hub)
    waiting: dict[UUID, UUID] = {}
    records = []
    for _ in range(40):
        payment = a_payment(integration_id=DOWN)
        for command in (payment, a_refund_payment(payment.payment_id, lira("2.50"))):
            command_id = new_id()
            waiting[command_id] = payment.payment_id
            records.append(orders.record(command, command_id))
    healthy = [new_id() for _ in range(40)]
    await hub.publish(records)
    await hub.publish([orders.record(a_payment(integration_id=INTEGRATION), command_id) for command_id in healthy])

    await hub.results(healthy, within_s=20)
    async with hub.database() as database:
        await lying(database, len(records))
    assert not [event for event in hub.events if event.command_id in waiting]

    async with running_sandbox(port=port) as back:
        results = await hub.results(waiting, within_s=60)
        booked = back.books.entries()

    assert {type(results[command_id]) for command_id in waiting} == {PaymentCreated, PaymentRefunded}
    assert len(booked) == len(set(waiting.values()))
    order = [event.command_id for event in hub.events if event.command_id in waiting]
    for payment_id in set(waiting.values()):
        of_payment = [command_id for command_id, payment in waiting.items() if payment == payment_id]
        assert [command_id for command_id in order if command_id in of_payment] == of_payment
    async with hub.database() as database:
        assert await database.fetchval("select sum(parked) from ledger.keys") == 0
        assert await database.fetchval("select count(*) from ledger.parked") == 0


async def test_a_parked_command_expires_near_its_time_and_frees_those_behind_it(hub: Hub) -> None:
    orders = Orders(hub)
    expiring = a_payment(integration_id=DOWN, expires_at=datetime.now(UTC) + timedelta(seconds=4))
    first, second = new_id(), new_id()
    await hub.publish(
        [
            orders.record(expiring, first),
            orders.record(a_refund_payment(expiring.payment_id, lira("1.00")), second),
        ]
    )

    results = await hub.results([first, second], within_s=30)

    reasons = [result.reason for result in results.values() if isinstance(result, CommandRefused)]
    assert sorted(reasons) == [Reason.EXPIRED, Reason.PAYMENT_NOT_FOUND]
