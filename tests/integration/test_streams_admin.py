import asyncio

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from infra.local import LocalStack
from schemas.errors import SettingsError, StoreError
from streams.admin import check_topics, ensure_topics, missing_topics
from streams.environment import claim_environment, environment_of
from streams.kafka import KafkaAccess
from streams.topics import Topic, Topics
from tests.stack import fresh_name


@pytest.fixture
def access(stack: LocalStack) -> KafkaAccess:
    return KafkaAccess(stack.bootstrap)


@pytest.fixture
def prefix() -> str:
    return fresh_name("t")


async def create(access: KafkaAccess, name: str, partitions: int, config: dict[str, str]) -> None:
    admin = AIOKafkaAdminClient(**access.options())
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, partitions, 1, topic_configs=config)])
    finally:
        await admin.close()


async def test_missing_topics_are_created_once(access: KafkaAccess, prefix: str) -> None:
    topics = Topics(prefix, 3).all()
    assert await missing_topics(access, topics) == [topic.name for topic in topics]
    assert set(await ensure_topics(access, topics, replication=1, min_insync=1)) == {topic.name for topic in topics}
    assert await ensure_topics(access, topics, replication=1, min_insync=1) == []
    assert await missing_topics(access, topics) == []
    await check_topics(access, topics, replication=1, min_insync=1)


@pytest.mark.parametrize(
    ("partitions", "config", "says"),
    [
        (4, {}, "it has 4 partitions, ours is 3"),
        (3, {"retention.ms": "1000"}, "retention.ms is 1000, ours is 604800000"),
        (3, {"cleanup.policy": "compact"}, "cleanup.policy is compact, ours is delete"),
        (3, {"max.message.bytes": "1000"}, "max.message.bytes is 1000, ours is 2097152"),
        (3, {"unclean.leader.election.enable": "true"}, "unclean.leader.election.enable is true, ours is false"),
    ],
)
async def test_a_topic_that_differs_is_named_and_left_alone(
    access: KafkaAccess, prefix: str, partitions: int, config: dict[str, str], says: str
) -> None:
    topic = Topic(f"{prefix}.commands", 3, 604_800_000)
    await create(access, topic.name, partitions, {**topic.config(), **config})
    for _ in range(2):  # the second time tells that the first changed nothing
        with pytest.raises(SettingsError, match=rf"topic {topic.name}: {says}"):
            await ensure_topics(access, [topic], replication=1, min_insync=1)


async def test_fewer_copies_than_asked_are_a_fault(access: KafkaAccess, prefix: str) -> None:
    topic = Topic(f"{prefix}.commands", 1, -1)
    await ensure_topics(access, [topic], replication=1, min_insync=1)
    with pytest.raises(SettingsError, match=r"kept 1 times, ours is 3; .*min.insync.replicas is 1, ours is 2"):
        await check_topics(access, [topic], replication=3, min_insync=2)


async def test_more_copies_than_there_are_brokers_cannot_be_created(access: KafkaAccess, prefix: str) -> None:
    with pytest.raises(SettingsError, match=f"topic {prefix}.x cannot be created"):
        await ensure_topics(access, [Topic(f"{prefix}.x", 1, -1)], replication=3, min_insync=1)


async def test_missing_topics_are_named_when_they_must_exist(access: KafkaAccess, prefix: str) -> None:
    with pytest.raises(SettingsError, match=f"topics do not exist: {prefix}.x"):
        await check_topics(access, [Topic(f"{prefix}.x", 1, -1)], replication=1, min_insync=1)


async def test_a_prefix_belongs_to_one_environment(access: KafkaAccess, prefix: str) -> None:
    assert await environment_of(access, prefix) is None
    await claim_environment(access, prefix, "sandbox", replication=1)
    with pytest.raises(SettingsError, match="sandbox and production never share topics"):
        await claim_environment(access, prefix, "production", replication=1)
    await claim_environment(access, prefix, "sandbox", replication=1)
    assert await environment_of(access, prefix) == "sandbox"


async def test_of_two_environments_that_start_at_once_one_wins(access: KafkaAccess, prefix: str) -> None:
    words = ["sandbox", "production"] * 3
    claims = [claim_environment(access, prefix, word, replication=1) for word in words]
    outcomes = await asyncio.gather(*claims, return_exceptions=True)
    winner = await environment_of(access, prefix)
    refused = {word for word, outcome in zip(words, outcomes, strict=True) if isinstance(outcome, SettingsError)}
    assert refused == set(words) - {winner}
    assert [word for word, outcome in zip(words, outcomes, strict=True) if outcome is None] == [winner] * 3


async def test_a_broker_that_is_not_there_is_named_with_what_to_do() -> None:
    with pytest.raises(StoreError, match=r"Kafka at 127.0.0.1:1 does not answer: .*set KAFKA_BOOTSTRAP"):
        await missing_topics(KafkaAccess("127.0.0.1:1"), [])
