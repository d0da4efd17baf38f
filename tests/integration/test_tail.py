"""Reading a topic from positions that are kept elsewhere, and single records by their place."""

import asyncio
from datetime import UTC, datetime

import pytest

from infra.local import LocalStack
from streams.admin import ensure_topics
from streams.codec import Outgoing
from streams.kafka import KafkaAccess
from streams.picking import RecordPicker
from streams.publisher import Publisher
from streams.records import Position, RawRecord
from streams.tail import PositionGone, Tail
from streams.topics import Topic
from tests.stack import fresh_name

PARTITIONS = 3


async def appended(access: KafkaAccess, topic: str, first: int, count: int) -> list[Position]:
    numbers = range(first, first + count)
    records = [Outgoing(topic, f"k{number}".encode(), str(number).encode(), ()) for number in numbers]
    async with Publisher(access) as publisher:
        return await publisher.publish(records)


async def a_topic(access: KafkaAccess) -> str:
    name = fresh_name("t")
    await ensure_topics(access, [Topic(name, PARTITIONS, -1)], replication=1, min_insync=1)
    return name


async def read(tail: Tail, count: int) -> list[RawRecord]:
    found: list[RawRecord] = []
    async with asyncio.timeout(60):
        while len(found) < count:
            found += await tail.batch(most=min(7, count - len(found)))
    return found


async def test_whoever_has_the_positions_goes_on_exactly_there(stack: LocalStack) -> None:
    access = KafkaAccess(stack.bootstrap)
    topic = await a_topic(access)
    await appended(access, topic, 0, 40)
    async with Tail(access, topic, "beginning") as first:
        found = await read(first, 15)
        positions = first.positions
    async with Tail(access, topic, positions) as second:
        found += await read(second, 25)
    assert sorted(int(record.value or b"") for record in found) == list(range(40))


async def test_it_begins_at_the_end_or_at_a_moment(stack: LocalStack) -> None:
    access = KafkaAccess(stack.bootstrap)
    topic = await a_topic(access)
    before = await appended(access, topic, 0, 10)
    since = datetime.fromtimestamp((max(one.timestamp_ms for one in before) + 1) / 1000, UTC)
    async with Tail(access, topic, "end") as tail:
        await appended(access, topic, 10, 5)
        later = await read(tail, 5)
    assert sorted(int(record.value or b"") for record in later) == [10, 11, 12, 13, 14]
    async with Tail(access, topic, since) as tail:
        assert {record.timestamp_ms >= since.timestamp() * 1000 for record in await read(tail, 1)} == {True}


async def test_positions_of_another_topic_are_refused(stack: LocalStack) -> None:
    access = KafkaAccess(stack.bootstrap)
    topic = await a_topic(access)
    for wrong in ({0: 0}, dict.fromkeys(range(PARTITIONS), 1), dict.fromkeys(range(PARTITIONS), -1)):
        with pytest.raises(PositionGone):
            await Tail(access, topic, wrong).__aenter__()


async def test_single_records_are_read_by_their_place(stack: LocalStack) -> None:
    access = KafkaAccess(stack.bootstrap)
    topic = await a_topic(access)
    places = await appended(access, topic, 0, 30)
    picker = RecordPicker(access)
    try:
        found = await asyncio.gather(*(picker.pick(topic, place.partition, place.offset) for place in places))
        beyond = await picker.pick(topic, places[0].partition, 1_000)
    finally:
        await picker.aclose()
    assert [record and record.value for record in found] == [str(number).encode() for number in range(30)]
    assert beyond is None
