from datetime import timedelta

import pytest

from agents.ledger import ClaimStatus
from agents.payments.decide import decide
from agents.payments.decisions import Answer, Call, Conflict, Inquire, Lying, Queue, Refuse, TooOld, Wait
from schemas.money import Money
from schemas.payments import Payment, PaymentCommand, Reason
from schemas.payments.payment import LineRefund
from schemas.verdicts import FailureClass
from tests.builders import (
    NOON,
    a_cancel_payment,
    a_capture_payment,
    a_create_payment,
    a_query_payment,
    a_refund_payment,
    lira,
    money,
)
from tests.unit.agents.deciding import DAY, NO_PROMISE, RESULT, a_claim, a_payment, decided, lined, minor, tried


def test_a_concluded_command_is_answered_with_the_stored_result() -> None:
    assert decided(a_create_payment(), a_payment("new"), a_claim(ClaimStatus.CONCLUDED, result=RESULT)) == Answer(
        RESULT
    )


def test_an_id_that_is_another_commands_is_a_conflict() -> None:
    assert decided(a_create_payment(), a_payment("new"), a_claim(ClaimStatus.CONFLICT)) == Conflict()


@pytest.mark.parametrize(("wait_s", "after_s"), [(None, 0.5), (-3.0, 0.05), (0.0, 0.05), (2.0, 2.0), (60.0, 5.0)])
def test_a_held_key_is_left_alone_until_its_lease_ends_but_looked_at_again_soon(
    wait_s: float | None, after_s: float
) -> None:
    held = decided(a_create_payment(), a_payment("new"), a_claim(ClaimStatus.HELD, wait_s=wait_s))
    assert isinstance(held, Wait)
    assert held.after_s == after_s


@pytest.mark.parametrize(
    ("command", "payment", "amount"),
    [
        (a_create_payment(lira("12.50")), a_payment("new"), minor(1250)),
        (a_capture_payment(), a_payment("authorized"), minor(10_000)),
        (a_capture_payment(amount=lira("30.00")), a_payment("authorized"), minor(3_000)),
        (a_cancel_payment(), a_payment("authorized"), minor(10_000)),
        (a_cancel_payment(), a_payment(refunded=3_000), minor(7_000)),
        (a_cancel_payment(), a_payment("pending"), minor(0)),
        (a_refund_payment(), a_payment(refunded=3_000), minor(7_000)),
        (a_refund_payment(amount=lira("6.60")), a_payment(), minor(660)),
        (a_refund_payment(line_id="a"), lined(), minor(6_000)),
        (a_refund_payment(line_id="b", amount=lira("1.00")), lined(), minor(100)),
    ],
)
def test_a_first_call_has_its_amount_worked_out(command: PaymentCommand, payment: Payment, amount: Money) -> None:
    call = decided(command, payment)
    assert isinstance(call, Call)
    assert call.amount is not None
    assert (call.amount.minor, call.amount.currency) == (amount.minor, amount.currency)


def test_a_query_moves_nothing() -> None:
    assert decided(a_query_payment(), a_payment()) == Call(None)
    assert decided(a_query_payment(), a_payment("unsettled")) == Call(None)


def test_expiry_ends_only_what_was_certainly_not_sent() -> None:
    command = a_create_payment(expires_at=NOON)
    refused = decided(command, a_payment("new"))
    assert isinstance(refused, Refuse)
    assert (refused.reason, refused.failure) == (Reason.EXPIRED, FailureClass.INVALID)
    assert isinstance(decided(command, a_payment("new"), a_claim(attempts=(tried(),), sent_age_s=1.0)), Inquire)
    after_not_sent = decided(command, a_payment("new"), a_claim(attempts=(tried(maybe_sent=False),)))
    assert isinstance(after_not_sent, Refuse)


def test_a_command_that_expires_later_is_performed() -> None:
    command = a_create_payment(expires_at=NOON + timedelta(microseconds=1))
    assert isinstance(decided(command, a_payment("new")), Call)


HALF_LINE = {"line_refunds": (LineRefund(line_id="a", minor=6_000),), "refunded": 6_000}


@pytest.mark.parametrize(
    ("command", "payment", "reason", "failure", "requested"),
    [
        (a_query_payment(), a_payment("new"), Reason.PAYMENT_NOT_FOUND, FailureClass.STATE, None),
        (a_capture_payment(), a_payment("new"), Reason.PAYMENT_NOT_FOUND, FailureClass.STATE, None),
        (a_cancel_payment(), a_payment("new"), Reason.PAYMENT_NOT_FOUND, FailureClass.STATE, None),
        (a_refund_payment(), a_payment("new"), Reason.PAYMENT_NOT_FOUND, FailureClass.STATE, None),
        (a_create_payment(), a_payment("captured"), Reason.PAYMENT_EXISTS, FailureClass.STATE, 1250),
        (a_create_payment(), a_payment("authorized"), Reason.PAYMENT_EXISTS, FailureClass.STATE, 1250),
        (a_create_payment(), a_payment("pending"), Reason.PAYMENT_EXISTS, FailureClass.STATE, 1250),
        (a_create_payment(), a_payment("cancelled"), Reason.PAYMENT_EXISTS, FailureClass.STATE, 1250),
        (a_create_payment(), a_payment("unsettled"), Reason.PAYMENT_UNSETTLED, FailureClass.STATE, 1250),
        (a_capture_payment(), a_payment("unsettled"), Reason.PAYMENT_UNSETTLED, FailureClass.STATE, None),
        (a_cancel_payment(), a_payment("unsettled"), Reason.PAYMENT_UNSETTLED, FailureClass.STATE, None),
        (a_refund_payment(), a_payment("unsettled"), Reason.PAYMENT_UNSETTLED, FailureClass.STATE, None),
        (a_capture_payment(), a_payment("cancelled"), Reason.PAYMENT_ALREADY_CANCELLED, FailureClass.STATE, 0),
        (a_cancel_payment(), a_payment("cancelled"), Reason.PAYMENT_ALREADY_CANCELLED, FailureClass.STATE, 0),
        (a_refund_payment(), a_payment("cancelled"), Reason.PAYMENT_ALREADY_CANCELLED, FailureClass.STATE, 0),
        (a_capture_payment(), a_payment("captured"), Reason.NOT_AUTHORIZED, FailureClass.STATE, 0),
        (a_capture_payment(), a_payment("pending"), Reason.NOT_AUTHORIZED, FailureClass.STATE, 0),
        (
            a_capture_payment(amount=lira("100.01")),
            a_payment("authorized"),
            Reason.AMOUNT_EXCEEDS_AUTHORIZED,
            FailureClass.STATE,
            10_001,
        ),
        (
            a_capture_payment(amount=money("1.00", "EUR")),
            a_payment("authorized"),
            Reason.CURRENCY_MISMATCH,
            FailureClass.INVALID,
            100,
        ),
        (
            a_refund_payment(amount=money("1.00", "EUR")),
            a_payment(),
            Reason.CURRENCY_MISMATCH,
            FailureClass.INVALID,
            100,
        ),
        (a_cancel_payment(), a_payment(refunded=10_000), Reason.NOTHING_CAPTURED, FailureClass.STATE, 0),
        (a_refund_payment(), a_payment("authorized"), Reason.NOTHING_CAPTURED, FailureClass.STATE, 0),
        (a_refund_payment(), a_payment("pending"), Reason.NOTHING_CAPTURED, FailureClass.STATE, 0),
        (a_refund_payment(), a_payment(refunded=10_000), Reason.AMOUNT_EXCEEDS_CAPTURED, FailureClass.STATE, 0),
        (
            a_refund_payment(amount=lira("1.00")),
            a_payment(refunded=10_000),
            Reason.AMOUNT_EXCEEDS_CAPTURED,
            FailureClass.STATE,
            100,
        ),
        (
            a_refund_payment(amount=lira("70.01")),
            a_payment(refunded=3_000),
            Reason.AMOUNT_EXCEEDS_CAPTURED,
            FailureClass.STATE,
            7_001,
        ),
        (a_refund_payment(line_id="z"), lined(), Reason.UNKNOWN_LINE, FailureClass.INVALID, 0),
        (
            a_refund_payment(line_id="z", amount=lira("1.00")),
            lined(),
            Reason.UNKNOWN_LINE,
            FailureClass.INVALID,
            100,
        ),
        (
            a_refund_payment(line_id="b", amount=lira("40.01")),
            lined(),
            Reason.AMOUNT_EXCEEDS_CAPTURED,
            FailureClass.STATE,
            4_001,
        ),
        (
            a_refund_payment(line_id="a"),
            lined(**HALF_LINE),
            Reason.AMOUNT_EXCEEDS_CAPTURED,
            FailureClass.STATE,
            0,
        ),
        (
            a_refund_payment(line_id="a", amount=lira("50.00")),
            lined(refunded=6_000),
            Reason.AMOUNT_EXCEEDS_CAPTURED,
            FailureClass.STATE,
            5_000,
        ),
    ],
)
def test_a_state_that_forbids_the_command_refuses_it(
    command: PaymentCommand, payment: Payment, reason: Reason, failure: FailureClass, requested: int | None
) -> None:
    refused = decided(command, payment)
    assert isinstance(refused, Refuse)
    assert (refused.reason, refused.failure) == (reason, failure)
    assert (None if refused.requested is None else refused.requested.minor) == requested
    assert refused.detail


def test_a_line_that_is_given_back_already_is_said_to_be_so() -> None:
    refused = decided(a_refund_payment(line_id="a"), lined(**HALF_LINE))
    assert "line" in refused.detail


@pytest.mark.parametrize(
    ("status", "decision"),
    [(ClaimStatus.PARKED, Lying()), (ClaimStatus.QUEUED, Queue()), (ClaimStatus.TOO_OLD, TooOld())],
)
def test_what_lies_parked_waits_behind_others_or_is_forgotten_is_not_performed(
    status: ClaimStatus, decision: object
) -> None:
    assert decide(a_claim(status), a_payment("new"), a_create_payment(), NO_PROMISE, now=NOON) == decision


def test_a_withdrawn_command_is_refused_unless_it_may_have_been_sent() -> None:
    unsent = decide(a_claim(), a_payment("new"), a_create_payment(), DAY, now=NOON, withdrawn="ayse: double order")
    sent = decide(
        a_claim(attempts=(tried(),), sent_age_s=10.0),
        a_payment("new"),
        a_create_payment(),
        DAY,
        now=NOON,
        withdrawn="ayse: double order",
    )

    assert isinstance(unsent, Refuse)
    assert unsent.reason is Reason.WITHDRAWN
    assert "ayse" in unsent.detail
    assert isinstance(sent, Inquire)
