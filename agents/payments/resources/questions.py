"""Questions about resources that go their own way: look-ups that may be answered from what is kept, and notices."""

from dataclasses import replace
from typing import Final

from agents.parking import STOPPED
from agents.payments.decisions import Call, Refuse
from agents.payments.perform import Performer
from agents.payments.places import Places
from agents.payments.work import Decided, Later, Patience, Step, Unperformed, Work
from agents.routing import LOOK_UPS, NOT_READY, Way
from providers.connector import Attempt, Integration
from providers.outcome import Outcome, Refusal
from schemas.base import Frozen
from schemas.errors import NotSent, OutcomeUnknown, Throttled
from schemas.payments import Reason
from schemas.payments.look_ups import BinLookUp, InstalmentLookUp
from schemas.payments.resources import (
    GetInstalments,
    LookUpCard,
    QuerySubscription,
    Resource,
    TakeResourceNotice,
)
from schemas.verdicts import FailureClass, Verdict

_REASONS: Final = frozenset(Reason)


class ResourceQuestions:
    """Asks what moves nothing, so that nothing is marked and everything may be asked again."""

    def __init__(self, performer: Performer, places: Places, patience: Patience) -> None:
        self._performer = performer
        self._places = places
        self._patience = patience

    async def look_up(self, work: Work, question: GetInstalments | LookUpCard, way: Way) -> Step:
        """The answer to a look-up, which the integration may have given before."""
        integration = way.integration
        attempt = Attempt(work.command_id, 1, "", work.payment, resource=work.resource)
        name = LOOK_UPS[type(question)]
        try:
            answer = await self._performer.read(integration, name, _asked(question))
        except OutcomeUnknown as unknown:
            return self._performer.unsettled_at(
                work, integration.id, integration.connector.name, attempt, f"no answer was had: {unknown}"
            )
        except (NotSent, Throttled) as not_sent:
            if not_sent.reason in _REASONS:
                return Refuse(Reason(not_sent.reason), FailureClass.INVALID, str(not_sent))
            return Unperformed(integration, attempt, not_sent)
        if not isinstance(answer, Refusal):
            return Decided(Outcome(verdict=Verdict.ACCEPTED, details=answer), integration, attempt, way.routed)
        if answer.failure is FailureClass.TRANSIENT:
            provider = integration.connector.name
            passing = NotSent(answer.detail, provider=provider, operation=name, reason="provider_transient")
            return Unperformed(integration, attempt, passing)
        said = Outcome(
            verdict=Verdict.REFUSED,
            reason=answer.reason,
            failure=answer.failure,
            detail=answer.detail,
            their_code=answer.their_code,
        )
        return Decided(said, integration, attempt, way.routed)

    async def notice(self, work: Work, notice: TakeResourceNotice, resource: Resource) -> Step:
        """How the resource stands at its provider, of which somebody heard that it changed."""
        where = notice.integration_id or resource.integration_id
        if where is None:
            return Refuse(Reason.RESOURCE_NOT_FOUND, FailureClass.STATE, "nobody knows where the resource was made")
        asked = resource.model_copy(
            update={
                "integration_id": where,
                "provider_reference": resource.provider_reference or notice.provider_reference,
            }
        )
        integration = self._places.known(where)
        if integration is None:
            attempt = Attempt(work.command_id, 1, "", work.payment, resource=asked)
            why = "this hub has the integration no more; add it again"
            return self._performer.unsettled_at(work, where, resource.provider or where, attempt, why)
        return await self._query(work, asked, integration)

    async def _query(self, work: Work, asked: Resource, integration: Integration) -> Step:
        if integration.lacks is not None:
            return Later(self._patience.paused_wait_s, NOT_READY, counts=False, integration_id=integration.id)
        operation = integration.connector.operation_for(QuerySubscription)
        if operation is None:
            detail = f"{integration.connector.name} cannot be asked how a subscription stands"
            return Refuse(Reason.UNSUPPORTED_OPERATION, FailureClass.INVALID, detail)
        if integration.id in self._places.stopped():
            return Later(self._patience.longest_wait_s, STOPPED, counts=False, integration_id=integration.id)
        command = QuerySubscription(resource_id=asked.resource_id)
        step = await self._performer.call(
            replace(work, command=command, resource=asked), Call(None), Way(integration), operation
        )
        if isinstance(step, Unperformed):
            why = f"the provider could not be asked: {step.failed.reason}"
            return self._performer.unsettled_at(work, integration.id, integration.connector.name, step.attempt, why)
        if isinstance(step, Decided):
            reference = step.outcome.reference or asked.provider_reference
            return replace(step, outcome=replace(step.outcome, reference=reference))
        return step


def _asked(question: GetInstalments | LookUpCard) -> Frozen:
    match question:
        case GetInstalments():
            return InstalmentLookUp(price=question.price, bin_number=question.bin_number)
        case LookUpCard():
            return BinLookUp(bin_number=question.bin_number)
