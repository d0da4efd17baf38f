"""Finding out what became of a command that may have been sent, at one integration or at several."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from agents.payments.decisions import Inquire
from agents.payments.perform import Performer
from agents.payments.places import Places
from agents.payments.work import Decided, Later, Step, Unsettled, Work
from schemas.verdicts import Verdict

_GONE: Final = "this hub has it no more; add it again, or look it up there"


class Asking:
    """Asks where each attempt was sent, and nowhere else."""

    def __init__(self, performer: Performer, places: Places) -> None:
        self._performer = performer
        self._places = places

    async def ask(self, work: Work, inquire: Inquire) -> Step:
        """One that was performed decides; that it was refused counts once no other attempt can have been performed."""
        last = replace(inquire, earlier=())
        asks = [last, *(replace(last, attempt=attempt, resend=False) for attempt in inquire.earlier)]
        found: list[Step] = []
        for ask in asks:
            step = await self._one(work, ask)
            if isinstance(step, Decided | Unsettled):
                step = replace(step, routed=ask.attempt.routed)
            if isinstance(step, Decided) and step.outcome.verdict is not Verdict.REFUSED:
                return step
            found.append(step)
        holds = _weakest(found)
        if isinstance(holds, Unsettled) and len(asks) > 1:
            everywhere = ", ".join(f"{ask.attempt.integration_id} ({ask.attempt.reference})" for ask in asks)
            return replace(holds, detail=f"{holds.detail}; look at each place where it may be: {everywhere}")
        return holds

    async def _one(self, work: Work, ask: Inquire) -> Step:
        integration = self._places.known(ask.attempt.integration_id)
        if integration is None:
            return await self._performer.nobody_to_ask(work, ask, None, _GONE)
        operation = integration.connector.operation_for(type(work.command))
        if integration.lacks is not None or operation is None:
            why = integration.lacks or f"{integration.connector.name} cannot be asked about this command any more"
            return await self._performer.nobody_to_ask(work, ask, integration.connector.name, why)
        return await self._performer.inquire(work, ask, integration, operation)


def _weakest(found: Sequence[Step]) -> Step:
    """What holds of all of them: one that has to wait keeps the others waiting."""
    for kind in (Later, Unsettled):
        for step in found:
            if isinstance(step, kind):
                return step
    return found[0]
