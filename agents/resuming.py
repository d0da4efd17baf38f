"""Faust's consumer, made to do three things that it has no settings for.

It goes back to the beginning of a partition for which nothing was committed yet, leaves out what a publisher's
transaction took back, and stops also while a broker is away.

In a rebalance Faust throws away what it has fetched and seeks every partition to its committed offset
(`Consumer.perform_seek`). aiokafka's `seek_to_committed` leaves a partition without a committed offset, or with offset
0, where it is: what was thrown away is then never read again, later records are acknowledged, and with them those that
nobody has seen (faust-streaming 0.15.3 with aiokafka 0.14, seen 2026-11 when a worker joined while the first record of
a partition was still being worked on).
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Consumer
from faust.types import TP


class ResumingConsumer(Consumer):
    """Reads every partition from its committed offset or, where there is none, from its beginning."""

    def _new_consumer_thread(self) -> Any:
        return _CommittedThread(self, loop=self.loop, beacon=self.beacon)

    async def seek_to_committed(self) -> Mapping[TP, int]:
        committed = await super().seek_to_committed()
        fresh = [place for place, offset in committed.items() if not offset or offset < 0]
        if fresh:
            # By offset, not by "to the beginning": that leaves the partition without a position for a while, which
            # Faust's own checks do not expect.
            await self._thread.seek_wait(await self._thread.earliest_offsets(*fresh))
        return committed


class _CommittedThread(AIOKafkaConsumerThread):
    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        # What a publisher's transaction took back was never published. Faust reads it all the same, unless it runs in
        # transactions itself (0.15.3, seen 2026-11).
        consumer._isolation_level = "read_committed"  # noqa: SLF001 - no public way after its construction
        return consumer

    async def on_thread_stop(self) -> None:
        try:
            await super().on_thread_stop()
        except asyncio.CancelledError:
            # aiokafka waits for fetches that it has cancelled itself, and their cancellation comes out of `stop` when
            # one of them was waiting for a broker that is away (0.14.0, seen 2026-11). It has left its group by then.
            if self._consumer is not None:
                await self._consumer._client.close()  # noqa: SLF001 - what `stop` would have done next
