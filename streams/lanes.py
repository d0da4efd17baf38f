"""Key-ordered concurrency: one lane for each key, all lanes under one in-flight limit.

Records of one key run one after the other in the order they were submitted; records of different keys side by side. A
record that cannot be finished now sleeps at the head of its lane without using up a place in flight.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")

Handler = Callable[[T], Awaitable[float | None]]
"""Handles one record: `None` when it is finished, or after how many seconds it shall be handed in again."""


class _Lane(Generic[T]):
    """The records of one key: in the ready queue (`ready`), with a worker (`running`), asleep, or none of these."""

    __slots__ = ("asleep", "key", "queue", "ready", "running")

    def __init__(self, key: str) -> None:
        self.key = key
        self.queue: deque[tuple[Hashable, T]] = deque()
        self.ready = False
        self.running: tuple[Hashable, asyncio.Event] | None = None
        self.asleep: asyncio.TimerHandle | None = None

    @property
    def free(self) -> bool:
        return not self.ready and self.running is None and self.asleep is None


class Lanes(Generic[T]):
    """Runs records through `handle`.

    Args:
        handle: does the work. What it raises ends `run`: an error that it does not settle itself is fatal on purpose,
            since a record must not be skipped. No further record of its key is begun.
        in_flight: how many records are worked on at one time.
        queued: how many records may wait or run; past it `submit` waits, which is the back-pressure.
    """

    def __init__(self, handle: Handler[T], *, in_flight: int, queued: int) -> None:
        self._handle = handle
        self._in_flight = in_flight
        self._lanes: dict[str, _Lane[T]] = {}
        self._ready: asyncio.Queue[_Lane[T] | None] = asyncio.Queue()
        self._room = asyncio.Semaphore(queued)
        self._revoked: set[Hashable] = set()
        self._stopped = False
        self._idle = asyncio.Event()
        self._idle.set()

    async def run(self) -> None:
        """Work until `stop`. Raises whatever a handler raised, as an exception group."""
        async with asyncio.TaskGroup() as workers:
            for _ in range(self._in_flight):
                workers.create_task(self._work())

    def stop(self) -> None:
        """Let `run` return once the records now running have ended. What has not started is left alone."""
        self._stopped = True
        for lane in self._lanes.values():
            if lane.asleep is not None:
                lane.asleep.cancel()
        for _ in range(self._in_flight):
            self._ready.put_nowait(None)

    async def submit(self, group: Hashable, key: str, item: T) -> bool:
        """Queue a record behind the others of its key; `group` is what `revoke` names, such as a partition.

        Returns:
            False when the group was revoked, perhaps while this call waited for room: the record is dropped.
        """
        await self._room.acquire()
        if group in self._revoked:
            self._room.release()
            return False
        lane = self._lanes.get(key)
        if lane is None:
            lane = self._lanes[key] = _Lane(key)
            self._idle.clear()
        lane.queue.append((group, item))
        self._wake(lane)
        return True

    @property
    def running(self) -> int:
        """Records worked on just now."""
        return sum(lane.running is not None for lane in self._lanes.values())

    @property
    def full(self) -> bool:
        """Whether `submit` would wait for room now."""
        return self._room.locked()

    async def drained(self) -> None:
        """Wait until no record is queued, asleep or running."""
        await self._idle.wait()

    async def revoke(self, group: Hashable, *, within_s: float) -> bool:
        """Drop the group's records that have not started or are asleep, and wait for its running ones.

        A group is revoked for good: a partition that comes back is a new group (another assignment).

        Returns:
            Whether all of them ended in time. One that did not goes on: the ledger keeps it from doing harm.
        """
        self._revoked.add(group)
        running: list[asyncio.Event] = []
        for lane in list(self._lanes.values()):
            if lane.running is not None and lane.running[0] == group:
                running.append(lane.running[1])
            if lane.asleep is not None and lane.queue[0][0] == group:
                lane.asleep.cancel()
                lane.asleep = None
            kept = deque(entry for entry in lane.queue if entry[0] != group)
            for _ in range(len(lane.queue) - len(kept)):
                self._room.release()
            lane.queue = kept
            self._wake(lane)
            self._forget(lane)
        try:
            async with asyncio.timeout(within_s):
                for ended in running:
                    await ended.wait()
        except TimeoutError:
            return False
        return True

    def _wake(self, lane: _Lane[T]) -> None:
        if lane.queue and lane.free:
            lane.ready = True
            self._ready.put_nowait(lane)

    def _forget(self, lane: _Lane[T]) -> None:
        if not lane.queue and lane.free:
            self._lanes.pop(lane.key, None)
            if not self._lanes:
                self._idle.set()

    async def _work(self) -> None:
        while (lane := await self._ready.get()) is not None and not self._stopped:
            lane.ready = False
            if lane.queue:
                await self._step(lane)
            else:  # revoked while it stood in the ready queue
                self._forget(lane)

    async def _step(self, lane: _Lane[T]) -> None:
        group, item = lane.queue.popleft()
        ended = asyncio.Event()
        lane.running = (group, ended)
        try:
            again_s = await self._handle(item)
        except BaseException:
            # The lane stays closed: the next record of the key must not overtake the one that failed.
            ended.set()
            raise
        ended.set()
        lane.running = None
        if again_s is None or group in self._revoked:  # what is revoked, its new owner takes up from the log
            self._room.release()
            self._wake(lane)
            self._forget(lane)
        else:
            lane.queue.appendleft((group, item))
            lane.asleep = asyncio.get_running_loop().call_later(again_s, self._rouse, lane)

    def _rouse(self, lane: _Lane[T]) -> None:
        lane.asleep = None
        self._wake(lane)
