"""Commands over HTTP, through a whole hub: taken once, performed once, told as they lie on Kafka."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio

from infra.gateway.commands.desk import KEPT_DAYS
from infra.local import LocalStack
from schemas.ids import new_id, result_id
from schemas.payments import PaymentCreated
from schemas.payments.resources import CancelSubscription, GetBalance, ListCards, LookUpCard
from tests.acceptance.http_shop import CALLERS, a_payment, charges_of, records_of, send, taken
from tests.api_server import Api, a_caller, running_api
from tests.builders import a_refund_payment, lira
from tests.hub import INTEGRATION, Hub, running_hub
from tests.resource_builders import a_resource_command

ROOT = Path(__file__).parents[2]


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


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_process_that_dies_around_the_append_leaves_one_command_and_one_charge(
    hub: Hub, client: httpx.AsyncClient, when: str
) -> None:
    payment, key = a_payment(), str(new_id())
    pipe = asyncio.subprocess.PIPE
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.acceptance.api_child", when, json.dumps(dict(hub.environment))),
        stdout=pipe,
        cwd=ROOT,
    )
    assert child.stdout is not None
    try:
        async with asyncio.timeout(60):
            url = (await child.stdout.readline()).decode().strip()
        async with httpx.AsyncClient(base_url=url, headers={"Authorization": "Bearer shop"}, timeout=60) as dying:
            with pytest.raises(httpx.TransportError):
                await send(dying, payment, key)
    finally:
        if child.returncode is None:
            child.kill()
        await child.wait()
    async with hub.database() as database:
        row = await database.fetchrow("select * from gateway.commands where idempotency_key = $1", key)
    assert row["published_at"] is None

    assert await taken(client, payment, key) == row["command_id"]

    created = (await hub.results([row["command_id"]]))[row["command_id"]]
    assert isinstance(created, PaymentCreated)
    assert charges_of(hub, created) == 1
    assert len(await records_of(hub, row["command_id"])) == (1 if when == "before" else 2)


async def test_a_caller_acts_at_its_own_integrations_alone(hub: Hub, api: Api) -> None:
    async with api.client("here") as here, api.client("elsewhere") as elsewhere:
        payment = a_payment()
        assert (await send(here, payment.model_copy(update={"integration_id": None}))).status_code == 403
        command_id = await taken(here, payment)
        await hub.results([command_id])
        await hub.projected()
        refund = a_refund_payment(payment.payment_id, lira("1.00"), integration_id="iyzico-other")
        # A refund goes where the payment was made, whatever it names.
        refused = await send(elsewhere, refund)
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (403, "integration_id")
        unknown = a_refund_payment(None, lira("1.00"), integration_id="iyzico-other")
        assert (await send(elsewhere, unknown)).status_code == 403
        own = refund.model_copy(update={"integration_id": INTEGRATION})
        refunded = await taken(here, own)
        assert (await hub.results([refunded]))[refunded].verdict == "accepted"


async def test_a_question_over_http_is_answered_and_kept_from_those_who_may_not_ask(hub: Hub, api: Api) -> None:
    async with api.client("here") as here, api.client("elsewhere") as elsewhere:
        question = a_resource_command(LookUpCard, integration_id=INTEGRATION)
        assert (await send(elsewhere, question)).status_code == 403
        command_id = await taken(here, question)
        told = (await here.get(f"/v1/commands/{command_id}", params={"wait": 30})).json()
        assert (told["state"], told["key"]) == ("concluded", str(question.resource_id))
        assert told["result"]["type"] == "payments.card_looked_up.v1"
        assert told["result"]["data"]["details"]["bin_number"] == "552608"
        await hub.projected()
        # It is known to be at another integration, whatever the question names.
        other = a_resource_command(ListCards, question.resource_id, integration_id="iyzico-other")
        assert (await send(elsewhere, other)).status_code == 403
        unknown = a_resource_command(CancelSubscription, integration_id="iyzico-other")
        assert (await send(elsewhere, unknown)).status_code == 403
        assert (await send(elsewhere, a_resource_command(GetBalance, integration_id="iyzico-other"))).status_code == 202


async def test_what_is_wrong_is_named_and_nothing_is_published(hub: Hub, client: httpx.AsyncClient) -> None:
    payment = json.loads(a_payment().model_dump_json(exclude_none=True))
    url = "/v1/commands/payments.create.v1"
    headers = {"Content-Type": "application/json", "Idempotency-Key": "wrong"}

    async def refused(**changed: Any) -> tuple[int, list[str], str]:
        answer = await client.post(url, json={**payment, **changed}, headers=headers)
        assert answer.headers["content-type"] == "application/problem+json"
        return answer.status_code, [error["field"] for error in answer.json().get("errors", ())], answer.text

    assert (await refused(tip=1))[:2] == (422, ["tip"])
    assert (await refused(price={"minor": 12.5, "currency": "TRY"}))[:2] == (422, ["price.minor"])
    assert (await refused(price={"minor": "1250", "currency": "TRY"}))[:2] == (422, ["price.minor"])
    status, fields, text = await refused(order_id="4111111111111111")
    assert (status, fields) == (422, ["order_id"])
    assert "4111" not in text
    async with hub.database() as database:
        assert await database.fetchval("select count(*) from gateway.commands where idempotency_key = 'wrong'") == 0


async def test_a_request_that_is_no_command_is_refused(client: httpx.AsyncClient) -> None:
    url, key = "/v1/commands/payments.refund.v1", {"Idempotency-Key": "k"}
    as_json = {**key, "Content-Type": "application/json"}
    assert (await client.post(url, content=b"{}", headers=key)).status_code == 415
    assert (await client.post(url, content=b"{", headers=as_json)).status_code == 422
    assert (await client.post(url, content=b" " * 2_000_000, headers=as_json)).status_code == 413
    missing = await client.post(url, content=b"{}", headers={"Content-Type": "application/json"})
    assert (missing.status_code, missing.json()["errors"][0]["field"]) == (422, "Idempotency-Key")
    for bad in ("", "x" * 256, "with blank"):
        assert (await client.post(url, content=b"{}", headers={**as_json, "Idempotency-Key": bad})).status_code == 422
    card = await client.post(url, content=b"{}", headers={**as_json, "Idempotency-Key": "4111111111111111"})
    assert (card.status_code, "4111" in card.text) == (422, False)
    for name in ("payments.take_notice.v1", "payments.gone.v1"):
        assert (await client.post(f"/v1/commands/{name}", content=b"{}", headers=as_json)).status_code == 404


async def test_the_trace_of_the_caller_goes_on(hub: Hub, client: httpx.AsyncClient) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    async with httpx.AsyncClient(base_url=client.base_url, headers={**client.headers, "traceparent": trace}) as traced:
        command_id = await taken(traced, a_payment())
    (record,) = await records_of(hub, command_id)
    assert record.text("traceparent") == trace
    assert record.text("ce_source") == a_caller().source


async def test_old_rows_are_forgotten_and_young_ones_stay(hub: Hub, api: Api, client: httpx.AsyncClient) -> None:
    old, young = str(new_id()), str(new_id())
    for key in (old, young):
        await taken(client, a_payment(), key)
    async with hub.database() as database:
        await database.execute(
            "update gateway.commands set received_at = now() - interval '31 days' where idempotency_key = $1", old
        )
        assert await api.parts.commands.rows.purge(KEPT_DAYS, 100) == 1
        left = await database.fetch("select 1 from gateway.commands where idempotency_key = any ($1)", [old, young])
    assert len(left) == 1
