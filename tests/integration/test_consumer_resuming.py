"""A rebalance while the first record of a partition is unfinished: nothing is committed, and nothing may be skipped."""

import asyncio
from collections import Counter

from agents.consumer import CommandConsumer, Membership
from agents.delivery import Delivery
from infra.local import LocalStack
from streams.admin import ensure_topics
from streams.codec import Outgoing
from streams.kafka import KafkaAccess
from streams.publisher import Publisher
from streams.topics import Topic
from tests.stack import fresh_name

RECORDS = 20


async def test_what_a_rebalance_threw_away_is_read_again_although_nothing_was_committed(stack: LocalStack) -> None:
    access, topic = KafkaAccess(stack.bootstrap), Topic(fresh_name("t"), 1, -1)
    await ensure_topics(access, [topic], replication=1, min_insync=1)
    async with Publisher(access) as publisher:
        await publisher.publish([Outgoing(topic.name, f"k{n}".encode(), b"v", ()) for n in range(RECORDS)])
    seen: Counter[int] = Counter()
    grown = asyncio.Condition()

    async def handle(delivery: Delivery) -> float | None:
        async with grown:
            seen[delivery.record.offset] += 1
            grown.notify_all()
        if delivery.record.offset == 0:
            return 0.1  # never finished, so that nothing behind it can be committed
        delivery.done()
        return None

    async def all_seen(times: int) -> None:
        async with asyncio.timeout(30), grown:
            await grown.wait_for(lambda: all(seen[offset] >= times for offset in range(RECORDS)))

    membership = Membership(group=fresh_name("g"), session_timeout_s=6, drain_s=1)
    consumer = CommandConsumer(access, topic.name, membership, handle, in_flight=5, queued=100)
    stop = asyncio.Event()
    running = asyncio.create_task(consumer.run(stop))
    try:
        await all_seen(1)
        # What a rebalance does to a partition that stays with its worker.
        await consumer._revoked({(topic.name, 0)})
        await consumer._app.consumer.perform_seek()
        await all_seen(2)
    finally:
        stop.set()
        await running
