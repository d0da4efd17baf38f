"""What a worker is made of, built from the settings: its stores, the payments agent, and what reads the topics."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from agents.card_vault import CardVault
from agents.consumer import CommandConsumer, Membership
from agents.delivery import Delivery
from agents.integrations.decide import House
from agents.integrations.directory import Directory
from agents.integrations.registrar import Registrar
from agents.integrations.registry import Registry
from agents.ledger import Ledger
from agents.log_check import check_not_behind
from agents.parking import ParkingLot
from agents.payments.agent import PaymentsAgent
from agents.payments.places import Places
from agents.payments.work import Patience
from agents.sealing import Seal
from agents.stops import Stops
from agents.tending import Tending
from agents.vault.erasures import erase_again
from agents.vault.keyring import KeyRing
from agents.vault.master_keys import MasterKeys
from agents.vault.parked import ParkedRecords
from agents.vault.subjects import Subjects
from agents.webhooks.agent import WebhooksAgent
from agents.webhooks.finding import Finder
from infra.accounts import Accounts, now, open_accounts
from infra.settings import Settings
from providers.caller import Caller
from providers.connector import Connector
from streams.delayed import DelayedConsumer
from streams.lanes import Handler
from streams.publisher import Publisher
from streams.watching import Bounds, OnOverdue

_ORDERS_AT_ONCE: Final = 8
"""Orders about integrations are few; one that waits for calls under way must not hold up the others."""


@dataclass(frozen=True, slots=True)
class Stores(Accounts):
    """What a worker keeps things in."""

    ledger: Ledger


async def open_stores(
    settings: Settings, known: Mapping[str, Connector], ring: KeyRing, stack: AsyncExitStack
) -> Stores:
    """Everything opened and looked over; `stack` closes it.

    Raises:
        SettingsError: a master key or a secret is missing, or the ledger is not one to go on with.
        StoreError: a store does not answer.
    """
    accounts = await open_accounts(settings, known, ring, stack)
    await ParkedRecords(accounts.pool, Seal(ring)).check(ring)
    await MasterKeys(accounts.vault).begin(ring)
    ledger = await Ledger.open(accounts.pool, lease_s=settings.lease_s, margin_s=settings.lease_margin_s)
    stack.push_async_callback(ledger.aclose)
    await check_not_behind(settings.kafka, settings.topics, accounts.pool)
    await erase_again(settings.kafka, settings.topics, accounts.vault)
    return Stores(accounts.pool, accounts.vault, ring, accounts.credentials, accounts.fixed, ledger)


@dataclass(frozen=True, slots=True)
class Parts:
    """What the payments agent works with."""

    stores: Stores
    publisher: Publisher
    caller: Caller
    directory: Directory
    lot: ParkingLot
    cards: CardVault
    subjects: Subjects
    tending: Tending


def payments_agent(settings: Settings, parts: Parts) -> PaymentsAgent:
    directory = parts.directory
    return PaymentsAgent(
        ledger=parts.stores.ledger,
        caller=parts.caller,
        publisher=parts.publisher,
        topics=settings.topics,
        places=Places(
            integrations=directory,
            paused_s=parts.caller.paused_s,
            rules=lambda: (*settings.routing, *directory.rules),
            owners=lambda: directory.used_by,
            stopped=parts.tending.stopped,
            disabled=directory.closed,
            look_again=directory.look_again,
        ),
        cards=parts.cards,
        subjects=parts.subjects,
        lot=parts.lot,
        patience=Patience(
            deadline_s=settings.deadline_s,
            give_up_after_s=settings.give_up_after_s,
            give_up_after_tries=settings.give_up_after_tries,
            unknown_after_s=settings.unknown_after_s,
            abandon_after_s=settings.abandon_after_s,
            transfer_abandon_after_s=settings.transfer_abandon_after_s,
        ),
        now=now,
        resolve_alone_minor=settings.resolve_alone_minor,
    )


def webhooks_agent(settings: Settings, stores: Stores, publisher: Publisher) -> WebhooksAgent:
    patience = timedelta(seconds=settings.webhook_wait_s)
    return WebhooksAgent(Finder(stores.pool), publisher, settings.topics, patience=patience, now=now)


class Readers:
    """Builds what reads a worker's topics."""

    def __init__(self, settings: Settings, on_overdue: OnOverdue) -> None:
        self._settings = settings
        self._on_overdue = on_overdue
        self._bounds = Bounds(stall_s=settings.stall_s, age_s=settings.lag_bound_s)
        self._membership = Membership(
            group=f"{settings.topic_prefix}.payments",
            session_timeout_s=settings.session_timeout_s,
            rebalance_timeout_s=settings.rebalance_timeout_s,
            drain_s=min(settings.deadline_s, settings.session_timeout_s / 2),
        )

    def commands(self, agent: PaymentsAgent) -> CommandConsumer:
        settings = self._settings
        return CommandConsumer(
            settings.kafka,
            settings.topics.payment_commands.name,
            self._membership,
            agent.handle,
            in_flight=settings.max_in_flight,
            queued=settings.window_size,
            partitions=settings.partitions,
            bounds=self._bounds,
            on_overdue=self._on_overdue,
        )

    def wakings(self, agent: PaymentsAgent) -> DelayedConsumer[Delivery]:
        # Apart from the commands', so that a provider that comes back meets what waited at a bounded rate.
        return self._delayed("payments.waking", self._retries(), agent.wake, self._some)

    def webhooks(self, agent: WebhooksAgent) -> DelayedConsumer[Delivery]:
        """Providers' calls."""
        return self._delayed("webhooks", {self._settings.topics.webhook_events.name: 0.0}, agent.handle, self._some)

    def waiting_webhooks(self, agent: WebhooksAgent) -> DelayedConsumer[Delivery]:
        """Those whose payment was not known yet."""
        return self._delayed("webhooks.waking", self._retries(), agent.wake, self._some)

    def orders(self, stores: Stores, known: Mapping[str, Connector], publisher: Publisher) -> DelayedConsumer[Delivery]:
        """Of integrations."""
        settings = self._settings
        registry = Registry(stores.pool, House(known, settings.environment, frozenset(stores.fixed)))
        registrar = Registrar(registry, Stops(stores.pool), publisher, settings.topics, now=now)
        topics = {settings.topics.integration_commands.name: 0.0}
        return self._delayed("integrations", topics, registrar.handle, _ORDERS_AT_ONCE)

    @property
    def _some(self) -> int:
        return max(self._settings.max_in_flight // 4, 1)

    def _retries(self) -> dict[str, float]:
        return {topic.name: float(delay) for delay, topic in self._settings.topics.retries}

    def _delayed(
        self, group: str, delays_s: Mapping[str, float], handle: Handler[Delivery], in_flight: int
    ) -> DelayedConsumer[Delivery]:
        settings = self._settings
        return DelayedConsumer(
            settings.kafka,
            delays_s,
            group=f"{settings.topic_prefix}.{group}",
            make=Delivery,
            handle=handle,
            in_flight=in_flight,
            session_timeout_s=settings.session_timeout_s,
            rebalance_timeout_s=settings.rebalance_timeout_s,
            drain_s=self._membership.drain_s,
            bounds=self._bounds,
            on_overdue=self._on_overdue,
        )
