"""The gateway process: serves the HTTP edge until it is told to stop."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Final, Protocol

from agents.integrations.directory import Directory
from agents.sealing import Seal
from agents.vault.watching import CredentialWatch
from infra.accounts import now, open_accounts
from infra.caller_settings import caller_settings
from infra.credential_source import credential_source
from infra.credential_store import key_ring
from infra.gateway.access.opening import open_access
from infra.gateway.app import create_app
from infra.gateway.commands.desk import command_desk
from infra.gateway.documents import Documents
from infra.gateway.events.streams import EventStreams
from infra.gateway.parts import Parts
from infra.gateway.readiness import readiness_of
from infra.gateway.refusals import Refusals
from infra.gateway.returns.desk import returns_of
from infra.gateway.serving import listen, server_of, url_of
from infra.gateway.vouching import Vouchers
from infra.gateway.webhooks import Intake, Outlet
from infra.integration_settings import load_integrations, without_secrets
from infra.process_health import OnHealth, tell_health, unheard
from infra.settings import Settings
from infra.stores import prepare_stores
from providers.caller import Caller
from providers.connector import LiveCredentials
from providers.registry import connectors
from streams.publisher import Publisher

PUBLISH_WITHIN_S: Final = 8.0
"""Shorter than the patience of providers (10 s and more), so that they hear that nothing was stored."""


class OnReady(Protocol):
    """Told once where the process listens."""

    def __call__(self, base_url: str, metrics_url: str | None = None) -> None: ...


async def run_gateway(
    settings: Settings, stop: asyncio.Event, *, on_ready: OnReady, on_health: OnHealth = unheard
) -> None:
    """Serve until `stop` is set, then let requests that are under way end.

    Raises:
        SettingsError: it must not start like this; the message says what to do.
        StoreError: Kafka or PostgreSQL does not answer at the start; later failures are told to callers as 503.
    """
    async with AsyncExitStack() as stack:
        sockets = [stack.enter_context(listen(settings.gateway_bind, "KOLAJ_GATEWAY_BIND"))]
        metrics_bind = settings.gateway_metrics_bind
        if metrics_bind is not None:
            sockets.append(stack.enter_context(listen(metrics_bind, "KOLAJ_GATEWAY_METRICS_BIND")))
        parts = await stack.enter_async_context(_parts(settings))
        parts = replace(parts, metrics_at=sockets[1].getsockname()[:2] if metrics_bind else None)
        server = server_of(create_app(parts), settings)
        async with asyncio.TaskGroup() as tasks:
            serving = tasks.create_task(server.serve(sockets=sockets))
            telling = tasks.create_task(tell_health(lambda: parts.readiness.problem, on_health))
            on_ready(*(url_of(one) for one in sockets))
            await stop.wait()
            parts.stopping.set()
            # Whoever sends requests here looks from time to time; until then they are still served.
            await asyncio.wait({serving}, timeout=settings.gateway_unready_s)
            server.should_exit = True
            await serving
            telling.cancel()


@asynccontextmanager
async def _parts(settings: Settings) -> AsyncIterator[Parts]:
    known, stored = connectors(), without_secrets(settings)
    load_integrations(settings, known, {name: LiveCredentials({}) for name in stored})
    ring = key_ring(settings)
    await prepare_stores(settings)
    async with AsyncExitStack() as stack:
        accounts = await open_accounts(settings, known, ring, stack)
        publisher = await stack.enter_async_context(
            Publisher(settings.kafka, client_id=f"kolaj-gateway-{os.getpid()}", deadline_s=PUBLISH_WITHIN_S)
        )
        source = credential_source(settings, accounts.credentials)
        directory = Directory(accounts.pool, source, known, fixed=accounts.fixed)
        await directory.refresh()
        renewal = CredentialWatch(accounts.credentials, accounts.fixed, stored)
        seal, stopping = Seal(ring), asyncio.Event()
        process, topic = f"{socket.gethostname()}/{os.getpid()}", settings.topics.webhook_events.name
        refusals = Refusals(publisher, topic, process=process, now=now)
        readiness = readiness_of(settings, publisher, accounts.pool, directory, stopping)
        access = await stack.enter_async_context(open_access(settings, accounts.pool))
        documents = Documents(ca_file=caller_settings(settings).ca_file)
        # Questions about calls alone: nothing of them is kept, since a call's body is in each.
        caller = await stack.enter_async_context(
            Caller(on_exchange=lambda _: None, on_breaker=lambda _: None, settings=caller_settings(settings))
        )
        desk = command_desk(settings, accounts.pool, publisher, stopping, now)
        stack.push_async_callback(desk.picker.aclose)
        async with asyncio.TaskGroup() as beside:
            watching = (directory.watch(), renewal.run(), readiness.run(), refusals.run(), desk.run())
            tasks = [beside.create_task(one) for one in watching]
            try:
                yield Parts(
                    settings=settings,
                    publisher=publisher,
                    database=accounts.pool,
                    directory=directory,
                    seal=seal,
                    authenticator=access.authenticator,
                    now=now,
                    webhooks=Intake(
                        directory,
                        Outlet(publisher, topic, seal),
                        refusals,
                        now=now,
                        documents=documents,
                        vouchers=Vouchers(caller),
                    ),
                    commands=desk,
                    events=EventStreams(settings.kafka, settings.topics.payment_events.name, stopping),
                    readiness=readiness,
                    stopping=stopping,
                    access=access,
                    returns=returns_of(settings, ring, publisher, accounts.pool, integrations=directory, now=now),
                )
            finally:
                for task in tasks:
                    task.cancel()
                await refusals.tell_last()
