"""Calls to a merchant that fall due by a sandbox's clock, and everything else that time alone brings about there."""

import asyncio
from abc import abstractmethod
from collections.abc import Awaitable, Callable
from typing import Generic, Protocol, Self, TypeVar

from infra.sandbox.clock import SandboxClock
from infra.sandbox.outgoing_calls import OutgoingCalls


class Told(Protocol):
    """What a call tells of."""

    @property
    def subject(self) -> str: ...


T = TypeVar("T", bound=Told)


class TimedCalls(OutgoingCalls, Generic[T]):
    """Runs until the block ends. `settle` lets happen in the books what is due."""

    def __init__(self, clock: SandboxClock, settle: Callable[[], Awaitable[None]]) -> None:
        super().__init__()
        self._clock = clock
        self._settle = settle
        self._taking = asyncio.Lock()
        self._telling: dict[asyncio.Task[None], str] = {}  # calls under way, and about what

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        self.start(self._keep_calling())
        return self

    @abstractmethod
    async def _due(self) -> list[T]:
        """What is to be told now, and is noted as being told."""

    @abstractmethod
    async def _next_due_ms(self) -> int | None:
        """When time alone brings something about again."""

    @abstractmethod
    async def _tell(self, told: T) -> None:
        """Make one call, and note what came back."""

    def wake(self) -> None:
        """Something may have fallen due."""
        self._clock.wake()

    async def tell_due(self, about: str | None = None) -> None:
        """Make now what calls are due, and wait for those under way: all, or those about one subject."""
        await self._take_due()
        under_way = [telling for telling, subject in self._telling.items() if about in {None, subject}]
        if under_way:
            await asyncio.wait(under_way)

    async def advance(self, seconds: float) -> None:
        """Put the clock ahead, let happen what falls due, make its calls, and wait for all calls under way."""
        self._clock.advance(seconds)
        await self._settle()
        await self.tell_due()

    async def _keep_calling(self) -> None:
        while True:
            await self._settle()
            await self._take_due()
            waiting = self._clock.waiting()
            due_ms = await self._next_due_ms()
            await self._clock.until(due_ms, waiting)

    async def _take_due(self) -> None:
        async with self._taking:  # whoever waits for a call must find it begun as soon as it is no longer due
            for told in await self._due():
                telling = self.start(self._tell(told))
                self._telling[telling] = told.subject
                telling.add_done_callback(self._telling.pop)
