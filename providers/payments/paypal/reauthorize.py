"""Renewing a hold that would lapse: `POST /v2/payments/authorizations/{id}/reauthorize`, from its fourth day on.

The renewed hold is another authorization with an id of its own, by which the money is captured or let go from then on.

Source: README, "Holds".
"""

from dataclasses import replace
from typing import Final

from providers.connector import Attempt, Request
from providers.outcome import Finding, Outcome, ProviderState, Sighting, UnusableAnswer
from providers.payments.paypal.amounts import to_wire
from providers.payments.paypal.errors import is_absent, not_answered, refusal
from providers.payments.paypal.known import amount_of, movement_of
from providers.payments.paypal.order import Movement, OrderReply, authorized, require_order
from providers.payments.paypal.wire import post
from schemas.payments import ReauthorizePayment

_PATH: Final = "/v2/payments/authorizations/{authorization}/reauthorize"


def build_reauthorize(_command: ReauthorizePayment, attempt: Attempt) -> Request:
    body = {"amount": to_wire(amount_of(attempt, attempt.payment.held))}
    return post(_PATH, body, key=attempt.reference, authorization=movement_of(attempt, "authorization"))


def read_reauthorize(reply: Movement, _command: ReauthorizePayment, attempt: Attempt) -> Outcome:
    """Raises `UnusableAnswer` where the answer is no hold that stands, or the one that there was."""
    if reply.failed:
        return refusal(reply)
    if reply.id == movement_of(attempt, "authorization"):
        raise UnusableAnswer("the renewed hold has the id of the one that was to be renewed")
    return _renewed(reply, attempt)


def read_reauthorize_inquiry(reply: OrderReply, _command: ReauthorizePayment, attempt: Attempt) -> Finding:
    """An order that knows of no later hold was not renewed, or not yet. An earlier one is what was renewed before."""
    if is_absent(reply):
        return Finding(Sighting.ABSENT)
    if reply.failed:
        raise not_answered(reply)
    require_order(reply, attempt)
    known = movement_of(attempt, "authorization")
    holds = reply.movements("authorizations")
    place = next((place for place, one in enumerate(holds) if one.id == known), len(holds))
    later = [one for one in holds[place + 1 :] if one.status != "VOIDED"]
    if not later:
        return Finding(Sighting.ABSENT)
    return Finding(Sighting.CONCLUDED, _renewed(later[-1], attempt))


def _renewed(movement: Movement, attempt: Attempt) -> Outcome:
    """One under review stays open: it is no hold yet, and the earlier one may be none any more."""
    outcome = authorized(movement)
    if outcome.state is ProviderState.CANCELLED:
        raise UnusableAnswer("the renewed hold is lifted already")
    return replace(outcome, reference=attempt.payment.provider_reference)
