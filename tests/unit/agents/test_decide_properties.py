from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from agents.ledger import Claim, ClaimStatus
from agents.payments.decide import decide
from agents.payments.decisions import Answer, Call, Conflict, Inquire, Lying, Promise, Queue, Refuse, TooOld, Wait
from agents.payments.refusals import refusal_of
from schemas.payments import PaymentCommand
from tests.builders import (
    NOON,
    a_cancel_payment,
    a_capture_payment,
    a_create_payment,
    a_query_payment,
    a_refund_payment,
    lira,
)
from tests.unit.agents.deciding import DAY, NO_PROMISE, RESULT, a_claim, a_payment, decided, tried

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
