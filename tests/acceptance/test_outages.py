"""PostgreSQL and Kafka go away under load and come back: nothing is lost, nothing happens twice."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from uuid import UUID

import pytest
import pytest_asyncio

from infra.local import LocalStack, embedded_stack
from schemas.errors import StoreError
from schemas.ids import new_id
from streams.codec import Outgoing
from streams.publisher import Publisher
from tests.acceptance.orders import Orders, a_payment
from tests.acceptance.weighing import assert_balanced
from tests.builders import a_refund_payment, lira
from tests.hub import Hub, running_hub
from tests.stack import fresh_name

BACK_WITHIN_S = 60.0
"""How long after the server is back the last result may be in coming."""


@pytest_asyncio.fixture(scope="module")
async def own_stack() -> AsyncIterator[LocalStack]:
    """Servers that nobody else uses, since these are stopped."""
    async with embedded_stack() as running:
        yield running


@pytest_asyncio.fixture(scope="module")
async def hub(own_stack: LocalStack) -> AsyncIterator[Hub]:
    async with running_hub(own_stack.bootstrap, own_stack.database_url, fresh_name("t")) as running:
        yield running


@pytest.fixture(scope="module")
def published() -> dict[UUID, UUID]:
    """Every command of this module and its payment: an outage must not undo what was there before it."""
    return {}


def some_commands(hub: Hub, count: int, published: dict[UUID, UUID]) -> list[Outgoing]:
    """Payments, each with a refund behind it."""
    orders, records = Orders(hub), []
    for _ in range(count):
        payment = a_payment()
        for command in (payment, a_refund_payment(payment.payment_id, lira("2.50"))):
            command_id = new_id()
            published[command_id] = payment.payment_id
            records.append(orders.record(command, command_id))
    return records


async def insist(hub: Hub, records: Sequence[Outgoing]) -> None:
    """Publish as a careful service does: what was not acknowledged is published again under the same ids."""
    while True:
        try:
            async with Publisher(hub.settings.kafka) as publisher:
                await publisher.publish(records)
        except StoreError:
            continue
        return


async def through(hub: Hub, published: dict[UUID, UUID], outage: Callable[[], Awaitable[None]]) -> None:
    """Load before, during and after the outage; then everything must have its result, and the books must agree."""
    before, meanwhile, after = (some_commands(hub, 40, published) for _ in range(3))
    told = len(hub.events)
    await insist(hub, before)
    await hub.until(lambda: len(hub.events) > told + 10)
    assert len(hub.events) < told + len(before), "the outage must meet commands under way"
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(insist(hub, meanwhile))
        await outage()
    back = time.monotonic()
    await insist(hub, after)
    await hub.results(published, within_s=BACK_WITHIN_S)
    assert time.monotonic() - back < BACK_WITHIN_S
    await assert_balanced(hub, published)


async def test_a_crash_of_postgresql_under_load(hub: Hub, own_stack: LocalStack, published: dict[UUID, UUID]) -> None:
    database = own_stack.database
    assert database is not None

    async def crash() -> None:
        await database.stop(immediate=True)
        await database.start()

    await through(hub, published, crash)


async def test_a_crash_of_the_broker_under_load(hub: Hub, own_stack: LocalStack, published: dict[UUID, UUID]) -> None:
    broker = own_stack.broker
    assert broker is not None

    async def crash() -> None:
        await broker.kill_node(1)
        await broker.start_node(1)

    await through(hub, published, crash)
