"""The worker process: builds the payments agent from the settings and runs it until it is told to stop."""

import asyncio
import logging
import os
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Final

from agents.card_vault import CardVault
from agents.consumer import CommandConsumer, Membership
from agents.delivery import Delivery
from agents.health import Watch
from agents.integrations.decide import House
from agents.integrations.directory import Directory
from agents.integrations.registrar import Registrar
from agents.integrations.registry import Registry
from agents.lag_alarm import lag_alarm
from agents.ledger import Ledger
from agents.log_check import check_not_behind, keep_comparing
from agents.metrics import measure
from agents.parking import ParkingLot
from agents.payments.agent import PaymentsAgent, keep_exchange
from agents.payments.places import Places
from agents.payments.work import Patience
from agents.pool import open_pool
from agents.sealing import Seal
from agents.stops import Stops
from agents.tending import Tending
from agents.vault.credentials import CredentialCache
from agents.vault.erasures import erase_again
from agents.vault.master_keys import MasterKeys
from agents.vault.source import CredentialSource
from agents.vault.subjects import Subjects
from agents.vault.watching import CredentialWatch
from infra.caller_settings import caller_settings, shared_store
from infra.credential_source import credential_source
from infra.credential_store import credential_store, key_ring, stored_credentials
from infra.integration_settings import load_integrations, without_secrets
from infra.logs import hiding_also
from infra.migrate import migrate
from infra.settings import Settings
from infra.topics import prepare_topics
from providers.caller import Caller
from providers.connector import LiveCredentials
from providers.registry import connectors
from streams.delayed import DelayedConsumer
from streams.publisher import Publisher
from streams.watching import Bounds

log = logging.getLogger(__name__)

_TELL_EVERY_S: Final = 1.0
_ORDERS_AT_ONCE: Final = 8
"""Orders about integrations are few; one that waits for calls under way must not hold up the others."""

OnHealth = Callable[[str | None], None]
"""Told every second why the process should not be counted on, or `None` when it is well."""


def unheard(_: str | None) -> None:
    """For whoever does not ask."""


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker that is ready to consume."""

    consumer: CommandConsumer
    waker: DelayedConsumer[Delivery]
    registrar: DelayedConsumer[Delivery]
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
        return self.consumer.watch.problem or self.waker.watch.problem or self.registrar.watch.problem


async def prepare_stores(settings: Settings) -> None:
    """Topics and tables, created or brought up to date; safe when several processes start at once.

    Raises:
        SettingsError: a topic exists with other settings, or the prefix is another environment's.
        StoreError: Kafka or PostgreSQL does not answer.
    """
    await prepare_topics(settings)
    await migrate(settings.database_url.get_secret_value())


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
            (worker.consumer.watch, worker.waker.watch, worker.registrar.watch),
            running=lambda: worker.consumer.running,
            waiting=worker.tending.waiting,
        )
        others = [tasks.create_task(worker.waker.run(stop)), tasks.create_task(worker.registrar.run(stop))]
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


async def tell_health(problem: Callable[[], str | None], on_health: OnHealth) -> None:
    """Tell until cancelled; what changes is logged too."""
    before: str | None = None
    while True:
        found = problem()
        if found is not None and found != before:
            log.warning("not ready", extra={"why": found})
        before = found
        on_health(found)
        await asyncio.sleep(_TELL_EVERY_S)


@asynccontextmanager
async def _worker(settings: Settings, credentials: CredentialSource | None) -> AsyncIterator[Worker]:
    known, stored = connectors(), without_secrets(settings)
    # Everything else that the settings may say wrong is told before anything is opened.
    load_integrations(settings, known, {name: LiveCredentials({}) for name in stored})
    ring = key_ring(settings)
    await prepare_stores(settings)
    async with AsyncExitStack() as stack:
        pool = await open_pool(settings.database_url.get_secret_value())
        stack.push_async_callback(pool.close)
        # Cards and credentials have an account of their own where there is one: `pool` cannot read them then.
        vault = await open_pool(
            settings.vault_url.get_secret_value(), application_name="kolaj-vault", setting="VAULT_DATABASE_URL"
        )
        stack.push_async_callback(vault.close)
        await MasterKeys(vault).begin(ring)
        cache = CredentialCache(
            await stack.enter_async_context(credential_store(settings, vault, ring)),
            environment=settings.environment,
            now=_now,
            ttl_s=settings.credential_ttl_s,
        )
        stack.enter_context(hiding_also(cache.hide))
        fixed = load_integrations(settings, known, await stored_credentials(settings, known, cache, stored))
        ledger = await Ledger.open(pool, lease_s=settings.lease_s, margin_s=settings.lease_margin_s)
        stack.push_async_callback(ledger.aclose)
        await check_not_behind(settings.kafka, settings.topics, pool)
        await erase_again(settings.kafka, settings.topics, vault)
        process = f"{socket.gethostname()}/{os.getpid()}"
        publisher = await stack.enter_async_context(Publisher(settings.kafka, client_id=f"kolaj-worker-{os.getpid()}"))
        watch = Watch(publisher, settings.topics, process=process, interval_s=settings.health_interval_s, now=_now)
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
        source = credentials or credential_source(settings, cache)
        changed: asyncio.Queue[str] = asyncio.Queue()
        directory = Directory(pool, source, known, fixed=fixed, on_change=changed.put_nowait)
        await directory.refresh()
        lot = ParkingLot(ledger, publisher, settings.topics, Seal(ring))
        cards, subjects = CardVault(vault, ring), Subjects(vault, ring)
        stack.push_async_callback(subjects.aclose)
        tending = Tending(ledger, lot, cards, subjects)
        agent = PaymentsAgent(
            ledger=ledger,
            caller=caller,
            publisher=publisher,
            topics=settings.topics,
            places=Places(
                integrations=directory,
                paused_s=caller.paused_s,
                rules=lambda: (*settings.routing, *directory.rules),
                owners=lambda: directory.used_by,
                stopped=tending.stopped,
                disabled=directory.closed,
                look_again=directory.look_again,
            ),
            cards=cards,
            subjects=subjects,
            lot=lot,
            patience=Patience(
                deadline_s=settings.deadline_s,
                give_up_after_s=settings.give_up_after_s,
                give_up_after_tries=settings.give_up_after_tries,
                unknown_after_s=settings.unknown_after_s,
            ),
            now=_now,
            resolve_alone_minor=settings.resolve_alone_minor,
        )
        membership = Membership(
            group=f"{settings.topic_prefix}.payments",
            session_timeout_s=settings.session_timeout_s,
            rebalance_timeout_s=settings.rebalance_timeout_s,
            drain_s=min(settings.deadline_s, settings.session_timeout_s / 2),
        )
        bounds = Bounds(stall_s=settings.stall_s, age_s=settings.lag_bound_s)
        on_overdue = lag_alarm(publisher, settings.topics, process=process, now=_now)
        consumer = CommandConsumer(
            settings.kafka,
            settings.topics.payment_commands.name,
            membership,
            agent.handle,
            in_flight=settings.max_in_flight,
            queued=settings.window_size,
            partitions=settings.partitions,
            bounds=bounds,
            on_overdue=on_overdue,
        )
        consumers.append(consumer)
        waker = DelayedConsumer(
            settings.kafka,
            {topic.name: float(delay) for delay, topic in settings.topics.retries},
            group=f"{settings.topic_prefix}.payments.waking",
            make=Delivery,
            handle=agent.wake,
            # Apart from the commands', so that a provider that comes back meets what waited at a bounded rate.
            in_flight=max(settings.max_in_flight // 4, 1),
            session_timeout_s=settings.session_timeout_s,
            rebalance_timeout_s=settings.rebalance_timeout_s,
            drain_s=membership.drain_s,
            bounds=bounds,
            on_overdue=on_overdue,
        )
        registry = Registry(pool, House(known, settings.environment, frozenset(fixed)))
        registrar = DelayedConsumer(
            settings.kafka,
            {settings.topics.integration_commands.name: 0.0},
            group=f"{settings.topic_prefix}.integrations",
            make=Delivery,
            handle=Registrar(registry, Stops(pool), publisher, settings.topics, now=_now).handle,
            in_flight=_ORDERS_AT_ONCE,
            session_timeout_s=settings.session_timeout_s,
            rebalance_timeout_s=settings.rebalance_timeout_s,
            drain_s=membership.drain_s,
            bounds=bounds,
            on_overdue=on_overdue,
        )
        compare = partial(keep_comparing, settings.kafka, settings.topics, pool)
        renewal = CredentialWatch(cache, fixed, stored)
        yield Worker(consumer, waker, registrar, tending, watch, caller, directory, changed, compare, renewal)


def _now() -> datetime:
    return datetime.now(UTC)
