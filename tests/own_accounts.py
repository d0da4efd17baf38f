"""A hub whose processes have accounts of their own at a broker and a database that let nobody do more than he needs."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final

from infra.deploy.acls import rules
from infra.projector import run_projector
from infra.sandbox.iyzico import running_sandbox
from infra.settings import Settings, read_settings
from infra.topics import prepare_topics
from infra.worker import run_worker
from streams.publisher import Publisher
from tests.database_accounts import Accounts
from tests.hub import INTEGRATION, Hub
from tests.hub_environment import hub_environment
from tests.secured_broker import SecuredBroker

BY_PASSWORD: Final = ("worker", "shop", "deployer", "stranger")
"""Principals that have a password; the others have a certificate."""

FEW: Final = {"KOLAJ_PARTITIONS": "2"}

PRINCIPALS: Final[Mapping[str, tuple[str, ...]]] = {
    "deployer": ("User:deployer",),
    "worker": ("User:worker",),
    "projector": ("User:projector",),
    "publisher": ("User:shop",),
    "result-consumer": ("User:bookkeeping",),
    "operator": ("User:operator",),
    "auditor": ("User:auditor",),
    "gateway": ("User:gateway",),
}


@dataclass(frozen=True)
class OwnAccounts:
    """The hub, and what a process needs to be let in as somebody."""

    hub: Hub
    broker: SecuredBroker
    accounts: Accounts
    base: Mapping[str, str]

    def settings(self, principal: str, role: str = "kolaj_reader", **changes: str) -> Settings:
        """The settings of a process under this principal of Kafka and an account of this role of PostgreSQL."""
        return settings_of(self.broker, self.accounts, self.base, principal, role, **changes)


@asynccontextmanager
async def hub_of_own_accounts(broker: SecuredBroker, accounts: Accounts, prefix: str) -> AsyncIterator[OwnAccounts]:
    """One worker and one projector, each under its own accounts. What the test sees, an operator and a reader see."""
    async with AsyncExitStack() as stack:
        sandbox = await stack.enter_async_context(running_sandbox(books=":memory:"))
        base = hub_environment(
            broker.by_password, "", prefix, {INTEGRATION: sandbox.base_url}, sandbox, absence_s=300, overrides=FEW
        )

        def settings(principal: str, role: str, **changes: str) -> Settings:
            return settings_of(broker, accounts, base, principal, role, **changes)

        await broker.allow(rules(prefix, PRINCIPALS))
        for principal, lacks in (("no-group", "payments"), ("no-topic", "payments.commands")):
            almost = rules(prefix, {"worker": [f"User:{principal}"]})
            await broker.allow(rule for rule in almost if rule.name != f"{prefix}.{lacks}")
        await prepare_topics(settings("deployer", "kolaj_reader"))
        shop = await stack.enter_async_context(Publisher(settings("shop", "kolaj_reader").kafka))
        hub = Hub(settings("operator", "kolaj_reader"), {INTEGRATION: sandbox}, shop, base)
        stop, ready = asyncio.Event(), [asyncio.Event(), asyncio.Event()]
        worker = settings("worker", "kolaj_agent", VAULT_DATABASE_URL=accounts["kolaj_vault"])
        projector = settings("projector", "kolaj_projector")
        async with asyncio.TaskGroup() as tasks:
            following = tasks.create_task(hub.follow())
            running = [
                tasks.create_task(run_worker(worker, stop, on_ready=ready[0].set)),
                tasks.create_task(run_projector(projector, stop, on_ready=ready[1].set)),
            ]
            try:
                async with asyncio.timeout(60):
                    for event in ready:
                        await event.wait()
                yield OwnAccounts(hub, broker, accounts, base)
            finally:
                stop.set()
                await asyncio.wait(running)
                following.cancel()
                with suppress(asyncio.CancelledError):
                    await following


def settings_of(
    broker: SecuredBroker, accounts: Accounts, base: Mapping[str, str], principal: str, role: str, **changes: str
) -> Settings:
    """Read the settings of one process."""
    own = broker.environment(principal) if principal in BY_PASSWORD else broker.certified(principal)
    return read_settings(environment={**base, **own, "DATABASE_URL": accounts[role], **changes})
