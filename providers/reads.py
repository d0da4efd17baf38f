"""Declared reads: questions that move nothing, answered from what is kept or by one call for all who ask."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime

from providers.admission import Admission, Gates
from providers.cache import ResponseCache
from providers.connector import Integration
from providers.judging import Case, judge_read
from providers.outcome import ReadResult, Refusal
from providers.performing import Work
from providers.preparing import built, refused
from schemas.base import Frozen
from schemas.payments import Reason

Send = Callable[[Work[ReadResult], float, Admission], Awaitable[ReadResult]]
"""Makes one admitted call within so many seconds."""


class Reads:
    """The reads of one process.

    Args:
        patience_s: what is added to a read's deadline for its admission, and for a call that is taken over.
    """

    def __init__(
        self, answers: ResponseCache, gates: Gates, send: Send, *, clock: Callable[[], datetime], patience_s: float
    ) -> None:
        self._answers = answers
        self._gates = gates
        self._send = send
        self._clock = clock
        self._patience_s = patience_s

    async def read(self, integration: Integration, name: str, question: Frozen) -> Frozen | Refusal:
        """As `Caller.read`."""
        read = integration.connector.read_named(name)
        if read is None or not isinstance(question, read.question):
            offered = [f"{known.name} ({known.question.__name__})" for known in integration.connector.reads]
            detail = f"it cannot be read like this; there is {', '.join(offered) or 'nothing to read'}"
            raise refused(integration, name, Reason.UNSUPPORTED_OPERATION, detail)
        request = built(integration, name, lambda: read.build(question))
        case = Case(integration=integration, operation=name, request=request, now=self._clock())
        work = Work(
            integration=integration,
            operation=name,
            attempt=0,
            command_id=None,
            request=request,
            judge=lambda answer: judge_read(case, read, question, answer),
        )

        async def fetch() -> ReadResult:
            async with self._gates.admit(integration, "inquiry", name, read.limited_as) as admission:
                return await self._send(work, read.deadline_s, admission)

        try:
            # For those who wait for another's call, too.
            async with asyncio.timeout(read.deadline_s + self._patience_s):
                kept = read.ttl_s > 0
                result = await (self._answers.get(integration, read, request, fetch) if kept else fetch())
        except TimeoutError:
            raise case.unknown("timeout", f"no answer within {read.deadline_s:g} s; ask again later") from None
        if result.answer is not None:
            return result.answer
        if result.refusal is None:
            raise AssertionError("a result of a read holds an answer or a refusal")
        return result.refusal

    async def forget(self, integration_id: str, name: str | None) -> None:
        """As `Caller.forget`."""
        await self._answers.forget(integration_id, name)
