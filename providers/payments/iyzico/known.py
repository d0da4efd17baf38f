"""What a later operation takes from the payment as the hub knows it."""

import re
from typing import Final

from providers.connector import Attempt, Unsayable
from providers.outcome import UnusableAnswer
from providers.payments.iyzico.wire import Envelope
from schemas.money import Money
from schemas.payments import Payment, Reason

_PAYMENT_ID: Final = re.compile(r"[0-9]{1,30}")


def is_payment_id(reference: str) -> bool:
    """Their ids of payments are numbers; the token of a page, by which it goes until it is paid, is a UUID."""
    return _PAYMENT_ID.fullmatch(reference) is not None


def page_token_of(payment: Payment) -> str | None:
    """The token of the page on which the payment is to be made; `None` for one that has an id, or no name yet."""
    known = payment.provider_reference
    return None if known is None or is_payment_id(known) else known


def payment_id_of(attempt: Attempt) -> str:
    """The payment's id at iyzico.

    Raises:
        Unsayable: it is not known, so that nothing can be done with the payment yet.
    """
    known = attempt.payment.provider_reference
    if known is None or not is_payment_id(known):
        raise Unsayable(
            Reason.PAYMENT_NOT_FOUND, "iyzico's id of the payment is not known yet; query the payment first"
        )
    return known


def amount_of(attempt: Attempt, minor: int) -> Money:
    """What is to be moved: as the hub worked it out, else `minor` units of the payment's own currency.

    Raises:
        Unsayable: there is nothing to move.
    """
    if attempt.amount is not None:
        return attempt.amount
    if attempt.payment.currency is None or minor <= 0:
        raise Unsayable(Reason.INVALID_AMOUNT, "nothing is left of the payment that could be moved")
    return Money(minor=minor, currency=attempt.payment.currency)


def require_payment(reply: Envelope, attempt: Attempt) -> None:
    """Check that the answer speaks of our payment.

    Raises:
        UnusableAnswer: it names another one.
    """
    if reply.payment_id not in {None, attempt.payment.provider_reference}:
        raise UnusableAnswer("paymentId is not the one that was asked about")
