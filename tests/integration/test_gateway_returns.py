"""Shoppers who come back from their banks: sent on with what the hub's books say, whatever they bring or fails."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import httpx
import pytest
import pytest_asyncio

from infra.gateway.returns import desk as desk_module
from infra.local import LocalStack
from projections.pool import open_pool
from schemas.ids import new_id
from schemas.payments import CreatePayment
from schemas.payments.notices import TakeNotice
from streams.codec import Outgoing
from streams.kafka import KafkaAccess
from streams.publisher import Publisher
from tests import builders
from tests.builders import lira
from tests.conformance.far_side import a_dead_address
from tests.projecting import Hub, a_hub
from tests.returning import BACKEND, ONE_SHOP, READER, SHOP, Desk, a_desk, answer, question_about, questions

TO = f"{SHOP}/done?basket=7"


@pytest_asyncio.fixture(scope="module")
async def hub(stack: LocalStack) -> AsyncIterator[Hub]:
    async with a_hub(stack) as made, made.projector():
        yield made


@pytest_asyncio.fixture
async def desk(hub: Hub) -> AsyncIterator[Desk]:
    async with a_desk(hub.pool, hub.publisher, hub.topics.payment_commands.name) as made:
        yield made


def told_pending(hub: Hub, payment_id: UUID) -> Outgoing:
    """The shopper is at the bank: the creation is pending."""
    pending = builders.a_command_pending(payment_id=payment_id, command_type=CreatePayment.type)
    return builders.a_record(hub.topics.payment_events.name, pending)


def found(hub: Hub, payment_id: UUID, command_id: UUID, state: str) -> Outgoing:
    seen = builders.a_payment_queried(
        payment_id=payment_id,
        command_id=command_id,
        command_type=TakeNotice.type,
        provider_state=state,
        paid_price=lira("12.50") if state in {"captured", "authorized"} else None,
    )
    return builders.a_record(hub.topics.payment_events.name, seen)


def state_of(answered: httpx.Response) -> str:
    assert answered.status_code == 303, answered.text
    query = parse_qs(urlsplit(answered.headers["location"]).query)
    assert set(query) == {"basket", "payment_id", "state"}
    return query["state"][0]


async def come_back(desk: Desk, address: str, method: str = "GET") -> httpx.Response:
    return await desk.client.request(method, address, data={"MD": "1"} if method == "POST" else None)


@pytest.mark.parametrize(
    ("at_the_provider", "state"),
    [
        ("captured", "captured"),
        ("authorized", "authorized"),
        ("failed", "failed"),
        ("pending", "pending"),
        ("not_found", "pending"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_shopper_goes_on_with_what_the_provider_says(
    hub: Hub, desk: Desk, method: str, at_the_provider: str, state: str
) -> None:
    payment_id = new_id()
    await hub.append(told_pending(hub, payment_id))
    address = await desk.address(payment_id, TO)
    async with asyncio.TaskGroup() as tasks:
        coming = tasks.create_task(come_back(desk, address, method))
        await answer(hub, payment_id, lambda command_id: found(hub, payment_id, command_id, at_the_provider))
    answered = coming.result()
    assert state_of(answered) == state
    assert answered.headers["location"] == f"{TO}&payment_id={payment_id}&state={state}"
    assert answered.headers["cache-control"] == "no-store"
    assert answered.headers["referrer-policy"] == "no-referrer"
    assert "default-src 'none'" in answered.headers["content-security-policy"]
    assert "set-cookie" not in answered.headers


async def test_reloads_and_double_posts_are_one_command(hub: Hub, desk: Desk) -> None:
    payment_id = new_id()
    await hub.append(told_pending(hub, payment_id))
    address = await desk.address(payment_id, TO, integration_id="iyzico-main")
    async with asyncio.TaskGroup() as tasks:
        coming = [tasks.create_task(come_back(desk, address, method)) for method in ("POST", "POST", "GET")]
        await answer(hub, payment_id, lambda command_id: found(hub, payment_id, command_id, "failed"))
    assert {one.result().status_code for one in coming} == {303}
    asked = [one for one in await questions(hub) if one.body.payment_id == payment_id]
    assert len({one.envelope.id for one in asked}) == 1
    assert {one.envelope.source for one in asked} == {desk_module.SOURCE}
    body = asked[0].body
    assert (body.cause, body.integration_id, body.said, asked[0].key) == (
        "return",
        "iyzico-main",
        None,
        str(payment_id),
    )


async def test_a_payment_that_is_known_to_be_paid_is_not_asked_about(hub: Hub, desk: Desk) -> None:
    payment_id = new_id()
    created = builders.a_payment_created(payment_id=payment_id, state="captured")
    await hub.append(builders.a_record(hub.topics.payment_events.name, created))
    async with asyncio.timeout(60):
        while await hub.value("select count(*) from payment_transactions where payment_id = $1", payment_id) == 0:  # noqa: ASYNC110 - the projector's work is seen in the table alone
            await asyncio.sleep(0.05)
    assert state_of(await come_back(desk, await desk.address(payment_id, TO))) == "captured"
    assert not [one for one in await questions(hub) if one.body.payment_id == payment_id]


async def test_nothing_is_told_of_a_payment_at_another_integration(
    hub: Hub, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk_module, "WAIT_S", 1.0)
    payment_id = new_id()
    created = builders.a_payment_created(payment_id=payment_id, state="captured")
    await hub.append(builders.a_record(hub.topics.payment_events.name, created))
    address = await desk.address(payment_id, TO, integration_id="somebody-elses")
    assert state_of(await come_back(desk, address)) == "pending"


async def test_silence_of_the_provider_keeps_no_shopper(hub: Hub, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk_module, "WAIT_S", 1.0)
    payment_id = new_id()
    assert state_of(await come_back(desk, await desk.address(payment_id, TO))) == "pending"
    assert (await question_about(hub, payment_id)).body.cause == "return"


async def test_with_kafka_away_a_shopper_is_sent_on_as_pending(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk_module, "PUBLISH_S", 1.0)
    away = Publisher(KafkaAccess(a_dead_address().removeprefix("http://")), deadline_s=1)
    async with a_desk(hub.pool, StandIn(away), hub.topics.payment_commands.name) as desk:
        assert state_of(await come_back(desk, await desk.address(new_id(), TO))) == "pending"


async def test_with_postgresql_away_a_shopper_is_sent_on_and_the_question_is_put(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk_module, "WAIT_S", 5.0)
    gone = await open_pool(hub.database_url, size=1)
    await gone.close()
    payment_id = new_id()
    async with a_desk(gone, hub.publisher, hub.topics.payment_commands.name) as desk:
        assert state_of(await come_back(desk, await desk.address(payment_id, TO))) == "pending"
    assert (await question_about(hub, payment_id)).body.payment_id == payment_id


class StandIn(Publisher):
    """A publisher whose brokers are gone: it cannot be started any more, so it fails as one does that was."""

    def __init__(self, away: Publisher) -> None:
        self._away = away

    async def publish(self, records: object) -> list[object]:  # type: ignore[override] # a stand-in for failures alone
        del records
        with suppress(asyncio.CancelledError):
            await self._away.start()
        raise AssertionError("the brokers are not away")


async def test_what_a_bank_adds_changes_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk_module, "WAIT_S", 0.5)
    address = await desk.address(new_id(), TO)
    for added in ("&state=captured&status=success", "&mdStatus=1", "?payment_intent=pi_1&redirect_status=succeeded"):
        assert state_of(await come_back(desk, address + added)) == "pending"


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_what_the_hub_did_not_sign_leads_nowhere(desk: Desk, method: str) -> None:
    payment_id, other = new_id(), new_id()
    address = await desk.address(payment_id, TO)
    spoiled = [
        address[:-1],
        address.replace("r=", "q="),
        f"{address}&r=x",
        address.replace(str(payment_id), str(other)),
        address.replace(str(payment_id), payment_id.hex),
        address.replace(str(payment_id), "x"),
        f"{desk.base_url}/v1/payments/{payment_id}/return",
        f"{desk.base_url}/v1/payments/{payment_id}/return?r=&to=https://evil.example/",
    ]
    for one in spoiled:
        answered = await come_back(desk, one, method)
        assert answered.status_code == 400
        assert "location" not in answered.headers
        assert answered.headers["content-type"] == "text/html; charset=utf-8"
        assert "evil" not in answered.text
        assert 'lang="tr"' in answered.text


async def test_an_address_ends_and_says_so_with_a_way_back(hub: Hub, desk: Desk) -> None:
    payment_id = new_id()
    address = await desk.address(payment_id, f"{TO}&a='b'", expires_in_min=5)
    desk.clock.append(datetime.now(UTC) + timedelta(minutes=5, seconds=1))
    answered = await come_back(desk, address)
    assert answered.status_code == 410
    assert f'href="{SHOP}/done?basket=7&amp;a=&#x27;b&#x27;"' in answered.text
    assert answered.headers["referrer-policy"] == "no-referrer"
    assert not [one for one in await questions(hub) if one.body.payment_id == payment_id]


async def test_an_origin_that_is_taken_off_the_list_is_sent_nobody(hub: Hub) -> None:
    commands = hub.topics.payment_commands.name
    async with a_desk(hub.pool, hub.publisher, commands, "https://old.example") as before:
        address = await before.address(new_id(), "https://old.example/done")
    async with a_desk(hub.pool, hub.publisher, commands) as after:
        answered = await after.client.get(address.replace(before.base_url, after.base_url))
    assert answered.status_code == 400


async def test_a_body_of_megabytes_is_not_taken(desk: Desk) -> None:
    address = await desk.address(new_id(), TO)
    with suppress(httpx.WriteError, httpx.ReadError):  # it may stop listening before all is sent
        answered = await desk.client.post(address, content=b"x" * (1024 * 1024))
        assert answered.status_code == 413


async def test_an_address_is_made_for_callers_who_may_and_for_allowed_origins_alone(desk: Desk) -> None:
    path = f"/v1/payments/{new_id()}/return-address"
    bare = await desk.client.post(path, json={"to": TO})
    assert bare.status_code == 401
    reader = await desk.client.post(path, json={"to": TO}, headers=READER)
    assert reader.status_code == 403
    everywhere = await desk.client.post(path, json={"to": TO}, headers=ONE_SHOP)
    assert everywhere.json()["errors"][0]["field"] == "integration_id"
    own = await desk.client.post(path, json={"to": TO, "integration_id": "iyzico-main"}, headers=ONE_SHOP)
    assert own.status_code == 200
    for asked, field in (
        ({"to": "https://evil.example/"}, "to"),
        ({"to": f"{SHOP}@evil.example/"}, "to"),
        ({"to": TO, "expires_in_min": 0}, "expires_in_min"),
        ({"to": TO, "then": 1}, "then"),
        ({}, "to"),
    ):
        refused = await desk.client.post(path, json=asked, headers=BACKEND)
        assert refused.status_code == 422
        assert [error["field"] for error in refused.json()["errors"]] == [field]
    assert (
        await desk.client.post("/v1/payments/7/return-address", json={"to": TO}, headers=BACKEND)
    ).status_code == 422


async def test_without_settings_no_address_is_made(hub: Hub) -> None:
    async with a_desk(hub.pool, hub.publisher, hub.topics.payment_commands.name) as desk:
        desk.returns.place = desk_module.Place(None, (), hub.topics.payment_commands.name)
        answered = await desk.client.post(f"/v1/payments/{new_id()}/return-address", json={"to": TO}, headers=BACKEND)
    assert (answered.status_code, answered.json()["type"]) == (409, "urn:kolaj:problem:not_set_up")
