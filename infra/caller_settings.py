"""From the hub's settings to those of the call machinery."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from infra.settings import Settings
from providers.exchange import CallerSettings
from providers.shared_store import SharedStore
from schemas.errors import SettingsError


def caller_settings(settings: Settings) -> CallerSettings:
    """Limits for one worker.

    Raises:
        SettingsError: integrations name different files of authorities, which one process cannot trust apart.
    """
    files = sorted({item.ca_file for item in settings.integrations if item.ca_file is not None})
    if len(files) > 1:
        raise SettingsError(
            f"KOLAJ_INTEGRATIONS: one ca_file serves the whole process; put {' and '.join(files)} into one"
        )
    return CallerSettings(
        ca_file=Path(files[0]) if files else None,
        quota=max(settings.max_in_flight // 2, 1),
        pool_size=settings.max_in_flight,
    )


@asynccontextmanager
async def shared_store(settings: Settings) -> AsyncIterator[SharedStore | None]:
    """Redis for the length of the block, where `REDIS_URL` names one. It need not answer: nothing waits for it."""
    if settings.redis_url is None:
        yield None
        return
    async with SharedStore(settings.redis_url, namespace=settings.topic_prefix) as store:
        yield store
