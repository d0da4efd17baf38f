"""Events on their way to endpoints: signed, in order, each endpoint on its own, and from any moment again."""

import asyncio
import json
import random
from collections import defaultdict
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest_asyncio
from aiohttp import web
from standardwebhooks.webhooks import Webhook

from infra.local import LocalStack
from schemas.endpoints import EndpointDisabled
from schemas.ids import new_id
from streams.codec import decode
from streams.reader import replay
from tests.builders import a_payment_captured, a_payment_created
from tests.receiver import Got, Receiver, receiver
from tests.sending import Sending, a_sending, first_copies


@pytest_asyncio.fixture(scope="module")
async def sending(stack: LocalStack) -> AsyncIterator[Sending]:
    """With one sender."""
    async with a_sending(stack, KOLAJ_DELIVERY_DISABLE_AFTER_FAILURES="3") as made, made.sender():
        yield made


@pytest_asyncio.fixture
async def service() -> AsyncIterator[Receiver]:
    async with receiver() as running:
        yield running


def ids(got: list[Got], among: list[str]) -> list[str]:
    """Of those among these events, without repeats; an endpoint may get what came just before it was made."""
    return [one.told["id"] for one in first_copies(got) if one.told.get("id") in among]


async def answer_500(_: web.BaseRequest, __: Got) -> web.StreamResponse:
    return web.Response(status=500)


async def test_an_event_arrives_signed_with_each_live_secret(sending: Sending, service: Receiver) -> None:
    endpoint, first = await sending.endpoint(f"{service.url}/in")
    second = await sending.store.rotate(endpoint, overlap_s=3600)
    assert second is not None
    event = await sending.publish(1)
    await service.until(lambda: ids(service.got, event))
    got = service.got[-1]
    for secret in (first, second):
        assert Webhook(secret).verify(got.body, got.headers)["id"] == event[0]
    assert (got.told["type"], got.told["data"]["amount"]) == (
        "payments.captured.v1",
        {"minor": 100, "currency": "TRY"},
    )
    await sending.store.rotate(endpoint, overlap_s=0)
    event = await sending.publish(1)
    await service.until(lambda: ids(service.got, event))
    assert len(service.got[-1].headers["webhook-signature"].split(" ")) == 1, "the earlier ones ended at once"


async def test_only_what_was_asked_for_arrives(sending: Sending, service: Receiver) -> None:
    await sending.endpoint(f"{service.url}/created", "payments.created.v1")
    await sending.endpoint(f"{service.url}/elsewhere", integrations=["elsewhere"])
    await sending.endpoint(f"{service.url}/all")
    payment = new_id()
    await sending.publish_one(a_payment_created(payment_id=payment))
    await sending.publish_one(a_payment_captured(payment_id=payment))
    await service.until(lambda: len(service.at("/all")) > 1 and service.at("/created"))
    assert [got.told["type"] for got in service.at("/created")] == ["payments.created.v1"]
    assert service.at("/elsewhere") == []


async def test_each_payments_events_arrive_in_the_order_of_the_log_however_an_endpoint_fails(
    sending: Sending, service: Receiver
) -> None:
    chance = random.Random(7)  # noqa: S311 - a plan of faults
    failed: dict[str, int] = defaultdict(int)

    async def flaky(request: web.BaseRequest, got: Got) -> web.StreamResponse:
        if failed[got.id] < 2 and chance.random() < 0.3:  # two in a row and it goes on: three would disable it
            failed[got.id] += 1
            match chance.randrange(4):
                case 0:
                    return web.Response(status=500)
                case 1:
                    assert request.transport is not None
                    request.transport.abort()
                case 2:
                    return web.Response(status=302, headers={"location": "http://127.0.0.1:1/"})
                case _:
                    return web.Response(status=429, headers={"retry-after": "1"})
        return web.Response(status=200)

    service.answer = flaky
    await sending.endpoint(f"{service.url}/in")
    published = await sending.publish(24, payments=4)
    await service.until(lambda: len(ids(service.got, published)) == len(published), within_s=120)
    arrived: dict[str, list[str]] = defaultdict(list)
    for got in first_copies([got for got in service.got if got.told["id"] in published]):
        arrived[got.told["key"]].append(got.told["id"])
    assert len(arrived) == 4
    for events in arrived.values():
        assert events == [event for event in published if event in events]
    assert len(service.got) > len(published), "some were sent again"


async def test_a_dead_endpoint_costs_no_more_than_its_place_and_delays_nobody(
    sending: Sending, service: Receiver
) -> None:
    dead_met, over = asyncio.Event(), asyncio.Event()

    async def answer(request: web.BaseRequest, _: Got) -> web.StreamResponse:
        if request.path == "/dead":
            dead_met.set()
            await over.wait()
        return web.Response()

    service.answer = answer
    dead, _ = await sending.endpoint(f"{service.url}/dead")
    await sending.endpoint(f"{service.url}/well")
    first = await sending.publish(2, payments=2)
    async with asyncio.timeout(120):
        await dead_met.wait()
    published = first + await sending.publish(300, payments=30)
    await service.until(lambda: len(ids(service.at("/well"), published)) == len(published))
    assert len({got.id for got in service.at("/dead")}) <= 2, "one event of each partition is tried, the others wait"
    rows = await sending.pool.fetch("select * from gateway.endpoint_lanes where endpoint_id = $1", dead)
    assert len(rows) == sending.settings.partitions
    assert len(await sending.outcomes(dead)) <= 2 * 3
    over.set()


async def test_an_endpoint_that_keeps_failing_is_disabled_and_goes_on_where_it_stood(
    sending: Sending, service: Receiver
) -> None:
    endpoint, _ = await sending.endpoint(f"{service.url}/in")
    (before,) = await sending.publish(1)
    await service.until(lambda: ids(service.got, [before]))
    service.answer = answer_500
    later = await sending.publish(3)
    row = await sending.status(endpoint, "disabled")
    assert row["status_why"] == "3 attempts failed in a row, the last one with http_500"
    outcomes = await sending.outcomes(endpoint)
    # The three lie in partitions of their own, perhaps, which are tried side by side; and where the sender is behind,
    # an endpoint gets what was published just before it was made, too.
    assert set(outcomes) == {"delivered", "http_500"}
    assert outcomes.count("http_500") >= 3
    told = await disabled(sending, endpoint)
    assert [(fact.owner, fact.why, fact.failures) for fact in told] == [("key:shop", "failing", 3)]
    tried = len(service.got)

    async def well(_: web.BaseRequest, __: Got) -> web.StreamResponse:
        return web.Response()

    service.answer = well
    later += await sending.publish(2)
    await sending.store.enable(endpoint)
    await service.until(lambda: len(ids(service.got[tried:], later)) == len(later))
    # Each is a payment of its own: only within one is there an order.
    assert sorted(ids(service.got, [before, *later])) == sorted([before, *later])


async def test_an_endpoint_that_says_that_it_is_gone_is_disabled_at_once(sending: Sending, service: Receiver) -> None:
    async def gone(_: web.BaseRequest, __: Got) -> web.StreamResponse:
        return web.Response(status=410)

    service.answer = gone
    endpoint, _ = await sending.endpoint(f"{service.url}/in")
    await sending.publish(1)
    row = await sending.status(endpoint, "disabled")
    assert "410" in row["status_why"]
    assert [fact.why for fact in await disabled(sending, endpoint)] == ["gone"]
    assert len({got.id for got in service.got}) == len(service.got), "nothing is sent twice"


async def test_a_destination_that_is_refused_when_it_is_sent_to_is_told_and_met_by_nobody(
    sending: Sending, service: Receiver
) -> None:
    # As if its name had led elsewhere when it was made.
    endpoint, _ = await sending.endpoint(f"https://10.0.0.1:{service.port}/in")
    await sending.publish(1)
    await sending.status(endpoint, "disabled")
    assert set(await sending.outcomes(endpoint)) == {"refused_destination"}


async def test_retry_after_is_waited_for(sending: Sending, service: Receiver) -> None:
    async def later(_: web.BaseRequest, __: Got) -> web.StreamResponse:
        return web.Response(status=503, headers={"retry-after": "900"})

    service.answer = later
    endpoint, _ = await sending.endpoint(f"{service.url}/in")
    await sending.publish(1)
    await service.until(lambda: service.got)
    query = (
        "select extract(epoch from max(retry_at) - now())::float8 from gateway.endpoint_lanes where endpoint_id = $1"
    )
    async with asyncio.timeout(120):
        while (wait_s := await sending.pool.fetchval(query, endpoint)) is None:  # noqa: ASYNC110 - seen there alone
            await asyncio.sleep(0.05)
    assert 600 < wait_s <= 900
    await sending.store.remove(endpoint)


async def test_a_replay_sends_everything_since_a_moment_again_with_the_same_ids(
    sending: Sending, service: Receiver
) -> None:
    endpoint, _ = await sending.endpoint(f"{service.url}/in")
    early = await sending.publish(2)
    await service.until(lambda: len(ids(service.got, early)) == 2)
    await asyncio.sleep(0.01)  # so that the moment lies between two milliseconds of the log
    moment = datetime.now(UTC)
    late = await sending.publish(3)
    await service.until(lambda: len(ids(service.got, late)) == 3)
    await sending.settled(endpoint)
    before = {got.told["id"]: got.id for got in service.got}
    service.got.clear()
    await sending.store.replay(endpoint, moment)
    await service.until(lambda: len(service.got) == 3)
    await sending.settled(endpoint)
    assert ids(service.got, early + late) == late
    assert {got.told["id"]: got.id for got in service.got}.items() <= before.items()
    service.got.clear()
    await sending.store.replay(endpoint, moment - timedelta(days=1))
    await service.until(lambda: len(ids(service.got, early + late)) == 5)
    await sending.settled(endpoint)


async def test_what_comes_while_an_endpoint_is_paused_arrives_when_it_goes_on(
    sending: Sending, service: Receiver
) -> None:
    endpoint, _ = await sending.endpoint(f"{service.url}/in")
    await sending.endpoint(f"{service.url}/other")
    first = await sending.publish(1)
    await service.until(lambda: ids(service.at("/in"), first))
    await sending.settled(endpoint)
    await sending.store.change(endpoint, status="paused")
    paused = await sending.publish(5, payments=2)
    await service.until(lambda: len(ids(service.at("/other"), paused)) == 5)
    assert ids(service.at("/in"), paused) == []
    await sending.store.change(endpoint, status="active")
    await service.until(lambda: len(ids(service.at("/in"), paused)) == 5)


async def test_a_test_is_sent_once_to_a_paused_endpoint_too(sending: Sending, service: Receiver) -> None:
    endpoint, secret = await sending.endpoint(f"{service.url}/in")
    await sending.store.change(endpoint, status="paused")
    asked = await sending.store.ask_test(endpoint)
    await service.until(lambda: service.got)
    told = Webhook(secret).verify(service.got[0].body, service.got[0].headers)
    assert (told["type"], service.got[0].id) == ("endpoints.test.v1", asked)
    assert json.loads(service.got[0].body)["data"] == {"endpoint_id": str(endpoint)}


async def test_an_endpoint_gets_nothing_from_before_it_was_made(sending: Sending, service: Receiver) -> None:
    early = await sending.publish(1)
    await sending.pool.execute("select pg_sleep(2.5)")  # what comes just before it is made may arrive
    await sending.endpoint(f"{service.url}/in")
    late = await sending.publish(1)
    await service.until(lambda: ids(service.got, late))
    assert ids(service.got, early) == []


async def disabled(sending: Sending, endpoint: UUID) -> list[EndpointDisabled]:
    """What the log tells of the endpoint, once it tells something."""
    topic, models = sending.settings.topics.access_events.name, {EndpointDisabled.type: EndpointDisabled}
    async with asyncio.timeout(120):
        while True:
            facts = [
                decode(models, record.key, record.value, record.readable_headers).body
                async for record in replay(sending.settings.kafka, topic, key=str(endpoint))
            ]
            if facts:
                return facts
