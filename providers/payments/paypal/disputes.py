"""A dispute: `GET /v1/customer/disputes/{id}`.

It names captures, and what was sent with the order as `custom_id` and `invoice_id`, and no order. Source: README,
"Disputes".
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from providers.connector import Read, Request, Wire
from providers.notices import named
from providers.outcome import Refusal, UnusableAnswer
from providers.payments.paypal.amounts import Amount, from_wire, moved
from providers.payments.paypal.errors import is_absent, meaning_of, not_answered
from providers.payments.paypal.moments import moment
from providers.payments.paypal.wire import Reply, get
from schemas.money import Money
from schemas.payments import Dispute, DisputeLookUp, FoundDispute, Reason
from schemas.payments.disputes import DisputeReason, DisputeStage, DisputeState
from schemas.verdicts import FailureClass

_PATH: Final = "/v1/customer/disputes/{dispute}"

_STATES: Final[Mapping[str, DisputeState]] = MappingProxyType(
    {
        "OPEN": "open",
        "WAITING_FOR_BUYER_RESPONSE": "awaiting_payer",
        "WAITING_FOR_SELLER_RESPONSE": "needs_response",
        "UNDER_REVIEW": "under_review",
        "OTHER": "open",
    }
)
"""Of one that goes on; of one that is `RESOLVED` its outcome tells."""
_OUTCOMES: Final[Mapping[str, DisputeState]] = MappingProxyType(
    {
        "RESOLVED_BUYER_FAVOUR": "lost",
        "RESOLVED_SELLER_FAVOUR": "won",
        "RESOLVED_WITH_PAYOUT": "closed",
        "CANCELED_BY_BUYER": "withdrawn",
        "ACCEPTED": "lost",
        "DENIED": "won",
        "NONE": "closed",
    }
)
_STAGES: Final[Mapping[str, DisputeStage]] = MappingProxyType(
    {
        "INQUIRY": "inquiry",
        "CHARGEBACK": "chargeback",
        "PRE_ARBITRATION": "pre_arbitration",
        "ARBITRATION": "arbitration",
    }
)
_REASONS: Final[Mapping[str, DisputeReason]] = MappingProxyType(
    {
        "MERCHANDISE_OR_SERVICE_NOT_RECEIVED": "not_received",
        "MERCHANDISE_OR_SERVICE_NOT_AS_DESCRIBED": "not_as_described",
        "UNAUTHORISED": "fraud",
        "CREDIT_NOT_PROCESSED": "credit_not_processed",
        "DUPLICATE_TRANSACTION": "duplicate",
        "INCORRECT_AMOUNT": "incorrect_amount",
        "PAYMENT_BY_OTHER_MEANS": "paid_by_other_means",
        "CANCELED_RECURRING_BILLING": "subscription_cancelled",
    }
)
_OTHERS: Final = frozenset({"BUYER", "PAYMENT_PROCESSOR"})
_FEES: Final = frozenset({"DISPUTE_SETTLEMENT_FEE", "DISPUTE_FEE", "CHARGEBACK_FEE"})


class Paid(Wire):
    """What was paid by and is disputed."""

    seller_transaction_id: str | None = None
    custom: str | None = None
    invoice_number: str | None = None


class End(Wire):
    outcome_code: str | None = None
    amount_refunded: Amount | None = None


class Line(Wire):
    affected_party: str | None = None
    amount: Amount | None = None
    type: str | None = None
    reason: str | None = None


class DisputeReply(Reply):
    dispute_id: str | None = None
    create_time: str | None = None
    status: str | None = None
    reason: str | None = None
    dispute_life_cycle_stage: str | None = None
    dispute_amount: Amount | None = None
    dispute_outcome: End | None = None
    disputed_transactions: tuple[Paid, ...] | None = None
    external_reason_code: str | None = None
    money_movements: tuple[Line, ...] | None = None
    seller_response_due_date: str | None = None


def build_dispute(question: DisputeLookUp) -> Request:
    return get(_PATH, dispute=question.dispute_reference)


def read_dispute(reply: DisputeReply, question: DisputeLookUp) -> FoundDispute | Refusal:
    """The dispute as it stands.

    Raises:
        UnusableAnswer: PayPal did not answer, it is another dispute, a word was never met, or an amount is missing.
    """
    if reply.failed:
        return _refused(reply)
    if reply.dispute_id != question.dispute_reference:
        raise UnusableAnswer("dispute_id is not that of the dispute that was asked about")
    state, words = _state(reply)
    reasons = (named(reply.reason), named(reply.external_reason_code))
    dispute = Dispute(
        reference=question.dispute_reference,
        state=state,
        provider_state=words,
        stage=_STAGES.get(reply.dispute_life_cycle_stage or ""),
        amount=_amount(reply),
        withdrawn=_withdrawn(reply, state),
        reason=_REASONS.get(reply.reason or "", "other"),
        provider_reason=" ".join(word for word in reasons if word is not None) or None,
        opened_at=moment(reply.create_time),
        respond_by=moment(reply.seller_response_due_date),
    )
    paid = reply.disputed_transactions or ()
    return FoundDispute(
        dispute=dispute,
        provider_references=_names(one.seller_transaction_id for one in paid),
        our_references=_names(name for one in paid for name in (one.custom, one.invoice_number)),
    )


def _refused(reply: Reply) -> Refusal:
    if is_absent(reply):
        reason, failure = Reason.RESOURCE_NOT_FOUND, FailureClass.STATE
    else:
        reason, failure = meaning_of(reply.name or reply.error, reply.issues)
    if failure is FailureClass.UNKNOWN:
        raise not_answered(reply)
    return Refusal(reason=reason, failure=failure, detail="PayPal does not tell of the dispute", their_code=reply.word)


def _state(reply: DisputeReply) -> tuple[DisputeState, str]:
    status = reply.status or ""
    outcome = None if reply.dispute_outcome is None else reply.dispute_outcome.outcome_code
    if status in _STATES:
        return _STATES[status], status
    if status != "RESOLVED":
        raise UnusableAnswer("status is missing or a word that PayPal's documents do not have")
    if outcome is None:
        return "closed", status
    if outcome not in _OUTCOMES:
        raise UnusableAnswer("outcome_code is a word that PayPal's documents do not have")
    return _OUTCOMES[outcome], f"{status} {outcome}"


def _amount(reply: DisputeReply) -> Money:
    amount = from_wire(reply.dispute_amount, "dispute_amount")
    if amount.minor < 0:
        raise UnusableAnswer("dispute_amount is below zero")
    return amount


def _withdrawn(reply: DisputeReply, state: DisputeState) -> Money:
    """What it took from the seller, fees apart. Without a list of movements the outcome of a lost one tells.

    Raises:
        UnusableAnswer: a movement has a word that was never met, no amount, or another currency than the dispute.
    """
    disputed = _amount(reply)
    if reply.money_movements is None:
        refunded = None if reply.dispute_outcome is None else reply.dispute_outcome.amount_refunded
        lost = state == "lost" and refunded is not None
        return from_wire(refunded, "amount_refunded") if lost else disputed.with_minor(0)
    taken = 0
    for line in reply.money_movements:
        if line.affected_party in _OTHERS or line.reason in _FEES:
            continue
        known = line.affected_party == "SELLER" and line.reason in {None, "DISPUTE_SETTLEMENT"}
        if not known or line.type not in {"DEBIT", "CREDIT"}:
            raise UnusableAnswer("money_movements has a word that PayPal's documents do not have")
        amount = moved(line.amount, "the amount of a money movement")
        if amount.currency != disputed.currency:
            raise UnusableAnswer("money_movements are in another currency than the dispute")
        taken += amount.minor if line.type == "DEBIT" else -amount.minor
    return disputed.with_minor(max(taken, 0))


def _names(found: Iterable[str | None]) -> tuple[str, ...]:
    """Each name once, in the order in which they stand there."""
    return tuple(dict.fromkeys(name for name in map(named, found) if name is not None))


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
