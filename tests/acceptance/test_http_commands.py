"""Commands over HTTP, through a whole hub: taken once, performed once, told as they lie on Kafka."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import pytest_asyncio

from infra.local import LocalStack
from schemas.ids import new_id, result_id
from schemas.payments import CreatePayment, PaymentCreated, StoredCard
from streams.reader import replay
from streams.records import RawRecord
from tests.api_server import Api, a_caller, running_api
from tests.builders import a_create_payment
from tests.hub import INTEGRATION, Hub, running_hub


@pytest_asyncio.fixture(scope="module")
async def hub(stack: LocalStack, database_url: str, topic_prefix: str) -> AsyncIterator[Hub]:
    async with running_hub(stack.bootstrap, database_url, topic_prefix) as running:
        yield running


@pytest_asyncio.fixture(scope="module")
async def api(hub: Hub) -> AsyncIterator[Api]:
    callers = (
        a_caller(),
        a_caller("writer", scopes=frozenset({"payments:write"})),
        a_caller("auditor", scopes=frozenset({"payments:read"})),
        a_caller("here", only=frozenset({INTEGRATION})),
        a_caller("elsewhere", only=frozenset({"iyzico-other"})),
    )
    async with running_api(hub.settings, *callers) as running:
        yield running


@pytest_asyncio.fixture
async def client(api: Api) -> AsyncIterator[httpx.AsyncClient]:
    async with api.client() as opened:
        yield opened


def a_payment(**changed: Any) -> CreatePayment:
    card = StoredCard(kind="stored_card", card_token="card-akbank-credit", customer_key="sandbox-wallet")
    return a_create_payment(**{"method": card, "integration_id": INTEGRATION, **changed})


async def send(client: httpx.AsyncClient, command: Any, key: str | None = None) -> httpx.Response:
    return await client.post(
        f"/v1/commands/{command.type}",
        content=command.model_dump_json(exclude_none=True),
        headers={"Content-Type": "application/json", "Idempotency-Key": key or str(new_id())},
    )


async def taken(client: httpx.AsyncClient, command: Any, key: str | None = None) -> UUID:
    answer = await send(client, command, key)
    assert answer.status_code == 202, answer.text
    return UUID(answer.json()["command_id"])


async def records_of(hub: Hub, command_id: UUID) -> list[RawRecord]:
    topic = hub.settings.topics.payment_commands.name
    return [one async for one in replay(hub.settings.kafka, topic) if one.text("ce_id") == str(command_id)]


def charges_of(hub: Hub, created: PaymentCreated) -> int:
    assert created.performed is not None
    assert created.performed.our_reference is not None
    return hub.sandbox.books.totals().charges_by_conversation[created.performed.our_reference]


async def test_a_payment_over_http_ends_in_one_result_that_is_told_word_for_word(
    hub: Hub, client: httpx.AsyncClient
) -> None:
    answer = await send(client, a_payment())
    told = answer.json()
    assert answer.status_code == 202
    assert answer.headers["location"] == told["url"] == f"/v1/commands/{told['command_id']}"
    assert told["state"] == "accepted"
    command_id = UUID(told["command_id"])

    ended = (await client.get(told["url"], params={"wait": 30})).text

    created = (await hub.results([command_id]))[command_id]
    assert isinstance(created, PaymentCreated)
    assert charges_of(hub, created) == 1
    (record,) = hub.copies(command_id)
    assert record.value is not None
    assert f'"data":{record.value.decode()}' in ended
    found = json.loads(ended)
    assert (found["state"], found["type"], found["key"]) == ("concluded", "payments.create.v1", str(created.payment_id))
    assert found["integration_id"] == INTEGRATION
    assert (found["result"]["id"], found["result"]["type"]) == (str(result_id(command_id)), "payments.created.v1")


async def test_fifty_repetitions_at_once_are_one_command_and_one_charge(hub: Hub, client: httpx.AsyncClient) -> None:
    payment, key = a_payment(), str(new_id())
    ids = set(await asyncio.gather(*(taken(client, payment, key) for _ in range(50))))
    (command_id,) = ids
    created = (await hub.results(ids))[command_id]
    assert isinstance(created, PaymentCreated)
    assert charges_of(hub, created) == 1
    assert len(await records_of(hub, command_id)) == 1
    assert await taken(client, payment, key) == command_id


async def test_a_key_that_stands_for_another_body_is_refused(hub: Hub, client: httpx.AsyncClient) -> None:
    payment, key = a_payment(), str(new_id())
    command_id = await taken(client, payment, key)
    answer = await send(client, payment.model_copy(update={"order_id": "another"}), key)
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:kolaj:problem:idempotency_key_reused")
    assert answer.json()["errors"][0]["field"] == "Idempotency-Key"
    assert len(await records_of(hub, command_id)) == 1
