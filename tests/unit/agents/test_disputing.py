"""What a call about a dispute comes to: the provider's own word on it, where it is one of this payment."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from agents.ledger import StoredResult
from agents.payments.decisions import Refuse
from agents.payments.dispute_facts import fact_of, noticed, stored_fact
from agents.payments.disputing import Disputing, concerns
from agents.payments.perform import Performer
from agents.payments.places import Places
from agents.payments.records import PaymentRecords
from agents.payments.refusals import amount_of, refusal_of
from agents.payments.work import Disputed, Later, Patience, Step, Unsettled
from agents.republish import results_again
from providers.connector import Integration
from providers.outcome import Refusal
from providers.registry import connectors
from schemas.base import Frozen
from schemas.envelope import REPUBLISHED
from schemas.errors import NotSent, OutcomeUnknown, ProviderError, Throttled
from schemas.ids import fact_id, new_id, result_id
from schemas.payments import (
    DisputeClosed,
    DisputeLookUp,
    DisputeOpened,
    FoundDispute,
    LineReference,
    Payment,
    PaymentCommand,
    Reason,
)
from schemas.verdicts import FailureClass
from streams.codec import Outgoing
from streams.topics import Topics
from tests import builders as a
from tests.unit.agents.works import a_work

ACCOUNTS = {
    name: Integration(name, connectors()[name], "sandbox", "https://x.example", {})
    for name in ("stripe", "paypal", "paytr")
}
FOUND = FoundDispute(dispute=a.a_dispute(), provider_references=("pi_1", "ch_1"), our_references=("ours1",))


class Told(Performer):
    """One whose provider answers the look-up so."""

    def __init__(self, answer: Frozen | Refusal | ProviderError) -> None:
        self._told = answer
        self._patience = Patience()
        self.asked: list[tuple[str, Frozen]] = []

    async def read(self, integration: Integration, name: str, question: Frozen) -> Frozen | Refusal:
        self.asked.append((integration.id, question))
        assert name == "dispute"
        if isinstance(self._told, ProviderError):
            raise self._told
        return self._told


def a_payment(**changed: Any) -> Payment:
    known: dict[str, Any] = {
        "payment_id": new_id(),
        "stage": "captured",
        "currency": "TRY",
        "captured": 1250,
        "integration_id": "stripe",
        "provider": "stripe",
        "provider_reference": "pi_1",
        "create_reference": "ours1",
    }
    return Payment(**(known | changed))


def heard(
    answer: Any, payment: Payment | None = None, *, at: str = "stripe", age_s: float = 0, **places: Any
) -> tuple[Step, Told]:
    payment = payment or a_payment()
    notice = a.a_take_notice(payment.payment_id, integration_id=at, dispute_reference="du_1")
    work = replace(a_work(), command=notice, payment=payment)
    work = replace(work, claim=replace(work.claim, claimed_age_s=age_s))
    performer = Told(answer)
    given: dict[str, Any] = {"integrations": ACCOUNTS, "paused_s": lambda *_: 0.0}
    asking = Disputing(performer, Places(**(given | places)), Patience())
    return asyncio.run(asking.ask(work, notice, "du_1")), performer


def test_the_dispute_is_asked_for_where_the_call_came_from() -> None:
    step, performer = heard(FOUND)
    assert performer.asked == [("stripe", DisputeLookUp(dispute_reference="du_1"))]
    assert step == Disputed(FOUND.dispute, ACCOUNTS["stripe"])


def test_a_dispute_that_is_another_payment_s_tells_nothing_of_this_one() -> None:
    other = FOUND.model_copy(update={"provider_references": ("pi_9",), "our_references": ("theirs",)})
    step, _ = heard(other)
    assert isinstance(step, Refuse)
    assert step.reason is Reason.INVALID_REQUEST


@pytest.mark.parametrize(
    ("payment", "found", "at", "its_own"),
    [
        ({}, {}, "stripe", True),
        ({}, {}, "paypal", False),
        ({"create_reference": None}, {}, "stripe", True),
        ({"provider_reference": "order_1"}, {}, "stripe", True),
        ({"provider_reference": "order_1", "create_reference": "another"}, {}, "stripe", False),
        (
            {"create_reference": "another", "complete_reference": "ours1", "provider_reference": None},
            {},
            "stripe",
            True,
        ),
        ({"provider_reference": None, "create_reference": None}, {}, "stripe", False),
        ({"provider_reference": None, "create_reference": None}, {"our_references": ()}, "stripe", False),
    ],
)
def test_by_which_names_a_dispute_is_known_as_the_payment_s(
    payment: dict[str, Any], found: dict[str, Any], at: str, its_own: bool
) -> None:
    assert concerns(a_payment(**payment), FOUND.model_copy(update=found), at) is its_own


def test_a_capture_s_id_is_a_name_of_the_payment() -> None:
    line = LineReference(line_id="capture", provider_reference="ch_1", paid=a.lira("12.50"))
    assert concerns(a_payment(provider_reference="order_1", create_reference=None, lines=(line,)), FOUND, "stripe")


ABOUT: Any = {"provider": "stripe", "operation": "dispute"}


@pytest.mark.parametrize(
    "answer",
    [
        NotSent("breaker", reason="breaker_open", **ABOUT),
        Throttled("later", retry_after_s=None, **ABOUT),
        OutcomeUnknown("a word that was never met", reason="unusable_answer", **ABOUT),
        Refusal(reason=Reason.RESOURCE_NOT_FOUND, failure=FailureClass.STATE, detail="not there yet"),
        Refusal(reason=Reason.OTHER, failure=FailureClass.TRANSIENT, detail="passing"),
    ],
    ids=str,
)
def test_what_is_no_answer_yet_is_asked_again(answer: Any) -> None:
    assert isinstance(heard(answer)[0], Later)


def test_a_word_that_is_never_understood_ends_as_unknown_and_never_as_closed() -> None:
    step, _ = heard(OutcomeUnknown("never met", reason="unusable_answer", **ABOUT), age_s=10_000)
    assert isinstance(step, Unsettled)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (
            Refusal(reason=Reason.RESOURCE_NOT_FOUND, failure=FailureClass.STATE, detail="no"),
            Reason.RESOURCE_NOT_FOUND,
        ),
        (Refusal(reason=Reason.CONFIGURATION, failure=FailureClass.CONFIGURATION, detail="no"), Reason.CONFIGURATION),
    ],
)
def test_a_no_of_the_provider_s_ends_it(answer: Refusal, reason: Reason) -> None:
    step, _ = heard(answer, age_s=100)
    assert isinstance(step, Refuse)
    assert step.reason is reason


def test_where_nobody_has_disputes_nobody_is_asked() -> None:
    step, performer = heard(FOUND, at="paytr")
    assert isinstance(step, Refuse)
    assert (step.reason, performer.asked) == (Reason.UNSUPPORTED_OPERATION, [])


def test_an_integration_that_was_stopped_or_is_gone_is_waited_for() -> None:
    absent: tuple[dict[str, Any], ...] = ({"stopped": lambda: {"stripe"}}, {"integrations": {}})
    for places in absent:
        step, performer = heard(FOUND, **places)
        assert isinstance(step, Later)
        assert performer.asked == []


def a_result(payment: Payment, dispute: Any) -> Any:
    notice = a.a_take_notice(payment.payment_id, integration_id="stripe", dispute_reference=dispute.reference)
    return noticed(new_id(), notice, payment, dispute, ACCOUNTS["stripe"], at=a.NOON)


def test_what_is_new_is_a_fact_of_its_own_and_counted() -> None:
    payment = a_payment()
    first = a_result(payment, a.a_dispute())
    fact = fact_of(first)
    assert isinstance(fact, DisputeOpened)
    assert (fact.caused_by, fact.sequence, fact.dispute) == (first.command_id, 1, a.a_dispute())
    payment = payment.after(first)
    lost = a_result(payment, a.a_dispute(state="lost"))
    closed = fact_of(lost)
    assert isinstance(closed, DisputeClosed)
    assert closed.sequence == 2


def test_the_same_state_heard_once_more_is_no_fact() -> None:
    payment = a_payment()
    again = a_result(payment.after(a_result(payment, a.a_dispute())), a.a_dispute())
    assert (again.dispute_change, again.dispute_sequence, fact_of(again)) == (None, None, None)
    assert fact_of(a.a_payment_noticed()) is None


def test_the_fact_is_made_anew_from_the_stored_result_under_the_same_id() -> None:
    records, result = PaymentRecords(Topics("t", 1)), a_result(a_payment(), a.a_dispute())
    stored = records.stored(records.result(result, None))
    fact = stored_fact(stored)
    assert fact == fact_of(result)
    assert fact is not None
    record = records.dispute(fact, None)
    assert _id_of(record) == str(fact_id(result.command_id, "dispute")) != str(result_id(result.command_id))
    assert record.key == str(result.payment_id).encode()
    refused = records.stored(records.result(a.a_command_refused(), None))
    assert stored_fact(refused) is None
    assert stored_fact(StoredResult(b"{}", ())) is None


def test_after_the_log_was_lost_the_fact_is_told_again_with_its_result() -> None:
    records, result = PaymentRecords(Topics("t", 1)), a_result(a_payment(), a.a_dispute())
    stored = records.stored(records.result(result, None))
    row = {
        "key": f"payments/{result.payment_id}",
        "result_headers": [(name, value.decode()) for name, value in stored.headers],
        "result_value": stored.value,
    }
    told = results_again(records, row)
    assert [_id_of(record) for record in told] == [
        str(result_id(result.command_id)),
        str(fact_id(result.command_id, "dispute")),
    ]
    assert all((REPUBLISHED, b"1") in record.headers and record.key == result.key.encode() for record in told)


def _id_of(record: Outgoing) -> str:
    return next(value for name, value in record.headers if name == "ce_id").decode()


DISPUTED = a_payment(disputes=(a.a_dispute(withdrawn=a.kurus(1000)),))


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (a.a_refund_payment(amount=a.lira("2.50")), None),
        (a.a_refund_payment(), None),
        (a.a_refund_payment(amount=a.lira("2.51")), Reason.PAYMENT_DISPUTED),
        (a.a_refund_payment(amount=a.lira("12.51")), Reason.AMOUNT_EXCEEDS_CAPTURED),
        (a.a_cancel_payment(), Reason.PAYMENT_DISPUTED),
    ],
)
def test_what_a_dispute_took_is_not_given_back_once_more(command: PaymentCommand, reason: Reason | None) -> None:
    refusal = refusal_of(command, DISPUTED)
    assert (refusal.reason if refusal else None) is reason
    assert refusal is None or refusal.failure is FailureClass.STATE


def test_all_that_is_left_is_what_no_dispute_took() -> None:
    assert amount_of(a.a_refund_payment(), DISPUTED) == a.kurus(250)


def test_where_a_dispute_took_all_of_it_nothing_is_given_back() -> None:
    whole = a_payment(disputes=(a.a_dispute(),))
    for command in (a.a_refund_payment(), a.a_refund_payment(amount=a.lira("0.01")), a.a_cancel_payment()):
        refusal = refusal_of(command, whole)
        assert refusal is not None
        assert refusal.reason is Reason.PAYMENT_DISPUTED


def test_a_dispute_that_took_nothing_forbids_nothing() -> None:
    asked = a_payment(disputes=(a.a_dispute(stage="inquiry", withdrawn=a.kurus(0)),))
    assert refusal_of(a.a_refund_payment(), asked) is None
    assert refusal_of(a.a_cancel_payment(), asked) is None
