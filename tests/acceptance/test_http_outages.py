"""Kafka goes away under the HTTP edge and comes back."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest_asyncio

from infra.gateway.parts import Parts
from infra.local import LocalStack, embedded_stack
from schemas.ids import new_id
from schemas.payments import PaymentCreated
from streams.publisher import Publisher
from tests.acceptance.http_shop import a_payment, charges_of, send, taken
from tests.api_server import running_api
from tests.hub import LOOK_AGAIN_S, running_hub
from tests.stack import fresh_name


@pytest_asyncio.fixture
async def own_stack() -> AsyncIterator[LocalStack]:
    """Servers that nobody else uses, since the broker is killed."""
    async with embedded_stack() as running:
        yield running


async def test_a_command_that_kafka_could_not_take_is_performed_once_when_it_is_sent_again(
    own_stack: LocalStack,
) -> None:
    broker = own_stack.broker
    assert broker is not None
    async with (
        running_hub(own_stack.bootstrap, own_stack.database_url, fresh_name("t")) as hub,
        Publisher(hub.settings.kafka, deadline_s=3) as impatient,
    ):

        def soon(parts: Parts) -> Parts:
            return replace(parts, commands=replace(parts.commands, publisher=impatient))

        async with running_api(hub.settings, change=soon) as api, api.client() as client:
            await taken(client, a_payment())  # the publisher knows its topic
            payment, key = a_payment(), str(new_id())
            await broker.kill_node(1)
            refused = await send(client, payment, key)
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
            assert refused.json()["type"] == "urn:kolaj:problem:unavailable"
            await broker.start_node(1)
            async with asyncio.timeout(90):
                while (answer := await send(client, payment, key)).status_code in {429, 503}:  # noqa: ASYNC110 - over HTTP
                    await asyncio.sleep(LOOK_AGAIN_S * 10)
            command_id = answer.json()["command_id"]
            told = await client.get(f"/v1/commands/{command_id}", params={"wait": 30})
            while told.json()["state"] != "concluded":
                told = await client.get(f"/v1/commands/{command_id}", params={"wait": 30})
            created = PaymentCreated.model_validate_json(told.text[told.text.index('"data":') + 7 : -2])
            assert str(created.command_id) == command_id
            assert charges_of(hub, created) == 1
