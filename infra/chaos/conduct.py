"""Carrying out the plan: each fault at its moment, each undone again."""

import asyncio
import time
from pathlib import Path
from typing import Final

from infra.chaos.plan import THIRDS, Disturbance, Fault
from infra.chaos.posts import Cause, Post, now
from infra.chaos.publishing import read_cursor
from infra.chaos.stage import Stage

_FIRST_AGAIN: Final = 50
"""How many records must have been published before all of them are published once more."""
_LOOK_S: Final = 0.2


class Conductor:
    """Runs the faults of a plan beside each other; servers and processes are each disturbed by one at a time.

    Args:
        publisher: the process that sends the list.
        arguments: what a further publisher of the same list is started with.
        cursor: how far the list was sent.
    """

    def __init__(self, stage: Stage, publisher: Post, arguments: list[str], cursor: Path) -> None:
        self._stage = stage
        self._publisher = publisher
        self._arguments = arguments
        self._cursor = cursor
        self._broker = asyncio.Lock()
        self._database = asyncio.Lock()
        self._provider = asyncio.Lock()
        self._again = 0

    async def run(self, faults: tuple[Fault, ...]) -> None:
        """Returns when every fault is over."""
        began = time.monotonic()
        async with asyncio.TaskGroup() as tasks:
            for fault in faults:
                tasks.create_task(self._at(began + fault.at_s, fault))

    async def _at(self, moment: float, fault: Fault) -> None:
        await asyncio.sleep(max(0.0, moment - time.monotonic()))
        stage = self._stage
        match fault.kind:
            case Disturbance.KILL_WORKER:
                await stage.workers[fault.target].kill()
            case Disturbance.RESTART_WORKER:
                await stage.workers[fault.target].restart()
            case Disturbance.FREEZE_WORKER:
                await stage.workers[fault.target].freeze(fault.hold_s)
            case Disturbance.KILL_PROJECTOR:
                await stage.projector.kill()
            case Disturbance.KILL_PUBLISHER:
                await self._publisher.kill()
            case Disturbance.PUBLISH_AGAIN:
                await self._publish_again(fault.target)
            case Disturbance.KILL_BROKER:
                await self._kill_broker(fault)
            case Disturbance.STOP_DATABASE | Disturbance.CRASH_DATABASE:
                await self._stop_database(fault)
            case Disturbance.PROVIDER:
                await self._disturb_provider(fault)

    async def _publish_again(self, third: int) -> None:
        # Polled: how far the list was sent is what another process has written.
        while (upto := read_cursor(self._cursor)) < _FIRST_AGAIN:  # noqa: ASYNC110
            await asyncio.sleep(_LOOK_S)
        self._again += 1
        first, end = (upto * part // THIRDS for part in (third, third + 1))
        sending = [*self._arguments, "--rate", "0", "--first", str(first), "--upto", str(end)]
        post = Post(self._stage.children, self._stage.diary, f"again-{self._again}", sending, once=True)
        post.start()
        await post.watch()

    async def _kill_broker(self, fault: Fault) -> None:
        broker = self._stage.stack.broker
        if broker is None:
            raise RuntimeError("chaos needs a broker of its own")
        async with self._broker:
            at = now()
            await broker.kill_node(fault.target)
            try:
                await asyncio.sleep(fault.hold_s)
            finally:
                await broker.start_node(fault.target)
                self._stage.diary.note(Cause.BROKER, f"node {fault.target}", at)

    async def _stop_database(self, fault: Fault) -> None:
        database = self._stage.stack.database
        if database is None:
            raise RuntimeError("chaos needs a database of its own")
        async with self._database:
            at = now()
            await database.stop(immediate=fault.kind is Disturbance.CRASH_DATABASE)
            try:
                await asyncio.sleep(fault.hold_s)
            finally:
                await database.start()
                self._stage.diary.note(Cause.DATABASE, fault.kind, at)

    async def _disturb_provider(self, fault: Fault) -> None:
        async with self._provider:
            at = now()
            await self._stage.provider.order(fault.faults)
            try:
                await asyncio.sleep(fault.hold_s)
            finally:
                await self._stage.provider.clear()
                kinds = frozenset(each.kind for each in fault.faults)
                self._stage.diary.note(Cause.PROVIDER, "sandbox", at, kinds)
