"""Two things done at once, of which neither is broken off for the other's sake."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

A = TypeVar("A")
B = TypeVar("B")


async def both(one: Awaitable[A], other: Awaitable[B]) -> tuple[A, B]:
    """What the two give, once both have ended; cancelling this cancels both.

    Raises:
        BaseException: what the first of them that failed raised, after the other has ended too.
    """
    outcomes = await asyncio.gather(one, other, return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
    first, second = outcomes
    return first, second  # type: ignore[return-value]  # the loop has just seen that neither is an exception
