"""Many small statements in one: callers wait while their rows travel together.

A batch leaves as soon as a connection is free, so that at low load a row waits for nobody, and at high load the batches
grow by themselves.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Generic, TypeVar

A = TypeVar("A")
B = TypeVar("B")


class Coalescer(Generic[A, B]):
    """Turns `run(batch)` into `one(item)`.

    Args:
        run: does a batch, answers item by item in the same order. What it raises, each of the batch's callers gets.
        identities: what must not stand twice in one batch; an item that would is left for the next one.
        limit: rows in a batch at most.
        lanes: batches under way at one time.
    """

    def __init__(
        self,
        run: Callable[[Sequence[A]], Awaitable[Sequence[B]]],
        *,
        identities: Callable[[A], Sequence[Hashable]],
        limit: int = 256,
        lanes: int = 2,
    ) -> None:
        self._run = run
        self._identities = identities
        self._limit = limit
        self._free = lanes
        self._waiting: deque[tuple[A, asyncio.Future[B]]] = deque()
        self._under_way: set[asyncio.Task[None]] = set()

    async def one(self, item: A) -> B:
        """Hand an item in and wait for its answer. A caller that is cancelled leaves its row in the batch."""
        answer: asyncio.Future[B] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, answer))
        if self._free:
            self._start()
        return await answer

    async def aclose(self) -> None:
        """Wait for the batches under way."""
        while self._under_way:
            await asyncio.wait(self._under_way)

    def _start(self) -> None:
        self._free -= 1
        # The task is kept in a set until it ends; it cannot be a child of one caller, since it serves many.
        task = asyncio.get_running_loop().create_task(self._drain())
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _drain(self) -> None:
        try:
            while batch := self._take():
                await self._answer(batch)
        finally:
            self._free += 1

    async def _answer(self, batch: list[tuple[A, asyncio.Future[B]]]) -> None:
        try:
            answers = await self._answers([item for item, _ in batch])
        except BaseException as failure:
            for _, future in batch:
                if not future.done():
                    if isinstance(failure, asyncio.CancelledError):
                        future.cancel()
                    else:
                        future.set_exception(failure)
                        future.exception()  # A caller may be gone; its row's failure is then nobody's to report.
            if not isinstance(failure, Exception):
                raise
            return
        for (_, future), answer in zip(batch, answers, strict=True):
            if not future.done():
                future.set_result(answer)

    async def _answers(self, items: Sequence[A]) -> Sequence[B]:
        answers = await self._run(items)
        if len(answers) != len(items):
            raise AssertionError(f"a batch of {len(items)} got {len(answers)} answers")
        return answers

    def _take(self) -> list[tuple[A, asyncio.Future[B]]]:
        batch: list[tuple[A, asyncio.Future[B]]] = []
        left: list[tuple[A, asyncio.Future[B]]] = []
        seen: set[Hashable] = set()
        while self._waiting and len(batch) < self._limit:
            entry = self._waiting.popleft()
            names = self._identities(entry[0])
            if seen.isdisjoint(names):
                seen.update(names)
                batch.append(entry)
            else:
                left.append(entry)
        self._waiting.extendleft(reversed(left))
        return batch
