"""What every process finds at its start: topics and tables as this version needs them."""

from infra.migrate import migrate
from infra.settings import Settings
from infra.topics import prepare_topics


async def prepare_stores(settings: Settings) -> None:
    """Topics and tables, created or brought up to date; safe when several processes start at once.

    Raises:
        SettingsError: a topic exists with other settings, or the prefix is another environment's.
        StoreError: Kafka or PostgreSQL does not answer.
    """
    await prepare_topics(settings)
    await migrate(settings.database_url.get_secret_value())
