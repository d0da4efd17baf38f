"""A database handed over to the hub's roles, with an account for each of them."""

import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import asyncpg

from infra.migrate import hand_over
from tests.stack import fresh_name

ROLES = ("kolaj_migrator", "kolaj_agent", "kolaj_vault", "kolaj_projector", "kolaj_gateway", "kolaj_reader")


@dataclass(frozen=True)
class Accounts:
    """Addresses by role, each with a login of its own that is a member of that role alone."""

    administrator: str
    urls: Mapping[str, str]

    def __getitem__(self, role: str) -> str:
        return self.urls[role]


@asynccontextmanager
async def database_accounts(database_url: str) -> AsyncIterator[Accounts]:
    """Roles are the whole server's, so that the accounts have fresh names and go in the end."""
    await hand_over(database_url)
    connection = await asyncpg.connect(database_url)
    urls, names = {}, []
    try:
        for role in ROLES:
            name, password = fresh_name("account"), secrets.token_hex(8)
            await connection.execute(f"create role {name} login password '{password}' in role {role}")
            if role == "kolaj_migrator":
                await connection.execute(f"alter role {name} set role {role}")
            names.append(name)
            parts = urlsplit(database_url)
            urls[role] = parts._replace(netloc=f"{name}:{password}@{parts.hostname}:{parts.port}").geturl()
        yield Accounts(database_url, urls)
    finally:
        for name in names:
            await connection.execute(f"drop role {name}")
        await connection.close()
