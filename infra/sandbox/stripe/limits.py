"""How many requests a second are taken.

Source: docs.stripe.com: Rate limits.
"""

from collections import deque
from http import HTTPStatus
from typing import Final

from infra.sandbox.stripe.refusing import Refused

_WINDOW_MS: Final = 1000


class Limits:
    """Counts the last second's requests, of each account and of each of its endpoints."""

    def __init__(self) -> None:
        self._taken: dict[tuple[str, str], deque[int]] = {}

    def take(self, account: str, endpoint: str, now_ms: int, *, whole: int | None, each: int | None) -> None:
        """Raises: Refused: it is one too many, for the `whole` account or for the endpoint."""
        for name, most, reason in (("", whole, "global-rate"), (endpoint, each, "endpoint-rate")):
            if most is None:
                continue
            taken = self._taken.setdefault((account, name), deque())
            while taken and taken[0] <= now_ms - _WINDOW_MS:
                taken.popleft()
            if len(taken) >= most:
                raise too_many(reason)
            taken.append(now_ms)


def too_many(reason: str) -> Refused:
    """A 429 of a limiter, which says which one it was."""
    return Refused(
        "Too many requests made to the API too quickly.",
        status=HTTPStatus.TOO_MANY_REQUESTS,
        code="rate_limit",
        executed=False,
        headers={"Stripe-Rate-Limited-Reason": reason},
    )


def locked() -> Refused:
    """A 429 of no limiter: another request holds the object."""
    return Refused(
        "This object cannot be accessed right now because another request is accessing it.",
        status=HTTPStatus.TOO_MANY_REQUESTS,
        code="lock_timeout",
        executed=False,
        headers={"Stripe-Should-Retry": "true"},
    )
