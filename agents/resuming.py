"""Faust's consumer, made to go back to the beginning of a partition for which nothing was committed yet.

In a rebalance Faust throws away what it has fetched and seeks every partition to its committed offset
(`Consumer.perform_seek`). aiokafka's `seek_to_committed` leaves a partition without a committed offset, or with offset
0, where it is: what was thrown away is then never read again, later records are acknowledged, and with them those that
nobody has seen (faust-streaming 0.15.3 with aiokafka 0.14, seen 2026-11 when a worker joined while the first record of
a partition was still being worked on).
"""

from collections.abc import Mapping

from faust.transport.drivers.aiokafka import Consumer
from faust.types import TP


class ResumingConsumer(Consumer):
    """Reads every partition from its committed offset or, where there is none, from its beginning."""

    async def seek_to_committed(self) -> Mapping[TP, int]:
        committed = await super().seek_to_committed()
        fresh = [place for place, offset in committed.items() if not offset or offset < 0]
        if fresh:
            # By offset, not by "to the beginning": that leaves the partition without a position for a while, which
            # Faust's own checks do not expect.
            await self._thread.seek_wait(await self._thread.earliest_offsets(*fresh))
        return committed
