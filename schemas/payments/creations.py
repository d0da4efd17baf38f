"""How a payment comes to be: the orders that begin one, and the one that completes what was begun."""

from typing import Final

from schemas.payments.commands import CreatePayment
from schemas.payments.results import CommandRefused
from schemas.payments.three_d_secure import CompleteThreeDSecure, StartThreeDSecure
from schemas.verdicts import FailureClass

CREATIONS: Final = frozenset({CreatePayment.type, StartThreeDSecure.type})
"""Types of the commands that begin a payment."""
OF_A_CREATION: Final = CREATIONS | {CompleteThreeDSecure.type}
"""Types of the commands whose outcome is the payment's beginning."""


def ends_its_start(result: CommandRefused) -> bool:
    """Whether a refusal is the last word on a payment that was begun with 3-D Secure.

    The payer's bank said no, or the payer did not prove to be the card's holder. Whatever else a completion is refused
    for (the hub's own limits, an account's settings, a passing fault, a payment that was completed before) says nothing
    about the payment, which stays as it was.
    """
    return result.command_type == CompleteThreeDSecure.type and result.failure is FailureClass.DECLINED
