import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
from aiokafka import AIOKafkaProducer

from infra.local import LocalStack
from schemas.errors import SettingsError, StoreError
from streams.admin import ensure_topics
from streams.codec import Outgoing
from streams.kafka import KafkaAccess
from streams.publisher import Publisher
from streams.reader import ResultReader, follow, high_water_marks, read_at, replay
from streams.records import RawRecord
from streams.seen import SeenIds
from streams.topics import Topic
from tests.stack import fresh_name

# A broker takes times of the past only: more than an hour ahead is refused.
START = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(days=1)


@pytest.fixture
def access(stack: LocalStack) -> KafkaAccess:
    return KafkaAccess(stack.bootstrap)


@pytest_asyncio.fixture
async def topic(access: KafkaAccess) -> str:
    made = Topic(fresh_name("t"), 2, -1)
    await ensure_topics(access, [made], replication=1, min_insync=1)
    return made.name


@pytest_asyncio.fixture
async def publisher(access: KafkaAccess) -> AsyncIterator[Publisher]:
    async with Publisher(access) as running:
        yield running


def numbered(topic: str, count: int, first: int = 0) -> list[Outgoing]:
    return [
        Outgoing(topic, f"k{n % 5}".encode(), str(n).encode(), (("ce_type", f"type-{n % 2}".encode()),))
        for n in range(first, first + count)
    ]


async def at_minutes(access: KafkaAccess, topic: str, minutes: list[int]) -> None:
    """One record for each minute after START, all in partition 0."""
    producer = AIOKafkaProducer(**access.options())
    await producer.start()
    try:
        for minute in minutes:
            stamp = int((START + timedelta(minutes=minute)).timestamp() * 1000)
            await producer.send_and_wait(topic, value=str(minute).encode(), partition=0, timestamp_ms=stamp)
    finally:
        await producer.stop()


def values(records: list[RawRecord]) -> list[bytes | None]:
    return [record.value for record in records]


async def test_two_replays_are_equal_and_in_offset_order(access: KafkaAccess, publisher: Publisher, topic: str) -> None:
    await publisher.publish(numbered(topic, 500))
    first = [record async for record in replay(access, topic)]
    assert first == [record async for record in replay(access, topic)]
    assert [(record.partition, record.offset) for record in first] == sorted(
        (record.partition, record.offset) for record in first
    )
    assert len(first) == 500


async def test_a_replay_ends_at_the_mark_seen_when_it_began(
    access: KafkaAccess, publisher: Publisher, topic: str
) -> None:
    await publisher.publish(numbered(topic, 10))
    found: list[RawRecord] = []
    async for record in replay(access, topic):
        if not found:
            await publisher.publish(numbered(topic, 10, first=10))
        found.append(record)
    assert len(found) == 10
    assert sum((await high_water_marks(access, topic)).values()) == 20


async def test_a_replay_of_an_empty_topic_ends(access: KafkaAccess, topic: str) -> None:
    assert [record async for record in replay(access, topic)] == []


async def test_key_and_type_choose_records(access: KafkaAccess, publisher: Publisher, topic: str) -> None:
    await publisher.publish(numbered(topic, 20))
    assert values([record async for record in replay(access, topic, key="k3")]) == [b"3", b"8", b"13", b"18"]
    assert values([record async for record in replay(access, topic, key=b"k3", type="type-1")]) == [b"3", b"13"]


async def test_times_choose_records_though_clocks_of_publishers_differ(access: KafkaAccess, topic: str) -> None:
    await at_minutes(access, topic, [0, 10, 5, 20, 15, 30])
    start, end = START + timedelta(minutes=10), START + timedelta(minutes=20)
    found = [record async for record in replay(access, topic, start=start, end=end)]
    assert values(found) == [b"10", b"15"]


async def test_a_start_after_the_last_record_finds_none(access: KafkaAccess, topic: str) -> None:
    await at_minutes(access, topic, [0])
    assert [record async for record in replay(access, topic, start=START + timedelta(minutes=1))] == []


async def test_an_offset_chooses_records(access: KafkaAccess, topic: str) -> None:
    await at_minutes(access, topic, [0, 1, 2])
    assert values([record async for record in replay(access, topic, start=1)]) == [b"1", b"2"]


async def test_one_record_is_found_by_its_place(access: KafkaAccess, topic: str) -> None:
    await at_minutes(access, topic, [0, 1, 2])
    found = await read_at(access, topic, 0, 1)
    assert found is not None
    assert found.value == b"1"
    assert await read_at(access, topic, 0, 3) is None
    assert await read_at(access, topic, 9, 0) is None


async def test_a_topic_that_does_not_exist_is_named_and_not_created(access: KafkaAccess) -> None:
    name = fresh_name("t")
    for _ in range(2):
        with pytest.raises(SettingsError, match=f"topic {name} does not exist"):
            [record async for record in replay(access, name)]
        with pytest.raises(SettingsError, match=f"topic {name} does not exist"):
            async with ResultReader(access, name):
                pass


async def test_no_broker_is_an_error_with_the_address() -> None:
    with pytest.raises(StoreError, match=r"Kafka at 127.0.0.1:1 does not answer"):
        [record async for record in replay(KafkaAccess("127.0.0.1:1"), "t")]


async def test_following_from_the_end_sees_what_comes_afterwards(
    access: KafkaAccess, publisher: Publisher, topic: str
) -> None:
    await publisher.publish(numbered(topic, 5))
    async with asyncio.timeout(30), ResultReader(access, topic, start="latest") as reader:
        await publisher.publish(numbered(topic, 1, first=99))
        assert (await anext(reader)).value == b"99"


async def test_further_copies_of_an_event_are_dropped(access: KafkaAccess, publisher: Publisher, topic: str) -> None:
    def event(identifier: bytes, value: bytes) -> Outgoing:
        return Outgoing(topic, b"k", value, (("ce_id", identifier), ("ce_source", b"hub")))

    await publisher.publish([event(b"1", b"a"), event(b"1", b"a"), event(b"2", b"b")])
    found: list[RawRecord] = []
    async with asyncio.timeout(30), aclosing(follow(access, topic, seen=SeenIds())) as records:
        while len(found) < 2:
            found.append(await anext(records))
    assert values(found) == [b"a", b"b"]


async def test_a_group_goes_on_where_it_was_and_leaves_nothing_out(
    access: KafkaAccess, publisher: Publisher, topic: str
) -> None:
    await publisher.publish(numbered(topic, 100))
    group = fresh_name("g")
    taken: set[bytes | None] = set()
    async with asyncio.timeout(60), ResultReader(access, topic, group=group) as reader:
        while len(taken) < 100:
            taken.add((await anext(reader)).value)
        await publisher.publish(numbered(topic, 1, first=100))
        taken.add((await anext(reader)).value)
    async with asyncio.timeout(60), ResultReader(access, topic, group=group) as reader:
        # The last one had been taken, but nobody had asked for another: it comes again, and none before it.
        assert (await anext(reader)).value == b"100"
    assert len(taken) == 101
