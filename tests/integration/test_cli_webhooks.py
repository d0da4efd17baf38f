"""`kolaj webhooks`, `kolaj resources` and `kolaj disputes`, as an operator uses them."""

import asyncio
import base64
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

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


async def test_disputes_are_listed_by_their_deadline_and_one_is_shown_with_all_that_was_told_of_it(hub: Hub) -> None:
    topic, payment = hub.topics.payment_events.name, new_id()
    due = {name: a.NOON + timedelta(days=days) for name, days in (("du_late", 9), ("du_soon", 2))}
    opened = [
        a.a_dispute_opened(dispute=a.a_dispute(reference=name, respond_by=respond_by), payment_id=payment)
        for name, respond_by in due.items()
    ]
    closed = a.a_dispute_closed(dispute=a.a_dispute(reference="du_over", state="won"), payment_id=payment)
    changed = a.a_dispute_changed(
        dispute=a.a_dispute(reference="du_soon", respond_by=due["du_soon"], amount=a.kurus(500)), payment_id=payment
    )
    late = opened[1].model_copy(update={"command_id": new_id()})
    await hub.append(*(a.a_record(topic, fact) for fact in (*opened, closed, changed, late)))
    await hub.project_all()

    async def listed(*options: str) -> list[dict[str, Any]]:
        code, lines = await kolaj(hub, "list", *options, of="disputes")
        assert code == 0, lines
        return [json.loads(line) for line in lines.splitlines()]

    assert [(one["dispute_reference"], one["amount_minor"]) for one in await listed()] == [
        ("du_soon", 500),
        ("du_late", 1250),
    ]
    assert [one["dispute_reference"] for one in await listed("--all")] == ["du_soon", "du_late", "du_over"]
    assert await listed("--all", "--integration", "other") == []

    code, shown = await kolaj(hub, "show", "du_soon", of="disputes")
    assert code == 0, shown
    told = [json.loads(line) for line in shown.splitlines()]
    # What was told of an older state, and comes later, stands in the history and changes nothing.
    assert [(one["change"], one["sequence"], one["amount_minor"]) for one in told] == [
        ("opened", 1, 1250),
        ("opened", 1, 1250),
        ("changed", 2, 500),
    ]
