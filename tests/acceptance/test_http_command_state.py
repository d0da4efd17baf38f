"""How commands stand, as HTTP tells it: whoever waits hears it, word for word, and nobody sees what is not his."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import httpx
import pytest_asyncio

from infra.local import LocalStack
from schemas.ids import new_id
from schemas.payments import CreatePayment
from streams.codec import Outgoing
from streams.records import Position
from tests.acceptance.http_shop import CALLERS, a_payment, send, taken
from tests.api_server import Api, a_caller, running_api
from tests.builders import NOON, a_record
from tests.hub import Hub, running_hub


@pytest_asyncio.fixture(scope="module")
async def hub(stack: LocalStack, database_url: str, topic_prefix: str) -> AsyncIterator[Hub]:
    async with running_hub(stack.bootstrap, database_url, topic_prefix) as running:
        yield running


@pytest_asyncio.fixture(scope="module")
async def api(hub: Hub) -> AsyncIterator[Api]:
    async with running_api(hub.settings, *CALLERS) as running:
        yield running


@pytest_asyncio.fixture
async def client(api: Api) -> AsyncIterator[httpx.AsyncClient]:
    async with api.client() as opened:
        yield opened


async def a_row(
    hub: Hub, payment: CreatePayment, command_id: UUID | None = None, position: Position | None = None
) -> UUID:
    """A command of the shop's that is kept; published where `position` says, or by nobody yet."""
    taken_as = command_id or new_id()
    place = (None, None, None) if position is None else (NOON, position.partition, position.offset)
    async with hub.database() as database:
        await database.execute(
            "insert into gateway.commands (caller, idempotency_key, command_id, command_type, key, digest,"
            ' published_at, partition, "offset") values ($1, $2, $3, $4, $5, $6, $7, $8, $9)',
            *(a_caller().source, str(new_id()), taken_as, payment.type, payment.key, b"", *place),
        )
    return taken_as


async def test_a_command_that_was_just_taken_is_known(client: httpx.AsyncClient) -> None:
    command_id = await taken(client, a_payment())
    told = await client.get(f"/v1/commands/{command_id}")
    assert told.status_code == 200
    assert told.json()["state"] in {"accepted", "performing", "concluded"}


async def test_a_wait_ends_at_its_time_when_nothing_has_come(hub: Hub, client: httpx.AsyncClient) -> None:
    command_id = await a_row(hub, a_payment())
    told = (await client.get(f"/v1/commands/{command_id}", params={"wait": 1})).json()
    assert (told["state"], told["result"]) == ("accepted", None)


async def test_many_who_wait_are_told_by_one_reader(client: httpx.AsyncClient) -> None:
    command_id = await taken(client, a_payment())
    url = f"/v1/commands/{command_id}"
    told = await asyncio.gather(*(client.get(url, params={"wait": 30}) for _ in range(60)))
    assert {one.json()["state"] for one in told} == {"concluded"}
    assert len({one.text for one in told}) == 1


async def test_a_result_that_is_no_longer_remembered_is_read_back_from_the_log(
    hub: Hub, api: Api, client: httpx.AsyncClient
) -> None:
    command_id = await taken(client, a_payment())
    remembered = (await client.get(f"/v1/commands/{command_id}", params={"wait": 30})).text
    await hub.projected()
    api.parts.commands.results._recent.clear()
    assert (await client.get(f"/v1/commands/{command_id}")).text == remembered


async def test_commands_of_others_are_seen_with_the_right_to_read_all_alone(api: Api) -> None:
    async with api.client("shop") as shop, api.client("writer") as writer, api.client("auditor") as auditor:
        command_id = await taken(shop, a_payment())
        url = f"/v1/commands/{command_id}"
        assert (await shop.get(url)).status_code == 200
        assert (await writer.get(url)).status_code == 404
        assert (await auditor.get(url)).status_code == 200
        assert (await auditor.get(f"/v1/commands/{new_id()}")).status_code == 404
        assert (await send(auditor, a_payment())).status_code == 403
    async with api.client("elsewhere") as elsewhere:
        assert (await elsewhere.get(url)).status_code == 404


async def test_a_command_that_came_over_kafka_is_told_to_who_may_read_all(hub: Hub, api: Api) -> None:
    record = a_record(hub.commands, a_payment(), id=(command_id := new_id()))
    await hub.publish([record])
    await hub.results([command_id])
    await hub.projected()
    async with api.client("auditor") as auditor, api.client("writer") as writer:
        assert (await auditor.get(f"/v1/commands/{command_id}")).json()["state"] == "concluded"
        assert (await writer.get(f"/v1/commands/{command_id}")).status_code == 404


async def test_a_record_that_was_rejected_is_told_with_why(hub: Hub, client: httpx.AsyncClient) -> None:
    command_id, payment = new_id(), a_payment()
    body = payment.model_dump_json(exclude_none=True)[:-1] + ',"of_a_newer_version":1}'
    record = a_record(hub.commands, payment, id=command_id, source=a_caller().source)
    (position,) = await hub.publish([Outgoing(record.topic, record.key, body.encode(), record.headers)])
    await a_row(hub, payment, command_id, position)
    told = (await client.get(f"/v1/commands/{command_id}", params={"wait": 30})).json()
    assert (told["state"], told["result"]["type"]) == ("rejected", "payments.command_rejected.v1")
    assert told["result"]["data"]["field"] == "of_a_newer_version"


async def test_nobody_is_kept_waiting_by_a_process_that_stops(hub: Hub) -> None:
    command_id = await a_row(hub, a_payment())
    async with running_api(hub.settings) as other, other.client() as waiting:
        answer = asyncio.ensure_future(waiting.get(f"/v1/commands/{command_id}", params={"wait": 30}))
        while not other.parts.commands.results._waiting:  # noqa: ASYNC110 - it is seen there alone
            await asyncio.sleep(0.02)
        other.parts.stopping.set()
        async with asyncio.timeout(20):
            assert (await answer).json()["state"] == "accepted"
