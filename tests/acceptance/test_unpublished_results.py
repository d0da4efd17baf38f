"""A worker that dies between storing a result and publishing it: whoever comes next publishes it, parked or not."""

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest_asyncio

from agents.ledger import Ask, Conclusion, Ledger
from agents.payments.records import PaymentRecords
from agents.pool import open_pool
from infra.local import LocalStack
from schemas.payments import CommandRefused
from tests.acceptance.orders import Orders, a_payment
from tests.builders import a_command_refused, a_refund_payment, lira
from tests.hub import Hub, running_hub

DOWN = "iyzico-down"


@pytest_asyncio.fixture(scope="module")
async def hub(stack: LocalStack, database_url: str, topic_prefix: str) -> AsyncIterator[Hub]:
    """No worker yet, and one integration where nobody listens, so that its commands are parked."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{closed.getsockname()[1]}"
        async with running_hub(
            stack.bootstrap,
            database_url,
            topic_prefix,
            workers=0,
            base_urls={DOWN: nobody},
            overrides={"KOLAJ_RETRY_DELAYS_S": "1,5"},
        ) as running:
            yield running


async def test_the_result_of_a_parked_command_is_published_by_whoever_wakes_its_key_next(hub: Hub) -> None:
    payment = a_payment(integration_id=DOWN)
    orders = Orders(hub)
    async with hub.worker():
        create, refund = await orders.publish(payment, a_refund_payment(payment.payment_id, lira("1.00")))
        async with hub.database() as database, asyncio.timeout(30):
            # What a worker has parked is seen in the ledger alone.
            while await database.fetchval("select count(*) from ledger.parked") != 2:  # noqa: ASYNC110
                await asyncio.sleep(0.05)

    # As a worker does that is killed right after it has stored the result: nothing of it is in the log.
    result = a_command_refused(command_id=create, payment_id=payment.payment_id)
    records = PaymentRecords(hub.settings.topics)
    pool = await open_pool(hub.settings.database_url.get_secret_value())
    ledger = await Ledger.open(pool, lease_s=6, margin_s=1)
    try:
        digest = await pool.fetchval("select digest from ledger.parked where command_id = $1", create)
        claim = await ledger.claim(
            Ask(f"payments/{payment.payment_id}", create, "payments.create.v1", digest, woken=True)
        )
        stored = records.stored(records.result(result, None))
        assert await ledger.conclude(
            Conclusion(claim, b'{"payment_id":"%b"}' % str(payment.payment_id).encode(), stored)
        )
    finally:
        await ledger.aclose()
        await pool.close()

    async with hub.worker():
        results = await hub.results([create, refund])

    assert results[create].model_dump() == result.model_dump()
    assert isinstance(results[refund], CommandRefused)
    order = [event.command_id for event in hub.events if event.command_id in results]
    assert order.index(create) < order.index(refund)
    async with hub.database() as database:
        assert await database.fetchval("select count(*) from ledger.parked") == 0
