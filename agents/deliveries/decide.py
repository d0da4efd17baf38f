"""What becomes of an endpoint's lane after an attempt. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

LONGEST_RETRY_AFTER_S: Final = 24 * 3600.0
"""However long they ask us to wait."""

_TOLD_LATER: Final = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)


@dataclass(frozen=True, slots=True)
class Attempt:
    """How one sending ended.

    Attributes:
        outcome: `delivered`, or one word for what went wrong.
        status: of the answer; `None` when none came.
        retry_after_s: what they asked for.
    """

    outcome: str
    elapsed_ms: int
    status: int | None = None
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class Patience:
    """How long an endpoint may fail.

    Attributes:
        tiers_s: how long to wait after the first failure, the second one, and so on; the last one stays.
        disable_after_s: since its first failure in a row, in seconds.
        disable_after_failures: in a row.
    """

    tiers_s: Sequence[int]
    disable_after_s: float
    disable_after_failures: int


@dataclass(frozen=True, slots=True)
class Delivered:
    """They have it."""


@dataclass(frozen=True, slots=True)
class Later:
    """Not yet: again after so many seconds."""

    wait_s: float


@dataclass(frozen=True, slots=True)
class Disable:
    """Nothing more is sent before the owner enables it."""

    gone: bool
    why: str


def decide(attempt: Attempt, failures: int, failing_s: float, patience: Patience) -> Delivered | Later | Disable:
    """`failures` and `failing_s` tell of the failures in a row before this attempt."""
    if attempt.outcome == "delivered":
        return Delivered()
    if attempt.status == HTTPStatus.GONE:
        return Disable(gone=True, why="it answered 410 Gone: it wants no more events")
    if failures + 1 >= patience.disable_after_failures:
        return Disable(gone=False, why=f"{failures + 1} attempts failed in a row, the last one with {attempt.outcome}")
    if failures and failing_s >= patience.disable_after_s:
        hours = f"{failing_s / 3600:.1f} hours"
        return Disable(gone=False, why=f"every attempt failed for {hours}, the last one with {attempt.outcome}")
    if attempt.retry_after_s is not None and attempt.status in _TOLD_LATER:
        return Later(min(max(attempt.retry_after_s, float(patience.tiers_s[0])), LONGEST_RETRY_AFTER_S))
    return Later(float(patience.tiers_s[min(failures, len(patience.tiers_s) - 1)]))
