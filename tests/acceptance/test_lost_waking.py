"""A parked command whose wake record was lost is woken all the same."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import pytest_asyncio

from agents.ledger import Ask, ClaimStatus, Ledger, Parking
from agents.parking import ParkingLot
from agents.payments.agent import MODELS
from agents.pool import open_pool
from agents.sealing import Seal
from agents.tending import Tending
from infra.credential_store import key_ring
from infra.local import LocalStack
from schemas.ids import new_id
from schemas.payments import PaymentCreated
from streams.codec import Outgoing, decode, digest
from streams.records import RawRecord
from tests.acceptance.orders import Orders, a_payment
from tests.hub import INTEGRATION, Hub, running_hub


@pytest_asyncio.fixture(scope="module")
async def hub(stack: LocalStack, database_url: str, topic_prefix: str) -> AsyncIterator[Hub]:
    async with running_hub(stack.bootstrap, database_url, topic_prefix, projectors=0) as running:
        yield running


@pytest_asyncio.fixture
async def ledger(hub: Hub) -> AsyncIterator[Ledger]:
    pool = await open_pool(hub.settings.database_url.get_secret_value())
    opened = await Ledger.open(pool, lease_s=6, margin_s=1)
    yield opened
    await opened.aclose()
    await pool.close()


def seal(hub: Hub) -> Seal:
    return Seal(key_ring(hub.settings))


async def lay_down(hub: Hub, ledger: Ledger, record: Outgoing, command_id: UUID) -> None:
    """Park a command as a worker does that dies before it orders the waking, and whose offset was kept all the same."""
    raw = RawRecord(record.topic, 0, 0, 0, record.key, record.value, record.headers)
    incoming = decode(MODELS, raw.key, raw.value, raw.readable_headers)
    envelope, command = incoming.envelope, incoming.body
    ask = Ask(f"payments/{incoming.key}", command_id, envelope.type, digest(envelope, incoming.key, command))
    claim = await ledger.claim(ask)
    assert claim.status is ClaimStatus.TAKEN
    sealed = seal(hub).close(raw, command_id)
    assert await ledger.park(Parking(claim, INTEGRATION, raw.topic, 0, 0, sealed, "breaker_open", due_s=0))


async def test_the_sweep_wakes_a_command_whose_wake_record_was_lost(hub: Hub, ledger: Ledger) -> None:
    command_id = new_id()
    await lay_down(hub, ledger, Orders(hub).record(a_payment(), command_id), command_id)
    lot = ParkingLot(ledger, hub.publisher, hub.settings.topics, seal(hub))
    patient = Tending(ledger, lot, look_every_s=0.05, sweep_every=1, grace_s=3600)
    sweeping = Tending(ledger, lot, look_every_s=0.05, sweep_every=1, grace_s=0.1)

    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(patient.run())]
        try:
            # Commands that come later are performed, and so the worker had its time; this one lies.
            assert isinstance(await Orders(hub).result(a_payment()), PaymentCreated)
            assert not hub.copies(command_id)
            assert list(await ledger.waiting()) == [INTEGRATION]
            running.append(tasks.create_task(sweeping.run()))
            results = await hub.results([command_id])
        finally:
            for task in running:
                task.cancel()

    assert isinstance(results[command_id], PaymentCreated)
    async with asyncio.timeout(30):
        # Its place is kept until the result is in the log, and given up after that.
        while await ledger.waiting():
            continue
