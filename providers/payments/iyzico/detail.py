"""Looking one payment up: `/payment/detail`, by iyzico's id or by our reference.

Two words must be read: `status` is the call's, `paymentStatus` the payment's. "Not found" (5087) means not seen yet.
"""

from enum import Enum
from typing import Final

from providers.connector import Attempt, Request
from providers.outcome import Outcome, ProviderState, UnusableAnswer
from providers.payments.iyzico.errors import refusal
from providers.payments.iyzico.result import REJECTED, performed
from providers.payments.iyzico.wire import Envelope, PaymentReply, post
from schemas.payments import Reason
from schemas.verdicts import FailureClass, Verdict

NOT_FOUND: Final = "5087"
PAGE_NOT_KNOWN: Final = "5124"
_UNFINISHED: Final = frozenset(
    {
        "INIT_THREEDS",
        "CALLBACK_THREEDS",
        "BKM_POS_SELECTED",
        "CALLBACK_PECCO",
        "INIT_BANK_TRANSFER",
        "INIT_CREDIT",
        "PENDING_CREDIT",
    }
)
_PATH: Final = "/payment/detail"


class Standing(Enum):
    ABSENT = "absent"
    RUNNING = "running"
    ENDED = "ended"


def ask_by_id(payment_id: str, attempt: Attempt) -> Request:
    return post(_PATH, {"conversationId": attempt.reference, "paymentId": payment_id})


def ask_by_reference(reference: str, attempt: Attempt) -> Request:
    return post(_PATH, {"conversationId": attempt.reference, "paymentConversationId": reference})


def standing_of(reply: PaymentReply) -> tuple[Standing, Outcome]:
    """How a payment stands; the outcome counts only with `ENDED`.

    Raises:
        UnusableAnswer: the call failed for another reason than that the payment is not known, or a word was never met.
    """
    nothing = Outcome(verdict=Verdict.UNKNOWN, reference=reply.payment_id)
    if reply.failed:
        if reply.error_code == NOT_FOUND:
            return Standing.ABSENT, nothing
        raise not_answered(reply)
    if reply.payment_status in _UNFINISHED:
        return Standing.RUNNING, nothing
    match reply.payment_status:
        case "SUCCESS":
            return Standing.ENDED, performed(reply)
        case "FAILURE":
            return Standing.ENDED, _failed(reply)
        case _:
            raise UnusableAnswer("paymentStatus is missing or a word that iyzico's documents do not have")


def not_answered(reply: Envelope) -> UnusableAnswer:
    """A failed look-up says nothing about the payment, whatever its code would mean for a payment."""
    outcome = refusal(reply)
    throttled = outcome.failure is FailureClass.THROTTLED
    return UnusableAnswer(
        "iyzico did not answer the look-up",
        their_code=reply.error_code,
        failure=FailureClass.THROTTLED if throttled else FailureClass.UNKNOWN,
    )


def _failed(reply: PaymentReply) -> Outcome:
    """The payment failed for good; its own code may stand beside, and is then read only for the reason."""
    if reply.fraud_status == REJECTED and reply.error_code is None:
        return Outcome(
            verdict=Verdict.REFUSED,
            reference=reply.payment_id,
            reason=Reason.SUSPECTED_FRAUD,
            failure=FailureClass.DECLINED,
            detail="iyzico's fraud review rejected the payment",
            state=ProviderState.FAILED,
        )
    told = refusal(reply)
    certain = told.verdict is Verdict.REFUSED and told.failure is not FailureClass.THROTTLED
    return Outcome(
        verdict=Verdict.REFUSED,
        reference=reply.payment_id,
        reason=told.reason if certain else Reason.DECLINED,
        failure=told.failure if certain else FailureClass.DECLINED,
        detail=told.detail if certain else "iyzico says that the payment failed",
        their_code=reply.error_code,
        their_group=reply.error_group,
        state=ProviderState.FAILED,
    )
