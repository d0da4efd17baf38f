"""Kafka and PostgreSQL go away and come back under a running projector."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from infra.local import LocalStack, local_stack
from tests import builders as a
from tests.projecting import Hub, a_hub


@pytest_asyncio.fixture
async def own_stack(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[LocalStack]:
    """Embedded whatever the other tests use, since its servers are stopped here."""
    for name in ("KAFKA_BOOTSTRAP", "DATABASE_URL", "KOLAJ_TEST_STACK"):
        monkeypatch.delenv(name, raising=False)
    async with local_stack() as running:
        yield running


async def _append(hub: Hub, count: int) -> None:
    events = hub.topics.payment_events.name
    await hub.append(*(a.a_record(events, a.a_payment_refunded(a.lira("1.00"))) for _ in range(count)))


async def test_a_projector_survives_restarts_of_broker_and_database(own_stack: LocalStack) -> None:
    broker, database = own_stack.broker, own_stack.database
    assert broker is not None
    assert database is not None
    async with a_hub(own_stack, database_url=own_stack.database_url) as hub, hub.projector(batch=20) as projector:
        await _append(hub, 200)
        await hub.reached(projector)
        await _append(hub, 500)
        await database.stop(immediate=True)
        async with asyncio.timeout(30):
            while projector.problem is None:
                await asyncio.to_thread(lambda: None)
        await database.start()
        await hub.reached(projector)
        await broker.kill_node(1)
        await broker.start_node(1)
        await _append(hub, 300)
        await hub.reached(projector, within_s=90)
        assert await hub.value("select count(*) from payment_transactions") == 1_000
        assert await hub.value("select sum(refunded) from payment_totals") == 100_000
        assert await hub.value("select count(*) from integration_audit_logs") == 1_000
