"""`kolaj webhooks` and `kolaj resources`, as an operator uses them."""

import asyncio
import base64
import json
import subprocess
import sys
from collections.abc import AsyncIterator

import pytest_asyncio

from agents.sealing import Seal
from agents.vault.keyring import KeyRing
from infra.local import LocalStack
from schemas.ids import new_id
from schemas.payments.resources import CancelSubscription, StoreCard
from tests import builders as a
from tests.hub_environment import MASTER_KEY
from tests.projecting import Hub, a_hub
from tests.resource_builders import a_resource_unknown, an_accepted


@pytest_asyncio.fixture
async def hub(stack: LocalStack) -> AsyncIterator[Hub]:
    async with a_hub(stack) as made:
        yield made


async def kolaj(hub: Hub, *arguments: str, of: str = "webhooks") -> tuple[int, str]:
    command = [
        sys.executable,
        "-m",
        "infra.cli",
        of,
        *arguments,
        *(() if arguments[0] == "body" else ("--json",)),
    ]
    environment = {
        "DATABASE_URL": hub.database_url,
        "KAFKA_BOOTSTRAP": hub.access.bootstrap,
        "KOLAJ_TOPIC_PREFIX": hub.topics.prefix,
        "INTEGRATION_ENCRYPTION_KEY": MASTER_KEY,
    }
    done = await asyncio.to_thread(
        subprocess.run, command, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    return done.returncode, done.stdout or done.stderr


async def test_events_are_listed_and_one_is_shown_with_its_records(hub: Hub) -> None:
    received, payment = new_id(), new_id()
    topic, key = hub.topics.webhook_events.name, "iyzico-main/event-1"
    await hub.append(
        a.a_record(topic, a.a_webhook_received(), key=key, id=received),
        a.a_record(topic, a.a_webhook_handled(received_id=received, payment_id=payment), key=key),
        a.a_record(topic, a.a_webhooks_refused(integration_id="other"), key="other"),
    )
    await hub.project_all()

    code, listed = await kolaj(hub, "list")
    assert code == 0, listed
    assert {json.loads(line)["status"] for line in listed.splitlines()} == {"processed", "rejected"}
    code, one = await kolaj(hub, "list", "--status", "rejected", "--integration", "other")
    assert [json.loads(line)["why"] for line in one.splitlines()] == ["wrong"]

    code, shown = await kolaj(hub, "show", "iyzico-main", "event-1")
    told = json.loads(shown)
    assert (code, told["payment_id"], told["verified"]) == (0, str(payment), True)
    assert [record["kind"] for record in told["records"]] == ["received", "handled"]

    code, missing = await kolaj(hub, "show", "iyzico-main", "event-2")
    assert code == 1
    assert "event-2" in missing


async def test_the_body_of_the_last_call_is_written_as_it_came(hub: Hub) -> None:
    topic, seal = hub.topics.webhook_events.name, Seal(KeyRing([base64.b64decode(MASTER_KEY)]))
    for said in (b'{"status": "INIT_THREEDS"}', '{"status":  "SUCCESS", "isim": "Işıl"}\n'.encode()):
        received = new_id()
        sealed = base64.b64encode(seal.close_call(said, received)).decode()
        await hub.append(a.a_record(topic, a.a_webhook_received(sealed=sealed), key="iyzico-main/event-1", id=received))
    await hub.project_all()

    assert await kolaj(hub, "body", "iyzico-main", "event-1") == (0, said.decode())
    code, missing = await kolaj(hub, "body", "iyzico-main", "event-2")
    assert code == 1
    assert "event-2" in missing


async def test_resources_are_listed_and_one_is_shown_with_what_its_provider_told(hub: Hub) -> None:
    card, subscription = new_id(), new_id()
    await hub.append(
        a.a_record(hub.topics.payment_events.name, an_accepted(StoreCard, resource_id=card)),
        a.a_record(hub.topics.payment_events.name, a_resource_unknown(CancelSubscription, resource_id=subscription)),
    )
    await hub.project_all()

    code, listed = await kolaj(hub, "list", "--stage", "unsettled", of="resources")
    assert code == 0, listed
    told = [json.loads(line) for line in listed.splitlines()]
    assert [(one["resource_id"], one["kind"]) for one in told] == [(str(subscription), "subscription")]

    code, shown = await kolaj(hub, "show", str(card), of="resources")
    assert code == 0, shown
    assert json.loads(shown)["details"]["card_token"] == "token-1"

    code, missing = await kolaj(hub, "show", str(new_id()), of="resources")
    assert code == 1
    assert "no resource" in missing
