"""What the tables say of payments, from what lies in the log."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest_asyncio

from infra.local import LocalStack
from projections import differences
from schemas.envelope import REPUBLISHED
from schemas.ids import new_id, result_id
from schemas.verdicts import Verdict
from tests import builders as a
from tests.projecting import Hub, a_hub


@pytest_asyncio.fixture
async def hub(stack: LocalStack) -> AsyncIterator[Hub]:
    async with a_hub(stack) as made:
        yield made


async def _transaction(hub: Hub, command: UUID) -> dict[str, object]:
    (row,) = await hub.rows("select * from payment_transactions where transaction_id = $1", command)
    return row


async def _totals(hub: Hub, payment: UUID) -> dict[str, object]:
    (row,) = await hub.rows("select * from payment_totals where payment_id = $1", payment)
    return row


async def test_a_days_payment_adds_up(hub: Hub) -> None:
    payment, events = new_id(), hub.topics.payment_events.name
    await hub.append(
        a.a_record(events, a.a_payment_created(a.lira("100.00"), payment_id=payment, state="authorized")),
        a.a_record(events, a.a_payment_captured(a.lira("80.00"), payment_id=payment)),
        a.a_record(events, a.a_payment_refunded(a.lira("10.00"), payment_id=payment)),
        a.a_record(events, a.a_payment_refunded(a.lira("5.25"), payment_id=payment, line_id="line-1")),
        a.a_record(events, a.a_command_refused(payment_id=payment, command_type="payments.refund.v1")),
    )
    await hub.project_all()
    totals = await _totals(hub, payment)
    assert totals == {
        "payment_id": payment,
        "currency": "TRY",
        "authorized": 10000,
        "captured": 8000,
        "refunded": 1525,
        "cancelled": 0,
        "net": 6475,
        "state": "partially_refunded",
    }


async def _started(hub: Hub, *later: Any) -> dict[str, object]:
    """The totals of a payment that was started with 3-D Secure, and of what came of it; and its rows' statuses."""
    payment, events = new_id(), hub.topics.payment_events.name
    records = [
        a.a_start_pending(payment_id=payment),
        *(one.model_copy(update={"payment_id": payment}) for one in later),
    ]
    await hub.append(*(a.a_record(events, record) for record in records))
    await hub.project_all()
    rows = await hub.rows(
        "select status from payment_transactions where payment_id = $1 order by result_offset", payment
    )
    return {**await _totals(hub, payment), "statuses": [row["status"] for row in rows]}


async def test_a_payment_in_two_steps_counts_its_money_once(hub: Hub) -> None:
    completion, price = "payments.complete_three_d_secure.v1", a.lira("12.50")
    unknown = [a.a_command_unknown(command_type=completion) for _ in range(4)]
    refused = a.a_command_refused(command_type=completion)
    found = a.a_payment_noticed(changed="captured", amount=price, settles=True)
    said = a.an_outcome_resolved(price, of_command_id=unknown[2].command_id, of_command_type=completion)
    failed = a.a_payment_queried(provider_state="failed", changed="failed", settles=True, paid_price=None)

    for later, state, captured, statuses in (
        ((), "pending", 0, ["pending"]),
        ((a.a_three_d_secure_completed(price),), "captured", 1250, ["captured", "accepted"]),
        ((refused,), "failed", 0, ["failed", "refused"]),
        ((unknown[0],), "unsettled", 0, ["pending", "unknown"]),
        ((unknown[1], found), "captured", 1250, ["captured", "accepted"]),
        ((unknown[2], said), "captured", 1250, ["captured", "accepted"]),
        ((unknown[3], failed), "failed", 0, ["failed", "failed"]),
    ):
        totals = await _started(hub, *later)
        assert (totals["state"], totals["captured"], totals["statuses"]) == (state, captured, statuses), later


async def test_a_renewed_hold_says_until_when_and_counts_nothing(hub: Hub) -> None:
    payment, events, until = new_id(), hub.topics.payment_events.name, a.NOON + timedelta(days=29)
    start = a.a_start_pending(payment_id=payment, capture="manual")
    held = a.a_three_d_secure_completed(payment_id=payment, provider_state="authorized", changed="authorized")
    told = (
        start,
        held.model_copy(update={"held_until": a.NOON}),
        a.a_payment_reauthorized(payment_id=payment, held_until=until),
        a.a_command_unknown(payment_id=payment, command_type="payments.reauthorize_payment.v1"),
    )
    await hub.append(*(a.a_record(events, one) for one in told))
    await hub.project_all()
    rows = await hub.rows(
        "select kind, status, held_until from payment_transactions where payment_id = $1 order by result_offset",
        payment,
    )
    assert [tuple(row.values()) for row in rows] == [
        ("create", "authorized", a.NOON),
        ("complete", "accepted", a.NOON),
        ("reauthorize", "accepted", until),
        ("reauthorize", "unknown", None),
    ]
    totals = await _totals(hub, payment)
    assert (totals["state"], totals["authorized"], totals["net"]) == ("authorized", 1250, 0)


async def test_a_transaction_keeps_what_the_result_carries(hub: Hub) -> None:
    created = a.a_payment_created(
        a.lira("12.50"), order_id="order-9", instalments=3, provider_fee=a.lira("0.35"), price=a.lira("12.00")
    )
    await hub.append(a.a_record(hub.topics.payment_events.name, created))
    await hub.project_all()
    row = await _transaction(hub, created.command_id)
    assert (row["kind"], row["status"], row["amount_minor"], row["currency"]) == ("create", "captured", 1250, "TRY")
    assert (row["price_minor"], row["provider_fee_minor"], row["instalments"]) == (1200, 35, 3)
    assert (row["order_id"], row["provider_reference"], row["our_reference"]) == ("order-9", "22416032", "a1b2c3d4")
    assert row["created_at"] == row["updated_at"] == created.concluded_at


async def test_a_republished_result_counts_once_and_is_audited_twice(hub: Hub) -> None:
    refunded = a.a_payment_refunded(a.lira("10.00"))
    record = a.a_record(hub.topics.payment_events.name, refunded)
    await hub.append(record, record.with_header(REPUBLISHED, b"true"))
    await hub.project_all()
    assert (await _totals(hub, refunded.payment_id))["refunded"] == 1000
    audited = await hub.value(
        "select count(*) from integration_audit_logs where event_id = $1", result_id(refunded.command_id)
    )
    assert audited == 2


async def test_a_call_told_twice_is_measured_once(hub: Hub) -> None:
    calls = hub.topics.provider_calls.name
    first = a.a_record(calls, a.a_provider_called(duration_us=2_000))
    await hub.append(first, a.a_record(calls, a.a_provider_called(duration_us=4_000)), first)
    await hub.project_all()
    (row,) = await hub.rows("select calls, duration_us_sum, buckets from integration_metrics")
    assert (row["calls"], row["duration_us_sum"], sum(row["buckets"])) == (2, 6_000, 2)


async def test_latency_percentiles_come_from_all_answered_calls(hub: Hub) -> None:
    calls = hub.topics.provider_calls.name
    quick = [a.a_provider_called(duration_us=10_000) for _ in range(95)]
    slow = [a.a_provider_called(duration_us=1_000_000, outcome="unknown") for _ in range(5)]
    never = [a.a_provider_called(duration_us=1, outcome="not_sent", status_code=None) for _ in range(50)]
    await hub.append(*(a.a_record(calls, call) for call in (*quick, *slow, *never)))
    await hub.project_all()
    (row,) = await hub.rows("select * from integration_latency")
    assert row["calls"] == 100
    assert 10_000 <= row["p50_us"] <= 11_900
    assert 10_000 <= row["p95_us"] <= 11_900
    assert 1_000_000 <= row["p99_us"] <= 1_190_000


async def test_a_late_unknown_never_weakens_a_result(hub: Hub) -> None:
    created = a.a_payment_created()
    about: dict[str, Any] = {"payment_id": created.payment_id, "command_id": created.command_id}
    events = hub.topics.payment_events.name
    await hub.append(
        a.a_record(events, created),
        a.a_record(events, a.a_command_unknown(**about), id=new_id()),
        a.a_record(events, a.a_late_outcome(**about, verdict=Verdict.UNKNOWN, amount=None)),
    )
    await hub.project_all()
    row = await _transaction(hub, created.command_id)
    assert (row["status"], row["amount_minor"], row["contradicted"]) == ("captured", 1250, False)


async def test_captured_before_authorized_is_captured(hub: Hub) -> None:
    payment, events = new_id(), hub.topics.payment_events.name
    await hub.append(
        a.a_record(events, a.a_payment_captured(a.lira("100.00"), payment_id=payment)),
        a.a_record(events, a.a_payment_created(a.lira("100.00"), payment_id=payment, state="authorized")),
    )
    await hub.project_all()
    totals = await _totals(hub, payment)
    assert (totals["state"], totals["captured"]) == ("captured", 10000)


async def test_a_late_paid_does_not_reopen_a_cancelled_payment(hub: Hub) -> None:
    payment, events = new_id(), hub.topics.payment_events.name
    created = a.a_payment_created(a.lira("100.00"), payment_id=payment)
    await hub.append(
        a.a_record(events, created),
        a.a_record(events, a.a_payment_cancelled(a.lira("100.00"), payment_id=payment)),
        a.a_record(
            events,
            a.a_late_outcome(payment_id=payment, command_id=created.command_id, amount=a.lira("100.00")),
        ),
        a.a_record(events, a.a_payment_queried(payment_id=payment, paid_price=a.lira("100.00"))),
    )
    await hub.project_all()
    totals = await _totals(hub, payment)
    assert (totals["state"], totals["net"]) == ("cancelled", 0)


async def test_a_query_settles_an_unknown_creation(hub: Hub) -> None:
    payment, events = new_id(), hub.topics.payment_events.name
    unknown = a.a_command_unknown(payment_id=payment)
    await hub.append(
        a.a_record(events, unknown),
        a.a_record(events, a.a_payment_queried(payment_id=payment, provider_state="not_found", paid_price=None)),
        a.a_record(events, a.a_payment_queried(payment_id=payment, paid_price=a.lira("12.50"))),
    )
    await hub.project_all()
    row = await _transaction(hub, unknown.command_id)
    assert (row["verdict"], row["status"], row["amount_minor"]) == ("unknown", "captured", 1250)
    assert (await _totals(hub, payment))["net"] == 1250


async def test_a_persons_word_settles_an_unknown_refund_whatever_the_batches(hub: Hub) -> None:
    payment, events = new_id(), hub.topics.payment_events.name
    created = a.a_payment_created(a.lira("12.50"), payment_id=payment)
    refunds = [
        a.a_command_unknown(payment_id=payment, command_type="payments.refund.v1", requested=a.lira(amount))
        for amount in ("2.50", "1.00")
    ]
    await hub.append(*(a.a_record(events, body) for body in (created, *refunds)))
    await hub.project_all()
    assert (await _totals(hub, payment))["state"] == "unsettled"
    words = [
        a.an_outcome_resolved(
            payment_id=payment,
            of_command_id=refund.command_id,
            outcome="accepted" if effect else "refused",
            effect=effect,
            amount=refund.requested,
        )
        for refund, effect in zip(refunds, ("refunded", None), strict=True)
    ]
    later = a.an_outcome_resolved(
        payment_id=payment, of_command_id=refunds[0].command_id, effect=None, outcome="refused"
    )
    await hub.append(*(a.a_record(events, body) for body in (*words, later)))
    await hub.project_all()
    rows = [await _transaction(hub, refund.command_id) for refund in refunds]
    assert [(row["verdict"], row["status"]) for row in rows] == [("unknown", "refunded"), ("unknown", "failed")]
    totals = await _totals(hub, payment)
    assert (totals["state"], totals["net"], totals["refunded"]) == ("partially_refunded", 1000, 250)
    assert await differences(hub.access, hub.pool, hub.topics, "payments") == []


async def test_a_persons_word_settles_a_refund_that_was_pending(hub: Hub) -> None:
    payment, events = new_id(), hub.topics.payment_events.name
    part = a.lira("2.50")
    created = a.a_payment_created(payment_id=payment)
    refund = a.a_command_pending(payment_id=payment, command_type="payments.refund.v1", requested=part)
    word = a.an_outcome_resolved(part, payment_id=payment, of_command_id=refund.command_id, effect="refunded")
    await hub.append(*(a.a_record(events, body) for body in (created, refund, word)))
    await hub.project_all()
    row = await _transaction(hub, refund.command_id)
    assert (row["verdict"], row["status"]) == ("pending", "refunded")
    assert (await _totals(hub, payment))["refunded"] == 250


async def test_of_a_query_and_a_persons_word_the_first_in_the_log_settles_a_creation(hub: Hub) -> None:
    payment, events = new_id(), hub.topics.payment_events.name
    unknown = a.a_command_unknown(payment_id=payment)
    word = a.an_outcome_resolved(payment_id=payment, of_command_id=unknown.command_id, effect=None, outcome="refused")
    await hub.append(*(a.a_record(events, body) for body in (unknown, word, a.a_payment_queried(payment_id=payment))))
    await hub.project_all()
    assert (await _transaction(hub, unknown.command_id))["status"] == "failed"


async def test_a_query_told_again_does_not_settle_a_later_try(hub: Hub) -> None:
    payment, events = new_id(), hub.topics.payment_events.name
    first, second = a.a_command_unknown(payment_id=payment), a.a_command_unknown(payment_id=payment)
    failed = a.a_record(events, a.a_payment_queried(payment_id=payment, provider_state="failed", paid_price=None))
    await hub.append(a.a_record(events, first), failed, a.a_record(events, second), failed)
    await hub.project_all()
    assert (await _transaction(hub, first.command_id))["status"] == "failed"
    assert (await _transaction(hub, second.command_id))["status"] == "unknown"


async def test_a_late_outcome_before_the_result_is_kept_beside_it(hub: Hub) -> None:
    payment, command, events = new_id(), new_id(), hub.topics.payment_events.name
    about: dict[str, Any] = {"payment_id": payment, "command_id": command}
    await hub.append(
        a.a_record(events, a.a_late_outcome(**about, amount=a.lira("5.00"))),
        a.a_record(events, a.a_command_refused(**about, command_type="payments.refund.v1", requested=a.lira("5.00"))),
    )
    await hub.project_all()
    row = await _transaction(hub, command)
    assert (row["status"], row["late_verdict"], row["contradicted"]) == ("refused", "accepted", True)
