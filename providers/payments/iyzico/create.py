"""Taking or holding a payment: `/payment/auth` and `/payment/preauth`, or a page of theirs. None is idempotent.

Source: README, "Payment request", "Payment result".
"""

from dataclasses import replace
from typing import Final

from providers.connector import Attempt, Request
from providers.outcome import Finding, Outcome, Sighting
from providers.payments.iyzico import hosted
from providers.payments.iyzico.detail import Standing, ask_by_reference, standing_of
from providers.payments.iyzico.errors import refusal
from providers.payments.iyzico.payment_body import order_of, paid_by_card
from providers.payments.iyzico.result import as_asked, performed
from providers.payments.iyzico.wire import PageReply, post
from schemas.payments import CreatePayment, StoredCard

_PATHS: Final = {"auto": "/payment/auth", "manual": "/payment/preauth"}


def build_create(command: CreatePayment, attempt: Attempt) -> Request:
    if hosted.is_paid_there(command):
        return hosted.build_page(command, attempt)
    return post(_PATHS[command.capture], order_of(command, attempt) | paid_by_card(command, attempt))


def read_create(reply: PageReply, command: CreatePayment, attempt: Attempt) -> Outcome:
    if reply.failed:
        return refusal(reply)
    reply.require_echo(attempt.reference)
    if hosted.is_paid_there(command):
        return hosted.read_page(reply, command)
    return _as_ordered(performed(reply), reply, command)


def build_inquiry(_command: CreatePayment, attempt: Attempt) -> Request:
    return ask_by_reference(attempt.reference, attempt)


def read_inquiry(reply: PageReply, command: CreatePayment, _attempt: Attempt) -> Finding:
    standing, outcome = standing_of(reply)
    match standing:
        case Standing.ABSENT if hosted.is_paid_there(command):
            return hosted.lost(reply)
        case Standing.ABSENT:
            return Finding(Sighting.ABSENT)
        case Standing.RUNNING:
            return Finding(Sighting.RUNNING)
        case Standing.ENDED:
            return Finding(Sighting.CONCLUDED, _as_ordered(outcome, reply, command))


def _as_ordered(outcome: Outcome, reply: PageReply, command: CreatePayment) -> Outcome:
    # A card that was kept before is told of again, and is none that is kept from now on.
    stored = None if isinstance(command.method, StoredCard) else outcome.stored_card
    return replace(as_asked(outcome, reply.phase, command.capture), stored_card=stored)
