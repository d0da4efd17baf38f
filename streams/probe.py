"""Whether records can be appended, and what time the broker has: one record on a topic of its own."""

import time
from typing import Any, Final

from aiokafka.admin import NewTopic
from aiokafka.errors import TopicAlreadyExistsError, for_code

from schemas.errors import SettingsError
from streams.admin import admin_client
from streams.codec import Outgoing
from streams.kafka import KafkaAccess
from streams.publisher import Publisher

_HOUR_MS: Final = 60 * 60 * 1000


async def broker_clock(access: KafkaAccess, topic: str, *, replication: int) -> float:
    """How far the broker's clock is ahead of ours, in seconds, within what an append takes.

    The topic is created on first use. Kafka tells its time only as that of an append, and only on topics that say so.

    Raises:
        SettingsError: the topic cannot be created.
        StoreError: Kafka does not answer, or acknowledges nothing.
    """
    async with admin_client(access) as admin:
        await _create(admin, topic, replication)
    async with Publisher(access, client_id="kolaj-probe") as publisher:
        # The first append also pays for connections and ids; the second is measured.
        await publisher.publish([Outgoing(topic, b"probe", b"", ())])
        before = time.time()
        (position,) = await publisher.publish([Outgoing(topic, b"probe", b"", ())])
        after = time.time()
    return position.timestamp_ms / 1000 - (before + after) / 2


async def broker_addresses(access: KafkaAccess) -> list[str]:
    """Every broker of the cluster.

    Raises:
        StoreError: Kafka does not answer.
    """
    async with admin_client(access) as admin:
        cluster = await admin.describe_cluster()
    return [f"{broker['host']}:{broker['port']}" for broker in cluster["brokers"]]


async def _create(admin: Any, topic: str, replication: int) -> None:
    config = {"message.timestamp.type": "LogAppendTime", "retention.ms": str(_HOUR_MS)}
    answer = await admin.create_topics([NewTopic(topic, 1, replication, topic_configs=config)])
    for name, code, message in answer.topic_errors:
        if code not in {0, TopicAlreadyExistsError.errno}:
            raise SettingsError(f"topic {name} cannot be created ({message or for_code(code).__name__})")
