"""Which environment the topics of a prefix belong to: sandbox and production never share them.

The first record of a topic of its own says it. Kafka puts records of one partition into one order, so that of two
processes that start at the same time both read the same first record, whichever wrote it. A mark in a database would
say nothing about the topics that a process with another database writes to.
"""

from schemas.errors import SettingsError
from streams.admin import ensure_topics, missing_topics
from streams.codec import Outgoing
from streams.kafka import KafkaAccess
from streams.publisher import Publisher
from streams.reader import read_at
from streams.topics import FOREVER_MS, Topic


async def claim_environment(access: KafkaAccess, prefix: str, environment: str, *, replication: int) -> None:
    """Mark the topics of a prefix as those of one environment, or find them marked so.

    Raises:
        SettingsError: the prefix is another environment's.
        StoreError: Kafka does not answer.
    """
    topic = _mark(prefix)
    await ensure_topics(access, [topic], replication=replication, min_insync=1)
    found = await _first(access, topic.name)
    if found is None:
        async with Publisher(access, client_id="kolaj-environment") as publisher:
            await publisher.publish([Outgoing(topic.name, b"environment", environment.encode(), ())])
        found = await _first(access, topic.name)
    if found != environment:
        raise SettingsError(
            f"KOLAJ_TOPIC_PREFIX {prefix} has the topics of environment {found}, KOLAJ_ENVIRONMENT is {environment}: "
            "sandbox and production never share topics; use another prefix"
        )


async def environment_of(access: KafkaAccess, prefix: str) -> str | None:
    """The environment that the topics of a prefix are marked as; `None` when they are not marked yet.

    Raises:
        StoreError: Kafka does not answer.
    """
    topic = _mark(prefix)
    return None if await missing_topics(access, [topic]) else await _first(access, topic.name)


def _mark(prefix: str) -> Topic:
    return Topic(f"{prefix}.environment", 1, FOREVER_MS)


async def _first(access: KafkaAccess, topic: str) -> str | None:
    record = await read_at(access, topic, 0, 0)
    return None if record is None else (record.value or b"").decode("utf-8", "replace")
