"""A command that was routed and taken over, while rules and integrations changed: one charge over all providers."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import pytest_asyncio

from agents.delivery import Delivery
from agents.ledger import Ask, Claim, Ledger
from agents.parking import ParkingLot
from agents.payments.agent import PaymentsAgent, keep_exchange
from agents.payments.places import Places
from agents.payments.work import Patience
from agents.pool import open_pool
from agents.sealing import Seal
from agents.vault.keyring import KeyRing
from infra.integration_settings import load_integrations
from infra.local import LocalStack
from infra.local.process import free_ports
from infra.sandbox.iyzico import FaultKind, FaultOrder, running_sandbox
from providers.caller import Caller
from providers.registry import connectors
from schemas.ids import new_id
from schemas.payments import CreatePayment, PaymentCreated
from schemas.routing import RoutingRule, Weighted
from streams.reader import read_at
from streams.records import RawRecord
from tests.acceptance.orders import Orders, a_payment
from tests.hub import INTEGRATION, Hub, running_hub
from tests.master_keys import a_master_key

OTHER: Final = "iyzico-other"
DOWN: Final = "iyzico-down"
DEAD: Final = "iyzico-dead"


@pytest_asyncio.fixture(scope="module")
async def hub(stack: LocalStack, database_url: str, topic_prefix: str, port: int) -> AsyncIterator[Hub]:
    (never,) = free_ports(1)
    async with running_hub(
        stack.bootstrap,
        database_url,
        topic_prefix,
        integrations=(INTEGRATION, OTHER),
        base_urls={DOWN: f"http://127.0.0.1:{port}", DEAD: f"http://127.0.0.1:{never}"},
        workers=0,
    ) as running:
        yield running


class Ending(Ledger):
    """A process that ends when it claims a command for the second time: after it took back what came to nothing."""

    claims = 0
    ended = asyncio.Event()

    async def claim(self, ask: Ask) -> Claim:
        self.claims += 1
        if self.claims > 1:
            self.ended.set()
            await asyncio.Event().wait()
        return await super().claim(ask)


def to(first: str, *fallback: str) -> RoutingRule:
    return RoutingRule(
        rule_id=f"to-{first}", priority=1, choices=(Weighted(integration_id=first, weight=1),), fallback=fallback
    )


@asynccontextmanager
async def an_agent(
    hub: Hub, *rules: RoutingRule, without: Collection[str] = (), kind: type[Ledger] = Ledger
) -> AsyncIterator[tuple[PaymentsAgent, Ledger]]:
    """A worker's agent that routes by these rules, and its ledger."""
    known = load_integrations(hub.settings, connectors())
    integrations = {name: known[name] for name in known if name not in without}
    async with AsyncExitStack() as stack:
        pool = await open_pool(hub.settings.database_url.get_secret_value())
        stack.push_async_callback(pool.close)
        ledger = await kind.open(pool, lease_s=6, margin_s=1)
        stack.push_async_callback(ledger.aclose)
        caller = await stack.enter_async_context(Caller(on_exchange=keep_exchange, on_breaker=lambda _: None))
        agent = PaymentsAgent(
            ledger=ledger,
            caller=caller,
            publisher=hub.publisher,
            topics=hub.settings.topics,
            places=Places(integrations=integrations, paused_s=caller.paused_s, rules=lambda: rules),
            cards=None,
            lot=ParkingLot(ledger, hub.publisher, hub.settings.topics, Seal(KeyRing.of(a_master_key()))),
            patience=Patience(deadline_s=3),
            now=lambda: datetime.now(UTC),
        )
        yield agent, ledger


async def published(hub: Hub) -> tuple[CreatePayment, UUID, RawRecord]:
    """A payment that names no integration, as it lies in the log."""
    command, command_id = a_payment(integration_id=None, order_id=f"order-{new_id()}"), new_id()
    (position,) = await hub.publish([Orders(hub).record(command, command_id)])
    record = await read_at(hub.settings.kafka, position.topic, position.partition, position.offset)
    assert record is not None
    return command, command_id, record


async def handed_in(agent: PaymentsAgent, record: RawRecord) -> float | None:
    """What an agent says of a fresh delivery of the record."""
    return await agent.handle(Delivery(record, lambda: None))


async def concluded(hub: Hub, agent: PaymentsAgent, record: RawRecord, command_id: UUID) -> PaymentCreated:
    """The command's result, once the agent was handed the record as often as that took."""
    async with asyncio.timeout(20):
        again_s: float | None = 0.0
        while again_s is not None:
            await asyncio.sleep(again_s)  # as long as the agent says
            again_s = await handed_in(agent, record)
    result = (await hub.results([command_id]))[command_id]
    assert isinstance(result, PaymentCreated)
    return result


def charged(hub: Hub, command: CreatePayment) -> dict[str, int]:
    """How often each provider charged this order."""
    return {
        name: sum(entry.basket_id == command.order_id for entry in sandbox.books.entries())
        for name, sandbox in hub.sandboxes.items()
    }


async def attempts(hub: Hub, command_id: UUID) -> list[tuple[int, str, str]]:
    async with hub.database() as database:
        query = "select number, integration_id, state from ledger.attempts where command_id = $1 order by number"
        return [tuple(row) for row in await database.fetch(query, command_id)]


def answers_no_first_call(hub: Hub) -> None:
    hub.sandbox.faults.order(FaultOrder(FaultKind.RESET_AFTER, "/payment/auth", count=1))


async def test_a_worker_that_dies_before_it_takes_the_fallback_is_followed_by_one_that_takes_it(hub: Hub) -> None:
    command, command_id, record = await published(hub)
    rule = to(DOWN, OTHER)
    async with an_agent(hub, rule, kind=Ending) as (agent, ledger):
        dying = asyncio.create_task(handed_in(agent, record))
        assert isinstance(ledger, Ending)
        async with asyncio.timeout(20):
            await ledger.ended.wait()
        dying.cancel()
        await asyncio.wait([dying])
    assert await attempts(hub, command_id) == [(1, DOWN, "not_sent")]

    async with an_agent(hub, rule) as (agent, _):
        result = await concluded(hub, agent, record, command_id)

    assert charged(hub, command) == {INTEGRATION: 0, OTHER: 1}
    assert result.routing is not None
    assert (result.routing.integration_id, result.routing.fallback_of) == (OTHER, (DOWN,))
    assert await attempts(hub, command_id) == [(1, DOWN, "not_sent"), (2, OTHER, "sending")]


async def test_what_may_have_been_sent_is_not_routed_anew_when_the_rules_have_changed(hub: Hub) -> None:
    command, command_id, record = await published(hub)
    answers_no_first_call(hub)
    async with an_agent(hub, to(INTEGRATION)) as (agent, _):
        assert (await handed_in(agent, record) or 0) > 0

    async with an_agent(hub, to(OTHER)) as (agent, _):
        result = await concluded(hub, agent, record, command_id)

    assert charged(hub, command) == {INTEGRATION: 1, OTHER: 0}
    assert result.routing is not None
    assert (result.routing.rule_id, result.routing.integration_id) == (f"to-{INTEGRATION}", INTEGRATION)


async def test_what_certainly_was_not_performed_goes_by_the_rules_of_the_moment(hub: Hub) -> None:
    command, command_id, record = await published(hub)
    async with an_agent(hub, to(DOWN)) as (agent, _):
        assert (await handed_in(agent, record) or 0) > 0

    async with an_agent(hub, to(OTHER)) as (agent, _):
        result = await concluded(hub, agent, record, command_id)

    assert charged(hub, command) == {INTEGRATION: 0, OTHER: 1}
    assert result.attempts == 2
    assert result.routing is not None
    assert result.routing.rule_id == f"to-{OTHER}"


async def test_what_may_have_been_sent_waits_for_an_integration_that_is_gone(hub: Hub) -> None:
    command, command_id, record = await published(hub)
    answers_no_first_call(hub)
    async with an_agent(hub, to(INTEGRATION, OTHER)) as (agent, _):
        assert (await handed_in(agent, record) or 0) > 0

    async with an_agent(hub, to(OTHER), without=[INTEGRATION]) as (agent, _):
        assert (await handed_in(agent, record) or 0) > 0
    assert charged(hub, command) == {INTEGRATION: 1, OTHER: 0}
    async with an_agent(hub) as (agent, _):
        result = await concluded(hub, agent, record, command_id)

    assert charged(hub, command) == {INTEGRATION: 1, OTHER: 0}
    assert result.performed is not None
    assert result.performed.integration_id == INTEGRATION


async def test_every_send_that_a_rebuilt_ledger_knows_of_is_asked_about_before_anything_is_concluded(hub: Hub) -> None:
    command, command_id, record = await published(hub)
    answers_no_first_call(hub)
    async with an_agent(hub, to(INTEGRATION, OTHER)) as (agent, _):
        assert (await handed_in(agent, record) or 0) > 0
    async with hub.database() as database:
        # From the log alone nobody can tell that the second one was intended and came to nothing.
        await database.execute(
            "insert into ledger.attempts (command_id, number, epoch, integration_id, reference, request_digest, state, "
            "sent_at) select command_id, 2, epoch, $2, 'of-the-second', request_digest, state, sent_at "
            "from ledger.attempts where command_id = $1",
            command_id,
            OTHER,
        )

    async with an_agent(hub, to(OTHER)) as (agent, _):
        result = await concluded(hub, agent, record, command_id)

    assert charged(hub, command) == {INTEGRATION: 1, OTHER: 0}
    assert result.performed is not None
    assert result.performed.integration_id == INTEGRATION


async def test_what_nobody_can_take_now_waits_and_then_tries_the_first_again(hub: Hub, port: int) -> None:
    command, command_id, record = await published(hub)
    rule = to(DOWN, DEAD)
    async with an_agent(hub, rule) as (agent, _):
        assert (await handed_in(agent, record) or 0) > 0
    assert await attempts(hub, command_id) == [(1, DOWN, "not_sent"), (2, DEAD, "not_sent")]

    async with running_sandbox(port=port) as back, an_agent(hub, rule) as (agent, _):
        result = await concluded(hub, agent, record, command_id)
        entries = back.books.entries()

    assert [entry.basket_id for entry in entries] == [command.order_id]
    assert result.routing is not None
    assert (result.routing.integration_id, result.routing.fallback_of) == (DOWN, ())
    assert (await attempts(hub, command_id))[2:] == [(3, DOWN, "sending")]
