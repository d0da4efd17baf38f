"""PayPal's payer at a whole hub: who completes what the payer agreed to, and that it is taken once."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any, Final

import asyncpg
import pytest
import pytest_asyncio

from agents.payments.completions import completion_id
from infra.gateway.returns.completing import Completing, Completion
from infra.gateway.returns.desk import order
from infra.gateway.returns.standing import Begun, Standing
from infra.gateway.returns.ticket import Proved, Ticket
from infra.integration_settings import credential_prefix
from infra.local import LocalStack
from providers.connector import Integration
from providers.payments.paypal import CONNECTOR
from schemas.ids import new_id
from schemas.payments import (
    CommandPending,
    CommandRefused,
    PaymentNoticed,
    ReturnedField,
    ThreeDSecureCompleted,
    Wallet,
)
from schemas.verdicts import FailureClass
from tests import builders
from tests.acceptance.orders import Orders
from tests.conformance.far_side import FarSide, far_side
from tests.hub import Hub, running_hub
from tests.small_paypal import SmallPayPal

BY_SHOP: Final = "paypal-test"
BY_HUB: Final = "paypal-by-hub"
PRICE: Final = builders.money("10.99", "EUR")
WALLET: Final = Wallet(kind="wallet", wallet="paypal", return_url="https://shop.example/back")
KEYS: Final = ("CLIENT_ID", "CLIENT_SECRET", "WEBHOOK_ID")


class Turned:
    """Small PayPals one after the other behind one address: an order each."""

    def __init__(self) -> None:
        self.now = SmallPayPal()

    async def answer(self, far: FarSide, request: Any) -> Any:
        return await self.now.answer(far, request)


@pytest_asyncio.fixture(scope="module")
async def paypals() -> AsyncIterator[tuple[Turned, FarSide]]:
    turned = Turned()
    async with far_side(turned.answer) as far:
        yield turned, far


@pytest_asyncio.fixture(scope="module")
async def hub(
    stack: LocalStack, database_url: str, topic_prefix: str, paypals: tuple[Turned, FarSide]
) -> AsyncIterator[Hub]:
    address = paypals[1].base_url
    common = {"provider": "paypal", "base_url": address}
    entries = [
        {"id": BY_SHOP, **common},
        {"id": BY_HUB, **common, "settings": {"complete_when_approved": True}},
    ]
    secrets = {credential_prefix(name) + key: "sandbox-0001" for name in (BY_SHOP, BY_HUB) for key in KEYS}
    overrides = {"KOLAJ_INTEGRATIONS": json.dumps(entries), **secrets}
    async with running_hub(stack.bootstrap, database_url, topic_prefix, overrides=overrides) as running:
        yield running


@pytest.fixture
def paypal(paypals: tuple[Turned, FarSide]) -> SmallPayPal:
    paypals[0].now = SmallPayPal(order_id=f"O{new_id().hex}")
    return paypals[0].now


@pytest.fixture
def orders(hub: Hub) -> Orders:
    return Orders(hub)


async def begun(orders: Orders, at: str) -> CommandPending:
    creation = builders.a_create_payment(PRICE, method=WALLET, integration_id=at)
    pending = await orders.result(creation)
    assert isinstance(pending, CommandPending)
    assert pending.deadline is not None
    return pending


async def came_back(hub: Hub, pending: CommandPending, paypal: SmallPayPal) -> Completion:
    """What the page of returns makes of a shopper who comes back, from the tables as they are."""
    await hub.projected()
    made_ms = int(datetime.now(UTC).timestamp() * 1000)
    ticket = Ticket(pending.payment_id, "https://shop.example/done", BY_SHOP, made_ms, made_ms)
    came = Proved(ticket, pending.command_id)
    seen: list[Begun] = []

    async def look(found: Begun) -> None:
        seen.append(found)

    async with asyncpg.create_pool(hub.settings.database_url.get_secret_value(), min_size=1, max_size=1) as pool:
        await Standing(pool).settled(came, look, within_s=20)
    account = Integration(BY_SHOP, CONNECTOR, "sandbox", "https://x.example", {})
    fields = (ReturnedField(name="token", value=paypal.order["id"]), ReturnedField(name="PayerID", value="P1"))
    completion = Completing({BY_SHOP: account}).completion(came, seen[0], fields)
    assert completion is not None
    await hub.publish([order(hub.commands, came, completion)])
    return completion


async def row_of(hub: Hub, pending: CommandPending) -> tuple[str, int | None]:
    await hub.projected()
    async with hub.database() as database:
        row = await database.fetchrow(
            "select status, amount_minor from payment_transactions where transaction_id = $1", pending.command_id
        )
    assert row is not None
    return row["status"], row["amount_minor"]


async def test_a_return_completes_what_was_agreed_to_and_a_return_without_a_yes_leaves_it_waiting(
    hub: Hub, orders: Orders, paypal: SmallPayPal
) -> None:
    pending = await begun(orders, BY_SHOP)
    first = await came_back(hub, pending, paypal)
    refused = (await hub.results([first.command_id]))[first.command_id]
    assert isinstance(refused, CommandRefused)
    assert (refused.failure, refused.provider_code) == (FailureClass.STATE, "ORDER_NOT_APPROVED")
    assert (await row_of(hub, pending))[0] == "pending"

    paypal.agreed = True
    paypal.loses = ["capture"]
    second = await came_back(hub, pending, paypal)
    taken = (await hub.results([second.command_id]))[second.command_id]
    assert isinstance(taken, ThreeDSecureCompleted), "an answer that was lost is asked about"
    assert (taken.changed, taken.settles) == ("captured", True)
    again = await orders.result(builders.a_complete_three_d_secure(pending.payment_id))
    assert isinstance(again, CommandRefused)
    assert paypal.moved == ["capture"]
    assert await row_of(hub, pending) == ("captured", 1099)


@pytest.mark.parametrize("at", [BY_SHOP, BY_HUB])
async def test_a_word_that_the_payer_agreed_makes_the_hub_complete_where_the_account_lets_it(
    hub: Hub, orders: Orders, paypal: SmallPayPal, at: str
) -> None:
    pending = await begun(orders, at)
    paypal.agreed, paypal.order["status"] = True, "APPROVED"
    about = {"integration_id": at, "our_reference": None, "provider_reference": paypal.order["id"], "said": "pending"}
    heard = [builders.a_take_notice(pending.payment_id, event_id=event_id, **about) for event_id in ("WH-1", "WH-2")]
    one, two = await orders.publish(*heard)
    noticed = (await hub.results([one, two]))[one]
    assert isinstance(noticed, PaymentNoticed)
    assert (noticed.payer_agreed, noticed.changed) == (True, None)
    if at == BY_SHOP:
        completed = await orders.result(builders.a_complete_three_d_secure(pending.payment_id))
    else:
        completed = (await hub.results([completion_id(one)]))[completion_id(one)]
    assert isinstance(completed, ThreeDSecureCompleted)
    await asyncio.wait_for(hub.caught_up(), 30)
    assert paypal.moved == ["capture"]
    assert await row_of(hub, pending) == ("captured", 1099)
