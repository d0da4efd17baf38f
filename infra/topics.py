"""The hub's topics, as the settings want them."""

from infra.settings import Settings
from streams.admin import ensure_topics
from streams.environment import claim_environment


async def prepare_topics(settings: Settings) -> list[str]:
    """Create the topics that are missing, check the others, and mark the prefix as this environment's.

    Whose account may create nothing finds all there and marked. Returns the names of those created.

    Raises:
        SettingsError: a topic is missing and may not be created, or exists with other settings, or the prefix is
            another environment's.
        StoreError: Kafka does not answer.
    """
    access = settings.kafka
    await claim_environment(access, settings.topic_prefix, settings.environment, replication=settings.replication)
    return await ensure_topics(
        access, settings.topics.all(), replication=settings.replication, min_insync=settings.min_insync
    )
