"""Late, contradicting and unreadable outcomes: what is settled stays settled, and nobody is charged for a doubt."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import pytest
import pytest_asyncio
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.local import LocalStack
from infra.sandbox.iyzico import FaultKind, FaultOrder
from providers.connector import ReferenceFormat
from providers.reference import reference_for
from schemas.payments import CommandRefused, PaymentCommand, PaymentQueried, QueryPayment
from tests.acceptance.orders import Orders, a_payment
from tests.acceptance.payment_lives import Plan, a_history, plans, turns_of
from tests.builders import a_cancel_payment, a_capture_payment, a_query_payment, a_refund_payment, lira
from tests.hub import INTEGRATION, Hub, running_hub
from tests.projecting import a_hub
from tests.sandbox_merchant import a_merchant

STEPS: Final = {
    "new": {"pending", "authorized", "captured", "unsettled"},
    "pending": {"new", "authorized", "captured", "cancelled", "unsettled"},
    "unsettled": {"new", "authorized", "captured", "cancelled"},
    "authorized": {"captured", "cancelled", "unsettled"},
    "captured": {"cancelled", "unsettled"},
    "cancelled": set(),
}
"""Where a payment may go from where it stands, whoever brings the word."""

MOVED: Final = {("authorized", "captured"), ("authorized", "cancelled"), ("cancelled", "cancelled")}
"""What a question may find done elsewhere."""

UNREADABLE: Final = (
    FaultKind.EMPTY,
    FaultKind.GARBAGE,
    FaultKind.TRUNCATED,
    FaultKind.ERROR_AFTER,
    FaultKind.RESET_AFTER,
    FaultKind.BANK_TIMEOUT,
    FaultKind.NEVER,
    FaultKind.PERFORM_LATE,
)
"""All performed, and none of them says so."""
BUSY: Final = (FaultKind.ERROR_BEFORE, FaultKind.RESET_BEFORE, FaultKind.GARBAGE, FaultKind.TOO_MANY)
"""How the provider answers those who ask while it still works on the first request."""


@given(plans)
@settings(max_examples=150, deadline=None)
def test_a_payment_only_takes_steps_that_are_in_the_table(plan: list[Plan]) -> None:
    """E1, E5: a cancelled payment stays so whatever is told; money that comes after it is only to be given back."""
    for turn in turns_of(plan):
        if turn.before.stage != turn.after.stage:
            assert turn.after.stage in STEPS[turn.before.stage], turn
        if turn.before.stage == "cancelled" and turn.before.captured:
            assert (turn.after.held, turn.after.captured) == (0, turn.before.captured)


@given(plans)
@settings(max_examples=150, deadline=None)
def test_a_question_moves_only_what_is_open_held_or_paid_after_its_cancel(plan: list[Plan]) -> None:
    """E5, E3: a settled payment is the same after any query; what differs from it stands in the result for all."""
    for turn in turns_of(plan):
        if not isinstance(turn.command, QueryPayment):
            continue
        before = turn.before
        if before.captured or before.stage == "new":
            assert turn.after == before, turn
        if isinstance(turn.result, PaymentQueried) and not before.creation_is_open and turn.after != before:
            assert (before.stage, turn.after.stage) in MOVED, turn
            assert turn.result.contradicts or before.stage == "authorized"
        if isinstance(turn.result, PaymentQueried):
            assert turn.asked


@given(plans)
@settings(max_examples=150, deadline=None)
def test_a_refusal_worsens_nothing_and_money_that_was_told_of_is_never_forgotten(plan: list[Plan]) -> None:
    """L7, L9, E1: a later failure never overwrites a success, and no more goes back than came in."""
    for turn in turns_of(plan):
        before, after = turn.before, turn.after
        if isinstance(turn.result, CommandRefused):
            assert after == before
        assert after.captured >= before.captured
        assert before.refunded <= after.refunded <= after.captured


@given(st.lists(st.tuples(st.uuids(), st.sampled_from("abc"), st.integers(1, 255)), unique=True, max_size=20))
def test_no_two_requests_share_a_key(requests: list[tuple[UUID, str, int]]) -> None:
    """L3: the key is that of the command, of the step in it and of the attempt."""
    form = ReferenceFormat(alphabet="hex", max_length=64)
    assert len({reference_for(*request, form) for request in requests}) == len(requests)


async def test_late_and_repeated_words_change_no_settled_payment_in_the_tables(stack: LocalStack) -> None:
    """E1, E3, E5: attempts that failed, then one that was paid, perhaps given back; then everything again, shuffled."""
    chance = random.Random(41)  # noqa: S311 - the same histories each time
    async with a_hub(stack) as hub:
        histories = [a_history(chance, hub.topics.payment_events.name) for _ in range(150)]
        assert len({history.state for history in histories}) == 4
        await hub.append(*(record for history in histories for record in history.records))
        await hub.project_all()
        rows = await hub.rows("select payment_id, state, net from payment_totals")
    found = {row["payment_id"]: (row["state"], int(row["net"])) for row in rows}
    assert found == {history.payment: (history.state, history.net) for history in histories}


@pytest_asyncio.fixture(scope="module")
async def hub(stack: LocalStack, database_url: str, topic_prefix: str) -> AsyncIterator[Hub]:
    """Each fault has an integration of its own, so that it meets the call that it is meant for."""
    names = [f"unreadable-{kind}" for kind in UNREADABLE] + [f"busy-{kind}" for kind in BUSY]
    async with running_hub(
        stack.bootstrap,
        database_url,
        topic_prefix,
        integrations=(INTEGRATION, *(name.replace("_", "-") for name in names)),
        overrides={"KOLAJ_MAX_IN_FLIGHT": "100"},
    ) as running:
        yield running


@pytest.fixture
def orders(hub: Hub) -> Orders:
    return Orders(hub)


def _order_fault(hub: Hub, integration: str, kind: FaultKind, path: str, *, count: int = 1, seconds: float = 0) -> None:
    hub.sandboxes[integration].faults.order(FaultOrder(kind, path, count=count, seconds=seconds))


def _charges(hub: Hub, integration: str = INTEGRATION) -> list[int]:
    return [entry.charged_minor for entry in hub.sandboxes[integration].books.entries() if entry.charged_minor]


async def test_a_buyer_who_tries_again_after_an_unreadable_answer_is_charged_once(hub: Hub, orders: Orders) -> None:
    """L5: an answer that says nothing is no failure; the further tries wait until it is settled, and change nothing."""

    async def tries(kind: FaultKind) -> tuple[list[str], list[int]]:
        integration = f"unreadable-{kind}".replace("_", "-")
        _order_fault(hub, integration, kind, "/payment/auth", seconds=2)
        first = a_payment(integration_id=integration)
        again = [a_payment(payment_id=first.payment_id, integration_id=integration) for _ in range(2)]
        results = await orders.results(first, *again, within_s=60)
        return [getattr(result, "reason", result.verdict) for result in results], _charges(hub, integration)

    found = await asyncio.gather(*(tries(kind) for kind in UNREADABLE))
    assert found == [(["accepted", "payment_exists", "payment_exists"], [1250])] * len(UNREADABLE)


async def test_a_provider_that_is_still_at_it_is_asked_again_until_it_tells(hub: Hub, orders: Orders) -> None:
    """L1: the first request hangs and succeeds; whoever asks meanwhile is sent away in each of the ways there are."""

    async def hangs(kind: FaultKind) -> tuple[str, list[int], int]:
        integration = f"busy-{kind}".replace("_", "-")
        _order_fault(hub, integration, FaultKind.PERFORM_LATE, "/payment/auth", seconds=5)
        _order_fault(hub, integration, kind, "/payment/detail", count=2)
        result = await orders.result(a_payment(integration_id=integration), within_s=60)
        await hub.caught_up()
        calls = [call for call in hub.calls if call.command_id == result.command_id]
        sends = [call for call in calls if call.operation == "create"]
        return result.verdict, _charges(hub, integration), len(sends)

    found = await asyncio.gather(*(hangs(kind) for kind in BUSY))
    assert found == [("accepted", [1250], 1)] * len(BUSY)


async def test_a_changed_cart_after_a_decline_is_another_request(hub: Hub, orders: Orders) -> None:
    """L3: 10.00 declined, then 12.00 for the same order: a key of its own, and 12.00 are taken."""
    declined = a_payment(lira("10.00"), card="card-declined-10051")
    changed = a_payment(lira("12.00"), payment_id=declined.payment_id)
    first, second = await orders.results(declined, changed)
    assert (first.verdict, second.verdict) == ("refused", "accepted")
    assert first.performed.our_reference != second.performed.our_reference
    booked = {entry.conversation_id: entry.charged_minor for entry in hub.sandbox.books.entries()}
    assert (booked[first.performed.our_reference], booked[second.performed.our_reference]) == (0, 1200)


DASHBOARD: Final = {
    "captured": ("/payment/postauth", "manual"),
    "hold cancelled": ("/payment/cancel", "manual"),
    "charge cancelled": ("/payment/cancel", "auto"),
    "charge refunded": ("/v2/payment/refund", "auto"),
}
OURS: Final[Mapping[str, Callable[[UUID], PaymentCommand]]] = {
    "capture": a_capture_payment,
    "cancel": a_cancel_payment,
    "refund": a_refund_payment,
}


@pytest.mark.parametrize("theirs", DASHBOARD)
@pytest.mark.parametrize("ours", OURS)
async def test_what_was_done_in_the_dashboard_already_worsens_nothing_when_we_do_it_too(
    hub: Hub, orders: Orders, theirs: str, ours: str
) -> None:
    """L7: whatever our command comes to, the payment has not failed, and no more money moves than there was."""
    path, capture = DASHBOARD[theirs]
    create = a_payment(capture=capture)
    made = await orders.result(create)
    body = {"paymentId": made.performed.provider_reference, "price": "12.50", "paidPrice": "12.50", "currency": "TRY"}
    async with a_merchant(hub.sandbox) as dashboard:
        assert (await dashboard.post(path, body))["status"] == "success"

    result = await orders.result(OURS[ours](create.payment_id))

    assert result.verdict in {"accepted", "refused"}
    (entry,) = [e for e in hub.sandbox.books.entries() if e.payment_id == made.performed.provider_reference]
    assert 0 <= entry.net_minor <= 1250
    assert sum(reversal.amount_minor for reversal in entry.reversals) <= 1250
    await hub.projected()
    async with hub.database() as database:
        state = await database.fetchval("select state from payment_totals where payment_id = $1", create.payment_id)
    # What the dashboard did is for its notices to tell; ours either took or changed nothing.
    before = "authorized" if capture == "manual" else "captured"
    after = {"capture": "captured", "cancel": "cancelled", "refund": "refunded"}[ours]
    assert state == (after if result.verdict == "accepted" else before)


async def test_silence_past_its_time_is_no_refusal_and_a_cancel_behind_it_waits_for_the_truth(
    hub: Hub, orders: Orders
) -> None:
    """E7: it expires while nobody knows, and the provider is asked before anything is given up or taken back."""
    create = a_payment(order_id="fault-never-e7", expires_at=datetime.now(UTC) + timedelta(seconds=1.5))
    _order_fault(hub, INTEGRATION, FaultKind.ERROR_BEFORE, "/payment/detail", count=2)
    told: list[Any] = await orders.results(create, a_cancel_payment(create.payment_id), within_s=60)
    assert [result.verdict for result in told] == ["accepted", "accepted"]
    (entry,) = [entry for entry in hub.sandbox.books.entries() if entry.basket_id == "fault-never-e7"]
    assert (entry.state, entry.net_minor) == ("cancelled", 0)


async def test_another_attempts_late_end_leaves_the_paid_one_alone(orders: Orders) -> None:
    """E3: given up here, paid there; later questions and movements go to the attempt that was paid."""
    elsewhere = "unreadable-empty"
    given_up = a_payment(card="card-declined-10051", integration_id=elsewhere)
    paid = a_payment(payment_id=given_up.payment_id, integration_id=INTEGRATION)
    results = await orders.results(given_up, paid, a_query_payment(paid.payment_id), a_query_payment(paid.payment_id))
    assert [result.verdict for result in results] == ["refused", "accepted", "accepted", "accepted"]
    assert {result.performed.integration_id for result in results[1:]} == {INTEGRATION}
    assert {result.provider_state for result in results[2:]} == {"captured"}
