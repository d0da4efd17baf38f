"""Every operation that moves money, under every fault of the provider: one result each, true to its books."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import pytest
import pytest_asyncio

from infra.local import LocalStack
from infra.local.process import free_ports
from infra.sandbox.iyzico import FaultKind, FaultOrder
from schemas.ids import new_id
from schemas.payments import CreatePayment, PaymentCommand
from streams.dead_letters import retry_id
from tests.acceptance.orders import Orders, a_payment
from tests.builders import a_cancel_payment, a_capture_payment, a_line, a_query_payment, a_refund_payment, lira
from tests.hub import INTEGRATION, Hub, running_hub
from tests.sandbox_merchant import a_merchant

ABSENCE_S: Final = 4.0
"""How long "not found" proves nothing, instead of the minutes that iyzico needs."""

LATE_S: Final = 1.5
TOO_LATE_S: Final = 12.0
"""Past the call's deadline of three seconds and past the time of absence."""

OPERATIONS: Final = {
    "create": "/payment/auth",
    "hold": "/payment/preauth",
    "capture": "/payment/postauth",
    "refund": "/v2/payment/refund",
    "refund_line": "/payment/refund",
    "cancel": "/payment/cancel",
}
GIVING_BACK: Final = {"refund", "refund_line", "cancel"}
FAULTS: Final[Mapping[str, tuple[FaultKind, float]]] = {
    "late": (FaultKind.LATE, LATE_S),
    "late-past-the-deadline": (FaultKind.LATE, TOO_LATE_S),
    "never": (FaultKind.NEVER, 0),
    "performed-late": (FaultKind.PERFORM_LATE, LATE_S),
    "performed-too-late": (FaultKind.PERFORM_LATE, TOO_LATE_S),
    "500-after": (FaultKind.ERROR_AFTER, 0),
    "500-before": (FaultKind.ERROR_BEFORE, 0),
    "reset-after": (FaultKind.RESET_AFTER, 0),
    "reset-before": (FaultKind.RESET_BEFORE, 0),
    "garbage": (FaultKind.GARBAGE, 0),
    "truncated": (FaultKind.TRUNCATED, 0),
    "empty": (FaultKind.EMPTY, 0),
    "bank-timeout": (FaultKind.BANK_TIMEOUT, 0),
    "bank-timeout-before": (FaultKind.BANK_TIMEOUT_BEFORE, 0),
    "429": (FaultKind.TOO_MANY, 0),
    "limit": (FaultKind.LIMIT, 0),
}
NOT_PERFORMED: Final = {"500-before", "reset-before", "bank-timeout-before"}
"""Certainly not performed there, while the hub can never be sure of it."""
THROTTLED: Final = {"429", "limit"}
"""The provider says itself that nothing was performed: these may be sent a second time."""


@dataclass(frozen=True)
class Trial:
    """One command whose call met one fault.

    Attributes:
        sends: the outcome of each call that may move money, in order.
        booked: how often the provider performed it.
    """

    command: PaymentCommand
    result: Any
    sends: tuple[str, ...]
    booked: int


Trials = Mapping[tuple[str, str], Trial]


def integration_of(operation: str, fault: str) -> str:
    """Three operations share one, so that their failures do not open its breaker."""
    return f"{fault}-out" if operation in GIVING_BACK else f"{fault}-in"


@pytest_asyncio.fixture(scope="module")
async def hub(stack: LocalStack, database_url: str, topic_prefix: str) -> AsyncIterator[Hub]:
    """Each integration has a provider of its own, so that a fault meets the call that it is meant for."""
    names = dict.fromkeys(integration_of(operation, fault) for operation in OPERATIONS for fault in FAULTS)
    async with running_hub(
        stack.bootstrap,
        database_url,
        topic_prefix,
        integrations=(INTEGRATION, *names),
        absence_s=ABSENCE_S,
        base_urls={"out-of-reach": f"http://127.0.0.1:{free_ports(1)[0]}"},
        overrides={
            "KOLAJ_UNKNOWN_AFTER_S": "20",
            "KOLAJ_GIVE_UP_AFTER_S": "6",
            "KOLAJ_MAX_IN_FLIGHT": "200",
            # Nobody takes anything over here, and all faults at once keep the machine busy.
            "KOLAJ_LEASE_S": "20",
        },
    ) as running:
        yield running


@pytest_asyncio.fixture(scope="module")
async def trials(hub: Hub) -> Trials:
    cases = [(operation, fault) for operation in OPERATIONS for fault in FAULTS]
    tried = await asyncio.gather(*(_try(hub, operation, fault) for operation, fault in cases))
    await hub.caught_up()
    return {
        (operation, fault): Trial(
            command,
            result,
            _sends(hub, operation, result),
            _booked(hub, integration_of(operation, fault), result),
        )
        for (operation, fault), (command, result) in zip(cases, tried, strict=True)
    }


async def _try(hub: Hub, operation: str, fault: str) -> tuple[PaymentCommand, Any]:
    """Make the payment it needs without a fault, then order the fault and let the command meet it."""
    orders, (kind, seconds) = Orders(hub), FAULTS[fault]
    integration, path = integration_of(operation, fault), OPERATIONS[operation]
    before = _payment(integration, capture="manual" if operation == "capture" else "auto")
    if operation not in {"create", "hold"}:
        assert (await orders.result(before, within_s=60)).verdict == "accepted"
    await _until_payments_are_made(hub, operation, integration)
    faults = hub.sandboxes[integration].faults
    faults.order(FaultOrder(kind, path, count=1, seconds=seconds))
    commands: Mapping[str, PaymentCommand] = {
        "create": _payment(integration),
        "hold": _payment(integration, capture="manual"),
        "capture": a_capture_payment(before.payment_id, lira("10.00")),
        "refund": a_refund_payment(before.payment_id, lira("5.00")),
        "refund_line": a_refund_payment(before.payment_id, lira("3.00"), line_id="line-1"),
        "cancel": a_cancel_payment(before.payment_id),
    }
    command = commands[operation]
    result = await orders.result(command, within_s=60)
    if kind is FaultKind.PERFORM_LATE:
        await hub.booked(lambda _: _booked(hub, integration, result), integration=integration)
    assert [used for order, used in faults.standing() if order.path == path] == [1], result
    return command, result


async def _until_payments_are_made(hub: Hub, operation: str, integration: str) -> None:
    """The hold that is made to be captured must not meet the fault of the hold that is tried itself."""
    if operation == "hold":
        await hub.booked(lambda entries: any(e.kind == "preauth" for e in entries), integration=integration)


def _payment(integration: str, **changed: Any) -> CreatePayment:
    return a_payment(integration_id=integration, basket=(a_line(lira("12.50")),), **changed)


def _sends(hub: Hub, operation: str, result: Any) -> tuple[str, ...]:
    name = {"hold": "create", "refund_line": "refund"}.get(operation, operation)
    return tuple(c.outcome for c in hub.calls if c.command_id == result.command_id and c.operation == name)


def _booked(hub: Hub, integration: str, result: Any) -> int:
    """How often the reference of a command stands in the books, as a payment, a capture, a cancel or a refund."""
    entries = hub.sandboxes[integration].books.entries()
    references = [reference for e in entries for reference in (e.conversation_id, e.capture_conversation_id)]
    references += [reversal.conversation_id for e in entries for reversal in e.reversals]
    return references.count(result.performed.our_reference)


EACH = pytest.mark.parametrize("fault", FAULTS)
OF_EACH = pytest.mark.parametrize("operation", OPERATIONS)


@OF_EACH
@EACH
async def test_what_is_told_is_what_the_provider_did(trials: Trials, operation: str, fault: str) -> None:
    trial = trials[operation, fault]
    if fault in NOT_PERFORMED:
        assert (trial.result.verdict, trial.booked) == ("unknown", 0)
    elif fault == "performed-too-late":
        assert (trial.result.verdict, trial.booked) == ("unknown", 1)
    else:
        assert (trial.result.verdict, trial.booked) == ("accepted", 1)


@OF_EACH
@EACH
async def test_nothing_is_sent_again_that_may_have_been_performed(trials: Trials, operation: str, fault: str) -> None:
    trial = trials[operation, fault]
    *before, _ = trial.sends
    assert before == (["throttled"] if fault in THROTTLED else [])


@OF_EACH
@EACH
async def test_there_is_one_result_and_it_names_what_was_sent(
    hub: Hub, trials: Trials, operation: str, fault: str
) -> None:
    result = trials[operation, fault].result
    assert len(hub.copies(result.command_id)) == 1
    assert result.attempts == 1
    if result.verdict == "unknown":
        assert result.references == (result.performed.our_reference,)
        assert result.first_sent_at is not None
        assert result.requested is not None
        assert result.reason == "outcome_unknown"


async def test_the_books_hold_no_double_charge(hub: Hub, trials: Trials) -> None:
    assert trials
    for sandbox in hub.sandboxes.values():
        totals = sandbox.books.totals()
        assert totals.charged_more_than_once == ()
        assert max(totals.reversals_by_conversation.values(), default=0) <= 1


@pytest.mark.parametrize("operation", ["create", "hold"])
async def test_a_query_settles_a_creation_that_stayed_unknown(hub: Hub, trials: Trials, operation: str) -> None:
    trial, orders = trials[operation, "performed-too-late"], Orders(hub)
    payment = trial.command.payment_id
    blocked, query, after = await orders.results(
        a_cancel_payment(payment), a_query_payment(payment), a_cancel_payment(payment)
    )
    assert (blocked.verdict, blocked.reason) == ("refused", "payment_unsettled")
    assert query.provider_state == ("captured" if operation == "create" else "authorized")
    assert after.verdict == "accepted"


@pytest.mark.parametrize("operation", ["capture", "refund", "refund_line", "cancel"])
async def test_what_stayed_unknown_holds_back_all_later_movements(hub: Hub, trials: Trials, operation: str) -> None:
    payment = trials[operation, "performed-too-late"].command.payment_id
    results = await Orders(hub).results(a_refund_payment(payment, lira("1.00")), a_cancel_payment(payment))
    assert [(result.verdict, result.reason) for result in results] == [("refused", "payment_unsettled")] * 2


async def test_a_buyer_who_tries_again_while_nobody_knows_is_not_charged_twice(hub: Hub) -> None:
    first = a_payment(order_id="fault-empty-first-try")
    second = a_payment(payment_id=first.payment_id, order_id="second-try")
    told = await Orders(hub).results(first, second)
    assert [result.verdict for result in told] == ["accepted", "refused"]
    assert told[1].reason == "payment_exists"
    booked = [entry.basket_id for entry in hub.sandbox.books.entries()]
    assert booked.count("fault-empty-first-try") == 1
    assert "second-try" not in booked


async def test_what_cannot_be_sent_is_given_up_and_may_be_tried_again(hub: Hub) -> None:
    orders, nowhere = Orders(hub), a_payment(integration_id="out-of-reach")
    given_up = await orders.result(nowhere)
    assert (given_up.verdict, given_up.reason, given_up.failure) == ("refused", "gave_up", "transient")
    assert given_up.attempts == 0
    await hub.caught_up()
    calls = [call for call in hub.calls if call.command_id == given_up.command_id]
    assert {call.outcome for call in calls} == {"not_sent"}
    assert len(calls) > 1
    elsewhere = nowhere.model_copy(update={"integration_id": INTEGRATION})
    assert (await orders.result(elsewhere)).verdict == "accepted"


async def test_the_dead_letter_of_a_given_up_command_is_written_again_with_its_result(hub: Hub) -> None:
    """Its first one may have been lost with the worker; several of them become one new command."""
    orders, command_id = Orders(hub), new_id()
    record = orders.record(a_payment(integration_id="out-of-reach"), command_id)
    letters = []
    for _ in range(2):
        (position,) = await hub.publish([record])
        await hub.results([command_id])
        letters.append(await hub.dead_letter(position))

    assert [dead.reason for dead in letters] == ["gave_up", "gave_up"]
    assert retry_id(letters[0]) == retry_id(letters[1])


async def test_what_the_dashboard_captured_is_refused_a_capture_and_booked_by_a_query(hub: Hub) -> None:
    orders = Orders(hub)
    create = a_payment(capture="manual", order_id="by-hand")
    held = await orders.result(create)
    async with a_merchant(hub.sandbox) as dashboard:
        payment = {"paymentId": held.performed.provider_reference, "paidPrice": "12.50", "currency": "TRY"}
        assert (await dashboard.post("/payment/postauth", payment))["status"] == "success"

    capture, query = await orders.results(a_capture_payment(create.payment_id), a_query_payment(create.payment_id))

    assert (capture.verdict, capture.reason, capture.failure) == ("refused", "not_authorized", "state")
    assert query.provider_state == "captured"
    (entry,) = [entry for entry in hub.sandbox.books.entries() if entry.basket_id == "by-hand"]
    assert (entry.state, entry.charged_minor) == ("charged", 1250)
    await hub.projected()
    async with hub.database() as database:
        row = await database.fetchrow("select state from payment_totals where payment_id = $1", create.payment_id)
    assert row["state"] == "captured", "the query told of it"
