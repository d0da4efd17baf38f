"""Creating our topics, and checking those that exist.

What exists is never changed: a partition count decides which partition a key lies in, and a shorter retention deletes
facts.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import (
    KafkaError,
    TopicAlreadyExistsError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
    for_code,
)

from schemas.errors import SettingsError, StoreError
from streams.kafka import KafkaAccess, missing_topic, reach, stop
from streams.refusal import not_allowed
from streams.topics import Topic

T = TypeVar("T")

_SETTLE_S: Final = 15.0


async def ensure_topics(
    access: KafkaAccess, topics: Iterable[Topic], *, replication: int, min_insync: int
) -> list[str]:
    """Create the topics that are missing and check the others; returns the names of those created.

    Raises:
        SettingsError: a topic exists with other settings, or cannot be created with these.
        StoreError: Kafka does not answer.
    """
    wanted = tuple(topics)
    if min_insync > replication:
        raise SettingsError(
            f"KOLAJ_MIN_INSYNC is {min_insync}, more than the {replication} copies of KOLAJ_REPLICATION: lower it"
        )
    async with admin_client(access) as admin:
        existing = set(await admin.list_topics())
        absent = [topic for topic in wanted if topic.name not in existing]
        created = await _create(admin, absent, replication, min_insync) if absent else []
        await _check(admin, wanted, replication, min_insync)
    return created


async def missing_topics(access: KafkaAccess, topics: Iterable[Topic]) -> list[str]:
    """Names of the topics that do not exist, in the order asked.

    Raises:
        StoreError: Kafka does not answer.
    """
    async with admin_client(access) as admin:
        existing = set(await admin.list_topics())
    return [topic.name for topic in topics if topic.name not in existing]


async def lacks(access: KafkaAccess, topic: str) -> bool:
    """Whether the cluster says that there is no topic of this name.

    Raises:
        StoreError: Kafka does not answer.
    """
    async with admin_client(access) as admin:
        return topic not in await admin.list_topics()


async def partitions_of(access: KafkaAccess, topic: str) -> list[int]:
    """The numbers of a topic's partitions, in order.

    Raises:
        SettingsError: the topic does not exist.
        StoreError: Kafka does not answer.
    """
    async with admin_client(access) as admin:
        # Asking for a topic by name would make a broker with automatic creation create it.
        if topic not in await admin.list_topics():
            raise missing_topic(topic)
        described = await _described(admin, [topic])
    return sorted(partition["partition"] for partition in described[topic]["partitions"])


async def check_topics(access: KafkaAccess, topics: Iterable[Topic], *, replication: int, min_insync: int) -> None:
    """Check topics that must exist.

    Raises:
        SettingsError: one is missing or has other settings.
        StoreError: Kafka does not answer.
    """
    wanted = tuple(topics)
    missing = await missing_topics(access, wanted)
    if missing:
        raise SettingsError(f"topics do not exist: {', '.join(missing)}; `kolaj up` or a worker creates them")
    async with admin_client(access) as admin:
        await _check(admin, wanted, replication, min_insync)


@asynccontextmanager
async def admin_client(access: KafkaAccess) -> AsyncIterator[Any]:
    """A started admin client.

    Raises:
        StoreError: Kafka does not answer, or stops answering inside the block.
    """
    client = AIOKafkaAdminClient(**access.options())
    try:
        await reach(access, client.start)
        yield client
    except (KafkaError, OSError, TimeoutError) as bad:
        told = not_allowed(bad) or f"Kafka at {access.bootstrap} failed while topics were looked up: {bad!r}; try again"
        raise StoreError(told) from bad
    finally:
        await stop(client.close)


async def _create(admin: Any, topics: Sequence[Topic], replication: int, min_insync: int) -> list[str]:
    asked = [
        NewTopic(topic.name, topic.partitions, replication, topic_configs=_config(topic, min_insync))
        for topic in topics
    ]
    created = []
    for name, code, message in (await admin.create_topics(asked)).topic_errors:
        if code == 0:
            created.append(name)
        elif code != TopicAlreadyExistsError.errno:  # else another process of ours was faster
            advice = (
                ": this account may create none; run `kolaj topics` with one that may"
                if code == TopicAuthorizationFailedError.errno
                else ""
            )
            raise SettingsError(f"topic {name} cannot be created ({message or for_code(code).__name__}){advice}")
    return created


async def _check(admin: Any, topics: Sequence[Topic], replication: int, min_insync: int) -> None:
    described = await _described(admin, [topic.name for topic in topics])
    settings = await _settings(admin, [topic.name for topic in topics])
    faults = []
    for topic in topics:
        partitions = described[topic.name]["partitions"]
        faults += _layout_faults(topic, partitions, replication)
        found = settings[topic.name]
        faults += [
            f"topic {topic.name}: {name} is {found.get(name)}, ours is {value}"
            for name, value in _config(topic, min_insync).items()
            if not _same(name, found.get(name), value)
        ]
    if faults:
        advice = (
            "nothing was changed; use another KOLAJ_TOPIC_PREFIX, set our setting to it, or change the topic by hand"
        )
        raise SettingsError("; ".join(faults) + f": {advice}")


def _layout_faults(topic: Topic, partitions: Sequence[Any], replication: int) -> list[str]:
    faults = []
    if len(partitions) != topic.partitions:
        faults.append(f"topic {topic.name}: it has {len(partitions)} partitions, ours is {topic.partitions}")
    copies = min((len(partition["replicas"]) for partition in partitions), default=replication)
    if copies < replication:
        faults.append(f"topic {topic.name}: it is kept {copies} times, ours is {replication}")
    return faults


async def _described(admin: Any, names: Sequence[str]) -> dict[str, Any]:
    """Each topic's description, once all its partitions have a leader."""

    async def ask() -> dict[str, Any] | None:
        described = {entry["topic"]: entry for entry in await admin.describe_topics(list(names))}
        partitions = [described[name]["partitions"] for name in names]
        led = all(group and all(partition["leader"] >= 0 for partition in group) for group in partitions)
        return described if led else None

    return await _settled(ask)


async def _settings(admin: Any, names: Sequence[str]) -> dict[str, dict[str, str]]:
    asked = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]

    async def ask() -> dict[str, dict[str, str]] | None:
        found: dict[str, dict[str, str]] = {}
        for response in await admin.describe_configs(asked):
            for code, message, _, name, entries in response.resources:
                if code == UnknownTopicOrPartitionError.errno:
                    return None
                if code == TopicAuthorizationFailedError.errno:
                    raise TopicAuthorizationFailedError(name)
                if code:
                    raise StoreError(f"settings of topic {name} cannot be read: {message or for_code(code).__name__}")
                found[name] = {entry[0]: entry[1] for entry in entries}
        return found

    return await _settled(ask)


async def _settled(ask: Callable[[], Awaitable[T | None]]) -> T:
    """What `ask` gives once it gives something: brokers learn of a new topic one after another, and tell nobody."""
    async with asyncio.timeout(_SETTLE_S):
        while True:
            found = await ask()
            if found is not None:
                return found
            await asyncio.sleep(_SETTLE_S / 300)


def _config(topic: Topic, min_insync: int) -> dict[str, str]:
    # An unclean election would bring back a broker that lacks acknowledged records, as if they had never been.
    durable = {"min.insync.replicas": str(min_insync), "unclean.leader.election.enable": "false"}
    return {**topic.config(), **durable}


def _same(name: str, found: str | None, wanted: str) -> bool:
    if name == "min.insync.replicas":
        # More copies than asked for is not a fault.
        return found is not None and int(found) >= int(wanted)
    return found == wanted
