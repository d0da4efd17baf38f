"""Webhooks while workers die: one command for each event, one effect for each command."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest_asyncio

from agents.delivery import Delivery
from agents.ledger import Ask, ClaimStatus, Ledger, Parking, Sending
from agents.payments.agent import MODELS
from agents.pool import open_pool
from agents.sealing import Seal
from agents.webhooks.agent import WebhooksAgent
from agents.webhooks.finding import Finder
from infra.children import Children
from infra.credential_store import key_ring
from infra.local import LocalStack
from infra.sandbox.iyzico import FaultKind, FaultOrder
from schemas.errors import StoreError
from schemas.ids import new_id
from schemas.payments import PaymentCreated, PaymentNoticed, ThreeDSecureCompleted
from schemas.webhooks import WebhookHandled
from streams.codec import Outgoing, decode, digest
from streams.publisher import Publisher
from streams.reader import replay
from streams.records import Position, RawRecord
from tests.acceptance.banking import COMPLETE_PATH, a_start, at_the_bank, booked, started
from tests.acceptance.orders import Orders, a_payment
from tests.acceptance.webhooks import Calls, reference_of
from tests.hub import INTEGRATION, Hub, running_hub
from tests.sandbox_merchant import a_merchant
from tests.sandbox_merchant import a_payment as a_charge

WORKER = ["worker", "--json"]


@pytest_asyncio.fixture(scope="module")
async def hub(stack: LocalStack, database_url: str, topic_prefix: str) -> AsyncIterator[Hub]:
    """No worker yet: each test starts its own."""
    async with running_hub(stack.bootstrap, database_url, topic_prefix, workers=0, projectors=0) as running:
        yield running


class DiesBeforeItTells(Publisher):
    """A publisher whose process is gone once the command is in the log."""

    async def publish(self, records: Sequence[Outgoing]) -> list[Position]:
        if any(record.topic.endswith("webhooks.events") for record in records):
            raise StoreError("killed")
        return await super().publish(records)


def webhooks_agent(hub: Hub, pool: Any, publisher: Publisher) -> WebhooksAgent:
    return WebhooksAgent(
        Finder(pool), publisher, hub.settings.topics, patience=timedelta(hours=1), now=lambda: datetime.now(UTC)
    )


async def test_a_call_between_a_kill_and_the_takeover_changes_nothing_of_the_one_charge(
    hub: Hub, children: Children
) -> None:
    worker, _ = await children.start("killed", WORKER)
    hub.sandbox.faults.order(FaultOrder(FaultKind.NEVER, "/payment/auth", count=1))
    payment, command_id = a_payment(order_id="killed-under-way"), new_id()
    await hub.publish([Orders(hub).record(payment, command_id)])
    await hub.booked(lambda entries: payment.order_id in [entry.basket_id for entry in entries])
    await children.kill(worker)
    received = [await Calls(hub).publish(our_reference=reference_of(command_id), event_id="e1") for _ in range(2)]
    await children.start("successor", WORKER)

    told = [await Calls(hub).noticed(one, within_s=45) for one in received]

    assert isinstance((await hub.results([command_id]))[command_id], PaymentCreated)
    assert {(one.command_id, one.changed, one.contradicts) for one in told} == {(told[0].command_id, None, False)}
    assert hub.sandbox.books.totals().charged_more_than_once == ()


async def test_calls_about_a_completion_whose_worker_was_killed_change_nothing_of_the_one_charge(
    hub: Hub, children: Children
) -> None:
    worker, _ = await children.start("killed", WORKER)
    pending, completion_id = await started(hub, a_start()), new_id()
    completion = await at_the_bank(hub, pending)
    hub.sandbox.faults.order(FaultOrder(FaultKind.NEVER, COMPLETE_PATH, count=1))
    await hub.publish([Orders(hub).record(completion, completion_id)])
    await hub.booked(lambda entries: [entry for entry in entries if entry.three_ds and entry.charged_minor])
    await children.kill(worker)
    names = {"our_reference": reference_of(completion_id), "event_id": "completed"}
    received = [await Calls(hub).publish(**names) for _ in range(2)]
    await children.start("successor", WORKER)

    told = [await Calls(hub).noticed(one, within_s=45) for one in received]

    completed = (await hub.results([completion_id]))[completion_id]
    assert isinstance(completed, ThreeDSecureCompleted), completed
    assert (completed.changed, completed.attempts) == ("captured", 1)
    assert {(one.command_id, one.changed, one.contradicts) for one in told} == {(told[0].command_id, None, False)}
    assert (await booked(hub, pending)).charged_minor == 1250


async def test_a_worker_that_dies_between_the_command_and_its_word_leaves_one_command(hub: Hub) -> None:
    calls, command_id = Calls(hub), new_id()
    async with hub.worker():
        await hub.publish([Orders(hub).record(a_payment(), command_id)])
        await hub.results([command_id])
    call = calls.record(received_id=new_id(), our_reference=reference_of(command_id))
    record = RawRecord(call.topic, 0, 0, 0, call.key, call.value, call.headers)
    done: list[bool] = []
    pool = await open_pool(hub.settings.database_url.get_secret_value())
    try:
        async with DiesBeforeItTells(hub.settings.kafka) as dying:
            assert await webhooks_agent(hub, pool, dying).handle(Delivery(record, lambda: done.append(True)))
        assert done == []
        assert (
            await webhooks_agent(hub, pool, hub.publisher).handle(Delivery(record, lambda: done.append(True))) is None
        )
    finally:
        await pool.close()

    handled = await hub.until(lambda: [one for one in hub.webhooks if isinstance(one, WebhookHandled)][-1:])
    notice_id = handled[0].command_id
    assert notice_id is not None
    published = [one async for one in replay(hub.settings.kafka, hub.commands) if one.text("ce_id") == str(notice_id)]
    assert (done, len(published)) == ([True], 2)
    assert len({(one.key, one.value) for one in published}) == 1
    async with hub.worker():
        assert isinstance((await hub.results([notice_id]))[notice_id], PaymentNoticed)
    assert [letter for letter in hub.dead if letter.reason == "command_id_conflict"] == []


async def test_a_call_wakes_the_creation_that_it_is_about(hub: Hub) -> None:
    """Nothing else would for a minute: the record that was to wake it is lost."""
    payment, command_id = a_payment(), new_id()
    reference = reference_of(command_id)
    await _lay_down(hub, Orders(hub).record(payment, command_id), reference)
    async with a_merchant(hub.sandbox) as merchant:
        await merchant.post("/payment/auth", a_charge("12.50", conversationId=reference))

    async with hub.worker():
        noticed = await Calls(hub).noticed(await Calls(hub).publish(our_reference=reference), within_s=25)
        created = (await hub.results([command_id]))[command_id]

    assert isinstance(created, PaymentCreated), created
    assert (noticed.changed, noticed.provider_state) == (None, None)


async def _lay_down(hub: Hub, record: Outgoing, reference: str) -> None:
    """Park a creation that may have been sent, as a worker does that dies before it orders the waking."""
    raw = RawRecord(record.topic, 0, 0, 0, record.key, record.value, record.headers)
    incoming = decode(MODELS, raw.key, raw.value, raw.readable_headers)
    envelope, command = incoming.envelope, incoming.body
    pool = await open_pool(hub.settings.database_url.get_secret_value())
    ledger = await Ledger.open(pool, lease_s=hub.settings.lease_s, margin_s=hub.settings.lease_margin_s)
    try:
        ask = Ask(f"payments/{incoming.key}", envelope.id, envelope.type, digest(envelope, incoming.key, command))
        claim = await ledger.claim(ask)
        assert claim.status is ClaimStatus.TAKEN
        assert await ledger.mark_sending(Sending(claim, 1, INTEGRATION, reference, "digest", repeatable=False))
        sealed = Seal(key_ring(hub.settings)).close(raw, envelope.id)
        assert await ledger.park(Parking(claim, INTEGRATION, raw.topic, 0, 0, sealed, "outcome unknown", due_s=0))
    finally:
        await ledger.aclose()
        await pool.close()
