"""Whether an accepted answer about a resource tells what its result has to tell. Pure."""

from dataclasses import replace
from typing import Any

from providers.outcome import Outcome
from schemas.payments import Reason
from schemas.payments.resources import ACCEPTED, ResourceOrder
from schemas.payments.vocabulary import Command
from schemas.verdicts import FailureClass, Verdict


def checked_details(outcome: Outcome, command: Command) -> Outcome:
    """An accepted outcome without its details becomes unknown: nobody could say what was accepted."""
    if not isinstance(command, ResourceOrder) or outcome.verdict is not Verdict.ACCEPTED:
        return outcome
    wanted: Any = ACCEPTED[type(command)].model_fields["details"].annotation
    if isinstance(outcome.details, wanted):
        return outcome
    return replace(
        outcome,
        verdict=Verdict.UNKNOWN,
        failure=FailureClass.UNKNOWN,
        reason=Reason.OUTCOME_UNKNOWN,
        details=None,
        detail="the provider accepted it and did not say what came of it; look it up there",
    )
