"""What the call machinery hands over: requests made ready, and the story of each exchange."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

from providers.breaker import BreakerState
from providers.connector import Answer, Attempt, Integration, Operation, RateLimit, Request
from providers.diagnosis import Cause
from providers.retry import RetryPolicy
from schemas.payments.vocabulary import Command

Word = Literal[
    "accepted", "refused", "pending", "unknown", "not_sent", "throttled", "found", "not_found", "healthy", "unhealthy"
]
"""How an exchange ended, as `schemas.provider_calls.ProviderCalled` has it."""

OperationClass = Literal["payment", "inquiry"]
"""What a breaker is for: what moves money, and what only asks."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request made ready before anything is marked; neither card nor person prints.

    Attributes:
        digest: SHA-256 (hex) of method, path, query, headers and body. The body of a request that carries a card goes
            in with its secret fields hidden: a plain hash of a card number can be searched for.
    """

    integration: Integration
    operation: Operation[Any, Any] = field(repr=False)
    command: Command = field(repr=False)
    attempt: Attempt = field(repr=False)
    request: Request
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One request and what became of it. `request_text` and `response_text` are scrubbed, the rest is not for records.

    Attributes:
        operation: the operation's name; with `_inquiry` behind it for a question about an earlier attempt.
        attempt: number of the attempt; 0 for what moves nothing.
        duration_us: from before the request to the end of the answer, in microseconds.
        error: the sentence of the error that was raised.
    """

    integration: Integration
    operation: str
    attempt: int
    command_id: UUID | None
    request: Request
    answer: Answer | None
    outcome: Word
    provider_code: str | None
    duration_us: int
    started_at: datetime
    request_text: str
    response_text: str
    error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerChange:
    """A breaker of this process changed its state."""

    integration_id: str
    provider: str
    operation_class: OperationClass
    before: BreakerState
    state: BreakerState
    changed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What a health check found; `sentence` says what is not well, `cause` what it comes from where that is known.

    `degraded`: it answers, but slowly, or a breaker of this process is not closed.
    """

    status: Literal["healthy", "degraded", "unhealthy"]
    response_time_ms: int | None
    sentence: str | None
    cause: Cause | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitReport:
    """How far one operation's rate limit is used, as this process knows it.

    Attributes:
        calls: the limit of all workers together; `None` where neither documents nor answers name one.
        per_s: its window; `None` where only the provider counts.
        allowed: what this process may use of it now.
        used: calls of this process in the present window.
        throttled: calls put off here since the process began; `turned_away`: those that the provider refused.
        closed_s: how long the provider wants no call.
        resets_in_s: after how many seconds nothing is used any more, if no call starts.
        shared: whether all workers count in one window just now.
    """

    integration_id: str
    provider: str
    operation: str
    calls: int | None
    per_s: float | None
    allowed: int | None
    used: int
    throttled: int
    turned_away: int
    closed_s: float
    resets_in_s: float
    shared: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerSettings:
    """Limits of the call machinery.

    Attributes:
        pool_size: connections at most, for each integration.
        ca_file: PEM file of certificates trusted besides the usual ones.
        quota: calls under way at most, for each integration; `quotas` overrides it by integration id.
        rate_limits: overrides of the connectors' limits by integration id and operation name; `None` lifts a limit.
        admission_wait_s: how long a call waits for a place or for its turn before it is throttled.
        untold_pause_s: the pause after a refusal for a limit that names none; it doubles until an answer comes.
        breaker_threshold: failures in a row that open a breaker.
        breaker_open_s: how long it stays open. An integration's own settings override both.
        come_back_per_s: how many of the calls that a breaker refused are asked back in one second.
        cached_answers: answers to reads that are kept in memory at most.
        slow_after_s: a health check slower than this is `degraded`.
        probe_deadline_s: for health checks.
    """

    pool_size: int = 100
    ca_file: Path | None = None
    max_answer_bytes: int = 2 * 1024 * 1024
    quota: int = 64
    quotas: Mapping[str, int] = field(default_factory=dict)
    rate_limits: Mapping[tuple[str, str], RateLimit | None] = field(default_factory=dict)
    admission_wait_s: float = 2.0
    untold_pause_s: float = 1.0
    breaker_threshold: int = 5
    breaker_open_s: float = 30.0
    come_back_per_s: float = 50.0
    cached_answers: int = 1_000
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    slow_after_s: float = 2.0
    probe_deadline_s: float = 10.0


OnExchange = Callable[[Exchange], None]
OnBreaker = Callable[[BreakerChange], None]
