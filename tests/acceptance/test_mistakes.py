"""A mistake in the hub's own code meets one command: that one waits, its worker and all others go on."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio

from agents.delivery import Delivery
from agents.ledger import Ledger
from agents.parking import ParkingLot
from agents.payments.agent import PaymentsAgent, keep_exchange
from agents.payments.places import Places
from agents.payments.work import Patience
from agents.pool import open_pool
from agents.sealing import Seal
from infra.credential_store import key_ring
from infra.integration_settings import load_integrations
from infra.local import LocalStack
from providers.caller import Caller
from providers.connector import Integration
from providers.registry import connectors
from schemas.errors import NotSent
from schemas.ids import new_id
from schemas.payments import PaymentCreated
from streams.codec import Outgoing
from streams.publisher import Publisher
from streams.records import Position, RawRecord
from tests.acceptance.orders import Orders, a_payment
from tests.hub import Hub, running_hub


class Faulty(dict[str, Integration]):
    """Fails as code does that was never run, or with an error of ours that nobody there expected."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self._error = error

    def get(self, *_: Any) -> Any:
        raise self._error


@pytest_asyncio.fixture(scope="module")
async def hub(stack: LocalStack, database_url: str, topic_prefix: str) -> AsyncIterator[Hub]:
    async with running_hub(stack.bootstrap, database_url, topic_prefix, workers=0) as running:
        yield running


class Slow(Publisher):
    """Has no answer of the broker's to an intent."""

    async def publish(self, records: Sequence[Outgoing]) -> list[Position]:
        if any(record.topic.endswith("ledger.intents") for record in records):
            await asyncio.Event().wait()
        return await super().publish(records)


async def handled(
    hub: Hub, record: RawRecord, integrations: Mapping[str, Integration], publisher: Publisher | None = None
) -> float | None:
    """What an agent with these integrations says of the record."""
    pool = await open_pool(hub.settings.database_url.get_secret_value())
    ledger = await Ledger.open(pool, lease_s=6, margin_s=1)
    done: list[bool] = []
    async with Caller(on_exchange=keep_exchange, on_breaker=lambda _: None) as caller:
        agent = PaymentsAgent(
            ledger=ledger,
            caller=caller,
            publisher=publisher or hub.publisher,
            topics=hub.settings.topics,
            places=Places(integrations=integrations, paused_s=caller.paused_s),
            cards=None,
            lot=ParkingLot(ledger, hub.publisher, hub.settings.topics, Seal(key_ring(hub.settings))),
            patience=Patience(deadline_s=3),
            now=lambda: datetime.now(UTC),
        )
        again_s = await agent.handle(Delivery(record, lambda: done.append(True)))
    await ledger.aclose()
    await pool.close()
    assert done == ([True] if again_s is None else [])
    return again_s


@pytest.mark.parametrize(
    "error",
    [
        TypeError("unsupported operand"),
        NotSent("no words for it", provider="iyzico", operation="create", reason="other"),
    ],
    ids=["TypeError", "NotSent"],
)
async def test_a_command_that_meets_a_mistake_is_set_aside_and_performed_once_it_is_mended(
    hub: Hub, error: Exception
) -> None:
    command_id = new_id()
    outgoing = Orders(hub).record(a_payment(), command_id)
    record = RawRecord(outgoing.topic, 0, 0, 0, outgoing.key, outgoing.value, outgoing.headers)

    assert await handled(hub, record, Faulty(error)) is None, "it is parked and acknowledged"

    async with hub.database() as database:
        reason = await database.fetchval("select reason from ledger.parked where command_id = $1", command_id)
    assert reason == f"a mistake of the hub's: {type(error).__name__}"
    assert await handled(hub, record, load_integrations(hub.settings, connectors())) is None, "it lies there"
    async with hub.worker():
        result = (await hub.results([command_id]))[command_id]
    assert isinstance(result, PaymentCreated)
    assert result.performed is not None
    booked = [entry.conversation_id for entry in hub.sandbox.books.entries()]
    assert booked.count(result.performed.our_reference) == 1


async def test_an_intent_that_kafka_is_slow_to_take_leaves_no_mark_and_no_unknown_outcome(hub: Hub) -> None:
    command_id, order_id = new_id(), "slow-intent"
    outgoing = Orders(hub).record(a_payment(order_id=order_id), command_id)
    record = RawRecord(outgoing.topic, 0, 0, 0, outgoing.key, outgoing.value, outgoing.headers)

    async with Slow(hub.settings.kafka) as slow:
        again_s = await handled(hub, record, load_integrations(hub.settings, connectors()), slow)

    assert again_s is not None, "it is tried again"
    async with hub.database() as database:
        state = await database.fetchval("select state from ledger.attempts where command_id = $1", command_id)
    assert state == "not_sent"
    assert order_id not in [entry.basket_id for entry in hub.sandbox.books.entries()]
