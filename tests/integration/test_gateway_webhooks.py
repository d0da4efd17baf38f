"""Providers' calls to a running gateway: what is answered, and what lies in the topic then."""

import asyncio
import base64
from collections.abc import AsyncIterator
from uuid import UUID

import httpx
import pytest
import pytest_asyncio

from agents.sealing import Seal
from infra.credential_store import key_ring
from infra.gateway.webhooks import REFUSED_AT_ONCE
from infra.local import LocalStack
from providers.payments.iyzico.webhook import HEADER
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


async def test_a_replayed_body_is_stored_under_the_key_of_the_first(gateway: Gateway) -> None:
    call = a_call(event_id="replayed")
    assert [(await send(gateway, call)).status_code for _ in range(3)] == [200] * 3
    kept = [one for one in await gateway.webhooks(WebhookReceived) if one.body.event_id == "replayed"]
    assert {one.key for one in kept} == {"iyzico-main/replayed"}
    assert len({one.envelope.id for one in kept}) == 3


@pytest.mark.parametrize("path", ["/webhooks/nobodys", "/webhooks/%00", "/webhooks/a%2Fb", "/webhooks/"])
async def test_an_integration_that_there_is_not_is_not_found(gateway: Gateway, path: str) -> None:
    answer = await send(gateway, a_call(), path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD"])
async def test_providers_post(gateway: Gateway, method: str) -> None:
    answer = await gateway.client.request(method, PATH)
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


async def test_a_call_that_cannot_be_read_is_malformed(gateway: Gateway) -> None:
    answer = await send(gateway, SignedCall(b"{", "0" * 64))
    assert (answer.status_code, answer.json()["detail"]) == (400, "this call was not taken")


async def test_a_signature_that_stands_twice_is_none(gateway: Gateway) -> None:
    call = a_call()
    twice = [(HEADER, call.signature), (HEADER, call.signature)]
    answer = await gateway.client.post(PATH, content=call.body, headers=twice)
    assert answer.status_code == 401


async def test_health_tells_states_and_no_more(gateway: Gateway) -> None:
    await gateway.all_is_well()
    answer = await gateway.client.get("/health/ready")
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ready",
        "checks": {"kafka": "ok", "database": "ok", "directory": "ok", "lag": "ok", "open_breakers": "0"},
    }
    assert (await gateway.client.get("/health/live")).json() == {"status": "alive"}


async def test_metrics_are_not_told_where_callers_come_in(gateway: Gateway) -> None:
    assert (await gateway.client.get("/metrics")).status_code == 404


async def test_an_address_is_believed_from_a_configured_proxy_alone(
    stack: LocalStack, database_url: str, topic_prefix: str
) -> None:
    accounts = iyzico_accounts({"iyzico-main": SECRET})
    environment = gateway_environment(stack.bootstrap, database_url, topic_prefix, **accounts)
    for proxies, limited in ((None, True), ("127.0.0.0/8", False)):
        variables = {} if proxies is None else {"KOLAJ_GATEWAY_PROXIES": proxies}
        async with running_gateway(environment | variables) as one:
            asked = (
                send(one, a_call(), "/webhooks/nobodys", **{"X-Forwarded-For": f"203.0.113.{number % 250}"})
                for number in range(4 * REFUSED_AT_ONCE)
            )
            statuses = [answer.status_code for answer in await asyncio.gather(*asked)]
        assert (429 in statuses) == limited
