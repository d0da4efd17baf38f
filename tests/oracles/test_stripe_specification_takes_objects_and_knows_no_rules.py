"""The sandbox's objects are as Stripe's own specification says. It says nothing of when and how they change."""

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator
from typing import Any, Final

import pytest_asyncio

from infra.sandbox.stripe import running_stripe_sandbox
from infra.sandbox.stripe.rendering import bare
from tests.oracles import stripe_mock
from tests.oracles.requirement import lacking
from tests.oracles.stripe_specification import StripeSpecification
from tests.stripe_shop import BACK, StripeShop, a_stripe_shop, form

ENOUGH: Final = 6
"""Of each kind; more of them are alike."""
KINDS: Final = {
    "balance_transaction",
    "billing_portal.session",
    "charge",
    "checkout.session",
    "customer",
    "dispute",
    "event",
    "invoice",
    "payment_intent",
    "payment_method",
    "payout",
    "price",
    "product",
    "refund",
    "setup_intent",
    "subscription",
}


@pytest_asyncio.fixture(scope="module")
async def specification() -> StripeSpecification:
    try:
        program = await asyncio.to_thread(stripe_mock.binary)
    except stripe_mock.CannotBuild as error:
        lacking(f"stripe-mock, which carries the specification, could not be built: {error}.")
    return await asyncio.to_thread(StripeSpecification.carried_by, program)


@pytest_asyncio.fixture(scope="module")
async def shop() -> AsyncIterator[StripeShop]:
    async with running_stripe_sandbox() as sandbox, a_stripe_shop(sandbox) as shop:
        await one_of_each(shop)
        yield shop


async def one_of_each(shop: StripeShop) -> None:
    """Something of each kind, in as many states as a few requests bring about."""
    v1 = shop.client.v1
    asked = form(payment_method="pm_card_visa", invoice_settings={"default_payment_method": "pm_card_visa"})
    customer = (await v1.customers.create_async(asked)).id
    held = await shop.paid(capture_method="manual", customer=customer)
    await v1.payment_intents.capture_async(held.id, {"amount_to_capture": 500})
    paid = await shop.paid(method="pm_card_refundFail", metadata={"kolaj_reference": "k1"})
    await v1.refunds.create_async({"payment_intent": paid.id, "amount": 100})
    await shop.post("/v1/payment_intents", amount="900", currency="try", payment_method="pm_card_chargeDeclined")
    await shop.paid(
        method="pm_card_authenticationRequired", automatic_payment_methods={"enabled": True}, return_url=BACK
    )
    await shop.paid(method="pm_card_createDispute")
    product = await v1.products.create_async({"name": "Coffee"})
    recurring: Any = {"product": product.id, "currency": "try", "unit_amount": 700, "recurring": {"interval": "day"}}
    price = await v1.prices.create_async(recurring)
    await v1.subscriptions.create_async({"customer": customer, "items": [{"price": price.id}]})
    await v1.setup_intents.create_async({"customer": customer, "payment_method": "pm_card_visa"})
    line: Any = {"quantity": 1, "price": price.id}
    page = form(mode="subscription", success_url=BACK, line_items=[line])
    session = await v1.checkout.sessions.create_async(page)
    await shop.walk(str(session.url), action="pay", payment_method="pm_card_visa")
    await v1.billing_portal.sessions.create_async({"customer": customer})
    await shop.sandbox.advance(3 * 24 * 3600)
    await shop.order("payouts")


async def test_each_object_is_as_specified(shop: StripeShop, specification: StripeSpecification) -> None:
    rows = await shop.sandbox.books.run(
        lambda connection: connection.execute("SELECT body FROM document ORDER BY position DESC").fetchall()
    )
    shown = defaultdict(list)
    for (body,) in rows:
        document = json.loads(body)
        shown[document["object"]].append(bare(document))
    assert shown.keys() == KINDS
    wrong = {
        kind: faults
        for kind, documents in shown.items()
        for document in documents[:ENOUGH]
        if (faults := specification.faults_of(document))
    }
    assert wrong == {}


async def test_a_spoilt_object_is_told(specification: StripeSpecification) -> None:
    faults = specification.faults_of({"object": "balance", "available": [{"amount": "1", "currency": "try"}]})
    assert any("available" in fault for fault in faults)
    assert any("pending" in fault for fault in faults)
