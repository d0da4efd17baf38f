"""Beginning a payment: `POST /v2/checkout/orders`, for `CreatePayment` and `StartThreeDSecure` alike.

On PayPal's page, and where a bank wants to see the payer, it ends as pending with the address to send the payer to; no
money moves before a completion (`complete.py`). A stored or a given card is mostly taken or held at once.

Source: README, "Orders".
"""

from dataclasses import replace
from typing import Final

from providers.connector import Attempt, Request, Unsayable
from providers.notices import named
from providers.outcome import Outcome, ProviderState, UnusableAnswer
from providers.payments.paypal.amounts import to_wire
from providers.payments.paypal.errors import refusal
from providers.payments.paypal.order import WAITING, OrderReply, as_asked, performed
from providers.payments.paypal.sources import is_page, shipping_of, source_of
from providers.payments.paypal.wire import page_of, post
from schemas.payments import CreatePayment, Reason, StoredCard
from schemas.verdicts import FailureClass, Verdict

_PATH: Final = "/v2/checkout/orders"
_INTENTS: Final = {"auto": "CAPTURE", "manual": "AUTHORIZE"}


def build_create(command: CreatePayment, attempt: Attempt) -> Request:
    """Our reference goes along three times.

    It is the key of the request, what their answers and calls repeat, and the invoice's number, of which an account
    lets only one be paid.
    """
    if command.instalments > 1:
        detail = "PayPal agrees on instalments with its payer by itself; send instalments 1"
        raise Unsayable(Reason.INSTALMENTS_NOT_PERMITTED, detail)
    if command.without_payer and not isinstance(command.method, StoredCard):
        raise Unsayable(Reason.INVALID_REQUEST, "nobody is there to pay; pay with a stored card")
    unit = {
        "custom_id": attempt.reference,
        "invoice_id": attempt.reference,
        "description": command.order_id[:127],
        "amount": to_wire(command.paid_price),
        "shipping": shipping_of(command) if is_page(command) else None,
    }
    source = source_of(command, attempt)
    body = {"intent": _INTENTS[command.capture], "purchase_units": [unit], "payment_source": source}
    return post(_PATH, body, key=attempt.reference)


def read_create(reply: OrderReply, command: CreatePayment, _attempt: Attempt) -> Outcome:
    """Raises `UnusableAnswer` where the order has no id, or its status is a word that was never met."""
    if reply.failed:
        return refusal(reply)
    order = named(reply.id)
    if order is None:
        raise UnusableAnswer("id is missing in a success, or is none")
    if reply.intent not in {None, _INTENTS[command.capture]}:
        raise UnusableAnswer("intent is not the one that was sent")
    if reply.status == "COMPLETED":
        found = performed(reply)
        if found is None:
            raise UnusableAnswer("a completed order without a capture or an authorization")
        return as_asked(found, command.capture)
    if reply.status == "VOIDED":
        return Outcome(
            verdict=Verdict.REFUSED,
            reference=order,
            reason=Reason.INVALID_STATE,
            failure=FailureClass.STATE,
            detail="the order was voided before anything was taken; create the payment anew",
            their_code="VOIDED",
        )
    if reply.status not in WAITING:
        raise UnusableAnswer("status is missing or a word that PayPal's documents do not have")
    return _waiting(reply, order)


def _waiting(reply: OrderReply, order: str) -> Outcome:
    waiting = Outcome(
        verdict=Verdict.PENDING,
        reference=order,
        reason=Reason.ACTION_REQUIRED,
        detail="the payer has agreed; complete the payment to take or hold the money",
        their_code=reply.status,
        state=ProviderState.PENDING,
    )
    if reply.status == "APPROVED":
        return replace(waiting, payer_agreed=True)
    page = page_of(reply)
    detail = "send the payer to PayPal's page, and complete the payment once they are back"
    return replace(waiting, detail=detail, redirect_url=page.url, next_action=page)
