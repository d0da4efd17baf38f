import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from infra.local import LocalStack
from schemas.errors import SettingsError, StoreError, UnreadableRecord
from schemas.ids import new_id
from streams.admin import ensure_topics
from streams.codec import Outgoing
from streams.dead_letters import dead_letter, read_dead_letter, requeue
from streams.kafka import KafkaAccess
from streams.publisher import Publisher, partition_of
from streams.reader import read_at, replay
from streams.records import RawRecord
from streams.topics import Topic, Topics
from tests.stack import fresh_name

PARTITIONS = 3


@pytest.fixture
def access(stack: LocalStack) -> KafkaAccess:
    return KafkaAccess(stack.bootstrap)


@pytest_asyncio.fixture
async def publisher(access: KafkaAccess) -> AsyncIterator[Publisher]:
    async with Publisher(access) as running:
        yield running


@pytest_asyncio.fixture
async def topic(access: KafkaAccess) -> str:
    made = Topic(fresh_name("t"), PARTITIONS, -1)
    await ensure_topics(access, [made], replication=1, min_insync=1)
    return made.name


async def everything(access: KafkaAccess, topic: str) -> list[RawRecord]:
    return [record async for record in replay(access, topic)]


async def test_records_lie_where_the_positions_say_and_those_of_a_key_in_order(
    access: KafkaAccess, publisher: Publisher, topic: str
) -> None:
    sent = [Outgoing(topic, f"key-{n % 7}".encode(), str(n).encode(), (("n", b"x"),)) for n in range(1_000)]
    positions = await publisher.publish(sent)
    found = {(record.partition, record.offset): record for record in await everything(access, topic)}
    assert [found[place.partition, place.offset].value for place in positions] == [record.value for record in sent]
    assert all(
        place.partition == partition_of(record.key or b"", PARTITIONS)
        for place, record in zip(positions, sent, strict=True)
    )
    of_one_key = [place.offset for place, record in zip(positions, sent, strict=True) if record.key == b"key-3"]
    assert of_one_key == sorted(of_one_key)


@pytest.mark.parametrize(("key", "value"), [(b"k", None), (None, b"v"), (None, None), (b"", b"")])
async def test_null_and_empty_travel_as_they_are(
    access: KafkaAccess, publisher: Publisher, topic: str, key: bytes | None, value: bytes | None
) -> None:
    await publisher.publish([Outgoing(topic, key, value, (("h", b""),))])
    (record,) = await everything(access, topic)
    assert (record.key, record.value, record.headers) == (key, value, (("h", b""),))


async def test_no_more_records_wait_than_allowed_and_all_arrive(access: KafkaAccess, topic: str) -> None:
    async with Publisher(access, max_in_flight=10) as publisher:
        batches = [[Outgoing(topic, str(n).encode(), b"v" * 500, ())] * 200 for n in range(10)]
        async with asyncio.TaskGroup() as publishing:
            for batch in batches:
                publishing.create_task(publisher.publish(batch))
        assert publisher._free._value == 10
    assert len(await everything(access, topic)) == 2_000


async def test_a_topic_that_does_not_exist_is_named(access: KafkaAccess) -> None:
    async with Publisher(access) as publisher:
        with pytest.raises(SettingsError, match=r"topic nowhere\.at-all does not exist"):
            await publisher.publish([Outgoing("nowhere.at-all", b"k", b"v", ())])


async def test_a_record_too_large_is_an_error_and_the_next_one_goes_through(publisher: Publisher, topic: str) -> None:
    with pytest.raises(StoreError, match="larger than a topic takes"):
        await publisher.publish([Outgoing(topic, b"k", b"v" * (3 * 1024 * 1024), ())])
    assert len(await publisher.publish([Outgoing(topic, b"k", b"v", ())])) == 1


async def test_a_deadline_that_passes_is_an_error_and_stopping_still_ends(access: KafkaAccess, topic: str) -> None:
    async with Publisher(access, deadline_s=0.000_001) as publisher:
        with pytest.raises(StoreError, match="did not acknowledge within 1e-06 s"):
            await publisher.publish([Outgoing(topic, b"k", b"v", ())])


async def test_no_broker_is_an_error_with_the_address() -> None:
    with pytest.raises(StoreError, match=r"Kafka at 127.0.0.1:1 does not answer"):
        async with Publisher(KafkaAccess("127.0.0.1:1")):
            pass


@pytest.mark.parametrize("value", [b"v" * (2 * 1024 * 1024 - 200), None, b"\xff", b""])
async def test_a_dead_letter_of_the_largest_record_fits_and_goes_back_to_its_partition(
    access: KafkaAccess, publisher: Publisher, value: bytes | None
) -> None:
    topics = Topics(fresh_name("t"), PARTITIONS)
    await ensure_topics(access, [topics.payment_commands, topics.dead_letters], replication=1, min_insync=1)
    first = Outgoing(topics.payment_commands.name, b"payment-7", value, (("tenant", b"4"),))
    (place,) = await publisher.publish([first])
    original = await read_at(access, place.topic, place.partition, place.offset)
    assert original is not None
    error = UnreadableRecord("oversized", "", "too large")
    (dead_place,) = await publisher.publish([dead_letter(topics.dead_letters, original, error)])
    lying = await read_at(access, dead_place.topic, dead_place.partition, dead_place.offset)
    assert lying is not None
    dead = read_dead_letter(lying)
    assert (dead.partition, dead.offset) == (place.partition, place.offset)
    if dead.cut_from is None:
        (back,) = await publisher.publish([requeue(dead, request_id=new_id())])
        returned = await read_at(access, back.topic, back.partition, back.offset)
        assert returned is not None
        assert (returned.partition, returned.key, returned.value) == (place.partition, b"payment-7", value)
    else:
        assert value is not None
        assert value.startswith(dead.record.value or b"-")
