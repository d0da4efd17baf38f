"""What the tables say of providers' calls: each event once, whatever came of it and however often it came."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest_asyncio
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from pydantic import BaseModel

from infra.local import LocalStack
from projections import differences, rebuild, verify
from schemas.ids import new_id
from schemas.webhooks import Verified
from streams.codec import Outgoing
from streams.dead_letters import REQUEUED
from tests import builders as a
from tests.projecting import Hub, a_hub

LATER = a.NOON + timedelta(minutes=15)


@pytest_asyncio.fixture
async def hub(stack: LocalStack) -> AsyncIterator[Hub]:
    async with a_hub(stack) as made:
        yield made


def _record(hub: Hub, body: BaseModel, **envelope: Any) -> Outgoing:
    event_id = getattr(body, "event_id", None)
    key = "/".join(part for part in (getattr(body, "integration_id", ""), event_id) if part)
    return a.a_record(hub.topics.webhook_events.name, body, key=key, **envelope)


async def _event(hub: Hub, event_id: str) -> dict[str, Any]:
    (row,) = await hub.rows("select * from webhook_events where event_id = $1", event_id)
    return row


async def test_an_event_that_came_twice_and_was_handled_once_is_one_row(hub: Hub) -> None:
    received, payment, command = new_id(), new_id(), new_id()
    handled = {"received_id": received, "payment_id": payment, "command_id": command}
    again = a.a_webhook_received(verified=Verified(arrived_at=LATER, secret_index=1, signed_at=LATER))
    await hub.append(
        _record(hub, a.a_webhook_received(), id=received),
        _record(hub, a.a_webhook_handled(**handled)),
        _record(hub, again),
        _record(hub, a.a_webhook_handled(**handled, outcome="repeated", handled_at=LATER)),
        _record(hub, a.a_webhook_received(event_id="event-2", said=None)),
    )
    await hub.project_all()

    row = await _event(hub, "event-1")
    assert (row["status"], row["times"], row["duplicates"]) == ("processed", 2, 1)
    assert (row["first_at"], row["last_at"], row["handled_at"]) == (a.NOON, LATER, a.NOON)
    assert (row["verified"], row["secret_index"], row["signed_at"]) == (True, 1, LATER)
    assert (row["payment_id"], row["command_id"], row["body_digest"]) == (payment, command, "ab" * 32)
    assert (await _event(hub, "event-2"))["status"] == "received"


async def test_what_found_no_payment_is_unresolved_until_it_is_sent_again(hub: Hub) -> None:
    received = new_id()
    call = _record(hub, a.a_webhook_received(), id=received)
    nobody = a.a_webhook_handled(
        received_id=received, outcome="unresolved", payment_id=None, command_id=None, detail="no payment"
    )
    await hub.append(call, _record(hub, nobody), call.with_header(REQUEUED, b"1"))
    await hub.project_all()
    row = await _event(hub, "event-1")
    assert (row["status"], row["detail"], row["times"], row["duplicates"]) == ("unresolved", "no payment", 1, 0)

    await hub.append(_record(hub, a.a_webhook_handled(received_id=received)))
    await hub.project_all()
    row = await _event(hub, "event-1")
    assert (row["status"], row["detail"]) == ("processed", None)


async def test_calls_that_were_refused_are_counted_beside(hub: Hub) -> None:
    await hub.append(
        _record(hub, a.a_webhooks_refused(times=3)),
        _record(hub, a.a_webhooks_refused(times=400, why="unknown_integration", integration_id="x" * 100)),
        _record(hub, a.a_webhook_handled(event_id="about-nothing", outcome="about_nothing", payment_id=None)),
    )
    await hub.project_all()
    rows = await hub.rows("select * from webhook_events where status = 'rejected' order by times")
    assert [(row["why"], row["times"], row["verified"]) for row in rows] == [
        ("wrong", 3, False),
        ("unknown_integration", 400, False),
    ]
    assert (await _event(hub, "about-nothing"))["status"] == "about_nothing"


async def test_a_rebuild_gives_the_same_rows_also_of_what_retention_deleted(hub: Hub) -> None:
    records = []
    for number in range(30):
        event = {"event_id": f"event-{number % 7}"}
        records.append(_record(hub, a.a_webhook_received(**event)))
        records.append(_record(hub, a.a_webhook_handled(**event)))
        records.append(_record(hub, a.a_webhooks_refused(times=number + 1)))
    places = await hub.append(*records)
    await hub.project_all()
    seen = "select to_jsonb(t) as row from webhook_events as t order by 1"
    kept = "select to_jsonb(t) - 'id' as row from webhook_records as t order by 1"
    before = await hub.rows(seen), await hub.rows(kept)
    assert await differences(hub.access, hub.pool, hub.topics, "webhooks") == []
    await rebuild(hub.access, hub.pool, hub.topics, "webhooks")
    assert (await hub.rows(seen), await hub.rows(kept)) == before

    admin = AIOKafkaAdminClient(bootstrap_servers=hub.access.bootstrap)
    await admin.start()
    try:
        for partition in {place.partition for place in places}:
            offsets = sorted(place.offset for place in places if place.partition == partition)
            place = TopicPartition(hub.topics.webhook_events.name, partition)
            await admin.delete_records({place: RecordsToDelete(offsets[len(offsets) // 2])})
    finally:
        await admin.close()
    assert (await rebuild(hub.access, hub.pool, hub.topics, "webhooks")).carried
    assert (await hub.rows(seen), await hub.rows(kept)) == before
    assert (await rebuild(hub.access, hub.pool, hub.topics, "audit")).carried
    assert (await verify(hub.access, hub.pool, hub.topics)).ok


async def test_no_row_and_no_line_of_the_audit_holds_a_body(hub: Hub) -> None:
    await hub.append(_record(hub, a.a_webhook_received(sealed="c2VhbGVk-not-to-be-seen")))
    await hub.project_all()
    for table in ("webhook_records", "integration_audit_logs"):
        (row,) = await hub.rows(f"select to_jsonb(t)::text as row from {table} as t")  # noqa: S608 - names of ours
        assert "not-to-be-seen" not in row["row"]
        assert "event-1" in row["row"]
