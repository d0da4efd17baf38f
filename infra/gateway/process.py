"""The gateway process: serves the HTTP edge until it is told to stop."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import uvicorn

from agents.integrations.directory import Directory
from agents.sealing import Seal
from agents.vault.watching import CredentialWatch
from infra.accounts import now, open_accounts
from infra.credential_source import credential_source
from infra.credential_store import key_ring
from infra.gateway.access.caller import Nobody
from infra.gateway.app import create_app
from infra.gateway.parts import Parts
from infra.gateway.returns.desk import returns_of
from infra.integration_settings import load_integrations, without_secrets
from infra.settings import Settings
from infra.worker import OnHealth, prepare_stores, unheard
from providers.connector import LiveCredentials
from providers.registry import connectors
from streams.publisher import Publisher


async def run_gateway(
    settings: Settings, stop: asyncio.Event, *, on_ready: Callable[[], None], on_health: OnHealth = unheard
) -> None:
    """Serve until `stop` is set, then let requests that are under way end.

    Raises:
        SettingsError: it must not start like this; the message says what to do.
        StoreError: Kafka or PostgreSQL does not answer at the start; later failures are told to callers as 503.
    """
    async with _parts(settings) as parts:
        config = uvicorn.Config(
            create_app(parts), log_config=None, access_log=False, lifespan="off", server_header=False
        )
        server = uvicorn.Server(config)
        with socket.create_server((settings.gateway_host, settings.gateway_port)) as listening:
            async with asyncio.TaskGroup() as tasks:
                serving = tasks.create_task(server.serve(sockets=[listening]))
                on_ready()
                on_health(None)
                await stop.wait()
                server.should_exit = True
                await serving


@asynccontextmanager
async def _parts(settings: Settings) -> AsyncIterator[Parts]:
    known, stored = connectors(), without_secrets(settings)
    load_integrations(settings, known, {name: LiveCredentials({}) for name in stored})
    ring = key_ring(settings)
    await prepare_stores(settings)
    async with AsyncExitStack() as stack:
        accounts = await open_accounts(settings, known, ring, stack)
        publisher = await stack.enter_async_context(Publisher(settings.kafka, client_id=f"kolaj-gateway-{os.getpid()}"))
        source = credential_source(settings, accounts.credentials)
        directory = Directory(accounts.pool, source, known, fixed=accounts.fixed)
        await directory.refresh()
        renewal = CredentialWatch(accounts.credentials, accounts.fixed, stored)
        async with asyncio.TaskGroup() as beside:
            tasks = [beside.create_task(directory.watch()), beside.create_task(renewal.run())]
            try:
                yield Parts(
                    settings=settings,
                    publisher=publisher,
                    database=accounts.pool,
                    directory=directory,
                    seal=Seal(ring),
                    authenticator=Nobody(),
                    now=now,
                    returns=returns_of(settings, ring, publisher, accounts.pool, now),
                )
            finally:
                for task in tasks:
                    task.cancel()
