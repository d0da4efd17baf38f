"""Calls whose document cannot be had: their provider itself is asked whether it made them, a few times a minute.

Anybody can make a call whose document cannot be had, so that this is bounded for each account: whoever floods spends
that account's questions alone, and what is asked moves nothing.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Final

from infra.gateway.buckets import Buckets
from providers.caller import Caller
from providers.connector import Integration
from providers.notices import Call, Vouching
from providers.outcome import Refusal
from schemas.errors import ProviderError, StoreError

AT_ONCE: Final = 10
PER_S: Final = 0.5
DEADLINE_S: Final = 5.0
"""For all questions about one call: with a document that was waited for in vain, it is still answered in time."""


class Vouchers:
    """Asks through the call machinery, with the account's own secrets.

    Args:
        clock: seconds on a clock that is never set back.
    """

    def __init__(self, caller: Caller, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._caller = caller
        self._asked = Buckets(AT_ONCE, PER_S, clock=clock)

    async def secret_index(self, integration: Integration, vouching: Vouching, call: Call) -> int | None:
        """Which of the account's live sets of secrets the call was made for; `None` where the provider made no such.

        Raises:
            StoreError: it could not be asked, or did not say. Whoever called should call again.
        """
        questions = vouching.questions(call)
        try:
            async with asyncio.timeout(DEADLINE_S):
                for index, question in enumerate(questions):
                    if self._asked.take(integration.id):
                        raise StoreError(f"{integration.id} is asked about more calls than are asked about in a minute")
                    answer = await self._caller.read(integration, vouching.read, question)
                    if isinstance(answer, Refusal):
                        raise StoreError(f"{integration.connector.name} refused to verify a call: {answer.detail}")
                    if vouching.genuine(answer):
                        return index
        except TimeoutError as late:
            raise StoreError(f"{integration.connector.name} did not verify a call within {DEADLINE_S:g} s") from late
        except ProviderError as failed:
            raise StoreError(f"{integration.connector.name} could not be asked about a call: {failed}") from failed
        return None
