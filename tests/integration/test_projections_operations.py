"""What operators look at, from events to rows: jobs, health, dead letters, and what cannot be read."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest_asyncio

from infra.local import LocalStack
from schemas.errors import UnreadableRecord
from schemas.ids import new_id
from streams.codec import Outgoing
from streams.dead_letters import dead_letter
from streams.records import RawRecord
from tests import builders as a
from tests.projecting import Hub, a_hub


@pytest_asyncio.fixture
async def hub(stack: LocalStack) -> AsyncIterator[Hub]:
    async with a_hub(stack) as made:
        yield made


async def test_a_job_goes_from_pending_to_completed(hub: Hub) -> None:
    topics, command = hub.topics, new_id()
    order = a.a_create_payment()
    about: dict[str, Any] = {"command_id": command, "payment_id": order.payment_id}
    await hub.append(a.a_record(topics.payment_commands.name, order, id=command))
    await hub.project_all()
    statuses = [await hub.value("select status from integration_queue_jobs where job_id = $1", command)]
    await hub.append(a.a_record(topics.intents.name, a.a_send_intended(**about)))
    await hub.project_all()
    statuses.append(await hub.value("select status from integration_queue_jobs where job_id = $1", command))
    await hub.append(a.a_record(topics.payment_events.name, a.a_payment_created(**about)))
    # What began before the end and is told after it changes nothing.
    await hub.append(a.a_record(topics.intents.name, a.a_send_intended(**about)))
    await hub.project_all()
    statuses.append(await hub.value("select status from integration_queue_jobs where job_id = $1", command))
    assert statuses == ["pending", "running", "completed"]


async def test_a_rejected_record_is_a_rejected_job_unless_its_id_is_another_commands(hub: Hub) -> None:
    topics, taken, refused = hub.topics, new_id(), new_id()
    (place,) = await hub.append(a.a_record(topics.payment_commands.name, a.a_create_payment(), id=taken))
    await hub.append(
        a.a_record(
            topics.payment_events.name,
            a.a_command_rejected(
                command_id=taken, topic=place.topic, partition=place.partition, offset=place.offset + 1
            ),
        ),
        a.a_record(topics.payment_events.name, a.a_command_rejected(command_id=refused)),
    )
    await hub.project_all()
    found = {
        row["job_id"]: row["status"] for row in await hub.rows("select job_id, status from integration_queue_jobs")
    }
    assert found == {taken: "pending", refused: "rejected"}


async def test_checks_and_breakers_become_rows_once(hub: Hub) -> None:
    topic = hub.topics.integration_events.name
    check = a.a_record(topic, a.a_health_checked(status="degraded", error="slow", checked_at=a.NOON))
    later = a.a_health_checked(status="healthy", checked_at=a.NOON + timedelta(minutes=5))
    await hub.append(check, check, a.a_record(topic, later), a.a_record(topic, a.a_breaker_changed()))
    await hub.project_all()
    rows = await hub.rows("select kind, status, previous_status from integration_health_checks order by kind, status")
    assert [tuple(row.values()) for row in rows] == [
        ("breaker", "open", "closed"),
        ("check", "degraded", None),
        ("check", "healthy", None),
    ]
    assert await hub.value("select status from integration_health") == "healthy"


async def test_a_dead_letter_has_a_row_without_its_bytes(hub: Hub) -> None:
    original = a.a_record("somewhere", a.a_create_payment(), key="the-key")
    raw = RawRecord("somewhere", 1, 42, 0, original.key, original.value, original.headers)
    error = UnreadableRecord("invalid_field", "price.minor", "Input should be a valid integer")
    await hub.append(dead_letter(hub.topics.dead_letters, raw, error))
    await hub.project_all()
    (row,) = await hub.rows("select * from dead_letters")
    assert (row["reason"], row["field"], row["record_offset"], row["record_key"]) == (
        "invalid_field",
        "price.minor",
        42,
        "the-key",
    )
    action, message = tuple((await hub.rows("select action, error_message from integration_audit_logs"))[0].values())
    assert (action, message) == ("dead_letter", "invalid_field: price.minor: Input should be a valid integer")


async def test_records_that_cannot_be_read_hold_nobody_up(hub: Hub) -> None:
    events, good = hub.topics.payment_events.name, a.a_payment_created()
    envelope = tuple(a.an_envelope(good, id=new_id()).headers())
    await hub.append(
        Outgoing(events, b"k", b"no json", envelope),
        Outgoing(events, b"k", b"{}", ()),
        Outgoing(events, b"k", b'{"payment_id": "k"}', envelope),
        Outgoing(events, b"k", b"{}", tuple(a.an_envelope(good, id=new_id(), type="payments.created.v9").headers())),
        a.a_record(events, good),
    )
    await hub.project_all()
    reasons = await hub.rows("select reason, projection from projection_errors order by reason")
    assert [tuple(row.values()) for row in reasons] == [
        ("invalid_field", "*"),
        ("missing_header", "*"),
        ("not_json", "*"),
        ("unknown_type", "*"),
    ]
    status = await hub.value("select status from payment_transactions where transaction_id = $1", good.command_id)
    assert status == "captured"
    assert await hub.value("select count(*) from integration_audit_logs") == 5


async def test_values_that_no_table_can_hold_hold_nobody_up(hub: Hub) -> None:
    calls, topic = hub.topics.provider_calls.name, hub.topics.integration_events.name
    good = [a.a_provider_called() for _ in range(40)]
    endless = a.a_provider_called(duration_us=2**70, status_code=2**70)
    long_name = a.a_health_checked(
        integration_id="".join(str(new_id()) for _ in range(1_000)), error="has a \x00 inside"
    )
    await hub.append(
        *(a.a_record(calls, call) for call in good[:20]),
        a.a_record(calls, endless),
        a.a_record(topic, long_name, key="k"),
        a.a_record(topic, a.a_health_checked(error="has a \x00 inside")),
        *(a.a_record(calls, call) for call in good[20:]),
    )
    await hub.project_all()
    errors = {row["projection"] for row in await hub.rows("select projection from projection_errors")}
    assert errors == {"metrics", "health"}
    assert await hub.value("select sum(calls) from integration_metrics") == 40
    assert await hub.value("select count(*) from integration_audit_logs") == 43
    assert await hub.value("select error_message from integration_health_checks") == "has a \ufffd inside"


async def test_bodies_of_calls_are_json_where_they_are_and_text_where_not(hub: Hub) -> None:
    call = a.a_provider_called(request='{"price": 10.10, "a": 1e2}', response='{"cut": "of')
    await hub.append(a.a_record(hub.topics.provider_calls.name, call))
    await hub.project_all()
    (row,) = await hub.rows("select request_data, response_data, duration_ms, status_code from integration_audit_logs")
    assert row == {
        "request_data": '{"a": 100, "price": 10.10}',
        "response_data": '"{\\"cut\\": \\"of"',
        "duration_ms": 180,
        "status_code": 200,
    }
