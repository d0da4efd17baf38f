"""Reading a log back: `streams.reader.replay` beside a consumer that only counts."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition

from infra.bench.bulk import append_all
from infra.bench.ground import Ground
from infra.bench.load import results
from streams.kafka import KafkaAccess, connected
from streams.reader import high_water_marks, replay

_POLL_MS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Replaying:
    """Records a second; `over_raw` is the median of turns side by side."""

    per_s: float
    raw_per_s: float
    over_raw: float
    records: int


async def measure_replay(ground: Ground, *, records: int, rounds: int, say: Callable[[str], None]) -> Replaying:
    """Both read one topic of `records` results, by turns."""
    settings, topic = ground.settings, ground.settings.topics.payment_events.name
    await append_all(settings.kafka, results(settings.topics, records))
    there = sum((await high_water_marks(settings.kafka, topic)).values())
    say(f"reading {there:,} records back")
    ours, raw, ratios = [], [], []
    for number in range(rounds):
        turns = [_replayed, _raw] if number % 2 == 0 else [_raw, _replayed]
        rates = {turn: await _rate(turn, settings.kafka, topic, there) for turn in turns}
        ours.append(rates[_replayed])
        raw.append(rates[_raw])
        ratios.append(rates[_replayed] / rates[_raw])
    return Replaying(round(median(ours)), round(median(raw)), round(median(ratios), 3), there)


async def _rate(read: Any, access: KafkaAccess, topic: str, expected: int) -> float:
    began = time.monotonic()
    count = await read(access, topic)
    if count != expected:
        raise AssertionError(f"{count} records were read, {expected} lie in the log")
    return float(count / (time.monotonic() - began))


async def _replayed(access: KafkaAccess, topic: str) -> int:
    count = 0
    async for _ in replay(access, topic):
        count += 1
    return count


async def _raw(access: KafkaAccess, topic: str) -> int:
    """As fast as aiokafka hands records out: all partitions at once, nothing done with them."""

    def make() -> Any:
        return AIOKafkaConsumer(
            **access.options(), enable_auto_commit=False, group_id=None, max_partition_fetch_bytes=4 * 1024 * 1024
        )

    marks = await high_water_marks(access, topic)
    async with connected(access, make) as consumer:
        places = {TopicPartition(topic, number): mark for number, mark in marks.items()}
        consumer.assign(list(places))
        await consumer.seek_to_beginning(*places)
        expected, count = sum(marks.values()), 0
        while count < expected:
            fetched = await consumer.getmany(timeout_ms=_POLL_MS)
            count += sum(len(records) for records in fetched.values())
        return count
