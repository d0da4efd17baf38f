"""Consumers of this process on a topic of their own, whose records are handled at a `Desk`."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from agents.consumer import CommandConsumer, Membership
from agents.delivery import Delivery
from streams.admin import ensure_topics
from streams.codec import Outgoing
from streams.kafka import KafkaAccess
from streams.publisher import Publisher, partition_of
from streams.records import Position
from streams.topics import DAY_MS, Topic
from streams.watching import Bounds
from tests.integration.lane_desk import WITHIN_S, Desk
from tests.stack import fresh_name

LOOK_AGAIN_S = 0.02


@dataclass
class Member:
    """A worker of the group."""

    name: str
    consumer: CommandConsumer
    task: "asyncio.Task[None]"
    stopping: asyncio.Event

    async def stop(self) -> None:
        self.stopping.set()
        await self.task


@dataclass
class LaneBench:
    access: KafkaAccess
    topic: Topic
    admin: AIOKafkaAdminClient
    publisher: Publisher
    group: str = field(default_factory=lambda: fresh_name("g"))
    desk: Desk = field(default_factory=Desk)
    consumers: list[CommandConsumer] = field(default_factory=list)

    async def publish(self, records: Iterable[tuple[str | None, str]]) -> list[Position]:
        return await self.publisher.publish(
            [
                Outgoing(self.topic.name, None if key is None else key.encode(), value.encode(), ())
                for key, value in records
            ]
        )

    def keys_of(self, partition: int, count: int) -> list[str]:
        """So many keys that lie in this partition."""
        found = (f"k{number}" for number in range(100_000))
        mine = (key for key in found if partition_of(key.encode(), self.topic.partitions) == partition)
        return [next(mine) for _ in range(count)]

    @asynccontextmanager
    async def worker(
        self,
        name: str = "first",
        *,
        in_flight: int = 50,
        queued: int = 1000,
        drain_s: float = 20.0,
        poll_limit_s: float | None = None,
        bounds: Bounds | None = None,
    ) -> AsyncIterator[Member]:
        """A worker until the block ends; what ended it is raised there. `poll_limit_s` as Kafka's clients know it."""

        async def handle(delivery: Delivery) -> float | None:
            return await self.desk.handle(name, delivery)

        membership = Membership(self.group, session_timeout_s=6, commit_interval_s=0.05, drain_s=drain_s)
        consumer = CommandConsumer(
            self.access,
            self.topic.name,
            membership,
            handle,
            in_flight=in_flight,
            queued=queued,
            partitions=self.topic.partitions,
            bounds=bounds,
        )
        if poll_limit_s is not None:
            consumer._app.conf.broker_max_poll_interval = poll_limit_s
        self.consumers.append(consumer)
        on_assigned = self.desk.watch(name, consumer)
        stopping = asyncio.Event()
        member = Member(name, consumer, asyncio.create_task(consumer.run(stopping)), stopping)
        try:
            yield member
        finally:
            await member.stop()
            consumer._app.on_partitions_assigned.disconnect(on_assigned)

    async def committed(self) -> dict[int, int]:
        """The group's offsets by partition; 0 where none is committed."""
        found = await self.admin.list_consumer_group_offsets(self.group)
        offsets = {place.partition: at.offset for place, at in found.items() if place.topic == self.topic.name}
        return {partition: max(0, offsets.get(partition, 0)) for partition in range(self.topic.partitions)}

    async def state(self) -> tuple[str, frozenset[str]]:
        """The group's state as the broker names it, and the ids of its members."""
        [answer] = await self.admin.describe_consumer_groups([self.group])
        [group] = answer.groups
        return group[2], frozenset(member[0] for member in group[5])

    async def until(self, holds: Callable[[], Awaitable[bool]], *, within_s: float = WITHIN_S) -> None:
        """Return once `holds`; the broker tells nobody what it knows."""
        try:
            async with asyncio.timeout(within_s):
                while not await _answered(holds):  # noqa: ASYNC110
                    await asyncio.sleep(LOOK_AGAIN_S)
        except TimeoutError:
            facts = (await self.state(), await self.committed(), self.desk.counts)
            raise AssertionError(f"did not come about: {facts}") from None

    async def stands_at(self, expected: dict[int, int] | int) -> None:
        """Until the group's offsets are these; a number is that of the only partition."""
        wanted = {0: expected} if isinstance(expected, int) else expected

        async def look() -> bool:
            return await self.committed() == wanted

        await self.until(look)

    async def has_members(self, count: int) -> frozenset[str]:
        """Until so many share the topic and the group is at rest."""
        ids: frozenset[str] = frozenset()

        async def look() -> bool:
            nonlocal ids
            state, ids = await self.state()
            return (state, len(ids)) == ("Stable", count)

        await self.until(look)
        return ids

    async def has_taken(self, unfinished: int) -> None:
        """Until the workers hold so many records that have not ended."""

        async def look() -> bool:
            return sum(sum(consumer.backlog.values()) for consumer in self.consumers) == unfinished

        await self.until(look)

    async def in_state(self, state: str) -> None:
        async def look() -> bool:
            return (await self.state())[0] == state

        await self.until(look)


async def _answered(holds: Callable[[], Awaitable[bool]]) -> bool:
    try:
        return await holds()
    except KafkaError:  # a broker that has just started has no coordinator for its first group yet
        return False


async def move_offset(access: KafkaAccess, group: str, topic: str, partition: int, offset: int) -> None:
    """What an operator does with Kafka's own tools, while no worker of the group runs."""
    mover = AIOKafkaConsumer(bootstrap_servers=access.bootstrap, group_id=group, enable_auto_commit=False)
    await mover.start()
    try:
        place = TopicPartition(topic, partition)
        mover.assign([place])
        await mover.commit({place: offset})
    finally:
        await mover.stop()


@asynccontextmanager
async def a_lane_bench(bootstrap: str, *, partitions: int = 1) -> AsyncIterator[LaneBench]:
    access = KafkaAccess(bootstrap)
    topic = Topic(fresh_name("t"), partitions, DAY_MS)
    await ensure_topics(access, [topic], replication=1, min_insync=1)
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        async with Publisher(access) as publisher:
            yield LaneBench(access, topic, admin, publisher)
    finally:
        await admin.close()
