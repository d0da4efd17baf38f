"""What a later operation takes from the payment as the hub knows it."""

from providers.connector import Attempt, Unsayable
from providers.outcome import UnusableAnswer
from providers.payments.iyzico.wire import Envelope
from schemas.money import Money
from schemas.payments import Reason


def payment_id_of(attempt: Attempt) -> str:
    """The payment's id at iyzico.

    Raises:
        Unsayable: it is not known, so that nothing can be done with the payment yet.
    """
    if attempt.payment.provider_reference is None:
        raise Unsayable(
            Reason.PAYMENT_NOT_FOUND, "iyzico's id of the payment is not known yet; query the payment first"
        )
    return attempt.payment.provider_reference


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
