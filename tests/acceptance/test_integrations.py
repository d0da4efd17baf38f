"""Integrations that come, change and go under a running worker."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final
from uuid import UUID

import pytest
import pytest_asyncio
from pydantic import JsonValue, SecretStr

from agents.integrations.decide import House
from agents.integrations.registrar import MODELS
from agents.integrations.registry import Order, Registry
from agents.pool import open_pool
from infra.local import LocalStack
from infra.registry_orders import NotDone, ordered
from infra.worker import run_worker
from projections import differences
from projections import open_pool as open_tables
from providers.connector import LiveCredentials
from providers.registry import connectors
from schemas.ids import new_id, result_id
from schemas.integrations import INTEGRATION_EVENTS, IntegrationCommand, IntegrationCommandRejected
from schemas.payments import CommandRefused, PaymentCreated, Reason
from streams.codec import Outgoing, decode, digest
from streams.reader import replay
from tests import integration_orders as an
from tests.acceptance.command_line import Done, kolaj
from tests.acceptance.orders import Orders, a_payment, with_value
from tests.builders import NOON, a_record, a_refund_payment, lira
from tests.given_secrets import GivenSecrets
from tests.hub import INTEGRATION, Hub, running_hub

OTHER = "iyzico-other"
LIMITS: Final[JsonValue] = {
    name: {"calls": 1000, "per_s": 1.0} for name in ("create", "capture", "cancel", "refund", "query")
}
EVENTS = {model.type: model for model in INTEGRATION_EVENTS}
BY = ("--by", "Işıl")


@pytest.fixture(scope="module")
def secrets() -> GivenSecrets:
    return GivenSecrets()


@pytest_asyncio.fixture(scope="module")
async def hub(stack: LocalStack, database_url: str, topic_prefix: str, secrets: GivenSecrets) -> AsyncIterator[Hub]:
    """No integration is in its settings; two sandboxes are there, whose secrets a test gives."""
    async with (
        running_hub(
            stack.bootstrap,
            database_url,
            topic_prefix,
            integrations=(INTEGRATION, OTHER),
            overrides={"KOLAJ_INTEGRATIONS": "", "KOLAJ_HEALTH_INTERVAL_S": "600"},
            workers=0,
        ) as running,
        a_worker(running, secrets),
    ):
        yield running


@asynccontextmanager
async def a_worker(hub: Hub, secrets: GivenSecrets) -> AsyncIterator[None]:
    stop, ready = asyncio.Event(), asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(run_worker(hub.settings, stop, on_ready=ready.set, credentials=secrets))
        try:
            async with asyncio.timeout(30):
                await ready.wait()
            yield
        finally:
            stop.set()


async def done(hub: Hub, *words: str) -> Done:
    result = await kolaj(hub, "integrations", *words)
    assert result.code == 0, result.err
    return result


async def settled(hub: Hub, command: IntegrationCommand) -> Any:
    """As the command line does it, without a process of its own."""
    return await ordered(hub.settings, command, wait_s=30)


async def added(hub: Hub, name: str, sandbox: str = INTEGRATION) -> None:
    settings = {"base_url": hub.sandboxes[sandbox].base_url, "rate_limits": LIMITS}
    await settled(hub, an.an_add(name, settings=settings))


def keys(hub: Hub) -> LiveCredentials:
    sandbox = hub.sandbox
    return LiveCredentials({"api_key": SecretStr(sandbox.api_key), "secret_key": SecretStr(sandbox.secret_key)})


async def results_of(hub: Hub, command_id: UUID) -> list[Any]:
    topic = hub.settings.topics.integration_events.name
    wanted = str(result_id(command_id)).encode()
    return [record async for record in replay(hub.settings.kafka, topic) if record.header("ce_id") == wanted]


async def event_of(hub: Hub, event_id: UUID) -> Any:
    """The event of this id, once it is in the log."""
    topic, wanted = hub.settings.topics.integration_events.name, str(event_id).encode()
    async with asyncio.timeout(30):
        while True:
            async for record in replay(hub.settings.kafka, topic):
                if record.header("ce_id") == wanted:
                    return decode(EVENTS, record.key, record.value, record.readable_headers).body


def an_order(hub: Hub, command: IntegrationCommand, command_id: UUID) -> Outgoing:
    topic = hub.settings.topics.integration_commands.name
    return a_record(topic, command, id=command_id, type=command.type)


class Load:
    """Payments at one integration, a few at a time, until it is told to stop."""

    def __init__(self, hub: Hub, name: str) -> None:
        self._hub = hub
        self._name = name
        self._ends = asyncio.Event()
        self.ids: list[UUID] = []

    async def run(self) -> None:
        orders = Orders(self._hub)
        while not self._ends.is_set():
            self.ids += await orders.publish(*(a_payment(integration_id=self._name) for _ in range(3)))
            try:
                async with asyncio.timeout(0.1):
                    await self._ends.wait()
            except TimeoutError:
                continue

    async def concluded(self, count: int) -> None:
        """Returns once so many of what is published from now on have a result."""
        begun = len(self.ids)

        def enough() -> bool:
            ids = set(self.ids[begun:])
            return len([event for event in self._hub.events if event.command_id in ids]) >= count

        await self._hub.until(enough, within_s=60)

    def end(self) -> None:
        self._ends.set()


@asynccontextmanager
async def under_load(hub: Hub, name: str) -> AsyncIterator[Load]:
    load = Load(hub, name)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(load.run())
        try:
            await load.concluded(6)
            yield load
        finally:
            load.end()


async def test_an_integration_that_is_added_under_way_is_paid_with_once_its_secrets_are_there(
    hub: Hub, secrets: GivenSecrets
) -> None:
    orders = Orders(hub)
    early = await orders.result(a_payment())
    assert isinstance(early, CommandRefused)
    assert early.reason is Reason.UNKNOWN_INTEGRATION

    url = f"base_url={hub.sandbox.base_url}"
    limits = f"rate_limits={json.dumps(LIMITS)}"
    await done(hub, "add", INTEGRATION, "--provider", "iyzico", "--set", url, "--set", limits, *BY)
    (waits,) = await orders.publish(a_payment())
    async with hub.database() as database:
        query = "select reason from ledger.parked where command_id = $1"
        async with asyncio.timeout(30):
            while not (reason := await database.fetchval(query, waits)):
                continue
    assert reason.startswith("the integration is not ready")
    (shown,) = (await done(hub, "show", INTEGRATION, "--json")).lines
    assert (shown["status"], shown["revision"]) == ("failing", 1)
    assert "kolaj credentials set" in shown["error"]

    secrets.give(INTEGRATION, keys(hub))
    assert isinstance((await hub.results([waits]))[waits], PaymentCreated)
    assert isinstance(await orders.result(a_payment()), PaymentCreated)
    assert (await done(hub, "test", INTEGRATION)).err.strip().endswith("works")


async def test_from_the_moment_a_pause_returns_nothing_is_sent_and_a_resume_concludes_all(
    hub: Hub, secrets: GivenSecrets
) -> None:
    secrets.give("iyzico-paused", keys(hub))
    await added(hub, "iyzico-paused", OTHER)
    books = hub.sandboxes[OTHER].books
    before = len(books.entries())
    async with under_load(hub, "iyzico-paused") as load:
        await settled(hub, an.a_pause("iyzico-paused", why="it charges twice"))
        booked = len(books.entries())
        later = len(load.ids)
        async with hub.database() as database, asyncio.timeout(30):
            query = "select count(*) from ledger.parked where command_id = any($1)"
            while await database.fetchval(query, load.ids[later:]) < 6:
                continue
        assert len(books.entries()) == booked
        load.end()
    assert len(books.entries()) == booked
    await settled(hub, an.a_resume("iyzico-paused"))
    results = await hub.results(load.ids, within_s=60)
    assert {type(result) for result in results.values()} == {PaymentCreated}
    assert len(books.entries()) - before == len(load.ids)


async def test_another_address_under_load_loses_nothing(hub: Hub, secrets: GivenSecrets) -> None:
    secrets.give("iyzico-moving", keys(hub))
    await added(hub, "iyzico-moving", INTEGRATION)
    booked = {name: len(hub.sandboxes[name].books.entries()) for name in (INTEGRATION, OTHER)}
    async with under_load(hub, "iyzico-moving") as load:
        await settled(hub, an.a_change("iyzico-moving", settings={"base_url": hub.sandboxes[OTHER].base_url}))
        await hub.booked(lambda entries: len(entries) > booked[OTHER] + 5, integration=OTHER)
    results = await hub.results(load.ids, within_s=60)
    assert {getattr(result, "detail", "") for result in results.values()} == {""}
    grown = {name: len(hub.sandboxes[name].books.entries()) - booked[name] for name in booked}
    assert sum(grown.values()) == len(load.ids)
    assert min(grown.values()) > 0


async def test_a_disabled_integration_refuses_and_goes_once_nothing_is_open(hub: Hub, secrets: GivenSecrets) -> None:
    secrets.give("iyzico-going", keys(hub))
    await added(hub, "iyzico-going")
    payment = a_payment(integration_id="iyzico-going")
    assert isinstance(await Orders(hub).result(payment), PaymentCreated)
    with pytest.raises(NotDone, match="has to be disabled"):
        await settled(hub, an.a_removal("iyzico-going"))
    await settled(hub, an.a_disable("iyzico-going"))
    new, refund = await Orders(hub).results(
        a_payment(integration_id="iyzico-going"), a_refund_payment(payment.payment_id, lira("1.00"))
    )
    assert {new.reason, refund.reason} == {Reason.UNKNOWN_INTEGRATION}
    assert "disabled" in new.detail
    await settled(hub, an.an_enable("iyzico-going"))
    again = await Orders(hub).result(a_payment(integration_id="iyzico-going"))
    assert isinstance(again, PaymentCreated), "who was told that it is enabled may pay with it at once"
    await settled(hub, an.a_disable("iyzico-going"))
    await settled(hub, an.a_removal("iyzico-going"))
    gone = await Orders(hub).result(a_payment(integration_id="iyzico-going"))
    assert gone.reason is Reason.UNKNOWN_INTEGRATION


async def test_a_worker_that_dies_between_deciding_and_telling_leaves_one_result(hub: Hub) -> None:
    command_id = new_id()
    record = an_order(hub, an.an_add("iyzico-orphan"), command_id)
    incoming = decode(MODELS, record.key, record.value, record.headers)
    pool = await open_pool(hub.settings.database_url.get_secret_value(), size=1)
    try:
        dying = Registry(pool, House(connectors(), "sandbox"))
        order = Order(incoming.envelope, incoming.body, digest(incoming.envelope, incoming.key, incoming.body))
        decided = await dying.settle(order, at=NOON, traceparent=None)
        assert await results_of(hub, command_id) == [], "it was decided, and nobody was told"
        await hub.publish([record])
        await event_of(hub, result_id(command_id))
    finally:
        await pool.close()
    (told,) = await results_of(hub, command_id)
    assert not isinstance(decided, str)
    assert told.value == decided.value
    await hub.publish([record, an_order(hub, an.a_pause("iyzico-orphan"), pause := new_id())])
    await event_of(hub, result_id(pause))
    assert {copy.value for copy in await results_of(hub, command_id)} == {decided.value}


async def test_an_order_that_cannot_be_read_is_a_dead_letter_and_a_rejection(hub: Hub) -> None:
    bad = an_order(hub, an.an_add("iyzico-bad"), new_id())
    (place,) = await hub.publish([with_value(bad, b'{"integration_id":"iyzico-bad"}')])
    dead = await hub.dead_letter(place)
    assert dead.reason == "invalid_field"
    topic = hub.settings.topics.integration_events.name
    kinds = [record async for record in replay(hub.settings.kafka, topic, type=IntegrationCommandRejected.type)]
    assert len(kinds) == 1


async def test_a_card_number_is_refused_before_it_reaches_a_topic(hub: Hub) -> None:
    with pytest.raises(NotDone, match="card numbers never travel"):
        await settled(hub, an.an_add("iyzico-slip", name="5528790000000008"))
    secret = await kolaj(
        hub, "integrations", "add", "iyzico-slip", "--provider", "iyzico", "--set", "secret_key=sandbox-sesame", *BY
    )
    assert (secret.code, "kolaj credentials set" in secret.err) == (2, True)
    topic = hub.settings.topics.integration_commands.name
    texts = [record.value or b"" async for record in replay(hub.settings.kafka, topic)]
    assert not any(b"sesame" in text or b"5528790000000008" in text for text in texts)


async def test_users_and_rules_are_kept_and_all_of_it_can_be_rebuilt(hub: Hub, secrets: GivenSecrets) -> None:
    secrets.give("iyzico-users", keys(hub))
    await added(hub, "iyzico-users")
    await done(hub, "map", "iyzico-users", "seller-1", "sub-1", "--meta", "store=Kadıköy", *BY)
    await settled(hub, an.a_mapping("seller-2", integration_id="iyzico-users"))
    await settled(hub, an.an_unmapping("seller-2", integration_id="iyzico-users"))
    (shown,) = (await done(hub, "show", "iyzico-users", "--json")).lines
    assert [(user["user_id"], user["metadata"]) for user in shown["users"]] == [("seller-1", {"store": "Kadıköy"})]
    await settled(hub, an.a_rule_put("lira", "iyzico-users"))
    (rules,) = (await done(hub, "routes", "--json")).lines
    assert [state["rule"]["rule_id"] for state in rules] == ["lira"]
    await hub.projected()
    async with hub.database() as database:
        users = await database.fetch(
            "select user_id, removed_at is null as on from integration_user_mappings order by 1"
        )
    assert [tuple(row.values()) for row in users] == [("seller-1", True), ("seller-2", False)]
    pool = await open_tables(hub.settings.database_url.get_secret_value(), size=2)
    try:
        for name in ("integrations", "health", "audit"):
            assert await differences(hub.settings.kafka, pool, hub.settings.topics, name) == []
    finally:
        await pool.close()


async def test_an_account_that_cannot_be_reached_is_told_in_words(hub: Hub, port: int) -> None:
    await done(hub, "set", INTEGRATION, "--set", f"base_url=http://127.0.0.1:{port}", *BY)
    told = await kolaj(hub, "integrations", "test", INTEGRATION, "--json")
    assert (told.code, told.lines[0]["cause"]) == (1, "unreachable")
    assert "nobody listens at its address" in told.err
    with pytest.raises(NotDone, match="revision_differs"):
        await settled(hub, an.a_change(INTEGRATION, name="x", expected_revision=1))


async def test_a_registry_that_was_lost_is_the_same_when_it_is_made_anew_from_its_events(hub: Hub) -> None:
    tables = ("integrations", "user_mappings", "routing_rules", "revision")

    async def rows() -> list[Any]:
        async with hub.database() as database:
            kept = [await database.fetch(f"select * from registry.{name} order by 1, 2") for name in tables]  # noqa: S608
            stops = await database.fetch("select integration_id, by_hand from ledger.stops order by 1")
            results = await database.fetch("select command_id, headers, value from registry.changes order by 1")
        return [[dict(row) for row in table] for table in (*kept, stops, results)]

    before = await rows()
    refused = await kolaj(hub, "integrations", "rebuild")
    assert (refused.code, "--over" in refused.err) == (1, True)
    await done(hub, "rebuild", "--over")
    assert await rows() == before
    assert isinstance(await Orders(hub).result(a_payment(integration_id="iyzico-paused")), PaymentCreated)
