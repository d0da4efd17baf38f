"""Executing one claimed command: route, decide, perform, conclude."""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from typing import Any, assert_never

from agents.parking import ParkingLot
from agents.payments.conclude import Conclude
from agents.payments.decide import (
    Answer,
    Call,
    Conflict,
    Inquire,
    Lying,
    Promise,
    Queue,
    Refuse,
    TooOld,
    Wait,
    decide,
)
from agents.payments.finish import Finisher
from agents.payments.perform import Performer
from agents.payments.rejections import CONFLICT, TOO_OLD, Rejections
from agents.payments.resolve import Propose, Settle, resolve
from agents.payments.work import Decided, Later, Patience, Step, Unsettled, Work
from agents.routing import route
from providers.connector import Attempt, Integration, Operation
from schemas.payments import CreatePayment, PaymentCommand, Performed, Reason, ResolveOutcome, Result
from schemas.verdicts import FailureClass


class Executor:
    """Takes a command under a claim to its result, or says when to go on."""

    def __init__(
        self,
        *,
        performer: Performer,
        finisher: Finisher,
        rejections: Rejections,
        lot: ParkingLot,
        integrations: Mapping[str, Integration],
        stopped: Callable[[], Collection[str]],
        patience: Patience,
        resolve_alone_minor: int,
        now: Callable[[], datetime],
    ) -> None:
        self._performer = performer
        self._finisher = finisher
        self._rejections = rejections
        self._lot = lot
        self._integrations = integrations
        self._stopped = stopped
        self._patience = patience
        self._resolve_alone_minor = resolve_alone_minor
        self._now = now

    async def step(self, work: Work) -> Later | None:
        integration = self.route(work)
        operation = None if isinstance(integration, Refuse) else integration.connector.operation_for(type(work.command))
        promise = None if operation is None else Promise(operation.repeatable_for_s, operation.resend_after_absence_s)
        decision = decide(
            work.claim, work.payment, work.command, promise, now=self._now(), withdrawn=work.delivery.withdrawn
        )
        match decision:
            case Answer(result):
                await self._finisher.again(work, result, _id_of(integration))
                return None
            case Conflict() | TooOld():
                bad = CONFLICT if isinstance(decision, Conflict) else TOO_OLD
                await self._rejections.reject(work.delivery.record, bad)
                await self._finisher.unpark(work)
                return None
            case Lying():
                await self._lot.wake(work.claim.ask.key, 0)
                return None
            case Queue():
                behind = "an earlier command of this payment is parked"
                parked = await self._lot.park(work.delivery, work.claim, after_s=0, integration_id=None, reason=behind)
                return None if parked else Later(0.05)
            case Wait(after_s):
                return Later(after_s)
            case Refuse() | Call() | Inquire():
                settled = self._settled(work, await self._perform(work, decision, integration, operation))
                if isinstance(settled, Later):
                    return settled
                return await self._finisher.finish(work, settled, _id_of(integration))
            case _:
                assert_never(decision)

    def route(self, work: Work) -> Integration | Refuse:
        """A command that was sent before stays where it was sent, whatever the rules say now."""
        if work.claim.attempts:
            known = self._integrations.get(work.claim.attempts[-1].integration_id)
            if known is not None:
                return known
        return route(work.command, work.payment, self._integrations)

    async def _perform(
        self,
        work: Work,
        decision: Refuse | Call | Inquire,
        integration: Integration | Refuse,
        operation: Operation[Any, Any] | None,
    ) -> Step:
        if isinstance(decision, Refuse):
            return decision
        if isinstance(work.command, ResolveOutcome):
            return resolve(work.command, work.payment, alone_minor=self._resolve_alone_minor)
        if isinstance(integration, Refuse):
            return integration
        if operation is None:
            detail = f"{integration.connector.name} does not perform this command"
            return Refuse(Reason.UNSUPPORTED_OPERATION, FailureClass.INVALID, detail)
        if isinstance(decision, Inquire):
            return await self._performer.inquire(work, decision, integration, operation)
        if integration.id in self._stopped():
            return Later(self._patience.paused_wait_s, "an operator stopped the integration", counts=False)
        return _method_refusal(work.command, integration) or await self._performer.call(
            work, decision, integration, operation
        )

    def _settled(self, work: Work, step: Step) -> Result | Later:
        """The command's result, unless it is to go on later."""
        at = self._now()
        match step:
            case Later():
                return step
            case Refuse():
                return self._conclude(work, None, at).refused(step)
            case Settle():
                return self._conclude(work, None, at).resolved(step)
            case Propose():
                return self._conclude(work, None, at).proposed(step)
            case Decided(outcome, integration, attempt):
                performed = _performed(work, integration, attempt, outcome.reference)
                return self._conclude(work, attempt, at).by_provider(outcome, performed)
            case Unsettled(detail, integration, attempt):
                sent_age_s = work.claim.sent_age_s
                return self._conclude(work, attempt, at).unknown(
                    detail,
                    performed=_performed(work, integration, attempt, None),
                    references=tuple(known.reference for known in work.claim.attempts),
                    first_sent_at=None if sent_age_s is None else at - timedelta(seconds=sent_age_s),
                )
            case _:
                assert_never(step)

    def _conclude(self, work: Work, attempt: Attempt | None, at: datetime) -> Conclude:
        amount = attempt.amount if attempt is not None else getattr(work.command, "paid_price", None)
        sent = attempt.number if attempt is not None else sum(known.maybe_sent for known in work.claim.attempts)
        return Conclude(work.command_id, work.command, work.payment, amount=amount, attempts=sent, at=at)


def _id_of(integration: Integration | Refuse) -> str | None:
    return None if isinstance(integration, Refuse) else integration.id


def _method_refusal(command: PaymentCommand, integration: Integration) -> Refuse | None:
    if not isinstance(command, CreatePayment) or command.method.kind in integration.connector.methods:
        return None
    allowed = ", ".join(integration.connector.methods)
    detail = f"{integration.connector.name} takes no {command.method.kind}; it takes {allowed}"
    return Refuse(Reason.UNSUPPORTED_METHOD, FailureClass.INVALID, detail, requested=command.paid_price)


def _performed(work: Work, integration: Integration, attempt: Attempt, reference: str | None) -> Performed:
    return Performed(
        integration_id=integration.id,
        provider=integration.connector.name,
        provider_reference=reference or work.payment.provider_reference,
        our_reference=attempt.reference,
    )
