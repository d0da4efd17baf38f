"""Events as server-sent events: from anywhere in the log, and after a break exactly where it was."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest_asyncio

from infra.gateway.access.caller import Caller, Stranger
from infra.gateway.events.position import position_word
from infra.gateway.parts import Parts
from infra.gateway.places import Places
from infra.local import LocalStack
from schemas.ids import new_id, result_id
from streams.reader import replay
from tests.acceptance.http_shop import a_payment, taken
from tests.api_server import Api, a_caller, running_api
from tests.builders import a_record, a_refund_payment, lira
from tests.hub import INTEGRATION, Hub, running_hub


@dataclass(frozen=True)
class Told:
    id: str
    event: dict[str, Any]


@pytest_asyncio.fixture(scope="module")
async def hub(stack: LocalStack, database_url: str, topic_prefix: str) -> AsyncIterator[Hub]:
    async with running_hub(stack.bootstrap, database_url, topic_prefix) as running:
        yield running


@pytest_asyncio.fixture(scope="module")
async def api(hub: Hub) -> AsyncIterator[Api]:
    callers = (
        a_caller(),
        a_caller("here", only=frozenset({INTEGRATION})),
        a_caller("elsewhere", only=frozenset({"iyzico-other"})),
        a_caller("writer", scopes=frozenset({"payments:write"})),
    )

    def soon(parts: Parts) -> Parts:
        return replace(parts, events=replace(parts.events, place_s=0.5))

    async with running_api(hub.settings, *callers, change=soon) as running:
        yield running


@pytest_asyncio.fixture(scope="module")
async def some_events(hub: Hub, api: Api) -> list[str]:
    """The ids of all events that lie in the log, copies included, after some payments and a command sent twice."""
    again = a_record(hub.commands, a_payment(), id=(twice := new_id()))
    await hub.publish([again])
    await hub.results([twice])
    async with api.client() as client:
        ids = await asyncio.gather(*(taken(client, a_payment()) for _ in range(12)))
    await hub.results(ids)
    await hub.publish([again])
    await hub.until(lambda: len(hub.copies(twice)) == 2)
    return [str(record.text("ce_id")) async for record in replay(hub.settings.kafka, topic_of(hub))]


def topic_of(hub: Hub) -> str:
    return hub.settings.topics.payment_events.name


async def events(
    client: httpx.AsyncClient, params: Mapping[str, str] | None = None, after: str | None = None
) -> AsyncGenerator[Told, None]:
    """What a client of the standard makes of the stream; an id without an event has the event `{}`."""
    headers = {"Last-Event-ID": after} if after else {}
    async with client.stream("GET", "/v1/events", params=dict(params or {}), headers=headers) as answer:
        assert answer.status_code == 200, await answer.aread()
        assert answer.headers["content-type"].startswith("text/event-stream")
        last, data = "", ""
        async for line in answer.aiter_lines():
            name, _, value = line.partition(": ")
            if name == "id":
                last = value
            elif name == "data":
                data = value
            elif not line:
                yield Told(last, json.loads(data or "{}"))
                data = ""


async def some(
    client: httpx.AsyncClient, count: int, params: Mapping[str, str] | None = None, after: str | None = None
) -> list[Told]:
    """The next `count` events; then the connection breaks."""
    found: list[Told] = []
    async with asyncio.timeout(60), aclosing(events(client, params, after)) as stream:
        async for told in stream:
            if told.event:
                found.append(told)
            if len(found) == count:
                break
    return found


async def test_a_reader_that_breaks_off_again_and_again_loses_and_repeats_nothing(
    api: Api, some_events: list[str]
) -> None:
    told: list[str] = []
    after = None
    async with api.client() as client:
        while len(told) < len(some_events):
            part = await some(client, min(3, len(some_events) - len(told)), {"from": "beginning"}, after)
            told += [one.event["id"] for one in part]
            after = part[-1].id
    assert sorted(told) == sorted(some_events)


async def test_a_reader_gets_what_comes_from_now_on_also_when_it_breaks_off_before_the_first(
    hub: Hub, api: Api, some_events: list[str]
) -> None:
    async with api.client() as client, api.client() as shop:
        async with aclosing(events(client)) as stream:
            place = await anext(stream)
        assert place.event == {}
        command_id = await taken(shop, a_payment())
        await hub.results([command_id])
        (told,) = await some(client, 1, after=place.id)
    assert told.event["id"] == str(result_id(command_id))
    assert told.event["id"] not in some_events


async def test_an_event_is_told_word_for_word(hub: Hub, api: Api) -> None:
    async with api.client() as client:
        command_id = await taken(client, payment := a_payment())
        await hub.results([command_id])
        (told,) = await some(client, 1, {"from": "beginning", "key": payment.key})
    (record,) = hub.copies(command_id)
    assert record.value is not None
    assert told.event.pop("data") == json.loads(record.value)
    assert told.event == {
        "specversion": "1.0",
        "id": str(result_id(command_id)),
        "type": "payments.created.v1",
        "source": record.text("ce_source"),
        "subject": payment.key,
        "time": record.text("ce_time"),
        "datacontenttype": "application/json",
    } | ({"traceparent": record.text("traceparent")} if record.text("traceparent") else {})


async def test_a_copy_says_that_it_is_one(hub: Hub, api: Api, some_events: list[str]) -> None:
    (twice,) = {one for one in some_events if some_events.count(one) == 2}
    key = next(str((one.key or b"").decode()) for one in hub.records if one.text("ce_id") == twice)
    async with api.client() as client:
        first, second = await some(client, 2, {"from": "beginning", "key": key})
    assert first.event["id"] == second.event["id"] == twice
    assert ("republished" in first.event, second.event["republished"]) == (False, True)


async def test_types_and_a_moment_can_be_asked_for(hub: Hub, api: Api, some_events: list[str]) -> None:
    assert some_events
    async with api.client() as client:
        created = await taken(client, payment := a_payment())
        await hub.results([created])
        since = datetime.now(UTC).isoformat()
        refunded = await taken(client, a_refund_payment(payment.payment_id, lira("1.00"), integration_id=INTEGRATION))
        await hub.results([refunded])
        params = {"from": "beginning", "key": payment.key, "type": "payments.refunded.v1"}
        (told,) = await some(client, 1, params)
        (later,) = await some(client, 1, {"from": since})
    assert told.event["id"] == later.event["id"] == str(result_id(refunded))


async def test_a_caller_sees_events_of_its_own_integrations_alone(hub: Hub, api: Api) -> None:
    async with (
        api.client("here") as here,
        api.client("elsewhere") as elsewhere,
        asyncio.timeout(60),
        aclosing(events(elsewhere)) as others,
    ):
        place = (await anext(others)).id
        command_id = await taken(here, payment := a_payment())
        await hub.results([command_id])
        (told,) = await some(here, 1, {"from": "beginning", "key": payment.key})
        assert told.event["id"] == str(result_id(command_id))
        # It passes the other one by, whose place moves on when it has.
        while (none := await anext(others)).id == place:
            assert none.event == {}
        assert none.event == {}


async def test_a_place_that_is_none_is_refused(hub: Hub, api: Api) -> None:
    async with api.client() as client, api.client("writer") as writer:
        assert (await writer.get("/v1/events")).status_code == 403
        good = (await some(client, 1, {"from": "beginning"}))[0].id
        for bad in ("x", "a b", good[:-2], ("A" if good[0] != "A" else "B") + good[1:]):
            answer = await client.get("/v1/events", headers={"Last-Event-ID": bad})
            assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "Last-Event-ID")
        beyond = position_word(topic_of(hub), dict.fromkeys(range(hub.settings.partitions), 1_000_000))
        answer = await client.get("/v1/events", headers={"Last-Event-ID": beyond})
        assert (answer.status_code, answer.json()["type"]) == (422, "urn:kolaj:problem:unknown_position")
        for name, value in (("from", "yesterday"), ("from", "2026-13-01T00:00:00Z"), ("type", "payments.gone.v1")):
            answer = await client.get("/v1/events", params={name: value})
            assert (answer.status_code, answer.json()["errors"][0]["field"].partition(".")[0]) == (422, name)


async def test_a_caller_has_so_many_streams_and_no_more(hub: Hub) -> None:
    places = Places(total=2, each=1)
    callers = [a_caller(name) for name in ("one", "two", "three")]

    def few(parts: Parts) -> Parts:
        return replace(parts, events=replace(parts.events, places=places))

    async with (
        running_api(hub.settings, *callers, change=few) as api,
        api.client("one") as one,
        api.client("two") as two,
        api.client("three") as three,
    ):
        async with aclosing(events(one)) as first, aclosing(events(two)) as second:
            await anext(first)
            await anext(second)
            assert (await one.get("/v1/events")).status_code == 429
            refused = await three.get("/v1/events")
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
        async with asyncio.timeout(30):
            while places._taken:  # noqa: ASYNC110 - the places are given back when the server sees the break
                await asyncio.sleep(0.02)
        async with aclosing(events(one)) as first:
            await anext(first)


async def test_streams_end_when_the_process_stops(hub: Hub) -> None:
    async with running_api(hub.settings) as api, api.client() as client:
        async with asyncio.timeout(30), aclosing(events(client)) as stream:
            await anext(stream)
            api.parts.stopping.set()
            assert [told async for told in stream] == []
        assert (await client.get("/v1/events")).status_code == 503


async def test_a_stream_ends_when_its_callers_key_is_revoked(hub: Hub) -> None:
    class Revocable:
        good = True

        async def authenticate(self, headers: Mapping[str, str]) -> Caller:
            del headers
            if not self.good:
                raise Stranger("revoked")
            return a_caller()

    keys = Revocable()

    def soon(parts: Parts) -> Parts:
        return replace(parts, authenticator=keys, events=replace(parts.events, proved_s=0.0))

    async with running_api(hub.settings, change=soon) as running, running.client() as client, asyncio.timeout(60):
        async with aclosing(events(client)) as stream:
            await anext(stream)
            keys.good = False
            assert [told.event async for told in stream if told.event] == []
        assert (await client.get("/v1/events")).status_code == 401
