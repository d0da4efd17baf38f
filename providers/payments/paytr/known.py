"""What a later operation takes from the payment as the hub knows it."""

from providers.connector import Attempt, Unsayable
from schemas.money import Money
from schemas.payments import Payment, Reason


def order_number_of(payment: Payment) -> str:
    """PayTR has no id of its own: a payment is called by the reference that was sent with its creation.

    Raises:
        Unsayable: nothing was ever sent.
    """
    reference = payment.create_reference or payment.provider_reference
    if reference is None:
        raise Unsayable(Reason.PAYMENT_NOT_FOUND, "nothing was ever sent for the payment; create it first")
    return reference


def amount_of(attempt: Attempt) -> Money:
    """What is to be moved: as the hub worked it out, else all that is left.

    Raises:
        Unsayable: nothing is left.
    """
    payment = attempt.payment
    if attempt.amount is not None:
        return attempt.amount
    if payment.currency is None or payment.refundable <= 0:
        raise Unsayable(Reason.NOTHING_CAPTURED, "nothing is left of the payment that could be given back")
    return Money(minor=payment.refundable, currency=payment.currency)
