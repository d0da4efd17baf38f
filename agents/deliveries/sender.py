"""The sender's hands: which lanes are taken further, and how many at one time.

Endpoints that fail or are slow are worked on by hands of their own, so that those that are well never wait for them.
"""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from agents.deliveries.lanes import Lane, LaneStore
from agents.deliveries.runner import LaneRunner
from agents.deliveries.waking import ENDPOINTS, lane_wake, woken_lane
from agents.delivery import Delivery
from agents.parking import WAKES
from schemas.errors import StoreError, UnreadableRecord
from streams.publisher import Publisher
from streams.topics import Topics

log = logging.getLogger(__name__)

LOOK_EVERY_S: Final = 1.0
_TIDY_EVERY: Final = 60
"""Looks between two times of tidying up."""
WAKING_GRACE_S: Final = 60.0
"""How long after its time a waking counts as lost."""
_DUE_AT_ONCE: Final = 500
_TRIALS_AT_ONCE: Final = 8
_SOON_S: Final = 1.0
"""A shorter wait is spent here; another record costs more."""


class _Queue:
    """Lanes in the order in which they were asked for, each once."""

    def __init__(self) -> None:
        self._lanes: asyncio.Queue[Lane] = asyncio.Queue()
        self._waiting: set[Lane] = set()

    def put(self, lane: Lane) -> None:
        if lane not in self._waiting:
            self._waiting.add(lane)
            self._lanes.put_nowait(lane)

    async def get(self) -> Lane:
        lane = await self._lanes.get()
        self._waiting.discard(lane)
        return lane


class Sender:
    """Takes lanes further until it is stopped.

    Args:
        concurrency: attempts at one time; a third of them is for endpoints that fail or are slow.
    """

    def __init__(
        self,
        runner: LaneRunner,
        lanes: LaneStore,
        publisher: Publisher,
        topics: Topics,
        *,
        concurrency: int,
        waking_grace_s: float = WAKING_GRACE_S,
    ) -> None:
        self._runner = runner
        self._lanes = lanes
        self._publisher = publisher
        self._topics = topics
        self._waking_grace_s = waking_grace_s
        doubtful = max(concurrency // 3, 1)
        self._well, self._doubtful = _Queue(), _Queue()
        self._hands = [self._well] * max(concurrency - doubtful, 1) + [self._doubtful] * doubtful
        self._working: set[Lane] = set()
        self._again: set[Lane] = set()
        self._idle = asyncio.Event()
        self._idle.set()

    def ask(self, lane: Lane) -> None:
        """The lane has something to do."""
        if lane in self._working:
            self._again.add(lane)
        else:
            (self._doubtful if lane.endpoint_id in self._runner.doubtful else self._well).put(lane)

    async def wake(self, delivery: Delivery) -> float | None:
        """Take a wake record: its lane is asked for, or woken once more when it still has to wait.

        Returns:
            `None` when the record is done, else after how many seconds to hand it in again.
        """
        again_s: float | None = None
        try:
            if delivery.record.text(WAKES) == ENDPOINTS:
                again_s = await self._woken(woken_lane(delivery.record))
        except UnreadableRecord as bad:
            log.warning("a wake record names no lane", extra={"why": str(bad)})
        except StoreError as failed:
            log.warning("a lane is not woken yet", extra={"why": str(failed)})
            again_s = _SOON_S
        if again_s is None:
            delivery.done()
        return again_s

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set. Attempts that are under way end; nothing further is begun."""
        async with asyncio.TaskGroup() as tasks:
            working = [tasks.create_task(self._work(queue)) for queue in self._hands]
            beside = [tasks.create_task(self._look()), tasks.create_task(self._try_out())]
            try:
                await stop.wait()
            finally:
                self._runner.stopping = True
                for task in beside:
                    task.cancel()
                await self._idle.wait()
                for task in working:
                    task.cancel()

    async def _work(self, queue: _Queue) -> None:
        while True:
            lane = await queue.get()
            if self._runner.stopping or lane in self._working:
                self._again.add(lane)
                continue
            self._working.add(lane)
            self._idle.clear()
            again = False
            try:
                with _waited_out("a lane is left for now"):
                    again = await self._runner.run(lane)
            finally:
                self._working.discard(lane)
                if not self._working:
                    self._idle.set()
            if again or lane in self._again:
                self._again.discard(lane)
                self.ask(lane)

    async def _woken(self, lane: Lane) -> float | None:
        wait_s = await self._lanes.waits_s(lane)
        if wait_s is None:
            return None
        if wait_s > _SOON_S:
            await self._publisher.publish([lane_wake(self._topics.retries, lane, wait_s)])
            return None
        if wait_s > 0:
            return wait_s
        self._runner.doubtful.add(lane.endpoint_id)
        self.ask(lane)
        return None

    async def _look(self) -> None:
        """See to lanes that nobody was told of, until cancelled."""
        looks = 0
        while True:
            with _waited_out("lanes are not looked at now"):
                for lane, failing in await self._lanes.due(grace_s=self._waking_grace_s, limit=_DUE_AT_ONCE):
                    if failing:
                        self._runner.doubtful.add(lane.endpoint_id)
                    self.ask(lane)
                await self._lanes.tell_disabled(self._publisher, self._topics)
                if looks % _TIDY_EVERY == 0:
                    await self._lanes.tidy()
            looks += 1
            await asyncio.sleep(LOOK_EVERY_S)

    async def _try_out(self) -> None:
        """Send what owners asked for to try their endpoints out, until cancelled."""
        while True:
            with _waited_out("endpoints are not tried out now"):
                async with asyncio.TaskGroup() as tasks:
                    for trial in await self._lanes.take_trials(_TRIALS_AT_ONCE):
                        tasks.create_task(self._runner.try_out(trial))
            await asyncio.sleep(LOOK_EVERY_S)


@contextmanager
def _waited_out(message: str) -> Iterator[None]:
    """A store that fails is logged; what was left undone is found again by the next look."""
    try:
        yield
    except* StoreError as failed:
        log.warning(message, extra={"why": str(failed.exceptions[0])})
