"""What an operation takes from the payment as the hub knows it.

A payment goes by its order's id from beginning to end. What money moves by is an authorization or a capture in that
order; it is kept as the payment's one line, and each result that makes another one of it brings it along.
"""

from typing import Final, Literal

from providers.connector import Attempt, Unsayable
from schemas.money import Money
from schemas.payments import CreatePayment, LineReference, OpenCommand, Reason, StartThreeDSecure

Kind = Literal["authorization", "capture"]
_BEGINNINGS: Final = frozenset({CreatePayment.type, StartThreeDSecure.type})


def order_of(attempt: Attempt) -> str:
    """The order's id.

    Raises:
        Unsayable: it is not known, so that nothing can be done with the payment yet.
    """
    known = attempt.payment.provider_reference
    if known is None:
        raise Unsayable(
            Reason.PAYMENT_NOT_FOUND, "PayPal's id of the order is not known; its webhook or a later answer brings it"
        )
    return known


def movement_of(attempt: Attempt, kind: Kind) -> str:
    """The id of the payment's authorization or capture.

    Raises:
        Unsayable: it is not known, or the payment is about the other one.
    """
    lines = attempt.payment.lines
    other = "capture" if kind == "authorization" else "authorization"
    if len(lines) != 1 or lines[0].line_id == other:
        raise Unsayable(Reason.PAYMENT_NOT_FOUND, f"PayPal's id of the {kind} is not known; look the order up there")
    return lines[0].provider_reference


def line(kind: Kind, movement_id: str, paid: Money) -> tuple[LineReference, ...]:
    """What later operations move money by."""
    return (LineReference(line_id=kind, provider_reference=movement_id, paid=paid),)


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


def beginning_of(attempt: Attempt) -> OpenCommand | None:
    """The order that began the payment, while it waits for the payer."""
    return next((known for known in attempt.payment.open_commands if known.command_type in _BEGINNINGS), None)
