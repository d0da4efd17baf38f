"""What time alone brings about in a sandbox, and the calls to a merchant that fall due."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Generic, Self, TypeVar

from infra.sandbox.clock import SandboxClock
from infra.sandbox.outgoing_calls import OutgoingCalls

N = TypeVar("N")


class DueCalls(OutgoingCalls, ABC, Generic[N]):
    """Runs until the block ends. A notice `N` is what one call is about."""

    def __init__(self, clock: SandboxClock) -> None:
        super().__init__()
        self._clock = clock
        self._taking = asyncio.Lock()
        self._telling: dict[asyncio.Task[None], str] = {}  # calls under way, and about what

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        self.start(self._keep_calling())
        return self

    def wake(self) -> None:
        """Something may have fallen due."""
        self._clock.wake()

    async def advance(self, seconds: float) -> None:
        """Put the clock ahead, let happen what falls due, make its calls, and wait for all calls under way."""
        self._clock.advance(seconds)
        await self.settle()
        await self.call_due()
        await self.all_told()

    async def call_due(self) -> None:
        """Begin the calls that are due."""
        async with self._taking:  # whoever waits for a call must find it begun as soon as it is no longer due
            for notice in await self.take_due():
                telling = self.start(self.tell(notice))
                self._telling[telling] = self.subject_of(notice)
                telling.add_done_callback(self._telling.pop)

    async def all_told(self, about: str | None = None) -> None:
        """Wait for the calls that are under way, or those about one subject."""
        under_way = [telling for telling, subject in self._telling.items() if about in {None, subject}]
        if under_way:
            await asyncio.wait(under_way)

    @abstractmethod
    async def settle(self) -> None:
        """Let happen in the books what is due."""

    @abstractmethod
    async def take_due(self) -> Sequence[N]:
        """What is to be called about now; it is not due any more, or only again later."""

    @abstractmethod
    async def next_due_ms(self) -> int | None:
        """When time alone brings something about again."""

    @abstractmethod
    async def tell(self, notice: N) -> None:
        """Make the call, and note what came back."""

    @abstractmethod
    def subject_of(self, notice: N) -> str:
        """What a notice is about."""

    async def _keep_calling(self) -> None:
        while True:
            await self.settle()
            await self.call_due()
            waiting = self._clock.waiting()
            await self._clock.until(await self.next_due_ms(), waiting)
