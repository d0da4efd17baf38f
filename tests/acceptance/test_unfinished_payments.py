"""Payments that nobody comes back to, with a whole hub: it asks by itself when the payer's time is over."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final
from uuid import UUID

import pytest_asyncio
from pydantic import SecretStr

from agents.ledger import Ledger
from agents.parking import ParkingLot
from agents.payments.deadlines import Deadlines, order_id
from agents.pool import open_pool
from agents.sealing import Seal
from agents.tending import Tending
from infra.accounts import now
from infra.credential_store import key_ring
from infra.local import LocalStack
from infra.sandbox.iyzico import FaultKind, FaultOrder
from providers.caller import Caller
from providers.connector import Integration
from providers.exchange import CallerSettings
from providers.payments.iyzico import CONNECTOR
from schemas.payments import CommandPending, CommandRefused, Payment, PaymentNoticed, Reason, ThreeDSecureCompleted
from schemas.verdicts import Verdict
from tests.acceptance.banking import PAID, a_start, at_the_bank, booked, started
from tests.acceptance.orders import Orders
from tests.builders import a_take_notice
from tests.hub import INTEGRATION, Hub, running_hub
from tests.integration.iyzico_shop import Shop

DEADLINE_S: Final = 2.0


@pytest_asyncio.fixture(scope="module")
async def hub(stack: LocalStack, database_url: str, topic_prefix: str) -> AsyncIterator[Hub]:
    overrides = {"KOLAJ_ABANDON_AFTER_S": str(DEADLINE_S), "KOLAJ_UNKNOWN_AFTER_S": "1"}
    async with running_hub(stack.bootstrap, database_url, topic_prefix, overrides=overrides, absence_s=1) as running:
        yield running


@asynccontextmanager
async def tended(hub: Hub) -> AsyncIterator[None]:
    """Two workers' tending, which look more often than workers do, until the block ends."""
    pool = await open_pool(hub.settings.database_url.get_secret_value())
    ledger = await Ledger.open(pool, lease_s=6, margin_s=1)
    lot = ParkingLot(ledger, hub.publisher, hub.settings.topics, Seal(key_ring(hub.settings)))
    deadlines = Deadlines(ledger, hub.publisher, hub.settings.topics, now=now)
    both = [Tending(ledger, lot, deadlines=deadlines, look_every_s=0.05, sweep_every=1) for _ in range(2)]
    running = [asyncio.create_task(tending.run()) for tending in both]
    try:
        yield
    finally:
        for task in running:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await ledger.aclose()
        await pool.close()


async def asked_by_itself(hub: Hub, pending: CommandPending) -> PaymentNoticed:
    """What the hub's own question about the payment comes to."""
    asks = order_id(pending.command_id)
    result = (await hub.results([asks], within_s=60))[asks]
    assert isinstance(result, PaymentNoticed), result
    assert result.cause == "deadline"
    return result


async def paid_unheard(hub: Hub, pending: CommandPending) -> None:
    """The payment is completed at the provider, and nobody tells the hub."""
    completion = await at_the_bank(hub, pending)
    keys = {"api_key": SecretStr(hub.sandbox.api_key), "secret_key": SecretStr(hub.sandbox.secret_key)}
    account = Integration(INTEGRATION, CONNECTOR, "sandbox", hub.sandbox.base_url, keys)
    async with Caller(on_exchange=lambda _: None, on_breaker=lambda _: None, settings=CallerSettings()) as caller:
        shop = Shop(hub.sandbox, caller, account, [])
        shop.payments[pending.payment_id] = Payment(payment_id=pending.payment_id).after(pending)
        outcome = await shop.send(completion, shop.attempt(completion, PAID))
    assert outcome.verdict is Verdict.ACCEPTED


async def row_of(hub: Hub, payment_id: UUID) -> tuple[str, str | None]:
    """Status and reason of the payment's creation."""
    await hub.projected()
    async with hub.database() as database:
        row = await database.fetchrow(
            "select status, reason from payment_transactions where payment_id = $1 and kind = 'create'", payment_id
        )
    assert row is not None
    return row["status"], row["reason"]


async def test_a_start_that_nobody_returns_to_is_asked_about_once_and_given_up(hub: Hub) -> None:
    pending = await started(hub, a_start())
    assert pending.deadline is not None
    assert (pending.deadline - pending.concluded_at).total_seconds() == DEADLINE_S
    completion = await at_the_bank(hub, pending)

    async with tended(hub):
        told = await asked_by_itself(hub, pending)

    assert (told.abandoned, told.changed, told.provider_state) == (True, "failed", "pending")
    assert told.concluded_at >= pending.deadline
    refused = await Orders(hub).result(completion)
    assert isinstance(refused, CommandRefused)
    assert (refused.reason, refused.attempts) == (Reason.INVALID_STATE, 0), "and nothing was sent for it"
    assert (await booked(hub, pending)).charged_minor == 0
    assert await row_of(hub, pending.payment_id) == ("failed", "abandoned")
    await hub.caught_up()
    assert len([call for call in hub.calls if call.command_id == told.command_id]) == 1, "the provider was asked"
    assert {record.header("ce_id") for record in hub.copies(told.command_id)} == {
        hub.copies(told.command_id)[0].header("ce_id")
    }
    async with hub.database() as database:
        assert await database.fetchval("select count(*) from ledger.deadlines") == 0

    again = await started(hub, a_start(pending.payment_id))
    assert isinstance(await Orders(hub).result(await at_the_bank(hub, again)), ThreeDSecureCompleted)


async def test_a_payment_that_was_made_and_not_told_of_is_settled_and_not_given_up(hub: Hub) -> None:
    pending = await started(hub, a_start())
    await paid_unheard(hub, pending)

    async with tended(hub):
        told = await asked_by_itself(hub, pending)

    assert (told.changed, told.settles, told.abandoned, told.contradicts) == ("captured", True, False, False)
    assert (await booked(hub, pending)).charged_minor == 1250
    assert (await row_of(hub, pending.payment_id))[0] == "captured"


async def test_money_that_comes_after_the_end_is_booked_and_said_to_contradict(hub: Hub) -> None:
    pending = await started(hub, a_start())
    async with tended(hub):
        assert (await asked_by_itself(hub, pending)).abandoned

    await paid_unheard(hub, pending)
    late = await Orders(hub).result(a_take_notice(pending.payment_id, integration_id=INTEGRATION, said="captured"))

    assert isinstance(late, PaymentNoticed)
    assert (late.changed, late.contradicts, late.abandoned) == ("captured", True, False)
    assert await row_of(hub, pending.payment_id) == ("failed", "abandoned")


async def test_a_payment_is_not_given_up_while_its_provider_does_not_answer(hub: Hub) -> None:
    pending = await started(hub, a_start())
    asks = order_id(pending.command_id)
    hub.sandbox.faults.order(FaultOrder(FaultKind.ERROR_BEFORE, "/payment/detail", count=1_000))

    async with tended(hub):
        # Longer than any other question is asked: that would have ended as `unknown` by now.
        await hub.until(lambda: len([call for call in hub.calls if call.command_id == asks]) > 2, within_s=60)
        assert not hub.copies(asks)
        hub.sandbox.faults.clear()
        told = await asked_by_itself(hub, pending)

    assert told.abandoned
    assert (await booked(hub, pending)).charged_minor == 0
