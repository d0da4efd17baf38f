"""Taking a payment: on a page of PayTR's, or with a card. Never twice under one order number.

Source: README, "Creating".
"""

from typing import Final

from providers.connector import Attempt, Request
from providers.outcome import Finding, Outcome, Sighting
from providers.payments.paytr.direct import DirectReply, build_direct, read_direct
from providers.payments.paytr.hosted import (
    LOST,
    TIMEOUT_MIN,
    TokenReply,
    build_frame,
    build_transfer,
    is_paid_there,
    read_token,
)
from providers.payments.paytr.status import StatusReply, ask, paid
from schemas.payments import BankTransfer, CreatePayment, HostedPage

ABSENCE_S: Final = (TIMEOUT_MIN + 15) * 60
"""For so long "not found" may mean that the payer still pays. The margin is for the bank and for PayTR's books."""


class CreateReply(DirectReply, TokenReply):
    """Of a page, or of a payment: which of the two was asked for tells the method."""


def build_create(command: CreatePayment, attempt: Attempt) -> Request:
    match command.method:
        case HostedPage() as method:
            return build_frame(command, attempt, method)
        case BankTransfer() as method:
            return build_transfer(command, attempt, method)
        case _:
            return build_direct(command, attempt)


def read_create(reply: CreateReply, command: CreatePayment, attempt: Attempt) -> Outcome:
    if isinstance(command.method, HostedPage | BankTransfer):
        return read_token(reply, command.method, attempt)
    return read_direct(reply, command, attempt)


def build_inquiry(_command: CreatePayment, attempt: Attempt) -> Request:
    return ask(attempt.reference)


def read_inquiry(reply: StatusReply, command: CreatePayment, attempt: Attempt) -> Finding:
    if not reply.succeeded:
        return LOST if is_paid_there(command) else Finding(Sighting.ABSENT)
    return Finding(Sighting.CONCLUDED, paid(reply, attempt.reference, attempt.account))
