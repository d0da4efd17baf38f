"""A person's word on an unknown outcome: what it comes to, and what the payment is afterwards."""

from typing import Any

import pytest

from agents.payments.conclude import Conclude
from agents.payments.decisions import Refuse
from agents.payments.resolve import Propose, Settle, resolve
from schemas.ids import new_id
from schemas.payments import Payment, Reason, ResolveOutcome, Result
from tests.builders import (
    NOON,
    a_command_pending,
    a_command_unknown,
    a_payment_cancelled,
    a_payment_captured,
    a_payment_created,
    a_payment_queried,
    a_payment_refunded,
    a_resolve_outcome,
    lira,
    performed,
)

PAYMENT, OPEN = new_id(), new_id()
ALONE = 100_000
TAKEN = a_payment_created(lira("80.00"))
HELD = a_payment_created(lira("80.00"), state="authorized")


def payment_after(*results: Result) -> Payment:
    payment = Payment(payment_id=PAYMENT)
    for result in results:
        payment = payment.after(result)
    return payment


def unknown(kind: str, amount: str | None = "80.00", **changed: Any) -> Result:
    requested = None if amount is None else lira(amount)
    if kind == "create":
        changed = {"capture": "auto", **changed}
    return a_command_unknown(command_id=OPEN, command_type=f"payments.{kind}.v1", requested=requested, **changed)


def a_word(**changed: Any) -> ResolveOutcome:
    return a_resolve_outcome(PAYMENT, **({"of_command_id": OPEN} | changed))


def judged(payment: Payment, word: ResolveOutcome, alone_minor: int = ALONE) -> Settle | Propose | Refuse:
    return resolve(word, payment, alone_minor=alone_minor)


def settled(payment: Payment, word: ResolveOutcome, alone_minor: int = ALONE) -> Payment:
    """The payment after the word's own result, read from the log again as a rebuild would."""
    step = judged(payment, word, alone_minor)
    conclude = Conclude(new_id(), word, payment, amount=None, attempts=0, at=NOON)
    match step:
        case Settle():
            result: Result = conclude.resolved(step)
        case Propose():
            result = conclude.proposed(step)
        case Refuse():
            result = conclude.refused(step)
    read = type(result).model_validate_json(result.model_dump_json(exclude_none=True))
    after = payment.after(read)
    return Payment.model_validate_json(after.model_dump_json(exclude_defaults=True))


def facts(payment: Payment) -> tuple[str, int, int, int]:
    return payment.stage, payment.held, payment.captured, payment.refunded


@pytest.mark.parametrize(
    ("before", "command", "as_performed"),
    [
        ((), unknown("create", capture="auto", order_id="o"), a_payment_created(lira("80.00"))),
        ((), unknown("create", capture="manual"), a_payment_created(lira("80.00"), state="authorized")),
        ((HELD,), unknown("capture", "30.00"), a_payment_captured(lira("30.00"))),
        ((HELD,), unknown("cancel"), a_payment_cancelled(lira("80.00"), effect="released")),
        ((TAKEN,), unknown("cancel"), a_payment_cancelled(lira("80.00"))),
        ((TAKEN,), unknown("refund", "5.00"), a_payment_refunded(lira("5.00"))),
        ((TAKEN,), unknown("refund", "5.00", line_id="line-1"), a_payment_refunded(lira("5.00"), line_id="line-1")),
    ],
)
def test_accepted_is_as_if_it_had_been_performed_and_refused_as_if_it_had_never_been(
    before: tuple[Result, ...], command: Result, as_performed: Result
) -> None:
    unsettled = payment_after(*before, command)
    assert unsettled.stage == "unsettled"
    accepted, refused = settled(unsettled, a_word()), settled(unsettled, a_word(verdict="refused"))
    assert facts(accepted) == facts(payment_after(*before, as_performed))
    assert accepted.line_refunds == payment_after(*before, as_performed).line_refunds
    assert facts(refused) == facts(payment_after(*before))
    assert (accepted.open_commands, refused.open_commands) == ((), ())


def test_a_creation_that_was_made_is_known_by_the_providers_id_and_its_order_afterwards() -> None:
    nameless = performed(provider_reference=None)
    unsettled = payment_after(unknown("create", order_id="order-7", performed=nameless))
    assert _reason(judged(unsettled, a_word(provider_reference=None))) is Reason.INVALID_REQUEST
    made = settled(unsettled, a_word(provider_reference="555"))
    assert (made.provider_reference, made.order_id, made.currency) == ("555", "order-7", "TRY")
    assert made.create_reference == "a1b2c3d4"


@pytest.mark.parametrize(
    ("results", "changed", "reason"),
    [
        ((TAKEN,), {}, Reason.NOT_UNKNOWN),
        ((TAKEN, unknown("refund", "5.00")), {"of_command_id": new_id()}, Reason.NOT_UNKNOWN),
        ((a_command_pending(command_id=OPEN),), {}, Reason.NOT_UNKNOWN),
        ((TAKEN, unknown("refund", "5.00")), {"amount": lira("5.01")}, Reason.AMOUNT_DIFFERS),
        ((TAKEN, unknown("refund", "5.00")), {"approves": True}, Reason.INVALID_STATE),
    ],
)
def test_a_word_that_fits_nothing_is_refused(
    results: tuple[Result, ...], changed: dict[str, Any], reason: Reason
) -> None:
    assert _reason(judged(payment_after(*results), a_word(**changed))) is reason


@pytest.mark.parametrize(
    ("before", "kind", "amount", "as_performed"),
    [
        (HELD, "capture", "30.00", a_payment_captured(lira("30.00"))),
        (TAKEN, "cancel", "80.00", a_payment_cancelled(lira("80.00"))),
        (TAKEN, "refund", "5.00", a_payment_refunded(lira("5.00"))),
    ],
)
def test_a_movement_that_the_provider_took_and_decided_elsewhere_is_settled_by_a_person(
    before: Result, kind: str, amount: str, as_performed: Result
) -> None:
    waits = a_command_pending(
        command_id=OPEN, command_type=f"payments.{kind}.v1", requested=lira(amount), reason=Reason.UNDER_REVIEW
    )
    unsettled = payment_after(before, waits)
    assert unsettled.stage == "unsettled"
    assert facts(settled(unsettled, a_word())) == facts(payment_after(before, as_performed))
    assert facts(settled(unsettled, a_word(verdict="refused"))) == facts(payment_after(before))


def test_an_outcome_is_settled_once() -> None:
    once = settled(payment_after(TAKEN, unknown("refund", "5.00")), a_word(amount=lira("5.00")))
    assert _reason(judged(once, a_word(verdict="refused"))) is Reason.ALREADY_RESOLVED
    assert facts(settled(once, a_word())) == facts(once)


def test_a_query_that_found_a_creation_leaves_nothing_to_settle() -> None:
    found = payment_after(unknown("create"), a_payment_queried())
    assert (found.stage, found.open_commands) == ("captured", ())
    assert _reason(judged(found, a_word())) is Reason.NOT_UNKNOWN


def test_a_cancel_that_is_unknown_beside_a_creation_found_stays_open() -> None:
    payment = payment_after(a_command_pending(), unknown("cancel", "0.01"), a_payment_queried(paid_price=lira("80.00")))
    assert facts(payment) == ("unsettled", 0, 8000, 0)
    assert facts(settled(payment, a_word())) == ("cancelled", 0, 8000, 8000)


def test_above_the_limit_a_second_person_has_to_say_the_same() -> None:
    unsettled = payment_after(unknown("create", "1000.01"))
    proposed = settled(unsettled, a_word(by="Işıl Çağrı"))
    assert (proposed.stage, len(proposed.proposals)) == ("unsettled", 1)
    assert _reason(judged(proposed, a_word(by=" işıl  çağrı ", approves=True))) is Reason.SAME_PERSON
    differs = a_word(by="Deniz", approves=True, verdict="refused")
    assert _reason(judged(proposed, differs)) is Reason.PROPOSAL_DIFFERS
    other_payment = a_word(by="Deniz", approves=True, provider_reference="1")
    assert _reason(judged(proposed, other_payment)) is Reason.PROPOSAL_DIFFERS
    step = judged(proposed, a_word(by="Deniz", approves=True))
    assert isinstance(step, Settle)
    assert (step.by, step.approved_by) == ("Işıl Çağrı", "Deniz")
    done = settled(proposed, a_word(by="Deniz", approves=True))
    assert (facts(done), done.proposals) == (("captured", 0, 100_001, 0), ())


@pytest.mark.parametrize(("amount", "alone"), [("1000.00", True), ("1000.01", False)])
def test_the_limit_itself_is_settled_alone(amount: str, alone: bool) -> None:
    step = judged(payment_after(unknown("create", amount)), a_word())
    assert isinstance(step, Settle if alone else Propose)


def test_what_the_hub_does_not_know_any_more_two_persons_have_to_tell_it() -> None:
    lost = payment_after(unknown("create", None, capture=None))
    assert _reason(judged(lost, a_word())) is Reason.INVALID_AMOUNT
    assert _reason(judged(lost, a_word(amount=lira("8.00")))) is Reason.INVALID_REQUEST
    told: dict[str, Any] = {"amount": lira("8.00"), "capture": "manual"}
    proposed = settled(lost, a_word(by="Işıl", **told))
    assert proposed.stage == "unsettled"
    differs = a_word(by="Deniz", approves=True, amount=lira("8.01"), capture="manual")
    assert _reason(judged(proposed, differs)) is Reason.PROPOSAL_DIFFERS
    done = settled(proposed, a_word(by="Deniz", approves=True, **told))
    assert (facts(done), done.currency) == (("authorized", 800, 0, 0), "TRY")
    assert isinstance(judged(lost, a_word(verdict="refused")), Propose)


def test_a_new_proposal_takes_the_place_of_the_one_before() -> None:
    payment = payment_after(unknown("create", "1000.01"))
    for by, verdict in (("Işıl", "accepted"), ("Deniz", "refused")):
        payment = settled(payment, a_word(by=by, verdict=verdict))
    assert [(said.by, said.verdict) for said in payment.proposals] == [("Deniz", "refused")]
    assert settled(payment, a_word(by="Işıl", verdict="refused", approves=True)).stage == "new"


def test_a_state_that_was_stored_before_open_commands_were_kept_still_parses() -> None:
    old = Payment.model_validate_json(f'{{"payment_id":"{PAYMENT}","stage":"unsettled","captured":8000}}')
    assert (old.stage, old.open_commands) == ("unsettled", ())


def _reason(step: object) -> Reason:
    assert isinstance(step, Refuse)
    return step.reason
