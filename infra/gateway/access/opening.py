"""Everything that access control works with, built once for the process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from infra.accounts import now
from infra.gateway.access.caller import Authenticator
from infra.gateway.access.gatekeeper import Gatekeeper
from infra.gateway.access.issuer_keys import IssuerKeys
from infra.gateway.access.key_directory import KeyDirectory
from infra.gateway.access.tokens import Issuer, Tokens
from infra.settings import Settings


@dataclass(frozen=True, slots=True)
class Access:
    """Who may ask what."""

    authenticator: Authenticator


@asynccontextmanager
async def open_access(settings: Settings, pool: asyncpg.Pool) -> AsyncIterator[Access]:
    """Access control for the length of the block.

    Raises:
        StoreError: PostgreSQL does not answer at the start.
    """
    keys = KeyDirectory(pool, now=now)
    await keys.refresh()
    issuer = _issuer(settings)
    async with asyncio.TaskGroup() as beside:
        tasks = [beside.create_task(keys.watch())]
        tokens = None
        if issuer is not None:
            issuer_keys = IssuerKeys(str(settings.oauth_jwks_url), ca_file=_path(settings.oauth_ca_file))
            tasks.append(beside.create_task(issuer_keys.watch()))
            tokens = Tokens(issuer, issuer_keys)
        try:
            yield Access(Gatekeeper(keys, tokens))
        finally:
            for task in tasks:
                task.cancel()
            await keys.note_use()


def _issuer(settings: Settings) -> Issuer | None:
    if settings.oauth_issuer is None or settings.oauth_audience is None:
        return None
    return Issuer(settings.oauth_issuer, settings.oauth_audience, settings.oauth_integrations_claim)


def _path(name: str | None) -> Path | None:
    return None if name is None else Path(name)
