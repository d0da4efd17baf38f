"""3-D Secure: an intent that may send the payer to the bank, and after the way back the question how it stands.

The intent goes on by itself once the payer is through; nothing has to be confirmed a second time. What the browser
brings back is a query that anybody can write, so that it is not read at all.

Source: README, "3-D Secure".
"""

from typing import Literal

from providers.connector import Attempt, Request, Unsayable
from providers.outcome import Outcome, UnusableAnswer
from providers.payments.stripe.create import confirmed, with_stored_card
from providers.payments.stripe.errors import not_answered
from providers.payments.stripe.intent import (
    KIND,
    NOT_BEGUN,
    PATH,
    TEMPLATE,
    WITH_CHARGE,
    as_expected,
    decided,
    intent_of,
)
from providers.payments.stripe.page import is_paid_there
from providers.payments.stripe.wire import IntentReply, get, segment
from schemas.payments import CompleteThreeDSecure, OpenCommand, Reason, StartThreeDSecure


def build_start(command: StartThreeDSecure, attempt: Attempt) -> Request:
    if command.without_payer:
        raise Unsayable(Reason.INVALID_REQUEST, "nobody is there to answer the bank; create the payment instead")
    if is_paid_there(command):
        raise Unsayable(Reason.UNSUPPORTED_METHOD, "Stripe's page asks the bank by itself; create the payment instead")
    how = {"return_url": command.return_url, "payment_method_options[card][request_three_d_secure]": "any"}
    return confirmed(command, attempt, how)


def build_complete(_command: CompleteThreeDSecure, attempt: Attempt) -> Request:
    return get(f"{PATH}/{segment(intent_of(attempt))}", TEMPLATE, WITH_CHARGE)


def read_complete(reply: IntentReply, _command: CompleteThreeDSecure, attempt: Attempt) -> Outcome:
    """The intent's word. A payer who has not finished at the bank may still do so, so that this is no refusal."""
    if reply.error is not None:
        raise not_answered(reply.error, reply.http)
    reply.require(KIND, intent_of(attempt))
    start = _start(attempt)
    if reply.status in NOT_BEGUN and reply.last_payment_error is None:
        raise UnusableAnswer("nobody has confirmed the payment")
    capture: Literal["auto", "manual"] = "auto" if start is None or start.capture is None else start.capture
    expected = attempt.amount or (None if start is None else start.amount)
    return as_expected(with_stored_card(decided(reply, reply.http, capture), reply), expected)


def _start(attempt: Attempt) -> OpenCommand | None:
    opened = attempt.payment.open_commands
    return next((known for known in opened if known.command_type == StartThreeDSecure.type), None)
