"""The worker process: builds the payments agent from the settings and runs it until it is told to stop."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial

from agents.card_vault import CardVault
from agents.consumer import CommandConsumer
from agents.delivery import Delivery
from agents.health import Watch
from agents.integrations.directory import Directory
from agents.lag_alarm import lag_alarm
from agents.log_check import keep_comparing
from agents.metrics import measure
from agents.parking import ParkingLot
from agents.payments.agent import keep_exchange
from agents.payments.deadlines import Deadlines
from agents.sealing import Seal
from agents.tending import Tending
from agents.vault.source import CredentialSource
from agents.vault.subjects import Subjects
from agents.vault.watching import CredentialWatch
from infra.accounts import now
from infra.caller_settings import caller_settings, shared_store
from infra.credential_source import credential_source
from infra.credential_store import key_ring
from infra.integration_settings import load_integrations, without_secrets
from infra.process_health import OnHealth, tell_health, unheard
from infra.settings import Settings
from infra.stores import prepare_stores
from infra.worker_parts import Parts, Readers, open_stores, payments_agent, webhooks_agent
from providers.caller import Caller
from providers.connector import LiveCredentials
from providers.registry import connectors
from streams.delayed import DelayedConsumer
from streams.publisher import Publisher
from streams.watching import GroupWatch


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker that is ready to consume."""

    consumer: CommandConsumer
    beside: tuple[DelayedConsumer[Delivery], ...]
    """What else it reads: wakings, orders about integrations, webhooks and those of them that waited."""
    tending: Tending
    watch: Watch
    caller: Caller
    directory: Directory
    changed: "asyncio.Queue[str]"
    """Integrations that are new, changed or gone."""
    compare: Callable[[], Coroutine[None, None, None]]
    """Goes on comparing ledger and log until cancelled."""
    renewal: CredentialWatch

    @property
    def problem(self) -> str | None:
        """Why it should not be counted on now; `None` when it is well."""
        return next((watch.problem for watch in self.watches if watch.problem is not None), None)

    @property
    def watches(self) -> tuple[GroupWatch, ...]:
        return (self.consumer.watch, *(reader.watch for reader in self.beside))


async def run_worker(
    settings: Settings,
    stop: asyncio.Event,
    *,
    on_ready: Callable[[], None],
    on_health: OnHealth = unheard,
    credentials: CredentialSource | None = None,
) -> None:
    """Consume commands until `stop` is set, then drain and leave the groups.

    `credentials` is where the secrets of the registry's integrations come from; by default variables, else the store.

    Raises:
        SettingsError: it must not start like this; the message says what to do.
        StoreError: Kafka or PostgreSQL failed in a way that a restart has to mend.
    """
    async with _worker(settings, credentials) as worker, asyncio.TaskGroup() as tasks:
        beside = [
            tasks.create_task(worker.watch.run(worker.caller, worker.directory)),
            tasks.create_task(worker.directory.watch()),
            tasks.create_task(_follow(worker)),
            tasks.create_task(worker.tending.run()),
            tasks.create_task(worker.compare()),
            tasks.create_task(worker.renewal.run()),
        ]
        measure(
            worker.watches,
            running=lambda: worker.consumer.running,
            waiting=worker.tending.waiting,
        )
        others = [tasks.create_task(reader.run(stop)) for reader in worker.beside]
        on_ready()
        beside.append(tasks.create_task(tell_health(lambda: worker.problem, on_health)))
        try:
            await worker.consumer.run(stop)
            await asyncio.gather(*others)
        finally:
            for task in beside:
                task.cancel()


async def _follow(worker: Worker) -> None:
    """Check what is new or changed at once, and let go of the connections of what is gone."""
    async with asyncio.TaskGroup() as retiring:
        while True:
            name = await worker.changed.get()
            if name in worker.directory or name in worker.directory.closed:
                worker.watch.look_at(name)
            else:
                retiring.create_task(worker.caller.retire(name))


@asynccontextmanager
async def _worker(settings: Settings, credentials: CredentialSource | None) -> AsyncIterator[Worker]:
    known, stored = connectors(), without_secrets(settings)
    # Everything else that the settings may say wrong is told before anything is opened.
    load_integrations(settings, known, {name: LiveCredentials({}) for name in stored})
    ring = key_ring(settings)
    await prepare_stores(settings)
    async with AsyncExitStack() as stack:
        stores = await open_stores(settings, known, ring, stack)
        process = f"{socket.gethostname()}/{os.getpid()}"
        publisher = await stack.enter_async_context(Publisher(settings.kafka, client_id=f"kolaj-worker-{os.getpid()}"))
        watch = Watch(publisher, settings.topics, process=process, interval_s=settings.health_interval_s, now=now)
        consumers: list[CommandConsumer] = []
        caller = await stack.enter_async_context(
            Caller(
                on_exchange=keep_exchange,
                on_breaker=watch.on_breaker,
                settings=caller_settings(settings),
                store=await stack.enter_async_context(shared_store(settings)),
                share=lambda: consumers[0].share if consumers else 1 / settings.partitions,
            )
        )
        changed: asyncio.Queue[str] = asyncio.Queue()
        source = credentials or credential_source(settings, stores.credentials)
        directory = Directory(stores.pool, source, known, fixed=stores.fixed, on_change=changed.put_nowait)
        await directory.refresh()
        lot = ParkingLot(stores.ledger, publisher, settings.topics, Seal(ring))
        cards, subjects = CardVault(stores.vault, ring), Subjects(stores.vault, ring)
        stack.push_async_callback(subjects.aclose)
        deadlines = Deadlines(stores.ledger, publisher, settings.topics, now=now)
        tending = Tending(stores.ledger, lot, cards, subjects, deadlines=deadlines)
        agent = payments_agent(settings, Parts(stores, publisher, caller, directory, lot, cards, subjects, tending))
        readers = Readers(settings, lag_alarm(publisher, settings.topics, process=process, now=now))
        webhooks = webhooks_agent(settings, stores, publisher)
        consumers.append(readers.commands(agent))
        yield Worker(
            consumer=consumers[0],
            beside=(
                readers.wakings(agent),
                readers.orders(stores, known, publisher),
                readers.webhooks(webhooks),
                readers.waiting_webhooks(webhooks),
            ),
            tending=tending,
            watch=watch,
            caller=caller,
            directory=directory,
            changed=changed,
            compare=partial(keep_comparing, settings.kafka, settings.topics, stores.pool),
            renewal=CredentialWatch(stores.credentials, stores.fixed, stored),
        )
