"""What tests need of the local stack beside its addresses: fresh names and fresh databases."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import asyncpg


def fresh_name(kind: str) -> str:
    """Letters and digits only, short, new each time; fit for a topic, a group and a database."""
    return f"{kind}{uuid.uuid4().hex[:10]}"


@asynccontextmanager
async def fresh_database(server_url: str) -> AsyncIterator[str]:
    """The URL of an empty database on that server; dropped afterwards, whoever is still connected."""
    name = fresh_name("t")
    connection = await asyncpg.connect(server_url)
    try:
        await connection.execute(f'CREATE DATABASE "{name}"')
        try:
            yield urlsplit(server_url)._replace(path=f"/{name}").geturl()
        finally:
            await connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    finally:
        await connection.close()
