"""A verdict that comes after another worker's takeover concludes nothing, and is told all the same."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import UUID

import pytest_asyncio

from agents.delivery import Delivery
from agents.ledger import Ask, Claim, ClaimStatus, Conclusion, Ledger
from agents.parking import ParkingLot
from agents.payments.agent import PaymentsAgent, keep_exchange
from agents.payments.places import Places
from agents.payments.records import PaymentRecords
from agents.payments.work import Patience
from agents.pool import open_pool
from agents.sealing import Seal
from agents.vault.keyring import KeyRing
from infra.integration_settings import load_integrations
from infra.local import LocalStack
from providers.caller import Caller
from providers.registry import connectors
from schemas.envelope import Envelope
from schemas.payments import CommandUnknown, LateOutcome, Payment, PaymentCommand, PaymentCreated, ResultDivergence
from streams.codec import Outgoing, digest
from streams.reader import read_at
from streams.records import Position, RawRecord
from tests.acceptance.orders import Orders, a_payment
from tests.builders import a_command_unknown, lira
from tests.hub import Hub, running_hub
from tests.master_keys import a_master_key

CLOCK = "create or replace function ledger.now() returns timestamptz language sql volatile as $$ select {} $$"
AN_HOUR_ON = CLOCK.format("clock_timestamp() + interval '1 hour'")
AS_IT_IS = CLOCK.format("clock_timestamp()")


@pytest_asyncio.fixture(scope="module")
async def hub(stack: LocalStack, database_url: str, topic_prefix: str) -> AsyncIterator[Hub]:
    async with running_hub(stack.bootstrap, database_url, topic_prefix) as running:
        yield running


@asynccontextmanager
async def stepped_clock(hub: Hub) -> AsyncIterator[None]:
    """The clock that leases are judged by is an hour ahead: every lease has run out."""
    async with hub.database() as database:
        await database.execute(AN_HOUR_ON)
        try:
            yield
        finally:
            await database.execute(AS_IT_IS)


@asynccontextmanager
async def other_ledger(hub: Hub) -> AsyncIterator[Ledger]:
    pool = await open_pool(hub.settings.database_url.get_secret_value())
    ledger = await Ledger.open(pool, lease_s=hub.settings.lease_s, margin_s=hub.settings.lease_margin_s)
    try:
        yield ledger
    finally:
        await ledger.aclose()
        await pool.close()


async def a_call_under_way(hub: Hub, order_id: str) -> tuple[UUID, PaymentCommand, RawRecord]:
    """A payment that the provider has performed and will answer in two seconds."""
    command = a_payment(order_id=order_id)
    record = Orders(hub).record(command)
    (position,) = await hub.publish([record])
    await hub.booked(lambda entries: order_id in [entry.basket_id for entry in entries])
    return Envelope.read(record.headers).id, command, await _lying_at(hub, position)


async def _lying_at(hub: Hub, position: Position) -> RawRecord:
    record = await read_at(hub.settings.kafka, position.topic, position.partition, position.offset)
    assert record is not None
    return record


async def test_the_overtaken_worker_tells_a_late_outcome_and_the_first_result_stands(hub: Hub) -> None:
    command_id, _, record = await a_call_under_way(hub, "fault-late-2s-overtaken")
    done: list[bool] = []
    async with other_ledger(hub) as ledger, Caller(on_exchange=keep_exchange, on_breaker=lambda _: None) as caller:
        overtaker = PaymentsAgent(
            ledger=ledger,
            caller=caller,
            publisher=hub.publisher,
            topics=hub.settings.topics,
            places=Places(integrations=load_integrations(hub.settings, connectors()), paused_s=caller.paused_s),
            cards=None,
            lot=ParkingLot(ledger, hub.publisher, hub.settings.topics, Seal(KeyRing.of(a_master_key()))),
            patience=Patience(),
            now=lambda: datetime.now(UTC),
        )
        delivery = Delivery(record, lambda: done.append(True))
        assert (await overtaker.handle(delivery) or 0) > 0, "it waits while the other's lease runs"
        async with stepped_clock(hub):
            assert await overtaker.handle(delivery) is None

    late = await hub.event(LateOutcome, command_id)
    result = (await hub.results([command_id]))[command_id]

    assert done == [True]
    assert isinstance(result, PaymentCreated)
    assert isinstance(late, LateOutcome)
    assert result.performed is not None
    assert late.performed is not None
    assert (late.verdict, late.performed.provider_reference) == ("accepted", result.performed.provider_reference)
    assert len({(copy.value, copy.header("ce_id")) for copy in hub.copies(command_id)}) == 1
    assert not [event for event in hub.events if isinstance(event, ResultDivergence)]
    assert hub.sandbox.books.totals().charged_more_than_once == ()
    await hub.projected()
    async with hub.database() as database:
        row = await database.fetchrow("select * from payment_transactions where transaction_id = $1", command_id)
    assert (row["status"], row["amount_minor"], row["contradicted"]) == ("captured", 1250, False)


async def test_another_verdict_than_the_first_is_an_alarm(hub: Hub) -> None:
    command_id, command, record = await a_call_under_way(hub, "fault-late-2s-contradicted")
    async with stepped_clock(hub), other_ledger(hub) as ledger:
        envelope = Envelope.read(record.readable_headers)
        ask = Ask(f"payments/{command.key}", command_id, command.type, digest(envelope, command.key, command))
        claim = await ledger.claim(ask)
        told = _gives_up(hub, claim, command)
        state = Payment(payment_id=command.payment_id).model_dump_json().encode()
        stored = PaymentRecords(hub.settings.topics).stored(told)
        assert claim.status is ClaimStatus.TAKEN
        assert await ledger.conclude(Conclusion(claim, state, stored))
        await hub.publish([told])

    await hub.event(LateOutcome, command_id)
    alarm = await hub.event(ResultDivergence, command_id)
    result = (await hub.results([command_id]))[command_id]

    assert isinstance(alarm, ResultDivergence)
    assert alarm.kept_digest != alarm.other_digest
    assert isinstance(result, CommandUnknown), "the first one stands"
    assert len({copy.value for copy in hub.copies(command_id)}) == 1


def _gives_up(hub: Hub, claim: Claim, command: PaymentCommand) -> Outgoing:
    """What a worker publishes that could not find out what became of the call."""
    result = a_command_unknown(
        command_id=claim.ask.command_id,
        payment_id=command.payment_id,
        requested=lira("12.50"),
        references=tuple(attempt.reference for attempt in claim.attempts),
    )
    return PaymentRecords(hub.settings.topics).result(result, None)
