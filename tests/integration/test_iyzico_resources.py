"""Cards, subscriptions, sub-merchants and reports at iyzico, through the call machinery and against the sandbox."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import httpx
from pydantic import SecretStr

from infra.sandbox.iyzico import FaultKind, Sandbox, running_sandbox
from infra.sandbox.iyzico.faults import FaultOrder
from providers.caller import Caller
from providers.connector import Attempt, Card, Integration
from providers.exchange import CallerSettings
from providers.outcome import Outcome, Sighting
from providers.payments.iyzico import CONNECTOR
from providers.reference import reference_for
from providers.retry import RetryPolicy
from schemas.errors import OutcomeUnknown
from schemas.ids import new_id
from schemas.money import Share
from schemas.payments import ApproveLine, MerchantShare, Payment, StoredCard
from schemas.payments.open_outcomes import OpenCommand
from schemas.payments.resources import (
    ActivateSubscription,
    CancelSubscription,
    ChangeSubscriptionCard,
    CreatePlan,
    CreateProduct,
    CreateSubscription,
    DeleteCard,
    ListCards,
    ListPayouts,
    ListTransactions,
    QuerySubMerchant,
    QuerySubscription,
    RegisterSubMerchant,
    Resource,
    RetrySubscriptionCharge,
    StoreCard,
    UpdateSubMerchant,
    UpgradeSubscription,
)
from schemas.payments.vocabulary import Command
from schemas.verdicts import Verdict
from tests import builders
from tests.builders import lira
from tests.conformance.resource_orders import RESOURCE_ID, a_resource_order

CARD = Card(*map(SecretStr, ("5526080000000006", "ISIL CAGRI", "11", "2031", "917")))
CARD_REF = str(new_id())
TODAY = datetime.now(timezone(timedelta(hours=3))).date().isoformat()


@dataclass
class Shop:
    """One account. It keeps the one resource that a test is about as the ledger would."""

    sandbox: Sandbox
    caller: Caller
    integration: Integration
    resource: Resource = field(default_factory=lambda: Resource(resource_id=RESOURCE_ID))
    payment: Payment = field(default_factory=lambda: Payment(payment_id=new_id()))

    def attempt(self, command: Command, command_id: UUID | None = None) -> Attempt:
        made = command_id or new_id()
        card = CARD if getattr(command, "card_ref", None) is not None else None
        reference = reference_for(made, "a", 1, CONNECTOR.reference)
        return Attempt(made, 1, reference, self.payment, card=card, resource=self.resource)

    async def send(self, command: Command, attempt: Attempt | None = None) -> Outcome:
        operation = CONNECTOR.operation_for(type(command))
        assert operation is not None
        prepared = self.caller.prepare(self.integration, operation, command, attempt or self.attempt(command))
        async with self.caller.admission(self.integration, operation):
            return await self.caller.send(prepared, deadline_s=5)

    async def does(self, kind: type[Any], **said: Any) -> Any:
        """The details of an order that is accepted; the resource goes by the name that it gives."""
        outcome = await self.send(a_resource_order(kind, **said))
        assert outcome.verdict is Verdict.ACCEPTED, outcome
        self.know(outcome)
        return outcome.details

    def know(self, outcome: Outcome) -> None:
        customer = getattr(outcome.details, "customer_reference", None) or self.resource.customer_reference
        changed = {"provider_reference": outcome.reference, "customer_reference": customer, "stage": "active"}
        self.resource = self.resource.model_copy(update={**changed, "open_commands": ()})

    async def loses_the_answer_of(self, command: Command, path: str) -> Sighting:
        """What an inquiry finds of an order that was performed and whose answer never came."""
        self.sandbox.faults.order(FaultOrder(kind=FaultKind.ERROR_AFTER, path=path, count=1))
        operation, attempt = CONNECTOR.operation_for(type(command)), self.attempt(command)
        assert operation is not None
        try:
            await self.send(command, attempt)
        except OutcomeUnknown:
            finding = await self.caller.inquire(self.integration, operation, command, attempt, deadline_s=5)
            if finding.outcome is not None:
                self.know(finding.outcome)
            return finding.sighting
        raise AssertionError("the answer came")

    async def bring_about(self, order: str, **said: Any) -> Any:
        async with httpx.AsyncClient() as client:
            told = await client.post(f"{self.sandbox.base_url}/__sandbox__/{order}", json=said)
        assert told.status_code == httpx.codes.OK, told.text
        return told.json()


@asynccontextmanager
async def a_shop() -> AsyncIterator[Shop]:
    async with running_sandbox() as running:
        settings = CallerSettings(retry=RetryPolicy(tries=1), breaker_threshold=1000)
        async with Caller(on_exchange=lambda _: None, on_breaker=lambda _: None, settings=settings) as caller:
            keys = {"api_key": SecretStr(running.api_key), "secret_key": SecretStr(running.secret_key)}
            yield Shop(running, caller, Integration("shop", CONNECTOR, "sandbox", running.base_url, keys))


async def a_plan(shop: Shop, product: str, name: str, price: int) -> str:
    said = {"price": {"minor": price, "currency": "TRY"}, "trial_days": 0}
    plan = await shop.does(CreatePlan, product_reference=product, name=name, every="month", **said)
    return str(plan.plan_reference)


async def test_a_card_is_kept_listed_and_forgotten_also_when_answers_are_lost() -> None:
    async with a_shop() as shop:
        first = await shop.does(StoreCard, customer_key=None, alias="Benim kartım")
        key = first.customer_key
        assert (first.alias, first.card.last_four) == ("Benim kartım", "0006")
        again = a_resource_order(StoreCard, customer_key=key)
        assert await shop.loses_the_answer_of(again, "/cardstorage/card") is Sighting.CONCLUDED
        second = shop.resource.provider_reference
        kept = await shop.does(ListCards, customer_key=key)
        assert [card.card_token for card in kept.cards] == [first.card_token, second]
        gone = a_resource_order(DeleteCard, card_token=first.card_token, customer_key=key)
        assert await shop.loses_the_answer_of(gone, "/cardstorage/card") is Sighting.CONCLUDED
        kept = await shop.does(ListCards, customer_key=key)
        assert [card.card_token for card in kept.cards] == [second]


async def test_a_subscription_lives_from_its_plan_to_its_end() -> None:
    async with a_shop() as shop:
        product = a_resource_order(CreateProduct)
        assert await shop.loses_the_answer_of(product, "/v2/subscription/products") is Sighting.CONCLUDED
        reference = str(shop.resource.provider_reference)
        small, large = await a_plan(shop, reference, "Küçük", 1250), await a_plan(shop, reference, "Büyük", 2500)
        begins = {"customer_reference": None, "card_ref": CARD_REF, "plan_reference": small, "begins_active": False}
        begun = await shop.does(CreateSubscription, **begins)
        assert begun.state == "pending"
        assert (await shop.does(ActivateSubscription)).state == "active"
        told = await shop.does(QuerySubscription)
        (charge,) = told.charges
        assert (charge.state, str(charge.amount), charge.payment_reference is None) == ("paid", "12.50 TRY", False)
        failed = {"subscriptionReferenceCode": begun.subscription_reference, "outcome": "failure", "code": "10051"}
        await shop.bring_about("renewals", **failed)
        told = await shop.does(QuerySubscription)
        assert told.state == "unpaid"
        order = next(one.order_reference for one in told.charges if one.state != "paid")
        tried = await shop.send(a_resource_order(RetrySubscriptionCharge, order_reference=order))
        assert tried.verdict is Verdict.PENDING
        told = await shop.does(QuerySubscription)
        assert (told.state, {one.state for one in told.charges}) == ("active", {"paid"})
        upgrade = a_resource_order(UpgradeSubscription, plan_reference=large)
        path = "/v2/subscription/subscriptions/{subscription}/upgrade"
        assert await shop.loses_the_answer_of(upgrade, path) is Sighting.CONCLUDED
        assert shop.resource.provider_reference != begun.subscription_reference
        path = "/v2/subscription/subscriptions/{subscription}/cancel"
        assert await shop.loses_the_answer_of(a_resource_order(CancelSubscription), path) is Sighting.CONCLUDED
        assert (await shop.does(QuerySubscription)).state == "cancelled"


async def test_a_buyer_subscribes_on_the_page_and_gives_another_card_there() -> None:
    async with a_shop() as shop:
        product = await shop.does(CreateProduct)
        plan = await a_plan(shop, product.product_reference, "Aylık", 1250)
        said = {"customer_reference": None, "return_url": "https://shop.example/back", "plan_reference": plan}
        command, command_id = a_resource_order(CreateSubscription, **said), new_id()
        begun = await shop.send(command, shop.attempt(command, command_id))
        assert begun.verdict is Verdict.PENDING
        assert begun.next_action is not None
        shop.know(begun)
        opened = OpenCommand(command_id=command_id, command_type=command.type, verdict="pending")
        shop.resource = shop.resource.model_copy(update={"open_commands": (opened,), "stage": "pending"})
        waiting = await shop.send(a_resource_order(QuerySubscription))
        assert (waiting.details.state, waiting.details.subscription_reference) == ("pending", None)  # type: ignore[union-attr] # it is a subscription's
        await shop.bring_about("checkout", token=begun.reference, card="card-akbank-credit")
        told = await shop.does(QuerySubscription)
        assert (told.state, told.plan_reference) == ("active", plan)
        changing = await shop.send(a_resource_order(ChangeSubscriptionCard, customer_reference=told.customer_reference))
        assert (changing.verdict, changing.reference) == (Verdict.PENDING, told.subscription_reference)


async def test_a_sub_merchant_is_paid_out_for_a_line_that_was_approved() -> None:
    async with a_shop() as shop:
        registered = a_resource_order(RegisterSubMerchant)
        assert await shop.loses_the_answer_of(registered, "/onboarding/submerchant") is Sighting.CONCLUDED
        key = (await shop.does(QuerySubMerchant)).merchant_key
        moved = a_resource_order(UpdateSubMerchant, address="Moda Cad. 1, Kadıköy")
        assert await shop.loses_the_answer_of(moved, "/onboarding/submerchant") is Sighting.CONCLUDED
        price, share = lira("12.50"), MerchantShare(merchant_key=key, amount=Share(minor=1000, currency="TRY"))
        card = StoredCard(kind="stored_card", card_token="card-akbank-credit", customer_key="sandbox-wallet")
        sale = builders.a_create_payment(price, method=card, basket=(builders.a_line(price, merchant_share=share),))
        paid = await shop.send(sale)
        shop.payment = shop.payment.model_copy(
            update={"provider_reference": paid.reference, "lines": paid.lines, "captured": 1250, "currency": "TRY"}
        )
        for withdraw in (False, True, False):
            order = ApproveLine(payment_id=shop.payment.payment_id, line_id="line-1", withdraw=withdraw)
            path = f"/payment/iyzipos/item/{'dis' if withdraw else ''}approve"
            assert await shop.loses_the_answer_of(order, path) is Sighting.CONCLUDED
        await shop.bring_about("payouts")
        page = await shop.does(ListPayouts, day=TODAY)
        assert {(one.kind, one.merchant_key) for one in page.payouts} >= {("paid_out", key)}
        await shop.bring_about("bounces", subMerchantKey=key)
        page = await shop.does(ListPayouts, day=TODAY, cursor=page.next_cursor)
        assert ([(one.kind, one.merchant_key) for one in page.payouts], page.next_cursor) == ([("returned", key)], None)
        report = await shop.does(ListTransactions, day=TODAY)
        (row,) = report.transactions
        assert (row.kind, str(row.amount), row.payment_reference) == ("payment", "12.50 TRY", paid.reference)
        assert abs((row.at - datetime.now(UTC)).total_seconds()) < 3600
        assert report.next_cursor is None
