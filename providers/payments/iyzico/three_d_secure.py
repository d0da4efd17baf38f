"""3-D Secure: `/payment/3dsecure/initialize` (`/preauth` for a hold), and `/payment/v2/3dsecure/auth` to complete.

The start moves nothing, and nothing of it moves without a completion of ours. The second form of the completion says
amount, basket and currency again, so that iyzico itself compares them with the start; the first would take whatever
was started, and needs `conversationData` as the browser brought it, which a webhook does not carry.

Source: README, "3-D Secure".
"""

import base64
import binascii
from dataclasses import replace
from typing import Final

from pydantic import ValidationError

from providers.connector import Attempt, Request, Unsayable
from providers.outcome import Finding, Outcome, ProviderState, Sighting, UnusableAnswer
from providers.payments.iyzico.amounts import to_wire
from providers.payments.iyzico.detail import Standing, ask_by_id, ask_by_reference, standing_of
from providers.payments.iyzico.errors import refusal
from providers.payments.iyzico.known import payment_id_of, require_payment
from providers.payments.iyzico.payment_body import order_of, paid_by_card
from providers.payments.iyzico.result import as_asked, performed
from providers.payments.iyzico.returned import PASSED
from providers.payments.iyzico.wire import PaymentReply, ThreeDSecureReply, post
from schemas.payments import (
    CompleteThreeDSecure,
    OpenCommand,
    Reason,
    ShowPage,
    StartThreeDSecure,
)
from schemas.verdicts import FailureClass, Verdict

_START: Final = {"auto": "/payment/3dsecure/initialize", "manual": "/payment/3dsecure/initialize/preauth"}
_COMPLETE: Final = "/payment/v2/3dsecure/auth"

_LOST: Final = Outcome(
    verdict=Verdict.REFUSED,
    reason=Reason.PAGE_LOST,
    failure=FailureClass.TRANSIENT,
    detail="the bank's page was lost with the answer: nothing was taken and nothing can be; start again",
)


def build_start(command: StartThreeDSecure, attempt: Attempt) -> Request:
    if command.without_payer:
        raise Unsayable(Reason.INVALID_REQUEST, "nobody is there to answer the bank; create the payment instead")
    fields = order_of(command, attempt) | paid_by_card(command, attempt)
    return post(_START[command.capture], fields | {"callbackUrl": command.return_url})


def read_start(reply: ThreeDSecureReply, _command: StartThreeDSecure, attempt: Attempt) -> Outcome:
    if reply.failed:
        return refusal(reply)
    reply.require_echo(attempt.reference)
    if reply.payment_id is None:
        raise UnusableAnswer("paymentId is missing in a success")
    return Outcome(
        verdict=Verdict.PENDING,
        reference=reply.payment_id,
        reason=Reason.ACTION_REQUIRED,
        detail="show the payer the bank's page",
        next_action=_page(reply.three_ds_html_content),
        state=ProviderState.PENDING,
    )


def build_start_inquiry(_command: StartThreeDSecure, attempt: Attempt) -> Request:
    return ask_by_reference(attempt.reference, attempt)


def read_start_inquiry(reply: PaymentReply, command: StartThreeDSecure, _attempt: Attempt) -> Finding:
    """A start without an answer is over, whether iyzico took it, takes it late, or never saw it.

    Its page cannot be had again, so that no payer can be sent to the bank and nothing is ever completed. Only where a
    payment is found that ended all the same is that the truth.
    """
    standing, outcome = standing_of(reply)
    if standing is Standing.ENDED:
        return Finding(Sighting.CONCLUDED, as_asked(outcome, reply.phase, command.capture))
    return Finding(Sighting.CONCLUDED, replace(_LOST, reference=reply.payment_id, their_code=reply.error_code))


def build_complete(command: CompleteThreeDSecure, attempt: Attempt) -> Request:
    """Raises `Unsayable` where the bank did not let the payer through, or no start is open."""
    payment_id = payment_id_of(attempt)
    _require_passed(command, payment_id)
    start = _start_of(attempt)
    amount = attempt.amount or (None if start is None else start.amount)
    if start is None or amount is None or start.order_id is None:
        raise Unsayable(Reason.INVALID_STATE, "no start of 3-D Secure is open for the payment; start it first")
    return post(
        _COMPLETE,
        {
            "conversationId": attempt.reference,
            "paymentId": payment_id,
            "paidPrice": to_wire(amount),
            "basketId": start.order_id,
            "currency": amount.currency,
        },
    )


def read_complete(reply: PaymentReply, _command: CompleteThreeDSecure, attempt: Attempt) -> Outcome:
    if reply.failed:
        return refusal(reply)
    reply.require_echo(attempt.reference)
    require_payment(reply, attempt)
    if reply.md_status not in {None, PASSED}:
        raise UnusableAnswer("a success of a payer whom the bank did not let through")
    return _as_started(performed(reply), reply.phase, attempt)


def build_complete_inquiry(_command: CompleteThreeDSecure, attempt: Attempt) -> Request:
    return ask_by_id(payment_id_of(attempt), attempt)


def read_complete_inquiry(reply: PaymentReply, _command: CompleteThreeDSecure, attempt: Attempt) -> Finding:
    """Completed is what has ended. While the payment still waits for it, it was not performed, or not yet."""
    standing, outcome = standing_of(reply)
    if standing is not Standing.ENDED:
        return Finding(Sighting.ABSENT)
    require_payment(reply, attempt)
    return Finding(Sighting.CONCLUDED, _as_started(outcome, reply.phase, attempt))


def _page(content: str | None) -> ShowPage:
    try:
        return ShowPage(html=base64.b64decode(content or "", validate=True).decode())
    except (binascii.Error, ValueError, ValidationError):  # not base64, not UTF-8, or not a page: empty, say
        raise UnusableAnswer("threeDSHtmlContent is no page that a browser can be given") from None


def _require_passed(command: CompleteThreeDSecure, payment_id: str) -> None:
    """What came back may be left to iyzico; where it is given, it must say yes, and speak of this payment."""
    # First: a no to an earlier start of the payment, come late, must not end this one.
    if _stands(command, "paymentId") and command.value_of("paymentId") != payment_id:
        raise Unsayable(Reason.INVALID_REQUEST, "the returned fields are about another payment at iyzico")
    for name, wanted in (("status", "success"), ("mdStatus", PASSED)):
        if _stands(command, name) and command.value_of(name) != wanted:
            detail = (
                "the payer's bank did not let the payment through; nothing was taken. Start again, or pay otherwise"
            )
            raise Unsayable(Reason.AUTHENTICATION_FAILED, detail)


def _stands(command: CompleteThreeDSecure, name: str) -> bool:
    return any(field.name == name for field in command.returned)


def _start_of(attempt: Attempt) -> OpenCommand | None:
    return next(
        (known for known in attempt.payment.open_commands if known.command_type == StartThreeDSecure.type), None
    )


def _as_started(outcome: Outcome, phase: str | None, attempt: Attempt) -> Outcome:
    start = _start_of(attempt)
    return outcome if start is None or start.capture is None else as_asked(outcome, phase, start.capture)
