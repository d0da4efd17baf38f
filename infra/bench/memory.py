"""How much memory a worker takes while a long backlog waits for it."""

import asyncio
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from infra.bench.bulk import append_all
from infra.bench.ground import Ground
from infra.bench.load import commands, fresh_ids
from infra.bench.processor import memory_mb, peak_memory_mb

_PAYMENTS: Final = 100_000
"""As many payments share the backlog: more than the worker gets to see while it is watched."""
_LOOK_S: Final = 0.25


@dataclass(frozen=True, slots=True)
class Memory:
    """The worker's resident set in MiB: the most it ever was, when it was ready, and at the end."""

    most_mb: float
    at_start_mb: float
    at_end_mb: float
    backlog: int


async def measure_memory(ground: Ground, *, backlog: int, seconds: float, say: Callable[[str], None]) -> Memory:
    """Watch one worker for `seconds` while it works on a backlog that it cannot come to the end of."""
    topics = ground.settings.topics
    ids = fresh_ids(backlog, topics.partitions, payments=_PAYMENTS)
    await append_all(ground.settings.kafka, commands(topics, ids))
    say(f"{backlog:,} commands wait; watching a worker for {seconds:g} s")
    worker = await ground.start("worker", "worker", "--json")
    try:
        begins_mb = memory_mb(worker.pid)
        until = time.monotonic() + seconds
        most_mb = last_mb = begins_mb
        while worker.running and time.monotonic() < until:
            last_mb = memory_mb(worker.pid)
            most_mb = max(most_mb, peak_memory_mb(worker.pid))
            await asyncio.sleep(_LOOK_S)
    finally:
        await worker.stop(signal.SIGTERM, within_s=30)
    return Memory(round(most_mb, 1), round(begins_mb, 1), round(last_mb, 1), backlog)
