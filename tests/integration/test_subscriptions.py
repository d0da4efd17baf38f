"""`/v1/webhook-endpoints` as its callers meet it."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import httpx
import pytest
import pytest_asyncio
from standardwebhooks.webhooks import Webhook

from agents.sealing import Seal
from infra.accounts import now
from infra.credential_store import key_ring
from infra.gateway.access.caller import Caller, Stranger
from infra.gateway.app import create_app
from infra.gateway.parts import Parts
from infra.gateway.subscriptions.routes import lookup
from infra.gateway.subscriptions.store import MOST_ENDPOINTS, MOST_SECRETS
from infra.local import LocalStack
from schemas.ids import new_id
from tests.receiver import receiver
from tests.sending import Sending, a_sending

ALL = "webhook-endpoints"
ADDRESSES = {
    "hooks.example.com": ["1.1.1.1"],
    "inside.example.com": ["1.1.1.1", "10.0.0.1"],
    "rebound.example.com": ["127.0.0.1"],
}
BODY: dict[str, Any] = {"url": "https://hooks.example.com/in", "event_types": ["payments.*"]}
MANAGE = frozenset({"webhooks:manage"})
CALLERS = {
    "shop": Caller("key:shop", "urn:shop", MANAGE),
    "other": Caller("key:other", "urn:other", MANAGE),
    "bound": Caller("key:bound", "urn:bound", MANAGE, frozenset({"iyzico-main"})),
    "reader": Caller("key:reader", "urn:reader", frozenset({"events:read"})),
}


class Known:
    async def authenticate(self, headers: Mapping[str, str]) -> Caller:
        found = CALLERS.get(headers.get("x-caller", ""))
        if found is None:
            raise Stranger("unknown")
        return found


async def look(host: str, port: int) -> Sequence[str]:
    del port
    if host not in ADDRESSES:
        raise OSError(host)
    return ADDRESSES[host]


@pytest_asyncio.fixture(scope="module")
async def sending(stack: LocalStack) -> AsyncIterator[Sending]:
    async with a_sending(stack, KOLAJ_DELIVERY_LOOPBACK="false") as made:
        yield made


@pytest_asyncio.fixture
async def client(sending: Sending) -> AsyncIterator[httpx.AsyncClient]:
    await sending.pool.execute("delete from gateway.endpoints")
    async with served(sending) as opened:
        yield opened


def served(sending: Sending) -> httpx.AsyncClient:
    unused: Any = None
    app = create_app(
        Parts(
            settings=sending.settings,
            publisher=sending.publisher,
            database=sending.pool,
            directory=unused,
            seal=Seal(key_ring(sending.settings)),
            authenticator=Known(),
            now=now,
            webhooks=unused,
            commands=unused,
            events=unused,
            returns=unused,
            readiness=unused,
            stopping=asyncio.Event(),
        )
    )
    app.dependency_overrides[lookup] = lambda: look
    transport = httpx.ASGITransport(app)
    return httpx.AsyncClient(transport=transport, base_url="http://hub/v1", headers={"x-caller": "shop"})


async def made(client: httpx.AsyncClient, **changed: Any) -> dict[str, Any]:
    answer = await client.post(ALL, json=BODY | changed)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_an_endpoint_is_made_shown_changed_and_removed(client: httpx.AsyncClient) -> None:
    new = await made(client, description="Çarşı")
    secret = new.pop("secret")
    assert secret.startswith("whsec_")
    assert (new["status"], new["integrations"], new["disabled_why"]) == ("active", None, None)
    shown = (await client.get(f"{ALL}/{new['id']}")).json()
    assert shown == new
    assert "secret" not in shown
    assert (await client.get(ALL)).json() == {"endpoints": [new]}
    changed = await client.patch(
        f"{ALL}/{new['id']}", json={"event_types": ["payments.created.v1"], "status": "paused"}
    )
    assert (changed.json()["event_types"], changed.json()["status"]) == (["payments.created.v1"], "paused")
    assert changed.json()["url"] == new["url"]
    assert (await client.delete(f"{ALL}/{new['id']}")).status_code == 204
    assert (await client.get(f"{ALL}/{new['id']}")).status_code == 404


async def test_the_secret_is_kept_sealed_alone(client: httpx.AsyncClient, sending: Sending) -> None:
    secret = (await made(client))["secret"]
    sealed = await sending.pool.fetchval("select sealed from gateway.endpoint_secrets")
    assert sealed.startswith(b"KSE")
    assert secret.removeprefix("whsec_").encode() not in sealed


async def test_each_caller_sees_and_changes_its_own_alone(client: httpx.AsyncClient) -> None:
    name = (await made(client))["id"]
    other = {"x-caller": "other"}
    assert (await client.get(ALL, headers=other)).json() == {"endpoints": []}
    answers = [
        await client.get(f"{ALL}/{name}", headers=other),
        await client.patch(f"{ALL}/{name}", json={"status": "paused"}, headers=other),
        await client.delete(f"{ALL}/{name}", headers=other),
        await client.post(f"{ALL}/{name}/rotate-secret", headers=other),
        await client.post(f"{ALL}/{name}/test", headers=other),
        await client.post(f"{ALL}/{name}/enable", headers=other),
        await client.post(f"{ALL}/{name}/replay", json={"from": "2026-11-25T12:00:00Z"}, headers=other),
        await client.get(f"{ALL}/{name}/deliveries", headers=other),
    ]
    assert [answer.status_code for answer in answers] == [404] * len(answers)
    assert answers[0].json()["type"] == "urn:kolaj:problem:unknown_endpoint"
    assert (await client.get(f"{ALL}/{name}")).json()["status"] == "active"


async def test_whoever_lacks_the_scope_is_refused(client: httpx.AsyncClient) -> None:
    assert (await client.get(ALL, headers={"x-caller": "reader"})).status_code == 403
    assert (await client.get(ALL, headers={"x-caller": ""})).status_code == 401


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"url": "http://hooks.example.com/"}, "url"),
        ({"url": "https://127.0.0.1/"}, "url"),
        ({"url": "https://169.254.169.254/latest"}, "url"),
        ({"url": "https://inside.example.com/"}, "url"),
        ({"url": "https://rebound.example.com/"}, "url"),
        ({"url": "https://user:pass@hooks.example.com/"}, "url"),
        ({"url": "https://hooks.example.com:6379/"}, "url"),
        ({"url": ""}, "url"),
        ({"event_types": []}, "event_types"),
        ({"event_types": ["nobody.knows.v1"]}, "event_types.0"),
        ({"event_types": ["*"]}, "event_types.0"),
        ({"integrations": ["Not An Id"]}, "integrations.0"),
        ({"secret": "of my own"}, "secret"),
        ({"description": "a\x00b"}, "description"),
    ],
)
async def test_what_is_wrong_is_told_by_its_field(
    client: httpx.AsyncClient, changed: dict[str, Any], field: str
) -> None:
    answer = await client.post(ALL, json=BODY | changed)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert (await client.get(ALL)).json() == {"endpoints": []}


async def test_a_changed_url_is_looked_at_like_a_new_one(client: httpx.AsyncClient) -> None:
    name = (await made(client))["id"]
    answer = await client.patch(f"{ALL}/{name}", json={"url": "https://inside.example.com/"})
    assert [error["field"] for error in answer.json()["errors"]] == ["url"]
    assert (await client.get(f"{ALL}/{name}")).json()["url"] == BODY["url"]


async def test_a_host_that_cannot_be_looked_up_here_is_left_to_the_sender(client: httpx.AsyncClient) -> None:
    await made(client, url="https://only-the-sender-knows.example.com/")


async def test_a_caller_that_is_bound_to_integrations_gets_no_others_events(client: httpx.AsyncClient) -> None:
    bound = {"x-caller": "bound"}
    answer = await client.post(ALL, json=BODY, headers=bound)
    assert answer.json()["integrations"] == ["iyzico-main"]
    name = answer.json()["id"]
    refused = await client.post(ALL, json=BODY | {"integrations": ["another"]}, headers=bound)
    assert refused.status_code == 422
    widened = await client.patch(f"{ALL}/{name}", json={"integrations": None}, headers=bound)
    assert widened.json()["integrations"] == ["iyzico-main"]
    assert (await client.patch(f"{ALL}/{name}", json={"integrations": ["another"]}, headers=bound)).status_code == 422


async def test_secrets_and_endpoints_have_a_limit(client: httpx.AsyncClient, sending: Sending) -> None:
    name = (await made(client))["id"]
    codes = [(await client.post(f"{ALL}/{name}/rotate-secret")).status_code for _ in range(MOST_SECRETS)]
    assert codes == [200] * (MOST_SECRETS - 1) + [409]
    for _ in range(MOST_ENDPOINTS - 1):
        await sending.endpoint("https://hooks.example.com/in")
    assert (await client.post(ALL, json=BODY)).json()["type"] == "urn:kolaj:problem:too_many_endpoints"


async def test_a_disabled_endpoint_is_enabled_on_purpose_alone(client: httpx.AsyncClient, sending: Sending) -> None:
    name = (await made(client))["id"]
    await sending.pool.execute("update gateway.endpoints set status = 'disabled', status_why = 'it failed'")
    assert (await client.get(f"{ALL}/{name}")).json()["disabled_why"] == "it failed"
    assert (await client.patch(f"{ALL}/{name}", json={"status": "active"})).status_code == 409
    enabled = (await client.post(f"{ALL}/{name}/enable")).json()
    assert (enabled["status"], enabled["disabled_why"]) == ("active", None)


async def test_a_replay_names_its_moment_with_an_offset(client: httpx.AsyncClient) -> None:
    name = (await made(client))["id"]
    assert (await client.post(f"{ALL}/{name}/replay", json={"from": "2026-11-25T12:00:00Z"})).status_code == 202
    refused = await client.post(f"{ALL}/{name}/replay", json={"from": "2026-11-25T12:00:00"})
    assert [error["field"] for error in refused.json()["errors"]] == ["from"]


async def test_an_unknown_endpoint_is_not_found(client: httpx.AsyncClient) -> None:
    assert (await client.get(f"{ALL}/{new_id()}")).status_code == 404
    assert (await client.get(f"{ALL}/no-id")).status_code == 422


async def test_from_the_first_call_to_the_first_event(stack: LocalStack) -> None:
    async with a_sending(stack) as sending, served(sending) as client, receiver() as service, sending.sender():
        new = await made(client, url=f"{service.url}/in")
        asked = (await client.post(f"{ALL}/{new['id']}/test")).json()["message_id"]
        await service.until(lambda: service.got)
        assert Webhook(new["secret"]).verify(service.got[0].body, service.got[0].headers)
        rotated = (await client.post(f"{ALL}/{new['id']}/rotate-secret", json={"overlap_s": 0})).json()["secret"]
        await sending.publish(1)
        await service.until(lambda: len(service.got) > 1)
        assert Webhook(rotated).verify(service.got[1].body, service.got[1].headers)
        await sending.settled(new["id"])
        told = (await client.get(f"{ALL}/{new['id']}/deliveries")).json()["deliveries"]
        assert [(one["event_type"], one["outcome"], one["status"]) for one in told] == [
            ("payments.captured.v1", "delivered", 204),
            ("endpoints.test.v1", "delivered", 204),
        ]
        assert told[1]["message_id"] == asked
