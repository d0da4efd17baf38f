"""A dispute of a charge: `GET /v1/disputes/{id}`, with the intent in full, whose metadata holds our reference.

Source: README, "Disputes".
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from pydantic import StrictInt

from providers.connector import Read, Request
from providers.notices import named
from providers.outcome import Refusal, UnusableAnswer
from providers.payments.stripe.amounts import from_wire
from providers.payments.stripe.errors import meaning_of, not_answered
from providers.payments.stripe.moments import moment
from providers.payments.stripe.wire import REFERENCE, Failure, Fields, Http, Reply, at, get, id_of, segment
from schemas.money import Money
from schemas.payments import Dispute, DisputeLookUp, FoundDispute, Reason
from schemas.payments.disputes import DisputeReason, DisputeStage, DisputeState
from schemas.verdicts import FailureClass

_PATH: Final = "/v1/disputes"
_TEMPLATE: Final = "/v1/disputes/{dispute}"
_IN_FULL: Final = (("expand[0]", "payment_intent"),)

_STATES: Final[Mapping[str, tuple[DisputeStage, DisputeState]]] = MappingProxyType(
    {
        "warning_needs_response": ("inquiry", "needs_response"),
        "warning_under_review": ("inquiry", "under_review"),
        "warning_closed": ("inquiry", "closed"),
        "needs_response": ("chargeback", "needs_response"),
        "under_review": ("chargeback", "under_review"),
        "appeal_needs_response": ("pre_arbitration", "needs_response"),
        "appeal_under_review": ("pre_arbitration", "under_review"),
        "won": ("chargeback", "won"),
        "lost": ("chargeback", "lost"),
        "prevented": ("inquiry", "prevented"),
    }
)
_REASONS: Final[Mapping[str, DisputeReason]] = MappingProxyType(
    {
        "bank_cannot_process": "bank_failure",
        "check_returned": "bank_failure",
        "credit_not_processed": "credit_not_processed",
        "debit_not_authorized": "fraud",
        "duplicate": "duplicate",
        "fraudulent": "fraud",
        "incorrect_account_details": "bank_failure",
        "insufficient_funds": "bank_failure",
        "product_not_received": "not_received",
        "product_unacceptable": "not_as_described",
        "subscription_canceled": "subscription_cancelled",
        "unrecognized": "unrecognised",
    }
)


class Line(Fields):
    """What moved on the account: below zero where it was taken, in the account's own currency, fees apart."""

    amount: StrictInt | None = None
    currency: str | None = None


class DisputeReply(Fields, Reply):
    status: str | None = None
    amount: StrictInt | None = None
    currency: str | None = None
    created: StrictInt | None = None
    reason: Any = None
    charge: Any = None
    payment_intent: Any = None
    balance_transactions: tuple[Line, ...] | None = None
    evidence_details: Any = None
    payment_method_details: Any = None


def build_dispute(question: DisputeLookUp) -> Request:
    return get(f"{_PATH}/{segment(question.dispute_reference)}", _TEMPLATE, _IN_FULL)


def read_dispute(reply: DisputeReply, question: DisputeLookUp) -> FoundDispute | Refusal:
    """The dispute as it stands.

    Raises:
        UnusableAnswer: Stripe did not answer, it is another object, its status was never met, or an amount is missing.
    """
    if reply.error is not None:
        return _refused(reply.error, reply.http)
    reference = reply.require("dispute", question.dispute_reference)
    word = reply.status or ""
    if word not in _STATES:
        raise UnusableAnswer("status is missing or a word that Stripe's documents do not have")
    stage, state = _STATES[word]
    amount = from_wire(reply.amount, reply.currency, "amount")
    network = named(at(reply.payment_method_details, "card", "network_reason_code"))
    told = named(reply.reason)
    dispute = Dispute(
        reference=reference,
        state=state,
        provider_state=word,
        stage=stage,
        amount=amount,
        withdrawn=_withdrawn(reply, amount),
        reason=_REASONS.get(told or "", "other"),
        provider_reason=" ".join(word for word in (told, network) if word is not None) or None,
        opened_at=moment(reply.created),
        respond_by=_due(reply.evidence_details),
    )
    ours = named(at(reply.payment_intent, "metadata", REFERENCE))
    names = (id_of(reply.payment_intent), id_of(reply.charge))
    return FoundDispute(
        dispute=dispute,
        provider_references=tuple(name for name in names if name is not None),
        our_references=() if ours is None else (ours,),
    )


def _refused(error: Failure, http: Http) -> Refusal:
    reason, failure = meaning_of(error, http.status)
    if failure is FailureClass.UNKNOWN or http.should_retry:
        raise not_answered(error, http)
    if error.code == "resource_missing":
        reason, failure = Reason.RESOURCE_NOT_FOUND, FailureClass.STATE
    return Refusal(reason=reason, failure=failure, detail="Stripe does not tell of the dispute", their_code=error.word)


def _withdrawn(reply: DisputeReply, amount: Money) -> Money:
    """What is gone by the lines of the account. In another currency than the dispute's only their signs tell."""
    lines = reply.balance_transactions
    if lines is None or any(line.amount is None or line.currency is None for line in lines):
        raise UnusableAnswer("balance_transactions is missing, or one has no amount or currency")
    moved = [line.amount or 0 for line in lines]
    if all(line.currency == reply.currency for line in lines):
        return from_wire(max(-sum(moved), 0), reply.currency, "balance_transactions")
    taken, returned = sum(minor < 0 for minor in moved), sum(minor > 0 for minor in moved)
    return amount if taken > returned else amount.with_minor(0)


def _due(details: Any) -> Any:
    """Until when evidence counts; Stripe says 0 where the bank takes none."""
    due_by = at(details, "due_by")
    return moment(due_by) if type(due_by) is int and due_by > 0 else None


READS: Final = (
    Read(
        name="dispute",
        question=DisputeLookUp,
        answer=FoundDispute,
        build=build_dispute,
        reply=DisputeReply,
        read=read_dispute,
        ttl_s=0,
    ),
)
