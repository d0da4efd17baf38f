"""A payment in two steps: what a completion may do, what it comes to, and what the payment is afterwards."""

import itertools
from typing import Any

import pytest

from agents.payments.conclude import Conclude
from agents.payments.decisions import Refuse
from agents.payments.refusals import amount_of, refusal_of
from agents.payments.resolve import Settle, resolve
from providers.outcome import Outcome, ProviderState
from schemas.ids import new_id
from schemas.money import Money
from schemas.payments import (
    CommandPending,
    CommandRefused,
    CompleteThreeDSecure,
    KeptCard,
    Payment,
    PaymentCommand,
    PaymentCreated,
    Reason,
    Redirect,
    Result,
    ShowPage,
    ThreeDSecureCompleted,
)
from schemas.payments.transitions import concerns_another
from schemas.verdicts import FailureClass, Verdict
from tests.builders import (
    NOON,
    a_command_pending,
    a_command_refused,
    a_command_unknown,
    a_complete_three_d_secure,
    a_payment_cancelled,
    a_payment_created,
    a_payment_noticed,
    a_payment_queried,
    a_resolve_outcome,
    a_start_pending,
    a_start_three_d_secure,
    a_three_d_secure_completed,
    a_transfer_share,
    lira,
    performed,
)

ID = new_id()
PAID = lira("12.50")
STARTED = a_start_pending(payment_id=ID)
COMPLETION = CompleteThreeDSecure.type
DECLINED = a_command_refused(command_type=COMPLETION)
UNKNOWN = a_command_unknown(command_type=COMPLETION, capture="auto", order_id="order-1001")
PASSING = a_command_refused(command_type=COMPLETION, failure=FailureClass.TRANSIENT, reason=Reason.GAVE_UP)


def after(*results: Result) -> Payment:
    payment = Payment(payment_id=ID)
    for result in results:
        payment = payment.after(type(result).model_validate_json(result.model_dump_json(exclude_none=True)))
    return Payment.model_validate_json(payment.model_dump_json(exclude_defaults=True))


def totals(payment: Payment) -> tuple[str, int, int]:
    return payment.stage, payment.held, payment.captured


def concluded(command: PaymentCommand, payment: Payment, outcome: Outcome, **names: Any) -> Any:
    amount = amount_of(command, payment)
    conclude = Conclude(new_id(), command, payment, amount=amount, attempts=1, at=NOON)
    return conclude.by_provider(outcome, performed(**names))


def a_completion(integration_id: str | None = None, **returned: str) -> CompleteThreeDSecure:
    completion = a_complete_three_d_secure(ID, **returned)
    return completion.model_copy(update={"integration_id": integration_id})


def plain(amount: str) -> Money:
    return Money(minor=lira(amount).minor, currency="TRY")


# The start.


@pytest.mark.parametrize(
    ("action", "redirect_url"),
    [(ShowPage(html="<form>"), None), (Redirect(url="https://bank.example/x"), "https://bank.example/x")],
)
def test_a_start_that_waits_for_the_payer_says_what_the_payer_has_to_do(action: Any, redirect_url: str | None) -> None:
    start = a_start_three_d_secure(PAID, payment_id=ID)
    outcome = Outcome(verdict=Verdict.PENDING, reference="22416032", next_action=action)
    result = concluded(start, Payment(payment_id=ID), outcome)
    assert isinstance(result, CommandPending)
    assert (result.next_action, result.redirect_url, result.requested) == (action, redirect_url, PAID)
    payment = after(result)
    assert (payment.stage, payment.creation_is_open, payment.provider_reference) == ("pending", True, "22416032")
    assert amount_of(a_completion(), payment) == plain("12.50")


@pytest.mark.parametrize("html", ["<input name=pan value=5528790000000008>", "ş" * 200_000 + "\t" * 200_000])
def test_a_page_that_no_record_may_hold_is_a_refusal_and_begins_nothing(html: str) -> None:
    page = ShowPage.model_construct(html=html)
    outcome = Outcome(verdict=Verdict.PENDING, reference="22416032", next_action=page)
    result = concluded(a_start_three_d_secure(payment_id=ID), Payment(payment_id=ID), outcome)
    assert isinstance(result, CommandRefused)
    assert (result.failure, after(result).stage) == (FailureClass.CONFIGURATION, "new")
    assert "5528790000000008" not in result.model_dump_json()


def test_a_start_that_the_bank_asks_nothing_about_ends_as_a_creation() -> None:
    kept = KeptCard(card_token="card-1", customer_key="user-1")
    outcome = Outcome(verdict=Verdict.ACCEPTED, reference="22416032", amount=PAID, stored_card=kept)
    result = concluded(a_start_three_d_secure(PAID, payment_id=ID), Payment(payment_id=ID), outcome)
    assert isinstance(result, PaymentCreated)
    assert (result.command_type, result.stored_card) == ("payments.start_three_d_secure.v1", kept)
    assert totals(after(result)) == ("captured", 0, 1250)


# What may be completed.


@pytest.mark.parametrize(
    ("before", "reason"),
    [
        ((), Reason.PAYMENT_NOT_FOUND),
        ((STARTED, DECLINED), Reason.INVALID_STATE),
        ((STARTED, a_payment_noticed(provider_state="failed", changed="failed", settles=True)), Reason.INVALID_STATE),
        ((STARTED, a_three_d_secure_completed()), Reason.INVALID_STATE),
        ((STARTED, UNKNOWN), Reason.PAYMENT_UNSETTLED),
        ((STARTED, a_command_pending(command_type=COMPLETION)), Reason.PAYMENT_UNSETTLED),
        ((STARTED, a_payment_cancelled(effect="released")), Reason.PAYMENT_ALREADY_CANCELLED),
        ((a_command_unknown(command_type="payments.start_three_d_secure.v1"),), Reason.PAYMENT_UNSETTLED),
        ((a_payment_created(PAID),), Reason.INVALID_STATE),
        ((a_payment_created(PAID, state="authorized"),), Reason.INVALID_STATE),
        ((a_command_pending(),), Reason.INVALID_STATE),
    ],
)
def test_only_a_start_that_waits_for_its_payer_can_be_completed(before: tuple[Result, ...], reason: Reason) -> None:
    refusal = refusal_of(a_completion(), after(*before))
    assert isinstance(refusal, Refuse)
    assert refusal.reason is reason
    assert after(*before).after(refused_by_hub(refusal)) == after(*before), "and changes nothing"


def refused_by_hub(refusal: Refuse) -> CommandRefused:
    about = {"reason": refusal.reason, "failure": refusal.failure, "detail": refusal.detail}
    return a_command_refused(command_type=COMPLETION, performed=None, **about)


def test_a_start_is_completed_where_it_was_begun() -> None:
    assert refusal_of(a_completion(), after(STARTED)) is None
    assert refusal_of(a_completion(integration_id="iyzico-main"), after(STARTED)) is None
    elsewhere = refusal_of(a_completion(integration_id="iyzico-other"), after(STARTED))
    assert elsewhere is not None
    assert elsewhere.failure is FailureClass.INVALID


def test_a_payment_that_was_begun_with_3d_secure_is_begun_once() -> None:
    again = refusal_of(a_start_three_d_secure(payment_id=ID), after(STARTED))
    assert again is not None
    assert again.reason is Reason.PAYMENT_EXISTS
    assert refusal_of(a_start_three_d_secure(payment_id=ID), after(STARTED, DECLINED)) is None


# What it comes to.


@pytest.mark.parametrize(
    ("capture", "state", "expected"),
    [
        ("auto", None, ("captured", 0, 1250)),
        ("manual", None, ("authorized", 1250, 0)),
        ("auto", ProviderState.CAPTURED, ("captured", 0, 1250)),
        ("manual", ProviderState.AUTHORIZED, ("authorized", 1250, 0)),
    ],
)
def test_a_completion_takes_or_holds_what_the_start_asked_for(
    capture: str, state: ProviderState | None, expected: tuple[str, int, int]
) -> None:
    payment = after(a_start_pending(payment_id=ID, capture=capture))
    outcome = Outcome(verdict=Verdict.ACCEPTED, amount=PAID, state=state, fee=plain("0.40"))
    result = concluded(a_completion(), payment, outcome, our_reference="completion-1")
    assert isinstance(result, ThreeDSecureCompleted)
    assert (result.settles, result.contradicts, result.provider_fee) == (True, False, plain("0.40"))
    done = after(a_start_pending(payment_id=ID, capture=capture), result)
    assert totals(done) == expected
    assert (done.open_commands, done.create_reference) == ((), "a1b2c3d4"), "it keeps the names of its start"


def test_money_that_was_held_and_should_have_been_taken_is_booked_and_contradicts() -> None:
    outcome = Outcome(verdict=Verdict.ACCEPTED, amount=PAID, state=ProviderState.AUTHORIZED)
    result = concluded(a_completion(), after(STARTED), outcome)
    assert (result.changed, result.contradicts) == ("authorized", True)


@pytest.mark.parametrize(
    ("result", "stage", "open_commands"),
    [
        (DECLINED, "new", 0),
        (a_command_refused(command_type=COMPLETION, reason=Reason.AUTHENTICATION_FAILED, performed=None), "new", 0),
        (PASSING, "pending", 1),
        *(
            (a_command_refused(command_type=COMPLETION, failure=failure), "pending", 1)
            for failure in (FailureClass.INVALID, FailureClass.CONFIGURATION, FailureClass.STATE)
        ),
        (a_command_refused(command_type="payments.query.v1"), "pending", 1),
        (a_command_pending(command_type=COMPLETION, requested=PAID), "pending", 2),
        (UNKNOWN, "unsettled", 2),
    ],
)
def test_only_the_banks_no_ends_what_was_started(result: Result, stage: str, open_commands: int) -> None:
    payment = after(STARTED, result)
    assert (payment.stage, len(payment.open_commands)) == (stage, open_commands)
    assert (payment.held, payment.captured) == (0, 0)


@pytest.mark.parametrize("open_completion", [UNKNOWN, a_command_pending(command_type=COMPLETION, requested=PAID)])
@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (a_payment_queried(changed="captured", amount=PAID, settles=True), ("captured", 0, 1250)),
        (a_payment_noticed(provider_state="failed", changed="failed", settles=True), ("new", 0, 0)),
    ],
)
def test_an_open_completion_is_settled_with_its_start(
    open_completion: Result, found: Result, expected: tuple[str, int, int]
) -> None:
    payment = after(STARTED, open_completion, found)
    assert totals(payment) == expected
    assert payment.open_commands == ()


def test_a_word_under_the_completions_own_reference_is_about_this_payment() -> None:
    names = {"integration_id": "iyzico-main", "provider_reference": None}
    for completion in (UNKNOWN, a_three_d_secure_completed(), DECLINED, a_command_pending(command_type=COMPLETION)):
        own = completion.model_copy(update={"performed": performed(our_reference="completion-1")})
        assert not concerns_another(after(STARTED, own), our_reference="completion-1", **names)
        assert concerns_another(after(STARTED, own), our_reference="somebody-elses", **names)
    assert concerns_another(after(STARTED), our_reference="completion-1", **names)


# A person's word on a completion that nobody knows about.


@pytest.mark.parametrize("known", [UNKNOWN, a_command_unknown(command_type=COMPLETION, requested=None)])
@pytest.mark.parametrize(
    ("capture", "verdict", "expected"),
    [
        ("auto", "accepted", ("captured", 0, 1250)),
        ("manual", "accepted", ("authorized", 1250, 0)),
        ("auto", "refused", ("pending", 0, 0)),
    ],
)
def test_a_person_settles_an_unknown_completion_as_its_start_asked(
    known: Any, capture: str, verdict: str, expected: tuple[str, int, int]
) -> None:
    known = known.model_copy(update={"capture": capture if known.capture else None})
    payment = after(a_start_pending(payment_id=ID, capture=capture), known)
    word = a_resolve_outcome(ID, of_command_id=known.command_id, verdict=verdict, amount=None)
    step = resolve(word, payment, alone_minor=100_000)
    assert isinstance(step, Settle)
    result = Conclude(new_id(), word, payment, amount=None, attempts=0, at=NOON).resolved(step)
    resolved = after(a_start_pending(payment_id=ID, capture=capture), known, result)
    assert totals(resolved) == expected
    assert len(resolved.open_commands) == (1 if verdict == "refused" else 0)


# Whatever comes, in whatever order.

_WORDS: tuple[PaymentCommand, ...] = (
    a_completion(),
    a_completion(mdStatus="1", again="1"),
    a_transfer_share(ID, PAID),
    a_start_three_d_secure(PAID, payment_id=ID),
)


@pytest.mark.parametrize("verdicts", list(itertools.product(["accepted", "refused", "unknown", "pending"], repeat=2)))
def test_money_is_taken_once_whatever_is_ordered_and_answered(verdicts: tuple[str, str]) -> None:
    for order in itertools.permutations(_WORDS):
        payment, taken = after(STARTED), 0
        answers = itertools.cycle(verdicts)
        for command in order:
            if refusal_of(command, payment) is not None:
                continue
            result = _answered(command, payment, next(answers))
            taken += result.verdict == "accepted" and isinstance(command, CompleteThreeDSecure)
            payment = payment.after(result)
        assert taken <= 1
        assert payment.captured in {0, 1250}
        assert 0 <= payment.transferred <= payment.captured


def _answered(command: PaymentCommand, payment: Payment, verdict: str) -> Any:
    conclude = Conclude(new_id(), command, payment, amount=amount_of(command, payment), attempts=1, at=NOON)
    if verdict == "unknown":
        return conclude.unknown("nobody knows", performed=performed(), references=(), first_sent_at=NOON)
    return conclude.by_provider(Outcome(verdict=Verdict(verdict), amount=amount_of(command, payment)), performed())
