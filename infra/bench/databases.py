"""Databases that parts have for themselves."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import asyncpg


@asynccontextmanager
async def fresh_database(server_url: str, name: str) -> AsyncIterator[str]:
    """The URL of an empty database `name` on that server; dropped with the block, whoever is still connected."""
    connection = await asyncpg.connect(server_url)
    try:
        await connection.execute(f'create database "{name}"')
        try:
            yield urlsplit(server_url)._replace(path=f"/{name}").geturl()
        finally:
            await connection.execute(f'drop database "{name}" with (force)')
    finally:
        await connection.close()
