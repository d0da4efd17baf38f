"""What the hub adds to a command's way: from the command's append to its result's, less the provider's own time.

Both moments are the broker's. The provider's time is what the hub measured around the HTTP call and wrote to its topic
of exchanges. Commands come at a steady rate whether or not earlier ones are done, as they come from other services; a
loop that waited for answers would hide every delay.
"""

import asyncio
import json
import math
import signal
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, Final

from aiokafka import AIOKafkaProducer

from infra.bench.appended import growth
from infra.bench.ground import Ground
from infra.bench.load import commands, fresh_ids
from infra.bench.rounds import WITHIN_S, require_all_taken
from streams.kafka import connected

_STEP_S: Final = 0.002
_WARM_UP_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds that were added; `count` is of how many commands."""

    p50_ms: float
    p99_ms: float
    p999_ms: float
    count: int
    offered_per_s: float


async def measure_latency(ground: Ground, *, per_s: float, seconds: float) -> Latency:
    """Through one worker; what comes in the first two seconds warms it up and is not counted.

    Raises:
        NotPerformed: not every command ended as a payment taken.
    """
    topics, access, partitions = ground.settings.topics, ground.settings.kafka, ground.settings.partitions
    warm = int(per_s * _WARM_UP_S)
    count = warm + int(per_s * seconds)
    rows = list(commands(topics, fresh_ids(count, partitions)))
    async with AsyncExitStack() as stack:
        asked, ended, called = [
            await stack.enter_async_context(growth(access, topic.name, partitions))
            for topic in (topics.payment_commands, topics.payment_events, topics.provider_calls)
        ]
        worker = await ground.start("worker", "worker", "--json")
        try:
            await _publish(ground, rows, per_s)
            await ended.reaches(count, within_s=WITHIN_S, note=_nothing)
            await called.reaches(count, within_s=WITHIN_S, note=_nothing)
        finally:
            await worker.stop(signal.SIGTERM, within_s=30)
        results = await ended.records()
        require_all_taken(results, count)
        counted = {row[2] for row in rows[warm:]}
        asked_ms = {one.key: one.at_ms for one in await asked.records() if one.key in counted}
        called_ms = {one.key: json.loads(one.value)["duration_us"] / 1000 for one in await called.records()}
    added = [one.at_ms - asked_ms[one.key] - called_ms[one.key] for one in results if one.key in counted]
    return latency_of(added, per_s)


def latency_of(added_ms: Sequence[float], per_s: float) -> Latency:
    """The broker's clock has whole milliseconds, so that what took less than one may come out a little below zero."""
    ordered = sorted(max(0.0, one) for one in added_ms)
    return Latency(
        p50_ms=round(_at(ordered, 0.5), 2),
        p99_ms=round(_at(ordered, 0.99), 2),
        p999_ms=round(_at(ordered, 0.999), 2),
        count=len(ordered),
        offered_per_s=round(per_s, 1),
    )


def _at(ordered: Sequence[float], part: float) -> float:
    """The smallest value that at least `part` of all do not exceed."""
    return ordered[max(0, math.ceil(part * len(ordered)) - 1)]


async def _publish(ground: Ground, rows: Sequence[Any], per_s: float) -> None:
    def make() -> Any:
        return AIOKafkaProducer(**ground.settings.kafka.options(), acks="all", linger_ms=0)

    async with connected(ground.settings.kafka, make) as producer:
        began, sent = time.monotonic(), 0
        while sent < len(rows):
            due = min(len(rows), int((time.monotonic() - began) * per_s) + 1)
            for topic, partition, key, value, headers in rows[sent:due]:
                await producer.send(topic, value=value, key=key, headers=headers, partition=partition)
            sent = due
            await asyncio.sleep(_STEP_S)
        await producer.flush()


async def _nothing(_: int) -> None:
    return
