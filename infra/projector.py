"""The projector process: keeps the tables up with the event topics until it is told to stop."""

import asyncio
import os
from collections.abc import Callable

from infra.process_health import OnHealth, tell_health, unheard
from infra.settings import Settings
from infra.stores import prepare_stores
from projections.pool import open_pool
from projections.runner import Projector
from streams.publisher import Publisher


async def run_projector(
    settings: Settings, stop: asyncio.Event, *, on_ready: Callable[[], None], on_health: OnHealth = unheard
) -> None:
    """Project until `stop` is set.

    Raises:
        SettingsError: it must not start like this; the message says what to do.
        StoreError: Kafka or PostgreSQL does not answer at the start; later failures are waited out.
    """
    await prepare_stores(settings)
    pool = await open_pool(settings.database_url.get_secret_value())
    try:
        async with Publisher(settings.kafka, client_id=f"kolaj-projector-{os.getpid()}") as publisher:
            projector = Projector(settings.kafka, pool, settings.topics, publisher.publish, stop)
            on_ready()
            async with asyncio.TaskGroup() as tasks:
                telling = tasks.create_task(tell_health(lambda: projector.problem, on_health))
                try:
                    await projector.run()
                finally:
                    telling.cancel()
    finally:
        await pool.close()
