"""How a payment stands for a shopper who waits: from the tables, looked at until the command about it has ended."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import asyncpg

from agents.pool import FAILURES
from infra.gateway.returns.destination import State
from infra.gateway.returns.ticket import Proved, Ticket
from infra.gateway.sql import statement

log = logging.getLogger(__name__)

LOOK_EACH_S: Final = 0.25
LOOK_S: Final = 2.0
MOST_WAITING: Final = 100
"""Shoppers that are kept waiting in one process; the next ones are told what is known, so that tables and places stay
free for others."""
_PAID: Final = frozenset({"captured", "authorized"})


@dataclass(frozen=True, slots=True)
class Begun:
    """Where a payment waits for its payer, and how it is called there; `None` where the tables do not know.

    Attributes:
        completions_refused: how often it was to be completed since, and was not.
    """

    integration_id: str | None = None
    provider_reference: str | None = None
    completions_refused: int = 0


@dataclass(frozen=True, slots=True)
class _Seen:
    state: State
    ended: bool
    begun: Begun = Begun()


class Standing:
    """Looks payments up. It keeps nothing but a count."""

    def __init__(self, database: asyncpg.Pool) -> None:
        self._database = database
        self._statement = statement("return_standing")
        self._waiting = asyncio.Semaphore(MOST_WAITING)

    async def settled(
        self, proved: Proved, order: Callable[[Begun], Awaitable[UUID | None]], *, within_s: float
    ) -> State:
        """How the payment stands, at once where it is paid; else `order` is called, and its command's end waited for.

        Whatever fails or takes too long leaves what was seen last, or `pending`: the shopper is never kept.

        Args:
            order: publishes the command that is to tell, and returns its id; `None` where it could not.
        """
        state: State = "pending"
        try:
            async with asyncio.timeout(within_s):
                seen = await self._look(proved.ticket, proved.command_id)
                state = seen.state
                if state in _PAID:
                    return state
                command_id = await order(seen.begun)
                if command_id is None or self._waiting.locked():
                    return state
                async with self._waiting:
                    while not (seen := await self._look(proved.ticket, command_id)).ended:
                        state = seen.state
                        if state in _PAID:
                            break
                        await asyncio.sleep(LOOK_EACH_S)
                    state = seen.state
        except TimeoutError:
            log.info("a shopper is sent on before the provider's word", extra={"command_id": str(proved.command_id)})
        return state

    async def _look(self, ticket: Ticket, command_id: UUID) -> _Seen:
        try:
            async with asyncio.timeout(LOOK_S):
                row = await self._database.fetchrow(
                    self._statement, ticket.payment_id, command_id, ticket.integration_id
                )
        except FAILURES as failed:
            log.warning("payments cannot be looked up", extra={"why": type(failed).__name__})
            return _Seen("pending", ended=True)
        begun = Begun(row["begun_at"], row["begun_as"], row["completions_refused"])
        return _Seen(row["state"] or "pending", row["ended"], begun)
