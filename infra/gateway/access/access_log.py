"""The record of who asked what, on its way to Kafka: a bounded buffer that is sent in the background.

A place in it is taken before a request is looked at. Where there is none, because Kafka is away for longer than the
buffer holds, the request is not let through: nothing is answered that could not be recorded.
"""

import asyncio
import logging
import os
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from itertools import islice
from typing import Final

from schemas.errors import HubError
from streams.codec import Outgoing
from streams.kafka import KafkaAccess
from streams.publisher import Publisher

log = logging.getLogger(__name__)

CAPACITY: Final = 10_000
"""Records and requests under way: some megabytes."""
BATCH: Final = 500
PAUSE_S: Final = 1.0
"""After a failure."""
DRAIN_S: Final = 10.0
"""For what is left at the end of the process."""


class AccessLog:
    """One for the process. Its producer is its own, so that what waits here keeps no webhook and no command waiting."""

    def __init__(self, access: KafkaAccess, *, capacity: int = CAPACITY, pause_s: float = PAUSE_S) -> None:
        self._access = access
        self._capacity = capacity
        self._pause_s = pause_s
        self._waiting: deque[Outgoing] = deque()
        self._taken = 0
        self._some = asyncio.Event()
        self._none = asyncio.Event()
        self._none.set()
        self._full = False

    @property
    def waiting(self) -> int:
        """Records that Kafka has not acknowledged."""
        return len(self._waiting)

    async def sent(self) -> None:
        """Returns when nothing waits."""
        await self._none.wait()

    def take_place(self) -> bool:
        """Whether there was room for the record of one more request; it is kept for `add` or `give_back`."""
        there = len(self._waiting) + self._taken < self._capacity
        if there:
            self._taken += 1
        if there is self._full:
            self._full = not there
            if self._full:
                log.error("accesses cannot be recorded, requests are refused", extra={"waiting": len(self._waiting)})
            else:
                log.info("accesses can be recorded again")
        return there

    def give_back(self) -> None:
        """The request needs no record of its own."""
        self._taken -= 1

    def add(self, record: Outgoing) -> None:
        """Let a record take the place that was kept for it."""
        self._taken -= 1
        self._waiting.append(record)
        self._none.clear()
        self._some.set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Send what is added, for the length of the block and until it is sent, or for `DRAIN_S` after it."""
        async with asyncio.TaskGroup() as beside:
            sending = beside.create_task(self._run())
            try:
                yield
            finally:
                # Whatever ends the process: who was answered stands in the record.
                await self._drain()
                sending.cancel()

    async def _run(self) -> None:
        before, why = "", ""
        while True:
            try:
                async with Publisher(self._access, client_id=f"kolaj-access-{os.getpid()}") as publisher:
                    if before:
                        log.info("accesses are recorded again", extra={"waiting": len(self._waiting)})
                    before = ""
                    await self._send_all(publisher)
            except HubError as failed:
                why = str(failed)
            if why != before:
                log.error("accesses are not recorded yet", extra={"why": why, "waiting": self.waiting})
            before = why
            # A new producer: one that has failed may have given up for good.
            await asyncio.sleep(self._pause_s)

    async def _send_all(self, publisher: Publisher) -> None:
        while True:
            await self._some.wait()
            batch = list(islice(self._waiting, BATCH))
            await publisher.publish(batch)
            for _ in batch:
                self._waiting.popleft()
            if not self._waiting:
                self._some.clear()
                self._none.set()

    async def _drain(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_S):
                await self.sent()
        if self._waiting:
            log.error("accesses were not recorded, Kafka did not take them", extra={"lost": len(self._waiting)})
