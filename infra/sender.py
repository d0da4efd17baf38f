"""The sender process: takes events to endpoints until it is told to stop."""

import asyncio
import os
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Final

from agents.deliveries.dispatch import Dispatcher
from agents.deliveries.lanes import LaneStore
from agents.deliveries.posting import Poster
from agents.deliveries.runner import RENEW_S, LaneRunner
from agents.deliveries.sender import Sender
from agents.delivery import Delivery
from agents.pool import open_pool
from agents.sealing import Seal
from infra.accounts import now
from infra.credential_store import key_ring
from infra.process_health import OnHealth, tell_health, unheard
from infra.settings import Settings
from infra.stores import prepare_stores
from streams.delayed import DelayedConsumer
from streams.partition_log import PartitionLog
from streams.publisher import Publisher
from streams.watching import Bounds

_MARGIN_S: Final = 10.0
_WAKINGS_AT_ONCE: Final = 32


async def run_sender(
    settings: Settings, stop: asyncio.Event, *, on_ready: Callable[[], None], on_health: OnHealth = unheard
) -> None:
    """Send until `stop` is set; attempts that are under way end first.

    Raises:
        SettingsError: it must not start like this; the message says what to do.
        StoreError: Kafka or PostgreSQL does not answer at the start, or Kafka failed so that a restart has to mend it.
    """
    ring = key_ring(settings)
    await prepare_stores(settings)
    async with AsyncExitStack() as stack:
        pool = await open_pool(settings.database_url.get_secret_value(), application_name="kolaj-sender")
        stack.push_async_callback(pool.close)
        publisher = await stack.enter_async_context(Publisher(settings.kafka, client_id=f"kolaj-sender-{os.getpid()}"))
        topic = settings.topics.payment_events.name
        events = await stack.enter_async_context(PartitionLog(settings.kafka, topic))
        poster = Poster(
            settings.delivery_rules, timeout_s=settings.delivery_timeout_s, limit=settings.delivery_concurrency
        )
        stack.push_async_callback(poster.aclose)
        lanes = LaneStore(pool, Seal(ring), lease_s=RENEW_S + settings.delivery_timeout_s + _MARGIN_S)
        runner = LaneRunner(
            lanes=lanes,
            events=events,
            poster=poster,
            publisher=publisher,
            topics=settings.topics,
            patience=settings.delivery_patience(settings.retry_delays_s),
            now=now,
        )
        sender = Sender(runner, lanes, publisher, settings.topics, concurrency=settings.delivery_concurrency)
        group = f"{settings.topic_prefix}.deliveries"
        dispatcher = Dispatcher(settings.kafka, topic, group=group, pool=pool, events=events, on_behind=sender.ask)
        waker = _waker(settings, f"{group}.waking", sender)
        async with asyncio.TaskGroup() as tasks:
            on_ready()
            beside = [
                tasks.create_task(dispatcher.run()),
                tasks.create_task(tell_health(lambda: waker.watch.problem or dispatcher.problem, on_health)),
            ]
            waking = tasks.create_task(waker.run(stop))
            try:
                await sender.run(stop)
                await waking
            finally:
                for task in beside:
                    task.cancel()


def _waker(settings: Settings, group: str, sender: Sender) -> DelayedConsumer[Delivery]:
    return DelayedConsumer(
        settings.kafka,
        {topic.name: float(delay) for delay, topic in settings.topics.retries},
        group=group,
        make=Delivery,
        handle=sender.wake,
        in_flight=_WAKINGS_AT_ONCE,
        session_timeout_s=settings.session_timeout_s,
        rebalance_timeout_s=settings.rebalance_timeout_s,
        bounds=Bounds(stall_s=settings.stall_s, age_s=settings.lag_bound_s),
    )
