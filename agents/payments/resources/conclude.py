"""From a provider's outcome to the one result of a command about a resource. Pure: the moment is an argument."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from agents.payments.bank_pages import unfit_page
from agents.payments.decisions import Refuse
from providers.outcome import Outcome
from schemas.payments import Performed, Reason
from schemas.payments.resources import (
    ACCEPTED,
    ResourceAccepted,
    ResourceEnding,
    ResourceOrder,
    ResourcePending,
    ResourceRefused,
    ResourceUnknown,
    TakeResourceNotice,
)
from schemas.routing import Routed
from schemas.verdicts import FailureClass, Verdict

_MOST_BYTES: Final = 1_000_000
"""Of an answer with all else in its result: no reader takes a record of more than 1 MiB."""


class ConcludeResource:
    """Makes the result of one command.

    Args:
        command_id: whose result it is.
        command: what was asked.
        attempts: how often something was sent.
        at: the moment of conclusion, UTC.
        routed: how its integration was chosen, where the command named none.
    """

    def __init__(
        self, command_id: UUID, command: ResourceOrder, *, attempts: int, at: datetime, routed: Routed | None = None
    ) -> None:
        self._command = command
        self._common: dict[str, Any] = {
            "resource_id": command.resource_id,
            "command_id": command_id,
            "command_type": command.type,
            "concluded_at": at,
            "attempts": attempts,
            "routing": routed,
        }

    def refused(self, refusal: Refuse, performed: Performed | None = None) -> ResourceRefused:
        """Refused by the hub, before or without any verdict of the provider."""
        return ResourceRefused(
            **self._common,
            performed=performed,
            reason=refusal.reason,
            failure=refusal.failure,
            detail=refusal.detail,
        )

    def unknown(
        self, detail: str, *, performed: Performed, references: tuple[str, ...], first_sent_at: datetime | None
    ) -> ResourceUnknown:
        return ResourceUnknown(
            **self._common,
            performed=performed,
            reason=Reason.OUTCOME_UNKNOWN,
            detail=detail,
            references=references,
            first_sent_at=first_sent_at,
        )

    def by_provider(self, outcome: Outcome, performed: Performed) -> ResourceEnding:
        """The provider's verdict.

        Raises:
            ValueError: the verdict is `unknown`, which concludes nothing by itself, or it is `accepted` without the
                details that the command's result tells.
        """
        match outcome.verdict:
            case Verdict.ACCEPTED:
                return self._accepted(outcome, performed)
            case Verdict.REFUSED:
                return ResourceRefused(
                    **self._common,
                    performed=performed,
                    reason=outcome.reason or Reason.OTHER,
                    failure=outcome.failure or FailureClass.DECLINED,
                    detail=outcome.detail or "refused by the provider",
                    provider_code=outcome.their_code,
                    provider_group=outcome.their_group,
                )
            case Verdict.PENDING if (unfit := unfit_page(outcome.next_action)) is not None:
                return self.refused(unfit, performed)
            case Verdict.PENDING:
                return ResourcePending(
                    **self._common,
                    performed=performed,
                    reason=outcome.reason or Reason.ACTION_REQUIRED,
                    next_action=outcome.next_action,
                    provider_code=outcome.their_code,
                )
            case Verdict.UNKNOWN:
                raise ValueError("an unknown outcome concludes nothing; ask the provider first")

    def _accepted(self, outcome: Outcome, performed: Performed) -> ResourceAccepted | ResourceRefused:
        kind = ACCEPTED[type(self._command)]
        result = kind(**self._common, performed=performed, details=outcome.details, **self._heard())
        if kind.kind == "question" and len(result.model_dump_json(exclude_none=True).encode()) > _MOST_BYTES:
            # A question moves nothing, so that its answer may be missed; its end may not.
            detail = f"the answer has more than {_MOST_BYTES} bytes, too many for a record; look it up at the provider"
            return self.refused(Refuse(Reason.OTHER, FailureClass.INVALID, detail), performed)
        return result

    def _heard(self) -> dict[str, Any]:
        command = self._command
        if not isinstance(command, TakeResourceNotice):
            return {}
        return {"event_id": command.event_id, "event_type": command.event_type}
