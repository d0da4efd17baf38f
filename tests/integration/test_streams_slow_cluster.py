"""A cluster that is slow to tell where a topic lies, as while brokers change places, is not one without the topic."""

import asyncio
from typing import Any

import pytest

from infra.local import LocalStack
from schemas.errors import SettingsError, StoreError
from streams.admin import ensure_topics
from streams.codec import Outgoing
from streams.kafka import KafkaAccess
from streams.publisher import Publisher
from streams.topics import Topic
from tests.stack import fresh_name


class _Waiting:
    """A producer that learns nothing about any topic."""

    async def partitions_for(self, _: str) -> Any:
        await asyncio.Event().wait()


async def test_only_a_topic_that_the_cluster_does_not_have_is_called_missing(stack: LocalStack) -> None:
    access = KafkaAccess(stack.bootstrap)
    there, absent = fresh_name("t"), fresh_name("t")
    await ensure_topics(access, [Topic(there, 1, -1)], replication=1, min_insync=1)
    publisher = Publisher(access)
    publisher._producer = _Waiting()

    late, missing = await asyncio.gather(
        *(publisher.publish([Outgoing(topic, b"k", b"v", ())]) for topic in (there, absent)), return_exceptions=True
    )

    assert isinstance(late, StoreError)
    assert there in str(late)
    with pytest.raises(SettingsError, match=absent):
        raise missing if isinstance(missing, BaseException) else AssertionError(missing)
