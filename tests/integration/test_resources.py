"""Commands about resources through the hub, with a provider that fails as a test says: one result, nothing twice."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest_asyncio
from pydantic import SecretStr

from agents.card_vault import CardVault
from agents.delivery import Delivery
from agents.ledger import Ask, Claim, ClaimStatus, Ledger, Sending
from agents.log_check import check_not_behind
from agents.parking import ParkingLot, wake_record
from agents.payments.agent import PaymentsAgent, keep_exchange
from agents.payments.places import Places
from agents.payments.records import PaymentRecords
from agents.payments.work import Patience
from agents.pool import open_pool
from agents.sealing import Seal
from agents.sql import statement
from agents.webhooks.agent import READER, WebhooksAgent
from agents.webhooks.finding import Finder
from infra.cli import ledger as command_line
from infra.credential_store import key_ring
from infra.local import LocalStack
from projections import differences
from projections.pool import open_pool as open_tables
from providers.caller import Caller
from providers.connector import Card
from schemas.ids import new_id
from schemas.payments import Reason
from schemas.payments.resources import (
    CancelSubscription,
    CreateSubscription,
    GetBalance,
    LookUpCard,
    QuerySubscription,
    Resource,
    ResourceOrder,
    ResourceRefused,
    ResourceUnknown,
    StoreCard,
)
from schemas.payments.resources.results import CardLookedUp, CardStored, SubscriptionQueried
from schemas.webhooks import WebhookHandled
from streams.codec import Outgoing, digest
from streams.reader import read_at, replay
from streams.records import Position, RawRecord
from streams.waiting import waiting
from tests.acceptance.webhooks import Calls
from tests.builders import a_record, an_envelope
from tests.conformance.far_side import FarSide, far_side
from tests.hub import Hub, running_hub
from tests.resource_builders import a_resource_command
from tests.resource_provider import INTEGRATION, Books, an_integration


@dataclass
class Desk:
    """A worker's agent at a provider of the test's own.

    Attributes:
        cards: the hub's vault.
        stopped: integrations that an operator has stopped.
    """

    hub: Hub
    agent: PaymentsAgent
    cards: CardVault
    books: Books
    far: FarSide
    stopped: set[str]

    async def card(self) -> UUID:
        number, holder, month, year, code = map(SecretStr, ("5528790000000008", "KART SAHIBI", "11", "2039", "123"))
        return await self.cards.put(Card(number, holder, month, year, code))

    async def published(self, command: ResourceOrder) -> tuple[UUID, RawRecord]:
        command_id = new_id()
        (position,) = await self.hub.publish([a_record(self.hub.commands, command, type=command.type, id=command_id)])
        return command_id, await lying_at(self.hub, position)

    async def concluded(self, command_id: UUID, record: RawRecord) -> Any:
        """The result, once the agent was handed the record as often as that took."""
        async with asyncio.timeout(60):
            again_s: float | None = 0.0
            while again_s is not None:
                await asyncio.sleep(again_s)  # as long as the agent says
                again_s = await self.agent.handle(Delivery(record, lambda: None))
        return (await self.hub.results([command_id]))[command_id]

    async def result(self, kind: type[ResourceOrder], resource_id: UUID | None = None, **changed: Any) -> Any:
        command = a_resource_command(kind, resource_id, **({"integration_id": INTEGRATION} | changed))
        return await self.concluded(*await self.published(command))


async def lying_at(hub: Hub, position: Position) -> RawRecord:
    record = await read_at(hub.settings.kafka, position.topic, position.partition, position.offset)
    assert record is not None
    return record


@pytest_asyncio.fixture(scope="module")
async def hub(stack: LocalStack, database_url: str, topic_prefix: str) -> AsyncIterator[Hub]:
    """No worker: its agent is made here, with a provider of the test's own."""
    async with running_hub(stack.bootstrap, database_url, topic_prefix, workers=0) as running:
        yield running


@asynccontextmanager
async def desk_of(hub: Hub, far: FarSide, books: Books) -> AsyncIterator[Desk]:
    async with AsyncExitStack() as stack:
        pool = await open_pool(hub.settings.database_url.get_secret_value())
        stack.push_async_callback(pool.close)
        ledger = await Ledger.open(pool, lease_s=4, margin_s=1)
        stack.push_async_callback(ledger.aclose)
        caller = await stack.enter_async_context(Caller(on_exchange=keep_exchange, on_breaker=lambda _: None))
        cards = CardVault(pool, key_ring(hub.settings))
        integrations = {INTEGRATION: an_integration(far.base_url)}
        stopped: set[str] = set()
        agent = PaymentsAgent(
            ledger=ledger,
            caller=caller,
            publisher=hub.publisher,
            topics=hub.settings.topics,
            places=Places(integrations=integrations, paused_s=caller.paused_s, stopped=lambda: stopped),
            cards=cards,
            lot=ParkingLot(ledger, hub.publisher, hub.settings.topics, Seal(key_ring(hub.settings))),
            patience=Patience(deadline_s=2, unknown_after_s=1.5),
            now=lambda: datetime.now(UTC),
        )
        yield Desk(hub, agent, cards, books, far, stopped)


@pytest_asyncio.fixture
async def desk(hub: Hub) -> AsyncIterator[Desk]:
    books = Books()
    async with far_side(books.behave) as far, desk_of(hub, far, books) as made:
        yield made


async def state_of(hub: Hub, resource_id: UUID) -> Resource:
    async with hub.database() as database:
        state = await database.fetchval("select state from ledger.keys where key = $1", f"resources/{resource_id}")
    return Resource.model_validate_json(state)


async def row_of(hub: Hub, resource_id: UUID) -> Any:
    await hub.projected()
    async with hub.database() as database:
        return await database.fetchrow("select * from payment_resources where resource_id = $1", resource_id)


async def test_a_card_is_stored_once_and_a_second_creation_is_refused(hub: Hub, desk: Desk) -> None:
    resource_id, card_ref = new_id(), await desk.card()
    command = a_resource_command(StoreCard, resource_id, integration_id=INTEGRATION, card_ref=card_ref)
    command_id, record = await desk.published(command)
    stored = await desk.concluded(command_id, record)
    assert isinstance(stored, CardStored)
    again = await desk.concluded(command_id, record)
    assert again == stored
    second = await desk.result(StoreCard, resource_id, card_ref=await desk.card())

    assert isinstance(second, ResourceRefused)
    assert second.reason is Reason.RESOURCE_EXISTS
    assert len(desk.books.orders) == 1
    assert len({copy.value for copy in hub.copies(command_id)}) == 1
    async with hub.database() as database:
        assert await database.fetchval("select count(*) from vault.cards where card_ref = $1", card_ref) == 0
    row = await row_of(hub, resource_id)
    told = (row["kind"], row["stage"], row["provider_reference"], row["customer_reference"], row["last_verdict"])
    assert told == ("card", "active", stored.details.card_token, "wallet-1", "refused")


async def test_a_card_that_is_gone_from_the_vault_stores_nothing(desk: Desk) -> None:
    refused = await desk.result(StoreCard, card_ref=new_id())
    assert isinstance(refused, ResourceRefused)
    assert refused.reason is Reason.CARD_EXPIRED
    assert desk.books.orders == []


async def test_an_answer_that_was_lost_is_asked_for_and_never_sent_again(desk: Desk) -> None:
    desk.books.fault = "resets after it performed"
    stored = await desk.result(StoreCard, card_ref=await desk.card())
    assert isinstance(stored, CardStored)
    assert len(desk.books.orders) == 1
    assert "/by-reference" in desk.books.questions


async def test_what_the_provider_never_saw_ends_as_unknown_and_a_query_is_no_card(hub: Hub, desk: Desk) -> None:
    desk.books.fault = "resets before"
    resource_id = new_id()
    unknown = await desk.result(StoreCard, resource_id, card_ref=await desk.card())
    assert isinstance(unknown, ResourceUnknown)
    assert unknown.references == tuple(desk.books.orders)
    assert len(desk.books.orders) == 1
    assert (await state_of(hub, resource_id)).stage == "unsettled"
    refused = await desk.result(StoreCard, resource_id, card_ref=await desk.card())
    assert refused.reason is Reason.RESOURCE_UNSETTLED
    assert (await row_of(hub, resource_id))["stage"] == "unsettled"


async def test_an_acceptance_that_does_not_say_of_what_is_asked_about(desk: Desk) -> None:
    desk.books.fault = "says nothing"
    stored = await desk.result(StoreCard, card_ref=await desk.card())
    assert isinstance(stored, CardStored), "the question found it"
    assert len(desk.books.orders) == 1


async def test_a_worker_that_dies_between_send_and_answer_is_followed_by_one_that_asks(hub: Hub) -> None:
    books = Books(fault="hangs after it performed")
    async with far_side(books.behave) as far:
        async with desk_of(hub, far, books) as dying:
            command = a_resource_command(StoreCard, integration_id=INTEGRATION, card_ref=await dying.card())
            command_id, record = await dying.published(command)
            working = asyncio.create_task(dying.agent.handle(Delivery(record, lambda: None)))
            async with asyncio.timeout(30):
                await far.arrived.wait()
            working.cancel()
            await asyncio.wait([working])
        books.fault = "none"
        async with desk_of(hub, far, books) as successor:
            stored = await successor.concluded(command_id, record)
    assert isinstance(stored, CardStored)
    assert len(books.orders) == 1


async def test_what_waits_for_a_stopped_provider_is_parked_sealed_and_woken(hub: Hub, desk: Desk) -> None:
    desk.stopped.add(INTEGRATION)
    command = a_resource_command(StoreCard, integration_id=INTEGRATION, card_ref=await desk.card())
    command_id, record = await desk.published(command)
    assert await desk.agent.handle(Delivery(record, lambda: None)) is None
    key = f"resources/{command.resource_id}"
    async with hub.database() as database:
        parked = await database.fetchrow("select * from ledger.parked where command_id = $1", command_id)
    assert (parked["key"], parked["integration_id"]) == (key, INTEGRATION)
    assert b"buyer-7" not in parked["sealed"]
    assert desk.books.orders == []

    desk.stopped.clear()
    waking = raw(wake_record(hub.settings.topics.retries[0][1], key))
    async with asyncio.timeout(30):
        while await desk.agent.wake(Delivery(waking, lambda: None)) is not None:
            continue
    assert isinstance((await hub.results([command_id]))[command_id], CardStored)
    assert len(desk.books.orders) == 1


async def test_a_subscription_lives_under_one_key(hub: Hub, desk: Desk) -> None:
    resource_id = new_id()
    await desk.result(CreateSubscription, resource_id, card_ref=await desk.card())
    queried = await desk.result(QuerySubscription, resource_id, integration_id=None)
    cancelled = await desk.result(CancelSubscription, resource_id, integration_id=None)
    after = await desk.result(CancelSubscription, resource_id)

    assert isinstance(queried, SubscriptionQueried)
    assert (queried.details.state, cancelled.details.state) == ("active", "cancelled")
    assert after.reason is Reason.RESOURCE_ENDED
    row = await row_of(hub, resource_id)
    assert (row["kind"], row["stage"], json.loads(row["details"])["state"]) == ("subscription", "ended", "cancelled")
    async with hub.database() as database:
        jobs = await database.fetch("select status from integration_queue_jobs where key = $1", str(resource_id))
    assert len(jobs) == 4


async def test_questions_move_nothing_and_an_answer_that_was_kept_is_not_asked_for_again(hub: Hub, desk: Desk) -> None:
    balance_of = new_id()
    await desk.result(GetBalance, balance_of)
    first, second = await desk.result(LookUpCard), await desk.result(LookUpCard, integration_id=None)
    assert isinstance(first, CardLookedUp)
    assert first.details == second.details
    assert desk.books.questions.count("/bin") == 1
    async with hub.database() as database:
        sent = "select count(*) from ledger.attempts join ledger.commands using (command_id) where key = $1"
        assert await database.fetchval(sent, f"resources/{balance_of}") == 0
    assert await row_of(hub, balance_of) is None


async def test_a_call_that_comes_before_its_subscription_waits_for_it(hub: Hub, desk: Desk) -> None:
    resource_id, event_id = new_id(), f"event-{new_id()}"
    name = f"subscriptions-{desk.books.begins}-1"
    calls, received_id = Calls(hub), new_id()
    call = calls.record(
        received_id=received_id,
        integration_id=INTEGRATION,
        event_id=event_id,
        event_type="subscription.order.success",
        about="resource",
        provider_reference=name,
        said=None,
    )
    record = raw(call)
    pool = await open_pool(hub.settings.database_url.get_secret_value())
    try:
        agent = WebhooksAgent(
            Finder(pool),
            hub.publisher,
            hub.settings.topics,
            patience=timedelta(hours=1),
            now=lambda: datetime.now(UTC),
        )
        assert await agent.handle(Delivery(record, lambda: None)) is None
        assert not [one for one in hub.webhooks if isinstance(one, WebhookHandled) and one.event_id == event_id]
        made = await desk.result(CreateSubscription, resource_id, card_ref=await desk.card())
        assert made.performed.provider_reference == name
        late = raw(waiting(hub.settings.topics.retries[0][1], record, READER))
        assert await agent.wake(Delivery(late, lambda: None)) is None
    finally:
        await pool.close()
    handled = await calls.handled(received_id, outcome="processed")
    assert (handled.resource_id, handled.payment_id) == (resource_id, None)
    assert handled.command_id is not None

    notice = await found(hub, lambda one: one.text("ce_id") == str(handled.command_id))
    told = await desk.concluded(handled.command_id, notice)
    assert isinstance(told, SubscriptionQueried)
    assert (told.event_id, told.event_type) == (event_id, "subscription.order.success")


def raw(record: Outgoing) -> RawRecord:
    return RawRecord(record.topic, 0, 0, 0, record.key, record.value, record.headers)


async def found(hub: Hub, fits: Callable[[RawRecord], bool]) -> RawRecord:
    async for record in replay(hub.settings.kafka, hub.commands):
        if fits(record):
            return record
    raise AssertionError("no such command was published")


async def test_a_rebuilt_ledger_and_rebuilt_tables_are_the_same(hub: Hub, desk: Desk) -> None:
    resource_id = new_id()
    await desk.result(CreateSubscription, resource_id, card_ref=await desk.card())
    lost = a_resource_command(StoreCard, integration_id=INTEGRATION)
    envelope = an_envelope(lost)
    ask = Ask(f"resources/{lost.key}", envelope.id, lost.type, digest(envelope, lost.key, lost))
    sending = Sending(Claim(ask, ClaimStatus.TAKEN, epoch=5), 1, INTEGRATION, "ref-1", "digest", repeatable=False)
    intent = PaymentRecords(hub.settings.topics).intent(sending, lost.key, new_id(), datetime.now(UTC), None)
    before = await keys_of(hub)
    await hub.publish([intent])

    done = await command_line._rebuild(hub.settings)

    assert done.abandoned == (envelope.id,)
    result = (await hub.results([envelope.id]))[envelope.id]
    assert isinstance(result, ResourceUnknown)
    assert (result.resource_id, result.references) == (lost.resource_id, ("ref-1",))
    assert (await state_of(hub, lost.resource_id)).stage == "unsettled"
    after = await keys_of(hub)
    assert after.pop(ask.key)
    assert after == before
    pool = await open_pool(hub.settings.database_url.get_secret_value())
    try:
        await check_not_behind(hub.settings.kafka, hub.settings.topics, pool)
    finally:
        await pool.close()
    await hub.projected()
    pool = await open_tables(hub.settings.database_url.get_secret_value())
    try:
        assert await differences(hub.settings.kafka, pool, hub.settings.topics, "resources") == []
    finally:
        await pool.close()


async def test_a_key_under_which_only_questions_were_asked_is_pruned(hub: Hub) -> None:
    answered, card = Resource(resource_id=new_id()), Resource(resource_id=new_id(), kind="card", stage="active")
    async with hub.database() as database:
        for one in (answered, card):
            state = one.model_dump_json(exclude_defaults=True).encode()
            key = f"resources/{one.resource_id}"
            await database.execute("insert into ledger.keys (key, epoch, state) values ($1, 1, $2)", key, state)
        keys = [f"resources/{one.resource_id}" for one in (answered, card)]
        assert await database.fetchval(statement("prune_keys"), keys) == 1
        assert await database.fetch("select key from ledger.keys where key = any($1)", keys) == [(keys[1],)]
        await database.execute("delete from ledger.keys where key = $1", keys[1])


async def keys_of(hub: Hub) -> dict[str, bytes]:
    async with hub.database() as database:
        rows = await database.fetch("select key, state from ledger.keys where state is not null")
    return {row["key"]: row["state"] for row in rows}
