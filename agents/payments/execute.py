"""Executing one claimed command: decide, route, perform, conclude."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import assert_never

from agents.parking import STOPPED, ParkingLot
from agents.payments.asking import Asking
from agents.payments.completions import Completions
from agents.payments.conclude import Conclude
from agents.payments.decide import decide
from agents.payments.decisions import Answer, Call, Conflict, Decision, Inquire, Lying, Queue, Refuse, TooOld, Wait
from agents.payments.dispute_facts import noticed
from agents.payments.disputing import Disputing
from agents.payments.finish import Finisher
from agents.payments.noticing import Noticing
from agents.payments.payer_time import payer_has_s
from agents.payments.perform import Performer
from agents.payments.places import Places
from agents.payments.putting_off import put_off
from agents.payments.resolve import Propose, Settle, resolve
from agents.payments.resources.conclude import ConcludeResource
from agents.payments.resources.decide import decide as decide_resource
from agents.payments.resources.questions import ResourceQuestions
from agents.payments.work import Decided, Disputed, Known, Later, Onward, Patience, Step, Unperformed, Unsettled, Work
from agents.rejections import CONFLICT, TOO_OLD, Rejections
from agents.routing import NOT_READY, Way
from agents.vault.persons import seal_person
from agents.vault.subjects import Subjects
from providers.connector import Attempt, Integration
from schemas.payments import CreatePayment, Performed, Reason, ResolveOutcome, TakeNotice
from schemas.payments.creations import CREATIONS
from schemas.payments.resources import GetInstalments, LookUpCard, ResourceOrder, TakeResourceNotice
from schemas.payments.resources.naming import name_in
from schemas.payments.vocabulary import Command, Ending
from schemas.personal import SealedPerson, kept_of
from schemas.routing import Routed
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
        places: Places,
        completions: Completions,
        subjects: Subjects | None,
        patience: Patience,
        resolve_alone_minor: int,
        now: Callable[[], datetime],
    ) -> None:
        self._performer = performer
        self._finisher = finisher
        self._rejections = rejections
        self._lot = lot
        self._places = places
        self._asking = Asking(performer, places)
        self._noticing = Noticing(performer, places, patience, completions, now)
        self._disputing = Disputing(performer, places, patience)
        self._questions = ResourceQuestions(performer, places, patience)
        self._subjects = subjects
        self._patience = patience
        self._resolve_alone_minor = resolve_alone_minor
        self._now = now

    async def step(self, work: Work) -> Later | Onward | None:
        decision = self._decide(work)
        match decision:
            case Answer(result):
                await self._finisher.again(work, result, self._places.of(work))
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
                if parked and isinstance(work.command, TakeNotice | TakeResourceNotice):
                    # What waits before it waits for such news, perhaps: its provider is asked now, not in an hour.
                    await self._lot.wake(work.claim.ask.key, 0)
                return None if parked else Later(0.05)
            case Wait(after_s):
                return Later(after_s)
            case Refuse() | Call() | Inquire():
                # Before anything is sent, so that a vault that fails costs no answer of the provider.
                payer = await self._payer(work)
                settled = self._settled(work, await self._perform(work, decision), payer)
                if isinstance(settled, Later | Onward):
                    return settled
                return await self._finisher.finish(work, settled, self._places.of(work))
            case _:
                assert_never(decision)

    def _decide(self, work: Work) -> Decision:
        promise, withdrawn = self._places.promise(work), work.delivery.withdrawn
        if isinstance(work.command, ResourceOrder):
            resource = work.of_resource
            return decide_resource(work.claim, resource, work.command, promise, now=self._now(), withdrawn=withdrawn)
        return decide(
            work.claim,
            work.payment,
            work.command,
            promise,
            now=self._now(),
            withdrawn=withdrawn,
            awaits_completion=self._places.awaits_completion(work.payment),
        )

    async def _payer(self, work: Work) -> SealedPerson | None:
        """Who pays, as the result may keep it."""
        command = work.command
        if self._subjects is None or not isinstance(command, CreatePayment):
            return None
        subject = await self._subjects.of(work.source, command.buyer.buyer_id)
        return seal_person(subject, command.payment_id, {"source": work.source, **kept_of(command.buyer)})

    async def _perform(self, work: Work, decision: Refuse | Call | Inquire) -> Step:
        if isinstance(decision, Refuse):
            return decision
        if isinstance(work.command, ResolveOutcome):
            return resolve(work.command, work.payment, alone_minor=self._resolve_alone_minor)
        if isinstance(decision, Inquire):
            return await self._asking.ask(work, decision)
        if isinstance(work.command, TakeNotice) and work.command.dispute_reference is not None:
            return await self._disputing.ask(work, work.command, work.command.dispute_reference)
        if isinstance(work.command, TakeNotice):
            return await self._noticing.ask(work, work.command)
        if isinstance(work.command, TakeResourceNotice):
            return await self._questions.notice(work, work.command, work.of_resource)
        return await self._call(work, decision)

    async def _call(self, work: Work, call: Call) -> Step:
        """To the first place that takes it; when that certainly performed nothing, onward to the next."""
        route = self._places.route(work)
        if isinstance(route, Refuse):
            # Who was told that an integration was added may pay with it at once. Another command's look may be ours.
            await self._places.look_again()
            route = self._places.route(work)
        if isinstance(route, Refuse):
            return route
        unable: dict[str, Refuse] = {}
        for _ in route.choices:
            way = self._places.way(work, route, unable)
            if way is None and work.failed:
                return work.failed[0]
            way = way or self._places.last_resort(route, unable)
            step = await self._at(work, call, way)
            if isinstance(step, Unperformed) and step.why is not None:
                further = replace(work, failed=(*work.failed, step))
                onward = self._places.way(further, route, unable) is not None
                return Onward(further.failed) if onward else further.failed[0]
            if not isinstance(step, Refuse) or step.reason is Reason.CARD_EXPIRED:
                return step
            # What one of them cannot say may be said at the next, now or once it is back.
            unable[way.integration.id] = step
        return next(iter(unable.values()))

    async def _at(self, work: Work, call: Call, way: Way) -> Step:
        """To one place. A refusal comes from there alone: nothing was sent, and it never will be like this."""
        integration = way.integration
        if integration.lacks is not None:
            return Later(self._patience.paused_wait_s, NOT_READY, counts=False, integration_id=integration.id)
        stopped: Later | None = None
        if integration.id in self._places.stopped():
            stopped = Later(self._patience.longest_wait_s, STOPPED, counts=False, integration_id=integration.id)
        if isinstance(work.command, GetInstalments | LookUpCard):
            return stopped or await self._questions.look_up(work, work.command, way)
        operation = integration.connector.operation_for(type(work.command))
        if operation is None:
            detail = f"{integration.connector.name} does not perform this command"
            return Refuse(Reason.UNSUPPORTED_OPERATION, FailureClass.INVALID, detail)
        if stopped is not None:
            return stopped
        refusal = _method_refusal(work.command, integration)
        if refusal is not None:
            return refusal
        step = await self._performer.call(work, call, way, operation)
        return replace(step, routed=way.routed) if isinstance(step, Decided | Unsettled) else step

    def _settled(self, work: Work, step: Step, payer: SealedPerson | None) -> Ending | Later | Onward:
        """The command's result, unless it is to go on later, or elsewhere."""
        at = self._now()
        match step:
            case Later() | Onward():
                return step
            case Unperformed():
                return self._settled(work, put_off(work, step, self._patience), payer)
            case Refuse():
                return self._concluding(work, None, at, payer).refused(step)
            case Settle():
                return self._conclude(work, None, at, payer).resolved(step)
            case Propose():
                return self._conclude(work, None, at, payer).proposed(step)
            case Known(notice):
                return self._conclude(work, None, at, payer).nothing_new(notice)
            case Disputed(dispute, integration):
                assert isinstance(work.command, TakeNotice)  # noqa: S101 - for mypy alone; see `_perform`
                return noticed(work.command_id, work.command, work.payment, dispute, integration, at=at)
            case Decided(outcome, integration, attempt, routed):
                reference = outcome.reference or name_in(outcome.details)
                if not isinstance(work.command, TakeNotice):  # which may be about a further attempt
                    reference = reference or _name_of(work)
                performed = _performed(integration.id, integration.connector.name, attempt, reference)
                conclude = self._concluding(work, attempt, at, payer, routed)
                if not isinstance(conclude, Conclude):
                    return conclude.by_provider(outcome, performed)
                has_s = payer_has_s(work.command, outcome, integration.connector, self._patience)
                return conclude.by_provider(outcome, performed, payer_has_s=has_s)
            case Unsettled(detail, integration_id, provider, attempt, routed):
                sent_ago_s = work.claim.sent_ago_s
                return self._concluding(work, attempt, at, payer, routed).unknown(
                    detail,
                    performed=_performed(integration_id, provider, attempt, _name_of(work)),
                    references=tuple(known.reference for known in work.claim.attempts if known.maybe_sent),
                    first_sent_at=None if sent_ago_s is None else at - timedelta(seconds=sent_ago_s),
                )
            case _:
                assert_never(step)

    def _concluding(
        self,
        work: Work,
        attempt: Attempt | None,
        at: datetime,
        payer: SealedPerson | None,
        routed: Routed | None = None,
    ) -> Conclude | ConcludeResource:
        if not isinstance(work.command, ResourceOrder):
            return self._conclude(work, attempt, at, payer, routed)
        sent = _times_sent(work, attempt)
        return ConcludeResource(work.command_id, work.command, attempts=sent, at=at, routed=routed)

    def _conclude(
        self,
        work: Work,
        attempt: Attempt | None,
        at: datetime,
        payer: SealedPerson | None,
        routed: Routed | None = None,
    ) -> Conclude:
        assert not isinstance(work.command, ResourceOrder)  # noqa: S101 - for mypy alone; see `_concluding`
        amount = attempt.amount if attempt is not None else getattr(work.command, "paid_price", None)
        return Conclude(
            work.command_id,
            work.command,
            work.payment,
            amount=amount,
            attempts=_times_sent(work, attempt),
            at=at,
            payer=payer,
            routed=routed,
        )


def _name_of(work: Work) -> str | None:
    """How the provider calls what the command is about: a creation is called by no name of one that failed before."""
    return None if work.command.type in CREATIONS else work.stands.provider_reference


def _times_sent(work: Work, attempt: Attempt | None) -> int:
    return attempt.number if attempt is not None else sum(known.maybe_sent for known in work.claim.attempts)


def _method_refusal(command: Command, integration: Integration) -> Refuse | None:
    if not isinstance(command, CreatePayment) or command.method.kind in integration.connector.methods:
        return None
    allowed = ", ".join(integration.connector.methods)
    detail = f"{integration.connector.name} takes no {command.method.kind}; it takes {allowed}"
    return Refuse(Reason.UNSUPPORTED_METHOD, FailureClass.INVALID, detail, requested=command.paid_price)


def _performed(integration_id: str, provider: str, attempt: Attempt, provider_reference: str | None) -> Performed:
    return Performed(
        integration_id=integration_id,
        provider=provider,
        provider_reference=provider_reference,
        our_reference=attempt.reference or None,
    )
