"""From an HTTP answer to a verdict. Pure: what is not understood in full is neither a success nor a refusal.

The order of the questions matters: was it turned away by a limit, can it be read, does the provider's side work, is it
really theirs, does it hold what the connector needs, and is the amount the one that was asked for.
"""

import email.message
import email.utils
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final, NoReturn, TypeVar

from providers.breaker import Signal
from providers.connector import (
    Answer,
    Attempt,
    Inquiry,
    Integration,
    Operation,
    Read,
    Request,
    TokenRequest,
    Wire,
)
from providers.details import checked_details
from providers.outcome import Finding, Outcome, ProviderState, ReadResult, Refusal, Sighting, UnusableAnswer
from providers.reading import Unreadable, parse_json, read_wire
from providers.tokens import Grant
from schemas.base import Frozen
from schemas.errors import HubError, NotSent, OutcomeUnknown, Throttled
from schemas.money import Money
from schemas.payments import CreatePayment, Reason
from schemas.payments.vocabulary import Command
from schemas.verdicts import FailureClass, Verdict

T = TypeVar("T")

_PAGES: Final = frozenset({"text/html", "application/xhtml+xml"})

_NO_FAULTS: Final = frozenset({"unanswered", "in_progress"})
"""No answer to what was asked, and yet the provider's side works."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What an answer is judged against; `operation` is the word for errors."""

    integration: Integration
    operation: str
    request: Request
    now: datetime

    def unknown(self, reason: str, message: str) -> OutcomeUnknown:
        provider = self.integration.connector.name
        return OutcomeUnknown(message, provider=provider, operation=self.operation, reason=reason)

    def throttled(self, answer: Answer) -> Throttled:
        provider = self.integration.connector.name
        return Throttled(
            f"{provider} asks for a pause; nothing was performed",
            provider=provider,
            operation=self.operation,
            retry_after_s=retry_after_s(answer, self.now),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked(Case):
    """The case of a command's attempt."""

    command: Command
    attempt: Attempt

    @property
    def seen(self) -> Attempt:
        """The attempt as the connector's functions see it."""
        return self.integration.seen_by(self.attempt)


def judge_outcome(asked: Asked, operation: Operation[Any, Any], answer: Answer) -> Outcome:
    """The verdict on an operation.

    Raises:
        Throttled: certainly not performed, for a limit.
        NotSent: certainly not performed, for a passing fault (`reason` is `provider_transient`).
        OutcomeUnknown: the answer is no use; `reason` is `server_error`, `unusable_answer`, `bad_signature` or
            `contradiction`; or `in_progress`: perhaps an earlier send of it is still under way.
    """
    attempt, read_page = asked.seen, operation.read_page
    page = page_of(answer) if read_page is not None else None
    if read_page is not None and page is not None:
        outcome = _understood(asked, answer, lambda: read_page(page, asked.command, attempt))
    else:
        outcome = _read(
            asked,
            answer,
            operation.reply,
            lambda reply: operation.read(reply, asked.command, attempt),
            no_content=operation.no_content,
        )
    if outcome.failure is FailureClass.THROTTLED:
        raise asked.throttled(answer)
    if outcome.failure is FailureClass.TRANSIENT:
        provider = asked.integration.connector.name
        raise NotSent(
            f"{provider} is passingly unable ({outcome.their_code}); nothing was performed",
            provider=provider,
            operation=asked.operation,
            reason="provider_transient",
        )
    # A question may be answered by a failure that tells what there is not: its body decides, under whatever status.
    told_by_failure = outcome.their_code is not None and not operation.moves_money
    if outcome.verdict in {Verdict.ACCEPTED, Verdict.PENDING} and not told_by_failure:
        _refuse_contradiction(asked, answer)
    if not operation.moves_money:
        return checked_details(outcome, asked.command)
    return _checked(outcome, asked)


def judge_finding(asked: Asked, inquiry: Inquiry[Any, Any], answer: Answer) -> Finding:
    """What an inquiry found.

    Raises:
        Throttled, OutcomeUnknown: it found nothing out; as in `judge_outcome`, and `unanswered` when the provider
            refused to answer.
    """
    attempt = asked.seen
    finding = _read(asked, answer, inquiry.reply, lambda reply: inquiry.read(reply, asked.command, attempt))
    outcome = finding.outcome
    # That a page is lost is an absence too: their code for a failure may tell it, under whatever status those have.
    lost = outcome is not None and outcome.reason is Reason.PAGE_LOST and outcome.their_code is not None
    if finding.sighting is not Sighting.ABSENT and not lost:
        _refuse_contradiction(asked, answer)
    return finding if outcome is None else replace(finding, outcome=_checked(outcome, asked))


def judge_read(case: Case, read: Read[Any, Any, Any], question: Frozen, answer: Answer) -> ReadResult:
    """What a provider says to a question that moves nothing.

    Raises:
        Throttled, OutcomeUnknown: no answer; as in `judge_outcome`.
    """
    found: Frozen | Refusal = _read(case, answer, read.reply, lambda reply: read.read(reply, question))
    if not isinstance(found, Refusal):
        _refuse_contradiction(case, answer)
        return ReadResult(answer=found)
    if found.failure is FailureClass.THROTTLED:
        raise case.throttled(answer)
    return ReadResult(refusal=found)


def judge_grant(case: Case, token: TokenRequest[Any], answer: Answer) -> Grant:
    """The access token that a provider gives.

    Raises:
        NotSent: it gives none to these keys; `reason` is one of `Reason`'s words.
        Throttled, OutcomeUnknown: no answer; as in `judge_outcome`.
    """
    found: Grant | Refusal = _read(case, answer, token.reply, token.read)
    if isinstance(found, Grant):
        _refuse_contradiction(case, answer)
        return found
    if found.failure is FailureClass.THROTTLED:
        raise case.throttled(answer)
    provider = case.integration.connector.name
    raise NotSent(found.detail, provider=provider, operation=case.operation, reason=found.reason.value)


def _checked(outcome: Outcome, asked: Asked) -> Outcome:
    return checked_details(checked_amount(outcome, asked.command, asked.attempt), asked.command)


def checked_amount(outcome: Outcome, command: Command, attempt: Attempt) -> Outcome:
    """An accepted outcome whose amount is not the one that was asked for becomes unknown, its facts kept."""
    expected = attempt.amount or (command.paid_price if isinstance(command, CreatePayment) else None)
    if outcome.verdict not in {Verdict.ACCEPTED, Verdict.PENDING} or expected is None:
        return outcome
    if outcome.amount is None and outcome.verdict is Verdict.PENDING:
        return outcome
    if _same(_asked_part(outcome), expected):
        return outcome
    moved = "no amount" if outcome.amount is None else str(outcome.amount)
    return replace(
        outcome,
        verdict=Verdict.UNKNOWN,
        failure=FailureClass.UNKNOWN,
        reason=Reason.OUTCOME_UNKNOWN,
        detail=f"asked for {expected}, the provider says {moved}; a person must compare both books",
    )


def signal_of(ended: Outcome | Finding | ReadResult | HubError) -> Signal:
    """What an end says about the provider's health. Refusals and limits say nothing about it."""
    match ended:
        case Outcome(their_fault=True):
            return Signal.FAILURE
        case Outcome(verdict=Verdict.ACCEPTED | Verdict.PENDING):
            return Signal.SUCCESS
        case Finding(sighting=Sighting.CONCLUDED | Sighting.RUNNING):
            return Signal.SUCCESS
        case ReadResult(answer=answer) if answer is not None:
            return Signal.SUCCESS
        case OutcomeUnknown(reason=reason) if reason not in _NO_FAULTS:
            return Signal.FAILURE
        case NotSent(reason="no_connection" | "tls" | "provider_transient" | "no_token"):
            return Signal.FAILURE
        case _:
            return Signal.NEUTRAL


def is_not_found(outcome: Outcome) -> bool:
    return outcome.state is ProviderState.NOT_FOUND


def retry_after_s(answer: Answer, now: datetime) -> float | None:
    """The pause that the answer asks for, in seconds; `None` when it names none that can be read (RFC 9110, 10.2.3)."""
    text = answer.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit() and len(text) < 10:  # noqa: PLR2004 - thirty years are enough
        return float(text)
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return max(0.0, (aware - now).total_seconds())


def parsed(answer: Answer) -> Answer:
    """The answer with its JSON value; `parsed` stays `None` where it has none."""
    try:
        return replace(answer, parsed=parse_json(answer.body))
    except Unreadable:
        return answer


def _read(
    asked: Case, answer: Answer, model: type[Wire], read: Callable[[Any], T], *, no_content: Wire | None = None
) -> T:
    if no_content is not None and answer.status == HTTPStatus.NO_CONTENT and not answer.body:
        return _understood(asked, answer, lambda: read(no_content))
    return _understood(asked, answer, lambda: read(read_wire(_framed(asked, answer, _trusted(asked, answer)), model)))


def _understood(asked: Case, answer: Answer, understand: Callable[[], T]) -> T:
    name = asked.integration.connector.name
    if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
        raise asked.throttled(answer)
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise asked.unknown("server_error", f"{name} answered HTTP {answer.status}; ask for the status")
    if answer.status == HTTPStatus.CONFLICT:
        # Stripe, PayPal and others say so while an earlier request under the same key still runs. Whatever its body
        # says, the truth is had by asking, and a refusal that is believed here could hide money that moved.
        raise asked.unknown("in_progress", f"{name} answered HTTP 409: it may be under way; ask for the status")
    try:
        return understand()
    except Unreadable as bad:
        message = f"the answer (HTTP {answer.status}, {len(answer.body)} bytes) cannot be read: {bad}"
        raise asked.unknown("unusable_answer", message) from None
    except UnusableAnswer as bad:
        _refuse_unusable(asked, answer, bad)
    except HubError:
        raise
    except Exception as bug:  # noqa: BLE001 - a fault of ours while reading must not pass for a refusal
        kind = type(bug).__name__
        raise asked.unknown("unusable_answer", f"reading the answer failed ({kind}); ask for the status") from None


def _trusted(asked: Case, answer: Answer) -> Any:
    _require_json_type(answer)
    value = parse_json(answer.body) if answer.parsed is None else answer.parsed
    integration = asked.integration
    distrust = integration.connector.verify(asked.request, replace(answer, parsed=value), integration.credentials)
    if distrust is not None:
        raise asked.unknown("bad_signature", f"{distrust} (HTTP {answer.status}); ask for the status")
    return value


def _framed(asked: Case, answer: Answer, value: Any) -> Any:
    frame = asked.integration.connector.frame
    return value if frame is None or not isinstance(value, dict) else {**value, **frame(answer)}


def _refuse_unusable(asked: Case, answer: Answer, bad: UnusableAnswer) -> NoReturn:
    if bad.failure is FailureClass.THROTTLED:
        raise asked.throttled(answer) from None
    code = "" if bad.their_code is None else f" (code {bad.their_code})"
    reason = "unusable_answer" if bad.their_code is None else "unanswered"
    raise asked.unknown(reason, bad.detail + code) from None


def _refuse_contradiction(asked: Case, answer: Answer) -> None:
    if not HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
        message = f"HTTP {answer.status} with the body of a success; ask for the status"
        raise asked.unknown("contradiction", message)


def page_of(answer: Answer) -> str | None:
    """The text of an HTML page; `None` for an answer of any other type, and for one that can be read as JSON.

    An unknown charset or bytes that are not of it make the page unreadable: it is then no page.
    """
    if _content_type(answer) not in _PAGES or answer.parsed is not None or parsed(answer).parsed is not None:
        return None
    named = email.message.Message()
    named["content-type"] = answer.headers["content-type"]
    try:
        return answer.body.decode(named.get_content_charset("utf-8"))
    except (LookupError, UnicodeDecodeError):
        return None


def _content_type(answer: Answer) -> str:
    return answer.headers.get("content-type", "").split(";", 1)[0].strip().casefold()


def _require_json_type(answer: Answer) -> None:
    named = _content_type(answer)
    if named and named != "application/json" and not (named.startswith("application/") and named.endswith("+json")):
        raise Unreadable("its content type is not JSON")


def _asked_part(outcome: Outcome) -> Money | None:
    """What was moved, without what the payer chose to pay beyond."""
    amount, surcharge = outcome.amount, outcome.surcharge
    if amount is None or surcharge is None or amount.currency != surcharge.currency:
        return amount
    return amount.with_minor(amount.minor - surcharge.minor)


def _same(amount: Money | None, expected: Money) -> bool:
    # A price and the money it became are of different classes; their values are what counts.
    return amount is not None and (amount.minor, amount.currency) == (expected.minor, expected.currency)
