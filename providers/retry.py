"""Short retries inside one attempt, of what certainly was not performed; anything else is the ledger's to decide."""

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt

from schemas.errors import NotSent, Throttled

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """At most `tries` sends; between them a pause drawn evenly from zero to a bound that doubles (full jitter).

    Attributes:
        longest_s: the bound's own bound. A longer pause that a provider asks for is not waited for here: the command
            would hold a place among those in flight, and its key, for nothing.
    """

    tries: int = 3
    base_s: float = 0.1
    longest_s: float = 2.0


async def retrying(
    send: Callable[[float], Awaitable[T]],
    *,
    policy: RetryPolicy,
    deadline_s: float,
    clock: Callable[[], float],
    jitter: Callable[[float], float] = lambda bound_s: random.uniform(0, bound_s),  # noqa: S311 - no secret
) -> T:
    """Call `send` with the seconds that are left, again after `Throttled` and after some kinds of `NotSent`.

    These are a failed connection, and a token that the provider did not take.

    A pause that the provider asked for is kept; where it is longer than what is left or than the policy's longest, its
    error is raised at once.

    Raises:
        NotSent, Throttled: the last one, when tries or time are used up.
        OutcomeUnknown: the first one.
    """
    ends = clock() + deadline_s

    def pause_s(state: RetryCallState) -> float:
        error = _error(state)
        asked_s = error.retry_after_s if isinstance(error, Throttled) else None
        bound_s = min(policy.longest_s, policy.base_s * 2 ** (state.attempt_number - 1))
        return jitter(bound_s) if asked_s is None else asked_s

    def too_late(state: RetryCallState) -> bool:
        return state.upcoming_sleep > policy.longest_s or clock() + state.upcoming_sleep >= ends

    loop = AsyncRetrying(
        retry=retry_if_exception(_certainly_not_performed),
        wait=pause_s,
        stop=lambda state: stop_after_attempt(policy.tries)(state) or too_late(state),
        reraise=True,
    )

    async def once() -> T:
        return await send(max(0.0, ends - clock()))

    return await loop(once)


def _error(state: RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome is not None else None


def _certainly_not_performed(error: BaseException) -> bool:
    if isinstance(error, NotSent):
        return error.reason in {"no_connection", "token_refused"}
    return isinstance(error, Throttled)
