"""How a payment stands for a shopper who waits: from the tables, looked at until the question about it has ended."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

import asyncpg

from agents.pool import FAILURES
from infra.gateway.returns.destination import State
from infra.gateway.returns.ticket import Proved
from infra.gateway.sql import statement

log = logging.getLogger(__name__)

LOOK_EACH_S: Final = 0.25
LOOK_S: Final = 2.0
MOST_WAITING: Final = 100
"""Shoppers that are kept waiting in one process; the next ones are told what is known, so that tables and places stay
free for others."""
_PAID: Final = frozenset({"captured", "authorized"})


class Standing:
    """Looks payments up. It keeps nothing but a count."""

    def __init__(self, database: asyncpg.Pool) -> None:
        self._database = database
        self._statement = statement("return_standing")
        self._waiting = asyncio.Semaphore(MOST_WAITING)

    async def settled(self, proved: Proved, ask: Callable[[], Awaitable[bool]], *, within_s: float) -> State:
        """How the payment stands, at once where it is paid; else `ask` is called, and its end waited for.

        Whatever fails or takes too long leaves what was seen last, or `pending`: the shopper is never kept.

        Args:
            ask: whether the question was put.
        """
        state: State = "pending"
        try:
            async with asyncio.timeout(within_s):
                state, ended = await self._look(proved)
                if state in _PAID or not await ask() or self._waiting.locked():
                    return state
                async with self._waiting:
                    while not ended and state not in _PAID:
                        await asyncio.sleep(LOOK_EACH_S)
                        state, ended = await self._look(proved)
        except TimeoutError:
            log.info("a shopper is sent on before the provider's word", extra={"command_id": str(proved.command_id)})
        return state

    async def _look(self, proved: Proved) -> tuple[State, bool]:
        ticket = proved.ticket
        try:
            async with asyncio.timeout(LOOK_S):
                row = await self._database.fetchrow(
                    self._statement, ticket.payment_id, proved.command_id, ticket.integration_id
                )
        except FAILURES as failed:
            log.warning("payments cannot be looked up", extra={"why": type(failed).__name__})
            return "pending", True
        state: State = row["state"] or "pending"
        return state, row["ended"]
