"""The projections' connections to PostgreSQL."""

import asyncpg

from projections.projection import Connection
from schemas.database_failures import unreachable


async def open_pool(
    database_url: str, *, size: int = 4, application_name: str = "kolaj-projector", setting: str = "DATABASE_URL"
) -> Connection:
    """A pool whose connections take JSON as text. `setting` is where the address came from.

    Raises:
        StoreError: the database cannot be reached or refuses the role; the message never holds the password.
    """
    try:
        return await asyncpg.create_pool(
            database_url,
            min_size=1,
            max_size=size,
            timeout=10,
            command_timeout=120,
            # jit pays off for long analytical statements only; on ours it costs more than it saves.
            server_settings={"application_name": application_name, "jit": "off"},
        )
    except (
        asyncpg.PostgresError,
        asyncpg.InterfaceError,
        asyncpg.InternalClientError,
        OSError,
        TimeoutError,
    ) as failed:
        raise unreachable(failed, setting) from failed
