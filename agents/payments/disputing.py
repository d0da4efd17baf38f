"""What was heard of a dispute: its provider is asked for it, and only what it answers is told.

The call that told of it names a dispute and no more. Whether it is one of this payment, how it stands and what it took
is the provider's to say; at each time of asking its answer is the truth, so that repeats and disorder change nothing.
"""

from typing import Final

from agents.parking import STOPPED
from agents.payments.decisions import Refuse
from agents.payments.perform import Performer
from agents.payments.places import Places
from agents.payments.work import Disputed, Later, Patience, Step, Work
from agents.routing import NOT_READY
from providers.connector import Attempt, Integration
from providers.outcome import Refusal
from schemas.errors import NotSent, OutcomeUnknown, Throttled
from schemas.payments import DisputeLookUp, FoundDispute, Payment, Reason, TakeNotice
from schemas.verdicts import FailureClass

READ: Final = "dispute"
"""The name of the look-up, at every provider that has disputes."""
_CATCHES_UP_S: Final = 60.0
"""How long a provider may not find a dispute that it has told of itself."""


class Disputing:
    """Asks where the dispute was told of."""

    def __init__(self, performer: Performer, places: Places, patience: Patience) -> None:
        self._performer = performer
        self._places = places
        self._patience = patience

    async def ask(self, work: Work, notice: TakeNotice, reference: str) -> Step:
        """How the dispute stands, where it is one of this payment."""
        payment = work.payment
        where = notice.integration_id or payment.integration_id
        if where is None:
            return Refuse(Reason.PAYMENT_NOT_FOUND, FailureClass.STATE, "nobody knows where the payment was made")
        attempt = Attempt(work.command_id, 1, payment.create_reference or "", payment)
        integration = self._places.known(where)
        if integration is None:
            why = "this hub has the integration no more; add it again"
            return self._performer.unsettled_at(work, where, payment.provider or where, attempt, why)
        if integration.lacks is not None:
            return Later(self._patience.paused_wait_s, NOT_READY, counts=False, integration_id=integration.id)
        if integration.connector.read_named(READ) is None:
            detail = f"{integration.connector.name} cannot be asked about disputes"
            return Refuse(Reason.UNSUPPORTED_OPERATION, FailureClass.INVALID, detail)
        if integration.id in self._places.stopped():
            return Later(self._patience.longest_wait_s, STOPPED, counts=False, integration_id=integration.id)
        return await self._look_up(work, integration, reference, attempt)

    async def _look_up(self, work: Work, integration: Integration, reference: str, attempt: Attempt) -> Step:
        try:
            question = DisputeLookUp(dispute_reference=reference)
            answer = await self._performer.read(integration, READ, question)
        except (NotSent, Throttled, OutcomeUnknown) as failed:
            why = f"the provider could not be asked about the dispute: {failed}"
            return self._performer.unsettled_at(work, integration.id, integration.connector.name, attempt, why)
        match answer:
            case Refusal():
                return self._refused(work, integration, answer, attempt)
            case FoundDispute(dispute=dispute) if concerns(work.payment, answer, integration.id):
                return Disputed(dispute, integration)
            case _:
                detail = f"dispute {reference} is none of this payment by the provider's word; look it up there"
                return Refuse(Reason.INVALID_REQUEST, FailureClass.STATE, detail)

    def _refused(self, work: Work, integration: Integration, answer: Refusal, attempt: Attempt) -> Step:
        young = work.claim.claimed_age_s < _CATCHES_UP_S
        if answer.failure is FailureClass.TRANSIENT or (answer.reason is Reason.RESOURCE_NOT_FOUND and young):
            provider = integration.connector.name
            return self._performer.unsettled_at(work, integration.id, provider, attempt, answer.detail)
        return Refuse(answer.reason, answer.failure, answer.detail)


def concerns(payment: Payment, found: FoundDispute, integration_id: str) -> bool:
    """Whether the provider says that the dispute is about what the payment was paid by."""
    if payment.integration_id not in {None, integration_id}:
        return False
    theirs = {payment.provider_reference, *(line.provider_reference for line in payment.lines)}
    ours = {payment.create_reference, payment.complete_reference}
    return not theirs.isdisjoint(found.provider_references) or not ours.isdisjoint(found.our_references)
