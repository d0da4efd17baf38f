"""Which integration performs a command."""

from collections.abc import Mapping
from typing import Final

from agents.payments.decide import Refuse
from providers.connector import Integration
from schemas.payments import CreatePayment, Payment, PaymentCommand, Reason
from schemas.verdicts import FailureClass

NOT_READY: Final = "the integration is not ready; `kolaj integrations show` says what it lacks"
"""The reason of commands that wait for an integration which cannot be called yet."""


def closed_refusal(command: PaymentCommand, payment: Payment, closed: Mapping[str, Integration]) -> Refuse | None:
    """The refusal of a command for an integration that takes no new ones; `None` when it is for another."""
    wanted = _wanted(command, payment)
    if wanted is None or wanted not in closed:
        return None
    return _unknown("the integration is disabled; `kolaj integrations enable` lets it take commands again")


def route(command: PaymentCommand, payment: Payment, integrations: Mapping[str, Integration]) -> Integration | Refuse:
    """Where a command goes: a payment's later commands to where it was created, a creation to where it says.

    A creation that names none goes to the only integration there is; with several it is refused, never guessed.
    """
    wanted = _wanted(command, payment)
    if wanted is None:
        if len(integrations) == 1:
            return next(iter(integrations.values()))
        return _unknown(
            "integration_id is missing and there are several integrations; name the one that shall perform it"
        )
    found = integrations.get(wanted)
    if found is None:
        return _unknown("integration_id names no integration of this hub; `kolaj integrations list` shows those it has")
    return found


def _wanted(command: PaymentCommand, payment: Payment) -> str | None:
    named = command.integration_id if isinstance(command, CreatePayment) else payment.integration_id
    return named or command.integration_id


def _unknown(detail: str) -> Refuse:
    return Refuse(Reason.UNKNOWN_INTEGRATION, FailureClass.CONFIGURATION, detail)
