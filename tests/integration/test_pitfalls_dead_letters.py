"""Dead letters on their round trips, and what counts as a new try: whole records, an operator's wish, a redelivery."""

from collections.abc import AsyncIterator, Iterable

import pytest
import pytest_asyncio

from infra.local import LocalStack
from schemas.ids import new_id
from schemas.payments import CommandRejected, PaymentCreated
from streams.codec import Outgoing
from streams.dead_letters import REQUEST, REQUEUED, DeadLetter, requeue
from streams.reader import read_at, replay
from streams.records import Position, RawHeader, RawRecord
from tests.acceptance.orders import Orders, a_payment, with_value
from tests.hub import Hub, running_hub
from tests.integration.lane_bench import move_offset

TRACE = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
VALUES = {"not JSON": b"not json", "a null value": None, "an empty value": b"", "not text": b"\xff\x00\xfe"}


@pytest_asyncio.fixture(scope="module")
async def hub(stack: LocalStack, database_url: str, topic_prefix: str) -> AsyncIterator[Hub]:
    """No worker yet: a redelivery needs a group that is at rest."""
    async with running_hub(stack.bootstrap, database_url, topic_prefix, workers=0) as running:
        yield running


@pytest_asyncio.fixture
async def worker(hub: Hub) -> AsyncIterator[None]:
    async with hub.worker():
        yield


def original(hub: Hub, value: bytes | None) -> Outgoing:
    """A record that cannot be read, with headers of its publisher's, two of one name among them."""
    record = with_value(Orders(hub).record(a_payment()), value)
    for name, content in (("tenant", b"4"), ("traceparent", TRACE), ("note", b""), ("note", b"\xc5\x9f")):
        record = record.with_header(name, content)
    return record


def publishers(headers: Iterable[RawHeader]) -> list[RawHeader]:
    """Those headers that the publisher wrote, in their order."""
    return [pair for pair in headers if not pair[0].startswith("kolaj-requeue")]


async def fail_again(hub: Hub, dead: DeadLetter) -> Position:
    """What an operator's `kolaj dead-letters requeue` sends."""
    (position,) = await hub.publish([requeue(dead, request_id=new_id())])
    return position


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
async def test_a_record_that_fails_three_times_comes_back_whole_each_time(hub: Hub, value: bytes | None) -> None:
    """C7, B9: count, key, headers, trace and a null value survive; it goes back to its own partition."""
    record = original(hub, value)
    (position,) = await hub.publish([record])
    partition = position.partition
    for failures in (1, 2, 3):
        dead = await hub.dead_letter(position)
        assert dead.attempts == failures
        assert (dead.record.key, dead.record.value) == (record.key, value)
        assert publishers(dead.headers) == list(record.headers)
        position = await fail_again(hub, dead)
        assert position.partition == partition
        back = await read_at(hub.settings.kafka, position.topic, position.partition, position.offset)
        assert back is not None
        assert (back.key, back.value, back.text(REQUEUED)) == (record.key, value, str(failures))
        assert publishers(back.headers) == list(record.headers)


@pytest.mark.usefixtures("worker")
async def test_each_wish_of_an_operator_is_a_try_of_its_own(hub: Hub) -> None:
    """C9: the second request for one dead letter is no repetition of the first."""
    (position,) = await hub.publish([original(hub, b"not json")])
    dead = await hub.dead_letter(position)
    again = [await hub.dead_letter(await fail_again(hub, dead)) for _ in range(2)]
    assert [letter.attempts for letter in again] == [2, 2]
    assert len({letter.record.text(REQUEST) for letter in again}) == 2
    rejected = {event for event in hub.events if isinstance(event, CommandRejected)}
    places = {(event.partition, event.offset) for event in rejected}
    assert {(letter.partition, letter.offset) for letter in (dead, *again)} <= places


async def test_a_redelivered_record_is_the_same_try(hub: Hub) -> None:
    """C9: the broker hands a whole stretch out a second time, a bad record and a good one among it."""
    orders, good = Orders(hub), new_id()
    records = [original(hub, b"not json"), orders.record(a_payment(order_id="redelivered"), good)]
    async with hub.worker():
        bad_place, good_place = await hub.publish(records)
        await hub.results([good], within_s=90)
        await hub.dead_letter(bad_place, within_s=90)
    group = f"{hub.settings.topic_prefix}.payments"
    # Later places first: both may lie in one partition.
    for place in sorted((bad_place, good_place), key=lambda one: one.offset, reverse=True):
        await move_offset(hub.settings.kafka, group, place.topic, place.partition, place.offset)
    async with hub.worker():
        await hub.until(lambda: len(hub.copies(good)) >= 2 and len(letters(hub, bad_place)) >= 2, within_s=90)
    copies = letters(hub, bad_place)
    assert {letter.attempts for letter in copies} == {1}
    assert len({(letter.record.key, letter.record.value, letter.headers) for letter in copies}) == 1
    assert len({copy.header("ce_id") for copy in await rejections(hub, bad_place)}) == 1, "readers drop the second"
    assert len({(copy.value, copy.header("ce_id")) for copy in hub.copies(good)}) == 1
    assert [entry.basket_id for entry in hub.sandbox.books.entries()].count("redelivered") == 1
    assert isinstance((await hub.results([good]))[good], PaymentCreated)


def letters(hub: Hub, place: Position) -> list[DeadLetter]:
    wanted = (place.topic, place.partition, place.offset)
    return [dead for dead in hub.dead if (dead.topic, dead.partition, dead.offset) == wanted]


async def rejections(hub: Hub, place: Position) -> list[RawRecord]:
    topic = hub.settings.topics.payment_events.name
    wanted = f'"partition":{place.partition},"offset":{place.offset},'.encode()
    return [
        record
        async for record in replay(hub.settings.kafka, topic, type=CommandRejected.type)
        if wanted in (record.value or b"")
    ]
