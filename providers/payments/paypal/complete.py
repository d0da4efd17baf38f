"""Taking or holding the money once the payer agreed: `POST /v2/checkout/orders/{id}/capture`, or `/authorize`.

The command is `CompleteThreeDSecure`. Here its name has a second meaning: what the payer came back from may be a bank's
page, or PayPal's own, on which they agreed to pay. Either way nothing has moved before, and one completion moves it.

Source: README, "The payer's approval".
"""

from dataclasses import replace
from typing import Final

from providers.connector import Attempt, Request, Unsayable
from providers.outcome import Finding, Outcome, Sighting, UnusableAnswer
from providers.payments.paypal.errors import is_absent, not_answered, refusal
from providers.payments.paypal.known import beginning_of, order_of
from providers.payments.paypal.order import WAITING, OrderReply, as_asked, performed, require_order
from providers.payments.paypal.wire import post
from schemas.payments import CompleteThreeDSecure, Reason
from schemas.verdicts import FailureClass, Verdict

_CAPTURE: Final = "/v2/checkout/orders/{order}/capture"
_AUTHORIZE: Final = "/v2/checkout/orders/{order}/authorize"
_ANEW: Final = frozenset(
    {"PAYER_ACTION_REQUIRED", "ORDER_NOT_APPROVED", "INSTRUMENT_DECLINED", "REDIRECT_PAYER_FOR_ALTERNATE_FUNDING"}
)
"""After these the order stands as before: the payer goes to the same page once more, and chooses another way to pay."""


def build_complete(command: CompleteThreeDSecure, attempt: Attempt) -> Request:
    """What came back proves nothing and is not needed; where it names an order, it must be this one."""
    order = order_of(attempt)
    if command.value_of("token") not in {None, order}:
        raise Unsayable(Reason.INVALID_REQUEST, "the returned fields are about another order at PayPal")
    begun = beginning_of(attempt)
    if begun is None:
        raise Unsayable(Reason.INVALID_STATE, "the payment does not wait for its payer; nothing can be completed")
    path = _AUTHORIZE if begun.capture == "manual" else _CAPTURE
    return post(path, {}, key=attempt.reference, order=order)


def read_complete(reply: OrderReply, _command: CompleteThreeDSecure, attempt: Attempt) -> Outcome:
    """Raises `UnusableAnswer` where the answer is about another order, or shows no money."""
    if reply.failed:
        return _refused(reply)
    require_order(reply, attempt)
    found = performed(reply) if reply.status == "COMPLETED" else None
    if found is None:
        raise UnusableAnswer("the order is not completed, or holds no capture and no authorization")
    return _as_begun(found, attempt)


def read_complete_inquiry(reply: OrderReply, _command: CompleteThreeDSecure, attempt: Attempt) -> Finding:
    """An order that holds neither a capture nor an authorization was not completed, or not yet.

    One that is still open, with a capture that was declined, tells of an earlier completion: this one may be under way.
    """
    if is_absent(reply):
        return Finding(Sighting.ABSENT)
    if reply.failed:
        raise not_answered(reply)
    require_order(reply, attempt)
    found = performed(reply)
    if found is None or (found.verdict is Verdict.REFUSED and reply.status in WAITING):
        return Finding(Sighting.ABSENT)
    return Finding(Sighting.CONCLUDED, _as_begun(found, attempt))


def _refused(reply: OrderReply) -> Outcome:
    refused = refusal(reply)
    if refused.their_code not in _ANEW:
        return refused
    detail = f"nothing was taken; send the payer to the same page again, and complete it then ({refused.their_code})"
    return replace(refused, failure=FailureClass.STATE, detail=detail)


def _as_begun(outcome: Outcome, attempt: Attempt) -> Outcome:
    begun = beginning_of(attempt)
    return outcome if begun is None else as_asked(outcome, begun.capture)
