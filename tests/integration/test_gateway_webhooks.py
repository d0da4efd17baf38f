"""Providers' calls to a running gateway: what is answered, and what lies in the topic then."""

import base64
from collections.abc import AsyncIterator
from uuid import UUID

import httpx
import pytest
import pytest_asyncio

from agents.sealing import Seal
from infra.credential_store import key_ring
from infra.local import LocalStack
from schemas.webhooks import WebhookReceived
from tests.gateway import Gateway, gateway_environment, running_gateway
from tests.iyzico_calls import PATH, SECRET, SignedCall, a_call, iyzico_accounts

OTHER_SECRET = "sandbox-secret-of-another-account"


@pytest_asyncio.fixture(scope="module")
async def gateway(stack: LocalStack, database_url: str, topic_prefix: str) -> AsyncIterator[Gateway]:
    accounts = iyzico_accounts({"iyzico-main": SECRET, "iyzico-other": OTHER_SECRET})
    environment = gateway_environment(stack.bootstrap, database_url, topic_prefix, **accounts)
    async with running_gateway(environment) as running:
        yield running


async def send(gateway: Gateway, call: SignedCall, path: str = PATH, **headers: str) -> httpx.Response:
    return await gateway.client.post(path, content=call.body, headers={**call.headers, **headers})


async def stored(gateway: Gateway) -> set[str]:
    return {found.body.event_id for found in await gateway.webhooks(WebhookReceived)}


async def test_a_call_that_is_theirs_is_stored_and_answered_as_the_provider_wants(gateway: Gateway) -> None:
    call = a_call(event_id="event-one")
    answer = await send(gateway, call)
    assert (answer.status_code, answer.content) == (200, b"")
    assert "server" not in answer.headers
    (kept,) = [one for one in await gateway.webhooks(WebhookReceived) if one.body.event_id == "event-one"]
    assert kept.key == "iyzico-main/event-one"
    assert kept.body.said == "captured"
    assert kept.body.size_bytes == len(call.body)
    seal = Seal(key_ring(gateway.settings))
    assert seal.open_call(base64.b64decode(kept.body.sealed), kept.envelope.id) == call.body
    assert kept.envelope.id != UUID(int=0)


@pytest.mark.parametrize("path", ["/webhooks/iyzico-other", PATH])
async def test_one_changed_byte_or_another_accounts_secret_is_refused(gateway: Gateway, path: str) -> None:
    call = a_call(event_id="forged")
    spoiled = call if path != PATH else SignedCall(call.body.replace(b"SUCCESS", b"SUCCESs"), call.signature)
    answer = await send(gateway, spoiled, path)
    assert answer.status_code == 401
    assert answer.json() == {
        "type": "urn:kolaj:problem:refused",
        "title": "Refused",
        "status": 401,
        "detail": "this call was not taken",
    }
    assert "forged" not in await stored(gateway)
