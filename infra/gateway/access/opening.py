"""Everything that access control works with, built once for the process."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import asyncpg

from infra.accounts import now
from infra.caller_settings import shared_store
from infra.gateway.access.access_log import AccessLog
from infra.gateway.access.call_limits import CallLimits
from infra.gateway.access.caller import Authenticator
from infra.gateway.access.gatekeeper import Gatekeeper
from infra.gateway.access.issuer_keys import IssuerKeys
from infra.gateway.access.key_directory import KeyDirectory
from infra.gateway.access.tally import FLUSH_S, Tally
from infra.gateway.access.tokens import Issuer, Tokens
from infra.settings import Settings
from schemas.errors import StoreError


@dataclass(frozen=True, slots=True)
class Access:
    """Who may ask what and how often, and the record of it.

    Attributes:
        topic: where the record is kept.
    """

    authenticator: Authenticator
    limits: CallLimits
    log: AccessLog
    tally: Tally
    topic: str
    now: Callable[[], datetime]


@asynccontextmanager
async def open_access(settings: Settings, pool: asyncpg.Pool) -> AsyncIterator[Access]:
    """Access control for the length of the block; after it, what was recorded is sent.

    Raises:
        StoreError: PostgreSQL does not answer at the start.
    """
    topic = settings.topics.access_events.name
    keys, issuer_keys = KeyDirectory(pool, now=now), _issuer_keys(settings)
    await keys.refresh()
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(shared_store(settings))
        log = AccessLog(settings.kafka)
        await stack.enter_async_context(log.running())
        tally = Tally(log, topic, process=f"gateway {socket.gethostname()} {os.getpid()}", now=now)
        async with asyncio.TaskGroup() as beside:
            tasks = [beside.create_task(keys.watch()), beside.create_task(_flush(tally))]
            if issuer_keys is not None:
                tasks.append(beside.create_task(issuer_keys.watch()))
            try:
                yield Access(
                    authenticator=Gatekeeper(keys, _tokens(settings, issuer_keys)),
                    limits=CallLimits(settings.gateway_rate, store),
                    log=log,
                    tally=tally,
                    topic=topic,
                    now=now,
                )
            finally:
                for task in tasks:
                    task.cancel()
                tally.flush()
        with suppress(StoreError):
            await keys.note_use()


async def _flush(tally: Tally) -> None:
    while True:
        await asyncio.sleep(FLUSH_S)
        tally.flush()


def _issuer_keys(settings: Settings) -> IssuerKeys | None:
    if settings.oauth_jwks_url is None:
        return None
    ca_file = None if settings.oauth_ca_file is None else Path(settings.oauth_ca_file)
    return IssuerKeys(settings.oauth_jwks_url, ca_file=ca_file)


def _tokens(settings: Settings, keys: IssuerKeys | None) -> Tokens | None:
    if keys is None or settings.oauth_issuer is None or settings.oauth_audience is None:
        return None
    return Tokens(Issuer(settings.oauth_issuer, settings.oauth_audience, settings.oauth_integrations_claim), keys)
