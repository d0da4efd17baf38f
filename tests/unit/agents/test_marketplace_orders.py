"""What a marketplace orders of a payment: whose share a line is, and what is paid out."""

from typing import Any

import pytest

from agents.payments.conclude import Conclude
from agents.payments.refusals import amount_of, refusal_of
from agents.payments.resolve import Settle, resolve
from providers.outcome import Outcome
from schemas.ids import new_id
from schemas.money import Price
from schemas.payments import LineApproved, Payment, PaymentCommand, Reason, Result, ShareTransferred
from schemas.verdicts import Verdict
from tests.builders import (
    NOON,
    a_command_pending,
    a_command_unknown,
    a_line_approved,
    a_payment_cancelled,
    a_payment_created,
    a_payment_refunded,
    a_resolve_outcome,
    a_share_transferred,
    a_transfer_share,
    an_approve_line,
    lira,
    money,
    performed,
)

ID = new_id()
TAKEN = a_payment_created(lira("80.00"))
HELD = a_payment_created(lira("80.00"), state="authorized")
OPEN_TRANSFER = a_command_unknown(command_type="payments.transfer_share.v1", requested=lira("30.00"))


def after(*results: Result) -> Payment:
    payment = Payment(payment_id=ID)
    for result in results:
        payment = payment.after(type(result).model_validate_json(result.model_dump_json(exclude_none=True)))
    return payment


def concluded(command: PaymentCommand, payment: Payment) -> Any:
    amount = amount_of(command, payment)
    conclude = Conclude(new_id(), command, payment, amount=amount, attempts=1, at=NOON)
    return conclude.by_provider(Outcome(verdict=Verdict.ACCEPTED, amount=amount), performed(our_reference="t1"))


@pytest.mark.parametrize(
    ("before", "reason"),
    [
        ((), Reason.PAYMENT_NOT_FOUND),
        ((HELD,), Reason.NOTHING_CAPTURED),
        ((a_command_pending(),), Reason.NOTHING_CAPTURED),
        ((TAKEN, OPEN_TRANSFER), Reason.PAYMENT_UNSETTLED),
        ((TAKEN, a_payment_cancelled(lira("80.00"))), Reason.PAYMENT_ALREADY_CANCELLED),
    ],
)
@pytest.mark.parametrize("command", [an_approve_line(ID), a_transfer_share(ID)])
def test_shares_are_of_what_was_taken(command: PaymentCommand, before: tuple[Result, ...], reason: Reason) -> None:
    refusal = refusal_of(command, after(*before))
    assert refusal is not None
    assert refusal.reason is reason


@pytest.mark.parametrize("withdraw", [False, True])
def test_a_line_of_the_payment_is_approved_and_no_total_changes(withdraw: bool) -> None:
    command = an_approve_line(ID, withdraw=withdraw)
    assert refusal_of(command, after(TAKEN)) is None
    result = concluded(command, after(TAKEN))
    assert isinstance(result, LineApproved)
    assert (result.line_id, result.withdrawn) == ("line-1", withdraw)
    assert after(TAKEN, result) == after(TAKEN)


def test_only_a_line_of_the_payment_can_be_approved() -> None:
    refusal = refusal_of(an_approve_line(ID, line_id="no-such"), after(TAKEN))
    assert refusal is not None
    assert refusal.reason is Reason.UNKNOWN_LINE


def test_an_approval_nobody_knows_the_outcome_of_leaves_the_payment_as_it_is() -> None:
    assert after(TAKEN, a_command_unknown(command_type="payments.approve_line.v1")) == after(TAKEN)
    assert after(TAKEN, a_line_approved()) == after(TAKEN)


@pytest.mark.parametrize(
    ("before", "most"),
    [
        ((TAKEN,), "80.00"),
        ((TAKEN, a_payment_refunded(lira("30.00"))), "50.00"),
        ((TAKEN, a_share_transferred(lira("30.00"))), "50.00"),
        ((TAKEN, a_share_transferred(lira("30.00")), a_payment_refunded(lira("10.00"))), "40.00"),
    ],
)
def test_no_more_is_transferred_than_was_taken_and_is_left(before: tuple[Result, ...], most: str) -> None:
    payment = after(*before)
    assert refusal_of(a_transfer_share(ID, lira(most)), payment) is None
    one_more = Price(minor=lira(most).minor + 1, currency="TRY")
    above = refusal_of(a_transfer_share(ID, one_more), payment)
    assert above is not None
    assert above.reason is Reason.AMOUNT_EXCEEDS_CAPTURED


def test_a_share_is_in_the_payments_currency() -> None:
    refusal = refusal_of(a_transfer_share(ID, money("5.00", "EUR")), after(TAKEN))
    assert refusal is not None
    assert refusal.reason is Reason.CURRENCY_MISMATCH


def test_a_transfer_says_what_it_is_called_at_the_provider_and_counts() -> None:
    result = concluded(a_transfer_share(ID, lira("30.00")), after(TAKEN))
    assert isinstance(result, ShareTransferred)
    assert (result.amount.minor, result.transfer_reference) == (3000, "t1")
    payment = after(TAKEN, result)
    assert (payment.transferred, payment.transferable, payment.refundable) == (3000, 5000, 8000)


@pytest.mark.parametrize(("verdict", "transferred"), [("accepted", 3000), ("refused", 0)])
def test_a_person_settles_an_unknown_transfer(verdict: str, transferred: int) -> None:
    payment = after(TAKEN, OPEN_TRANSFER)
    assert payment.stage == "unsettled"
    word = a_resolve_outcome(ID, of_command_id=OPEN_TRANSFER.command_id, verdict=verdict, amount=None)
    step = resolve(word, payment, alone_minor=100_000)
    assert isinstance(step, Settle)
    result = Conclude(new_id(), word, payment, amount=None, attempts=0, at=NOON).resolved(step)
    resolved = after(TAKEN, OPEN_TRANSFER, result)
    assert (resolved.stage, resolved.transferred) == ("captured", transferred)
