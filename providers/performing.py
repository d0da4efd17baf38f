"""One exchange from start to end: signed, sent, judged, and told to whoever records, traces and counts."""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Generic, TypeVar
from uuid import UUID

from opentelemetry import metrics, trace
from opentelemetry.trace import SpanKind, Status, StatusCode

from providers.authenticating import authenticate
from providers.bearing import Ask, Bearing
from providers.connector import Answer, Integration, Request, TokenRequest
from providers.exchange import Exchange, OnExchange, Word
from providers.judging import Case, is_not_found, judge_grant, parsed
from providers.outcome import Finding, Outcome, ReadResult, Sighting
from providers.scrub import Scrubber
from providers.tokens import Grant, TokenCache
from providers.transport import Flight, Transport
from schemas.errors import HubError, NotSent, Throttled

T = TypeVar("T", Outcome, Finding, ReadResult, Grant, str)

log = logging.getLogger(__name__)
_TRACER: Final = trace.get_tracer("kolaj.providers")
_DURATION: Final = metrics.get_meter("kolaj.providers").create_histogram(
    "kolaj.provider.call.duration", unit="s", description="From before the request to the end of the answer."
)
_FAILED: Final[frozenset[Word]] = frozenset({"unknown", "not_sent", "throttled", "unhealthy"})


@dataclass(frozen=True, slots=True)
class Work(Generic[T]):
    """One request and how its answer is judged.

    Attributes:
        failed: the word for all failures where they need no telling.
        may_be_page: whether the answer may be a page for the payer's browser.
    """

    integration: Integration
    operation: str
    attempt: int
    command_id: UUID | None
    request: Request
    judge: Callable[[Answer], T]
    failed: Word | None = None
    may_be_page: bool = False


class Performing:
    def __init__(
        self, *, on_exchange: OnExchange, clock: Callable[[], datetime], nonce: Callable[[], str], tokens: TokenCache
    ) -> None:
        self._bearing = Bearing(tokens)
        self._on_exchange = on_exchange
        self._clock = clock
        self._nonce = nonce

    async def perform(self, work: Work[T], transport: Transport, deadline_s: float) -> T:
        """Send it once.

        Raises:
            NotSent, Throttled, OutcomeUnknown: as the transport and the judge say.
        """
        integration, connector = work.integration, work.integration.connector
        attributes: dict[str, str | int] = {
            "kolaj.provider": connector.name,
            "kolaj.integration": integration.id,
            "kolaj.operation": work.operation,
            "kolaj.attempt": work.attempt,
        }
        flight, answer = Flight(), None
        proofs: tuple[str, ...] = ()
        word: Word = "not_sent"
        code, error_text = None, None
        started_at, began_ns = self._clock(), time.perf_counter_ns()
        ends = time.monotonic() + deadline_s
        # Exceptions are not recorded in the span: its outcome says it all, and no text of theirs gets there.
        with _TRACER.start_as_current_span(
            f"provider {work.operation}",
            kind=SpanKind.CLIENT,
            attributes=attributes,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                held = await self._bearing.held(integration, self._asking_by(transport), within_s=deadline_s)
                token = None if held is None else held.token.access
                leaving = authenticate(connector, work.request, integration.credentials, self._nonce(), token)
                proofs = leaving.proofs
                answer = parsed(
                    await transport.exchange(
                        integration.base_url,
                        leaving.request,
                        leaving.headers,
                        deadline_s=max(0.0, ends - time.monotonic()),
                        flight=flight,
                        provider=connector.name,
                        operation=work.operation,
                    )
                )
                self._bearing.heard(held, integration, answer, since=started_at)
                result = work.judge(answer)
                word, code = _word(result, moves_money=work.attempt > 0), _code(result)
                error_text = result or None if isinstance(result, str) else None
                return result  # noqa: TRY300 - what stands below is for failures and for both
            except HubError as error:
                word, error_text = work.failed or _word_of(error), str(error)
                raise
            except asyncio.CancelledError:
                word, error_text = "unknown" if flight.maybe_sent else "not_sent", "cancelled"
                raise
            finally:
                duration_us = (time.perf_counter_ns() - began_ns) // 1000
                span.set_attribute("kolaj.outcome", word)
                if word in _FAILED:
                    span.set_status(Status(StatusCode.ERROR, word))
                _DURATION.record(
                    duration_us / 1_000_000,
                    {**attributes, "kolaj.attempt": min(work.attempt, 1), "kolaj.outcome": word},
                )
                scrubber = Scrubber.of(connector, integration.credentials, proofs)
                self._tell(
                    Exchange(
                        integration=integration,
                        operation=work.operation,
                        attempt=work.attempt,
                        command_id=work.command_id,
                        request=work.request,
                        answer=answer,
                        outcome=word,
                        provider_code=code,
                        duration_us=duration_us,
                        started_at=started_at,
                        request_text=scrubber.scrub(work.request.body),
                        response_text=_response_text(answer, scrubber, may_be_page=work.may_be_page),
                        error=error_text,
                    )
                )

    def _asking_by(self, transport: Transport) -> Ask:
        """Asks for a token by this connection. It is a call like any other: it has its deadline, span and record."""

        async def ask(account: Integration, wanted: TokenRequest[Any]) -> Grant:
            case = Case(integration=account, operation="token", request=wanted.request, now=self._clock())
            work = Work(
                integration=account,
                operation="token",
                attempt=0,
                command_id=None,
                request=wanted.request,
                judge=lambda answer: judge_grant(case, wanted, answer),
            )
            return await self.perform(work, transport, wanted.deadline_s)

        return ask

    def _tell(self, exchange: Exchange) -> None:
        try:
            self._on_exchange(exchange)
        except Exception:
            # A record that cannot be kept must not take the verdict with it: the money has moved or not already.
            log.exception("exchange not recorded", extra={"operation": exchange.operation, "outcome": exchange.outcome})


def _response_text(answer: Answer | None, scrubber: Scrubber, *, may_be_page: bool) -> str:
    """The answer for records. A page may name the payer, or post the card on to the bank, anywhere in its text."""
    if answer is None:
        return ""
    if may_be_page and answer.parsed is None:
        return f"(a page of {len(answer.body)} bytes, which may hold what a payer entered)"
    return scrubber.scrub(answer.body, answer.parsed)


def _word(result: Outcome | Finding | ReadResult | Grant | str, *, moves_money: bool) -> Word:
    match result:
        case Outcome() if moves_money:
            return result.verdict.value
        case Outcome():
            return "not_found" if is_not_found(result) else "found"
        case ReadResult():
            return "refused" if result.answer is None else "found"
        case Grant():
            return "found"
        case Finding():
            return "not_found" if result.sighting is Sighting.ABSENT else "found"
        case _:
            return "unhealthy" if result else "healthy"


def _code(result: Outcome | Finding | ReadResult | Grant | str) -> str | None:
    if isinstance(result, ReadResult):
        return None if result.refusal is None else result.refusal.their_code
    outcome = result.outcome if isinstance(result, Finding) else result
    return outcome.their_code if isinstance(outcome, Outcome) else None


def _word_of(error: HubError) -> Word:
    match error:
        case NotSent():
            return "not_sent"
        case Throttled():
            return "throttled"
        case _:
            return "unknown"
