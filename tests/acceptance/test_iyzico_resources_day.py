"""What iyzico keeps for a shop, through the whole hub: subscriptions, cards and sub-merchants, and calls about them."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Final
from uuid import UUID

import httpx
import pytest_asyncio

from infra.integration_settings import credential_prefix
from infra.local import LocalStack
from infra.local.process import free_ports
from infra.sandbox.iyzico import DEFAULT_KEYS, WALLET_TOKENS, Notifying, Sandbox, running_sandbox
from infra.sandbox.iyzico.events import MERCHANT
from schemas.ids import new_id
from schemas.money import Share
from schemas.payments import LineApproved, MerchantShare, PaymentCreated, StoredCard
from schemas.payments.resources import (
    CancelSubscription,
    CreatePlan,
    CreateProduct,
    CreateSubscription,
    DeleteCard,
    ListCards,
    ListTransactions,
    RegisterSubMerchant,
    StoreCard,
)
from schemas.payments.resources.results import SubscriptionQueried
from tests.acceptance.shop_day import ShopDay
from tests.api_server import running_api
from tests.builders import a_create_payment, a_line, an_approve_line, lira
from tests.hub import running_hub

INTEGRATION: Final = "iyzico-day"
CARD: Final = WALLET_TOKENS["card-akbank-credit"]


@dataclass(frozen=True)
class Day(ShopDay):
    """With the provider's side of it."""

    sandbox: Sandbox

    async def bring_about(self, order: str, **said: str) -> None:
        async with httpx.AsyncClient() as client:
            told = await client.post(self.sandbox.admin_url + order, json=said)
        assert told.status_code == 200, told.text

    async def row(self, resource_id: UUID) -> tuple[str, str, str]:
        """Kind, stage and the provider's name for it, as the hub's tables have them."""
        await self.hub.projected()
        async with self.hub.database() as database:
            row = await database.fetchrow("select * from payment_resources where resource_id = $1", resource_id)
        return row["kind"], row["stage"], row["provider_reference"]

    async def told(self, subscription: UUID, event_type: str) -> SubscriptionQueried:
        """What came of a call about a subscription."""

        def found() -> list[SubscriptionQueried]:
            return [
                event
                for event in self.hub.events
                if isinstance(event, SubscriptionQueried)
                and (event.resource_id, event.event_type) == (subscription, event_type)
            ]

        return (await self.hub.until(found))[0]


def the_settings(base_url: str) -> dict[str, str]:
    entry = {"id": INTEGRATION, "provider": "iyzico", "base_url": base_url, "settings": {"merchant_id": MERCHANT}}
    prefix = credential_prefix(INTEGRATION)
    return {
        "KOLAJ_INTEGRATIONS": json.dumps([entry]),
        f"{prefix}API_KEY": DEFAULT_KEYS.api_key,
        f"{prefix}SECRET_KEY": DEFAULT_KEYS.secret_key,
    }


@asynccontextmanager
async def a_calling_sandbox(port: int) -> AsyncIterator[Sandbox]:
    """One that tells the gateway at this port of everything at once, and twice."""
    url = f"http://127.0.0.1:{port}/webhooks/{INTEGRATION}"
    async with running_sandbox(notifying=Notifying(url, delay_s=0, again_s=0.2, repeats=2)) as sandbox:
        yield sandbox


@pytest_asyncio.fixture(scope="module")
async def day(stack: LocalStack, database_url: str, topic_prefix: str) -> AsyncIterator[Day]:
    (port,) = free_ports(1)
    async with (
        a_calling_sandbox(port) as sandbox,
        running_hub(stack.bootstrap, database_url, topic_prefix, overrides=the_settings(sandbox.base_url)) as hub,
        running_api(hub.settings, port=port) as api,
    ):
        yield Day(hub, api, INTEGRATION, sandbox)


async def test_a_subscription_begins_is_renewed_by_the_provider_and_ends(day: Day) -> None:
    product = await day.asks(CreateProduct)
    named = {"product_reference": product.product_reference, "price": lira("12.50"), "every": "month"}
    plan = await day.asks(CreatePlan, **named)
    resource_id, card_ref = new_id(), await day.card(CARD)
    begun = await day.asks(CreateSubscription, resource_id, plan_reference=plan.plan_reference, card_ref=card_ref)
    assert begun.state == "active"

    renewed = {"subscriptionReferenceCode": begun.subscription_reference, "outcome": "success"}
    await day.bring_about("renewals", **renewed)
    told = await day.told(resource_id, "subscription.order.success")
    assert [(one.state, str(one.amount)) for one in told.details.charges][:2] == [("paid", "12.50 TRY")] * 2
    await day.bring_about("renewals", **(renewed | {"outcome": "failure", "code": "10051"}))
    assert (await day.told(resource_id, "subscription.order.failure")).details.state == "unpaid"

    ended = await day.asks(CancelSubscription, resource_id)
    assert ended.state == "cancelled"
    assert await day.row(resource_id) == ("subscription", "ended", begun.subscription_reference)


async def test_a_card_is_kept_paid_with_and_forgotten(day: Day) -> None:
    resource_id = new_id()
    kept = await day.asks(StoreCard, resource_id, card_ref=await day.card(CARD))
    listed = await day.asks(ListCards, customer_key=kept.customer_key)
    assert [one.card_token for one in listed.cards] == [kept.card_token]
    method = StoredCard(kind="stored_card", card_token=kept.card_token, customer_key=kept.customer_key)
    paid = await day.does(a_create_payment(integration_id=INTEGRATION, method=method))
    assert isinstance(paid, PaymentCreated), paid
    gone = await day.asks(DeleteCard, resource_id)
    assert gone.card_token == kept.card_token
    assert (await day.asks(ListCards, customer_key=kept.customer_key)).cards == ()
    assert await day.row(resource_id) == ("card", "ended", kept.card_token)


async def test_a_sub_merchants_share_is_paid_approved_and_reported(day: Day) -> None:
    seller = await day.asks(RegisterSubMerchant, tax_number="9261877")
    share = MerchantShare(merchant_key=seller.merchant_key, amount=Share(minor=1000, currency="TRY"))
    method = StoredCard(kind="stored_card", card_token="card-akbank-credit", customer_key="sandbox-wallet")
    basket = (a_line(lira("12.50"), merchant_share=share),)
    sale = a_create_payment(integration_id=INTEGRATION, method=method, basket=basket)
    paid = await day.does(sale)
    assert isinstance(paid, PaymentCreated), paid
    approved = await day.does(an_approve_line(sale.payment_id))
    assert isinstance(approved, LineApproved), approved
    assert paid.performed is not None
    today = datetime.now(UTC).astimezone(timezone(timedelta(hours=3))).date()
    report = await day.asks(ListTransactions, day=today)
    ours = [one for one in report.transactions if one.payment_reference == paid.performed.provider_reference]
    assert [(one.kind, str(one.amount)) for one in ours] == [("payment", "12.50 TRY")]
    noticed = await day.noticed(sale.payment_id)
    assert (noticed.said, noticed.changed, noticed.contradicts) == ("captured", None, False)
    assert day.hub.dead == []
