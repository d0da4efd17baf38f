"""The one edge where providers are called: prepared, admitted, sent, judged, and every exchange told.

A command is performed in three steps, so that the mark "may have been sent" can be written between the last refusal
of ours and the first byte:

    prepared = caller.prepare(integration, operation, command, attempt)
    async with caller.admission(integration, operation):
        await mark_sending()
        outcome = await caller.send(prepared, deadline_s=20)
"""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import replace
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self, TypeVar

from providers.admission import Admission, Gates, class_of
from providers.cache import ResponseCache
from providers.connector import Answer, Attempt, Integration, Operation
from providers.diagnosis import Cause, with_clock
from providers.exchange import CallerSettings, Health, LimitReport, OnBreaker, OnExchange, Prepared
from providers.judging import Asked, judge_finding, judge_outcome, signal_of
from providers.outcome import Finding, Outcome, ReadResult, Refusal
from providers.performing import Performing, Work
from providers.preparing import built, prepare, refused
from providers.reads import Reads
from providers.retry import retrying
from providers.shared_store import SharedStore
from providers.tokens import TokenCache
from providers.transport import Transport
from schemas.base import Frozen
from schemas.errors import HubError, NotSent, Throttled
from schemas.payments import Reason
from schemas.payments.vocabulary import Command

R = TypeVar("R", Outcome, Finding, ReadResult)

_ADMISSION: ContextVar[Admission | None] = ContextVar("admission", default=None)


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Caller:
    """Calls providers for one process. Use it as an async context manager; its connections close with the block.

    Args:
        on_exchange: told of every exchange, also of the failed and the cancelled; it must return at once.
        on_breaker: told of every change of a breaker.
        clock: UTC, for records.
        monotonic: seconds on a clock that is never set back, for limits and breakers.
        nonce: a fresh random word for each signature.
        share: which part of the rate limits is this process's while they are not counted together, above 0 to 1.
        store: Redis, through which workers count calls together and share answers; `None` where there is none.
        tokens: the access tokens of accounts whose calls carry one; its own where nothing is given.
    """

    def __init__(
        self,
        *,
        on_exchange: OnExchange,
        on_breaker: OnBreaker,
        clock: Callable[[], datetime] = _utc_now,
        monotonic: Callable[[], float] = time.monotonic,
        nonce: Callable[[], str] = lambda: secrets.token_hex(8),
        share: Callable[[], float] = lambda: 1.0,
        store: SharedStore | None = None,
        settings: CallerSettings | None = None,
        tokens: TokenCache | None = None,
    ) -> None:
        self._settings = settings or CallerSettings()
        self._clock = clock
        self._monotonic = monotonic
        self._gates = Gates(
            self._settings, on_breaker=on_breaker, clock=clock, monotonic=monotonic, share=share, store=store
        )
        answers = ResponseCache(size=self._settings.cached_answers, clock=monotonic, store=store)
        self._reads = Reads(
            answers, self._gates, self._reported, clock=clock, patience_s=2 * self._settings.admission_wait_s
        )
        self._tokens = tokens or TokenCache(now=clock)
        self._performing = Performing(on_exchange=on_exchange, clock=clock, nonce=nonce, tokens=self._tokens)
        self._transports: dict[str, Transport] = {}
        self._open = False

    async def __aenter__(self) -> Self:
        self._open = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open = False
        await self._tokens.aclose()  # a request for a token needs its connection to the end
        transports = list(self._transports.values())
        self._transports.clear()
        await asyncio.gather(*(transport.aclose() for transport in transports))

    def prepare(
        self, integration: Integration, operation: Operation[Any, Any], command: Command, attempt: Attempt
    ) -> Prepared:
        """The exact request for one attempt. Pure.

        Raises:
            NotSent: it can never be sent like this, so trying again is no use; `reason` is one of `Reason`'s words and
                the message tells what to do.
        """
        return prepare(integration, operation, command, attempt)

    @asynccontextmanager
    async def admission(self, integration: Integration, operation: Operation[Any, Any]) -> AsyncIterator[None]:
        """Leave for one `send`, taken before the send is marked. What `send` comes to is reported to the breaker.

        Raises:
            NotSent: the breaker is open (`breaker_open`); `retry_after_s` says when to come back.
            Throttled: no place or no turn within the settings' waiting time; `retry_after_s` likewise.
        """
        async with self._gates.admit(integration, class_of(operation), operation.name, operation.name) as admission:
            token = _ADMISSION.set(admission)
            try:
                yield
            finally:
                _ADMISSION.reset(token)

    async def send(self, prepared: Prepared, *, deadline_s: float) -> Outcome:
        """Send it, and read what the provider says. Without an admission around it, it takes one itself.

        Inside the deadline it is sent again at most a few times, and only while it certainly was not performed.

        Raises:
            NotSent, Throttled: certainly not performed.
            OutcomeUnknown: it may have been performed.
        """
        integration, operation = prepared.integration, prepared.operation
        admission = _ADMISSION.get()
        wanted = (integration.id, class_of(operation))
        if admission is None or (admission.integration_id, admission.operation_class) != wanted:
            async with self.admission(integration, operation):
                return await self.send(prepared, deadline_s=deadline_s)
        asked = Asked(
            integration=integration,
            operation=operation.name,
            request=prepared.request,
            now=self._clock(),
            command=prepared.command,
            attempt=prepared.attempt,
        )
        work = Work(
            integration=integration,
            operation=operation.name,
            attempt=prepared.attempt.number if operation.moves_money else 0,
            command_id=prepared.attempt.command_id,
            request=prepared.request,
            judge=lambda answer: judge_outcome(asked, operation, answer),
            may_be_page=operation.read_page is not None,
        )
        return await self._reported(work, deadline_s, admission)

    async def inquire(
        self,
        integration: Integration,
        operation: Operation[Any, Any],
        command: Command,
        attempt: Attempt,
        *,
        deadline_s: float,
    ) -> Finding:
        """Ask what became of an attempt. It moves nothing and may be repeated freely.

        Raises:
            NotSent, Throttled, OutcomeUnknown: nothing was found out; ask again later. A `NotSent` whose reason is one
                of `Reason`'s words says that it can never be asked.
        """
        inquiry, name = operation.inquiry, f"{operation.name}_inquiry"
        if inquiry is None:
            raise refused(integration, name, Reason.UNSUPPORTED_OPERATION, "it cannot be asked about this")
        request = built(integration, name, lambda: inquiry.build(command, integration.seen_by(attempt)))
        asked = Asked(
            integration=integration,
            operation=name,
            request=request,
            now=self._clock(),
            command=command,
            attempt=attempt,
        )
        work = Work(
            integration=integration,
            operation=name,
            attempt=0,
            command_id=attempt.command_id,
            request=request,
            judge=lambda answer: judge_finding(asked, inquiry, answer),
        )
        async with self._gates.admit(integration, "inquiry", name, inquiry.limited_as) as admission:
            return await self._reported(work, deadline_s, admission)

    async def read(self, integration: Integration, name: str, question: Frozen) -> Frozen | Refusal:
        """The answer to a declared question, kept for its time; equal questions at one time are one call.

        Returns:
            The read's answer model, or the provider's no, which is never kept.

        Raises:
            NotSent, Throttled, OutcomeUnknown: no answer was had; ask again later. A `NotSent` whose reason is one of
                `Reason`'s words says that it can never be asked.
        """
        return await self._reads.read(integration, name, question)

    async def forget(self, integration_id: str, name: str | None = None) -> None:
        """Keep no answer of `integration_id` any longer, or none to the read `name`; calls under way are not kept."""
        await self._reads.forget(integration_id, name)

    def paused_s(self, integration: Integration, operation: Operation[Any, Any]) -> float:
        """For how many seconds a `send` would certainly be refused here; zero when it may be tried."""
        return self._gates.paused_s(integration, class_of(operation), operation.name)

    def limits(self) -> tuple[LimitReport, ...]:
        """How far each rate limit is used, of those that were met so far."""
        return self._gates.limits()

    async def probe(self, integration: Integration) -> Health:
        """One health check, past breakers and limits: it is how a paused provider is seen to be back."""
        if integration.lacks is not None:
            return Health(status="unhealthy", response_time_ms=None, sentence=integration.lacks, cause=Cause.NOT_READY)
        self._gates.meet(integration)
        causes: list[Cause] = []

        def judge(answer: Answer) -> str:
            told = integration.connector.probe.read(answer, integration.environment, integration.credentials)
            if told is None:
                return ""
            trouble = with_clock(told, answer.headers, self._clock())
            causes.append(trouble.cause)
            return trouble.sentence

        work = Work(
            integration=integration,
            operation="health",
            attempt=0,
            command_id=None,
            request=integration.connector.probe.request,
            judge=judge,
            failed="unhealthy",
        )
        began = self._monotonic()
        try:
            sentence = await self._probed(work)
        except HubError as error:
            return Health(status="unhealthy", response_time_ms=None, sentence=str(error), cause=_cause_of(error))
        spent_s = self._monotonic() - began
        elapsed_ms = round(spent_s * 1000)
        if sentence:
            return Health(status="unhealthy", response_time_ms=elapsed_ms, sentence=sentence, cause=causes[0])
        paused = [kind for kind in ("payment", "inquiry") if self._gates.breaker(integration, kind).state != "closed"]
        if paused:
            sentence = f"it answers, yet calls of class {' and '.join(paused)} are paused here after failures"
        elif spent_s > self._settings.slow_after_s:
            sentence = f"it took {spent_s:.1f} s to answer"
        return Health(
            status="degraded" if sentence else "healthy", response_time_ms=elapsed_ms, sentence=sentence or None
        )

    async def _probed(self, work: Work[str]) -> str:
        """Asked once more where an access token was not taken: it may have been an old one, and the next is new."""
        transport, deadline_s = self._transport(work.integration), self._settings.probe_deadline_s
        try:
            return await self._performing.perform(work, transport, deadline_s)
        except NotSent as refused:
            if refused.reason != "token_refused":
                raise
        return await self._performing.perform(work, transport, deadline_s)

    async def retire(self, integration_id: str, *, within_s: float = 60.0) -> None:
        """Let go of a removed integration: connections once no call is under way, limits and breakers at once."""
        self._gates.forget(integration_id)
        transport = self._transports.pop(integration_id, None)
        if transport is not None:
            await transport.retire(within_s=within_s)

    async def _reported(self, work: Work[R], deadline_s: float, admission: Admission) -> R:
        transport = self._transport(work.integration)
        heard = replace(work, judge=lambda answer: self._judged(work, answer, admission))
        sends = 0

        async def send(left_s: float) -> R:
            nonlocal sends
            sends += 1
            if sends > 1:
                # The first one's turn was taken with the admission; each further one counts as well.
                await admission.limiter.acquire(wait_s=min(left_s, self._settings.admission_wait_s))
            try:
                return await self._performing.perform(heard, transport, left_s)
            except Throttled:
                await admission.limiter.pass_on()
                raise

        try:
            result = await retrying(send, policy=self._settings.retry, deadline_s=deadline_s, clock=self._monotonic)
        except HubError as error:
            admission.signal = signal_of(error)
            raise
        admission.signal = signal_of(result)
        return result

    def _judged(self, work: Work[R], answer: Answer, admission: Admission) -> R:
        admission.heard(work.integration, answer)
        try:
            result = work.judge(answer)
        except Throttled as throttled:
            raise admission.turned_away(throttled) from None
        admission.limiter.answered()
        return result

    def _transport(self, integration: Integration) -> Transport:
        if not self._open:
            raise RuntimeError("the caller is closed; use it inside its async with block")
        if integration.id not in self._transports:
            self._transports[integration.id] = Transport(
                pool_size=self._settings.pool_size,
                ca_file=self._settings.ca_file,
                max_answer_bytes=self._settings.max_answer_bytes,
            )
        return self._transports[integration.id]


def _cause_of(error: HubError) -> Cause:
    match error:
        case Throttled():
            return Cause.THROTTLED
        case NotSent(reason="tls"):
            return Cause.TLS
        case NotSent(reason=Reason.INVALID_CREDENTIALS.value):
            return Cause.WRONG_KEY
        case NotSent():
            return Cause.UNREACHABLE
        case _:
            return Cause.PROVIDER_DOWN
