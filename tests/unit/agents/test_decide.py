from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.ledger import Ask, Claim, ClaimStatus, SentAttempt, StoredResult
from agents.payments.decide import (
    RESEND_MARGIN_S,
    Answer,
    Call,
    Conflict,
    Inquire,
    Lying,
    Promise,
    Queue,
    Refuse,
    TooOld,
    Wait,
    amount_of,
    attempt_number,
    decide,
    refusal_of,
)
from schemas.ids import new_id
from schemas.money import Money
from schemas.payments import LineReference, Payment, PaymentCommand, Reason
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

ID = new_id()
RESULT = StoredResult(b"{}", ())
NO_PROMISE = Promise(repeatable_for_s=None, resend_after_absence_s=None)
DAY = Promise(repeatable_for_s=86_400.0, resend_after_absence_s=None)


def a_payment(stage: str = "captured", **changed: Any) -> Payment:
    given: dict[str, Any] = {"payment_id": ID, "stage": stage}
    if stage != "new":
        given["currency"] = "TRY"
    if stage in {"captured", "cancelled"}:
        given["captured"] = 10_000
    if stage == "authorized":
        given["held"] = 10_000
    if stage == "cancelled":
        given["refunded"] = 10_000
    return Payment(**(given | changed))


def tried(*, maybe_sent: bool = True, number: int = 1, age_s: float = 10.0) -> SentAttempt:
    return SentAttempt(number, "iyzico-main", f"ref{number}", "digest", maybe_sent, age_s)


def a_claim(status: ClaimStatus = ClaimStatus.TAKEN, **changed: Any) -> Claim:
    return Claim(Ask("payments/x", new_id(), "t", b"d"), status, **changed)


def decided(command: PaymentCommand, payment: Payment, claim: Claim | None = None, promise: Promise = DAY) -> Any:
    return decide(claim or a_claim(), payment, command, promise, now=NOON)


def minor(amount: int) -> Money:
    return Money(minor=amount, currency="TRY")


def lined(**changed: Any) -> Payment:
    lines = (
        LineReference(line_id="a", provider_reference="1", paid=minor(6_000)),
        LineReference(line_id="b", provider_reference="2", paid=minor(4_000)),
    )
    return a_payment(lines=lines, **changed)


# What the ledger says comes first.


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


def test_what_was_certainly_not_performed_is_called_again() -> None:
    claim = a_claim(attempts=(tried(maybe_sent=False), tried(number=2, maybe_sent=False)))
    assert isinstance(decided(a_create_payment(), a_payment("new"), claim), Call)


def test_an_attempt_keeps_its_number_where_it_was_made_and_is_a_further_one_elsewhere() -> None:
    attempts = (tried(maybe_sent=False), tried(number=2, maybe_sent=False))
    assert attempt_number((), "iyzico-main") == 1
    assert attempt_number(attempts, "iyzico-main") == 2
    assert attempt_number(attempts, "iyzico-other") == 3


def test_every_attempt_that_may_have_been_performed_is_asked_about_and_none_is_sent_again() -> None:
    first, second, third = tried(number=1), tried(number=2, maybe_sent=False), tried(number=3)
    claim = a_claim(attempts=(first, second, third), sent_age_s=1.0)
    asked = decided(a_create_payment(lira("12.50")), a_payment("new"), claim, DAY)
    assert asked == Inquire(third, lira("12.50"), resend=False, earlier=(first,))


# What may have been sent is asked about, whatever else holds.


@pytest.mark.parametrize(
    ("promise", "sent_age_s", "resend"),
    [
        (NO_PROMISE, 1.0, False),
        (DAY, 1.0, True),
        (DAY, 86_400 - RESEND_MARGIN_S - 1, True),
        (DAY, 86_400 - RESEND_MARGIN_S, False),
        (DAY, 10 * 86_400.0, False),
        (Promise(None, 600.0), 599.0, False),
        (Promise(None, 600.0), 600.0, True),
    ],
)
def test_only_what_the_provider_deduplicates_may_go_out_again(
    promise: Promise, sent_age_s: float, resend: bool
) -> None:
    attempt = tried(age_s=sent_age_s)
    claim = a_claim(attempts=(attempt,), sent_age_s=sent_age_s)
    asked = decided(a_create_payment(lira("12.50")), a_payment("new"), claim, promise)
    assert asked == Inquire(attempt, lira("12.50"), resend=resend)


def test_absence_is_counted_from_the_last_send_not_from_the_first() -> None:
    claim = a_claim(attempts=(tried(age_s=5.0),), sent_age_s=5_000.0)
    assert not decided(a_create_payment(), a_payment("new"), claim, Promise(None, 600.0)).resend


def test_the_promise_to_repeat_is_counted_from_the_first_send_not_from_the_last() -> None:
    claim = a_claim(attempts=(tried(age_s=5.0),), sent_age_s=90_000.0)
    assert not decided(a_create_payment(), a_payment("new"), claim, DAY).resend


def test_no_operation_means_no_resend() -> None:
    claim = a_claim(attempts=(tried(),), sent_age_s=1.0)
    asked = decide(claim, a_payment("new"), a_create_payment(), None, now=NOON)
    assert isinstance(asked, Inquire)
    assert not asked.resend


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


# Every refusal by the payment's state.

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


# Properties.

stages = st.sampled_from(["new", "pending", "authorized", "captured", "cancelled", "unsettled"])
commands = st.sampled_from(
    [
        a_create_payment(),
        a_create_payment(expires_at=NOON - timedelta(days=1)),
        a_capture_payment(),
        a_capture_payment(amount=lira("1.00")),
        a_cancel_payment(),
        a_refund_payment(),
        a_refund_payment(amount=lira("500.00")),
        a_refund_payment(line_id="a"),
        a_query_payment(),
    ]
)
promises = st.sampled_from([None, NO_PROMISE, DAY, Promise(None, 600.0), Promise(60.0, 1.0)])
attempts = st.lists(st.booleans(), max_size=3).map(
    lambda sent: tuple(tried(maybe_sent=was, number=number) for number, was in enumerate(sent, start=1))
)
claims = st.builds(
    lambda status, sent, age_s: a_claim(
        status, attempts=sent, result=RESULT, sent_age_s=age_s if any(one.maybe_sent for one in sent) else None
    ),
    st.sampled_from(ClaimStatus),
    attempts,
    st.floats(-10.0, 1e6),
)


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


@given(claims, stages, commands, promises)
def test_nothing_is_called_for_what_is_concluded_not_ours_or_may_have_been_sent(
    claim: Claim, stage: str, command: PaymentCommand, promise: Promise | None
) -> None:
    decision = decide(claim, a_payment(stage), command, promise, now=NOON)
    if claim.status is not ClaimStatus.TAKEN:
        assert isinstance(decision, Answer | Conflict | TooOld | Lying | Queue | Wait)
    elif claim.sent_age_s is not None:
        assert isinstance(decision, Inquire)
        assert decision.attempt.maybe_sent
        assert not (decision.resend and promise in {None, NO_PROMISE})
    else:
        assert isinstance(decision, Call | Refuse)


@given(stages, commands, st.integers(0, 10_000), st.integers(0, 10_000))
def test_a_call_never_moves_more_than_there_is(stage: str, command: PaymentCommand, held: int, refunded: int) -> None:
    changed: dict[str, Any] = {"refunded": refunded} if stage == "captured" else {}
    changed |= {"held": held} if stage == "authorized" else {}
    payment = a_payment(stage, **changed)
    decision = decided(command, payment)
    assert decided(command, payment) == decision
    if isinstance(decision, Call):
        assert refusal_of(command, payment) is None
        match command.type:
            case "payments.capture.v1":
                assert decision.amount is not None
                assert 0 < decision.amount.minor <= payment.held
            case "payments.refund.v1":
                assert decision.amount is not None
                assert 0 < decision.amount.minor <= payment.refundable
            case "payments.cancel.v1":
                assert decision.amount is not None
                assert decision.amount.minor == (payment.held or payment.refundable)
            case "payments.create.v1":
                assert payment.stage == "new"
            case _:
                assert decision.amount is None


def test_the_amount_of_an_open_command_is_the_same_when_it_is_looked_at_again() -> None:
    payment, command = a_payment(refunded=1_000), a_refund_payment()
    first = decided(command, payment)
    claim = a_claim(attempts=(tried(),), sent_age_s=1.0)
    assert decided(command, payment, replace(claim)).amount == first.amount == amount_of(command, payment)
