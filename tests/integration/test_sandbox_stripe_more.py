"""Stripe's own client drives the rest: pages, subscriptions, disputes, balance, payouts."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
import stripe

from infra.sandbox.stripe import running_stripe_sandbox
from tests.stripe_shapes import misshapen
from tests.stripe_shop import StripeShop, a_stripe_shop, form

DAY_S = 24 * 3600
BACK = "https://shop.example/back?page={CHECKOUT_SESSION_ID}"
PAGE: Any = {
    "mode": "payment",
    "success_url": BACK,
    "cancel_url": "https://shop.example/left",
    "line_items": [
        {"quantity": 2, "price_data": {"currency": "try", "unit_amount": 1250, "product_data": {"name": "mug"}}}
    ],
    "payment_intent_data": {"metadata": {"kolaj_reference": "k1"}},
}


@pytest_asyncio.fixture(scope="module")
async def shop() -> AsyncIterator[StripeShop]:
    async with running_stripe_sandbox() as sandbox, a_stripe_shop(sandbox) as shop:
        yield shop


async def a_price(shop: StripeShop, amount: int = 1000, **recurring: Any) -> stripe.Price:
    product = await shop.client.v1.products.create_async({"name": "Coffee"})
    asked: Any = {"product": product.id, "currency": "try", "unit_amount": amount, "lookup_key": f"k{product.id}"}
    return await shop.client.v1.prices.create_async(form(asked, recurring={"interval": "month", **recurring}))


async def a_customer(shop: StripeShop, method: str = "pm_card_visa") -> str:
    asked: Any = {"payment_method": method, "invoice_settings": {"default_payment_method": method}}
    return (await shop.client.v1.customers.create_async(asked)).id


async def subscribed(shop: StripeShop, customer: str, price: str, **more: Any) -> stripe.Subscription:
    asked: Any = {"customer": customer, "items": [{"price": price}], "payment_behavior": "error_if_incomplete"}
    return await shop.client.v1.subscriptions.create_async(form(asked, more))


def opened(paid: stripe.checkout.Session) -> str:
    assert (paid.status, paid.payment_intent) == ("open", None)
    assert paid.url is not None
    return paid.url


async def test_a_buyer_pays_on_the_page(shop: StripeShop) -> None:
    sessions = shop.client.v1.checkout.sessions
    session = await sessions.create_async(PAGE)
    assert session.amount_total == 2500
    url = opened(session)
    assert (await shop.walk(url, action="leave"))[0] == "https://shop.example/left"
    _, _, shown = await shop.walk(url, action="pay", payment_method="pm_card_chargeDeclined")
    assert "declined" in shown
    where, told, _ = await shop.walk(url, action="pay", payment_method="pm_card_visa")
    assert (where or "").startswith("https://shop.example/back")
    assert told["page"] == session.id
    done = await sessions.retrieve_async(session.id, {"expand": ["payment_intent", "line_items"]})
    assert (done.status, done.payment_status, done.url) == ("complete", "paid", None)
    assert isinstance(done.payment_intent, stripe.PaymentIntent)
    assert (done.payment_intent.amount_received, done.payment_intent.metadata["kolaj_reference"]) == (2500, "k1")
    assert len(done.line_items.data if done.line_items else []) == 1
    with pytest.raises(stripe.InvalidRequestError):
        await sessions.expire_async(session.id)


async def test_a_bank_asks_on_the_way_from_the_page(shop: StripeShop) -> None:
    sessions = shop.client.v1.checkout.sessions
    held: Any = {**PAGE, "payment_intent_data": {"capture_method": "manual", "setup_future_usage": "off_session"}}
    session = await sessions.create_async(held)
    url = opened(session)
    for action, ends_at in (("fail", url), ("succeed", "https://shop.example/back")):
        bank, _, _ = await shop.walk(url, action="pay", payment_method="pm_card_authenticationRequired")
        assert bank is not None
        back, _, _ = await shop.walk(bank, action=action)
        leads = (await shop.browser.get(back or "")).headers["location"]
        assert leads.startswith(ends_at)
    done = await sessions.retrieve_async(session.id, {"expand": ["payment_intent"]})
    assert (done.status, done.payment_status) == ("complete", "unpaid")
    assert isinstance(done.payment_intent, stripe.PaymentIntent)
    assert done.payment_intent.status == "requires_capture"
    cards = (await shop.client.v1.payment_methods.list_async({"customer": str(done.customer)})).data
    assert [card.id for card in cards] == [done.payment_intent.payment_method]


async def test_a_page_is_closed_or_lapses(shop: StripeShop) -> None:
    sessions = shop.client.v1.checkout.sessions
    session = await sessions.create_async(PAGE)
    closed = await sessions.expire_async(session.id)
    assert (closed.status, closed.url) == ("expired", None)
    assert "no longer" in (await shop.browser.get(session.url or "")).text
    session = await sessions.create_async(PAGE)
    await shop.sandbox.advance(DAY_S + 1)
    assert (await sessions.retrieve_async(session.id)).status == "expired"


async def test_a_card_is_given_on_a_page(shop: StripeShop) -> None:
    customer = (await shop.client.v1.customers.create_async({})).id
    asked: Any = {"mode": "setup", "success_url": BACK, "customer": customer, "currency": "try"}
    session = await shop.client.v1.checkout.sessions.create_async(asked)
    await shop.walk(opened(session), action="pay", payment_method="pm_card_mastercard")
    done = await shop.client.v1.checkout.sessions.retrieve_async(session.id, {"expand": ["setup_intent"]})
    assert isinstance(done.setup_intent, stripe.SetupIntent)
    assert (done.status, done.setup_intent.status, done.setup_intent.customer) == ("complete", "succeeded", customer)


async def test_a_subscription_is_begun_on_a_page(shop: StripeShop) -> None:
    price = await a_price(shop, 900)
    asked: Any = {
        "mode": "subscription",
        "success_url": BACK,
        "line_items": [{"price": price.id, "quantity": 1}],
        "subscription_data": {"metadata": {"kolaj_reference": "s1"}},
    }
    session = await shop.client.v1.checkout.sessions.create_async(asked)
    url = opened(session)
    _, _, shown = await shop.walk(url, action="pay", payment_method="pm_card_chargeCustomerFail")
    assert "declined" in shown
    await shop.walk(url, action="pay", payment_method="pm_card_visa")
    done = await shop.client.v1.checkout.sessions.retrieve_async(
        session.id, {"expand": ["subscription.latest_invoice.payments"]}
    )
    assert isinstance(done.subscription, stripe.Subscription)
    assert (done.status, done.subscription.status) == ("complete", "active")
    assert done.subscription.metadata["kolaj_reference"] == "s1"
    invoice: Any = done.subscription.latest_invoice
    assert (invoice.status, invoice.amount_paid) == ("paid", 900)
    assert invoice.payments.data[0].payment.payment_intent.startswith("pi_")


async def test_a_subscription_renews_by_the_clock_until_it_is_cancelled(shop: StripeShop) -> None:
    subscriptions = shop.client.v1.subscriptions
    customer = await a_customer(shop)
    price = await a_price(shop, 1500, interval="week")
    found = (await shop.client.v1.prices.list_async({"lookup_keys": [str(price.lookup_key)]})).data
    assert [one.id for one in found] == [price.id]
    made = await subscribed(shop, customer, price.id, metadata={"kolaj_reference": "s2"})
    assert made.status == "active"
    await shop.sandbox.advance(7 * DAY_S + 5)
    invoices = (await shop.client.v1.invoices.list_async({"customer": customer})).data
    assert [(one.status, one.billing_reason) for one in invoices] == [
        ("paid", "subscription_cycle"),
        ("paid", "subscription_create"),
    ]
    ended = await subscriptions.cancel_async(made.id, {"cancellation_details": {"comment": "k9"}})
    assert (ended.status, ended.cancellation_details and ended.cancellation_details.comment) == ("canceled", "k9")
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await subscriptions.cancel_async(made.id)
    assert refused.value.code == "resource_missing"
    assert (await subscriptions.retrieve_async(made.id)).status == "canceled"
    assert (await subscriptions.list_async({"customer": customer})).data == []


async def test_a_first_charge_that_is_declined_begins_nothing(shop: StripeShop) -> None:
    price = await a_price(shop)
    customer = await a_customer(shop, "pm_card_chargeCustomerFail")
    with pytest.raises(stripe.CardError):
        await subscribed(shop, customer, price.id)
    assert (await shop.client.v1.subscriptions.list_async({"customer": customer, "status": "all"})).data == []
    bare = (await shop.client.v1.customers.create_async({"payment_method": "pm_card_visa"})).id
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await subscribed(shop, bare, price.id)
    assert refused.value.code == "resource_missing"


async def test_a_first_charge_may_be_left_to_the_buyer(shop: StripeShop) -> None:
    price = await a_price(shop)
    customer = await a_customer(shop)
    made = await subscribed(
        shop, customer, price.id, payment_behavior="default_incomplete", expand=["latest_invoice.payments"]
    )
    assert made.status == "incomplete"
    invoice: Any = made.latest_invoice
    intent = invoice.payments.data[0].payment.payment_intent
    confirmed: Any = {"payment_method": "pm_card_visa", "return_url": "https://shop.example"}
    await shop.client.v1.payment_intents.confirm_async(intent, confirmed)
    assert (await shop.client.v1.subscriptions.retrieve_async(made.id)).status == "active"
    lapsing = await subscribed(shop, customer, price.id, payment_behavior="default_incomplete")
    await shop.sandbox.advance(DAY_S)
    assert (await shop.client.v1.subscriptions.retrieve_async(lapsing.id)).status == "incomplete_expired"


async def test_a_declined_renewal_is_tried_again_and_paid_with_another_card(shop: StripeShop) -> None:
    v1 = shop.client.v1
    customer = await a_customer(shop)
    price = await a_price(shop, 700, interval="day")
    made = await subscribed(shop, customer, price.id)
    declining = await v1.payment_methods.attach_async("pm_card_chargeCustomerFail", {"customer": customer})
    await v1.customers.update_async(customer, {"invoice_settings": {"default_payment_method": declining.id}})
    await shop.sandbox.advance(DAY_S + 5)
    behind = await v1.subscriptions.retrieve_async(made.id, {"expand": ["latest_invoice"]})
    assert behind.status == "past_due"
    assert isinstance(behind.latest_invoice, stripe.Invoice)
    assert (behind.latest_invoice.status, behind.latest_invoice.attempted) == ("open", True)
    with pytest.raises(stripe.CardError):
        await v1.invoices.pay_async(behind.latest_invoice.id)
    portal = await v1.billing_portal.sessions.create_async(
        {"customer": customer, "return_url": "https://shop.example", "flow_data": {"type": "payment_method_update"}}
    )
    where, _, _ = await shop.walk(portal.url, action="add", payment_method="pm_card_visa")
    assert where == "https://shop.example"
    paid = await v1.invoices.pay_async(behind.latest_invoice.id)
    assert paid.status == "paid"
    assert (await v1.subscriptions.retrieve_async(made.id)).status == "active"
    with pytest.raises(stripe.InvalidRequestError):
        await v1.invoices.pay_async(paid.id)


async def test_what_nobody_pays_ends(shop: StripeShop) -> None:
    v1 = shop.client.v1
    customer = await a_customer(shop)
    price = await a_price(shop, 700, interval="month")
    made = await subscribed(shop, customer, price.id)
    declining = await v1.payment_methods.attach_async("pm_card_chargeCustomerFail", {"customer": customer})
    await v1.customers.update_async(customer, {"invoice_settings": {"default_payment_method": declining.id}})
    await shop.sandbox.advance(31 * DAY_S + 5)
    await shop.sandbox.advance(10 * DAY_S)
    ended = await v1.subscriptions.retrieve_async(made.id)
    assert (ended.status, ended.cancellation_details and ended.cancellation_details.reason) == (
        "canceled",
        "payment_failed",
    )


async def test_a_trial_costs_nothing_and_then_does(shop: StripeShop) -> None:
    customer = await a_customer(shop)
    price = await a_price(shop, 800, trial_period_days=14)
    made = await subscribed(shop, customer, price.id, trial_from_plan=True)
    assert (made.status, made.trial_end) == ("trialing", made.created + 14 * DAY_S)
    await shop.sandbox.advance(14 * DAY_S + 5)
    begun = await shop.client.v1.subscriptions.retrieve_async(made.id, {"expand": ["latest_invoice"]})
    assert begun.status == "active"
    assert isinstance(begun.latest_invoice, stripe.Invoice)
    assert begun.latest_invoice.amount_paid == 800


async def test_another_plan_is_billed_in_proportion(shop: StripeShop) -> None:
    v1 = shop.client.v1
    customer = await a_customer(shop)
    small, large = await a_price(shop, 1000, interval="week"), await a_price(shop, 3000, interval="week")
    made = await subscribed(shop, customer, small.id)
    item = made["items"].data[0].id
    added: Any = {"items": [{"price": large.id}], "proration_behavior": "none"}
    assert len((await v1.subscriptions.update_async(made.id, added))["items"].data) == 2
    dropped: Any = {"items": [{"id": item, "deleted": True}], "proration_behavior": "none"}
    left = await v1.subscriptions.update_async(made.id, dropped)
    (line,) = left["items"].data
    await shop.sandbox.advance(3.5 * DAY_S)
    back: Any = {"items": [{"id": line.id, "price": small.id}], "metadata": {"kolaj_change": "c1"}}
    moved = await v1.subscriptions.update_async(made.id, back)
    assert ([one.price.id for one in moved["items"].data], moved.metadata["kolaj_change"]) == ([small.id], "c1")
    await shop.sandbox.advance(3.5 * DAY_S + 5)
    (newest, *_) = (await v1.invoices.list_async({"customer": customer})).data
    assert (newest.billing_reason, newest.amount_due) == ("subscription_cycle", 0)
    yearly = await a_price(shop, 20000, interval="year")
    now: Any = {"items": [{"id": moved["items"].data[0].id, "price": yearly.id}], "proration_behavior": "none"}
    await v1.subscriptions.update_async(made.id, now)
    (newest, *_) = (await v1.invoices.list_async({"customer": customer})).data
    assert (newest.billing_reason, newest.amount_due) == ("subscription_update", 20000)


async def test_a_product_is_made_once(shop: StripeShop) -> None:
    products = shop.client.v1.products
    made = await products.create_async({"id": "k0laj77", "name": "Coffee"})
    assert (await products.retrieve_async("k0laj77")).name == made.name
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await products.create_async({"id": "k0laj77", "name": "Coffee"})
    assert refused.value.code == "resource_already_exists"


async def test_a_dispute_takes_the_money_and_winning_brings_it_back(shop: StripeShop) -> None:
    v1 = shop.client.v1
    before = shop.sandbox.books.totals().balance_minor.get("eur", 0)
    paid = await shop.paid(5000, method="pm_card_createDispute", currency="eur")
    await shop.sandbox.advance(2)
    (dispute,) = (await v1.disputes.list_async({"payment_intent": paid.id})).data
    assert (dispute.status, dispute.amount, dispute.reason) == ("needs_response", 5000, "fraudulent")
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await v1.refunds.create_async({"payment_intent": paid.id})
    assert refused.value.code == "charge_disputed"
    fees = 175 + 1500
    assert shop.sandbox.books.totals().balance_minor["eur"] == before - fees
    won = await v1.disputes.update_async(dispute.id, {"evidence": {"uncategorized_text": "winning_evidence"}})
    assert won.status == "won"
    assert shop.sandbox.books.totals().balance_minor["eur"] == before + 5000 - fees
    kinds = [one.kind for one in shop.sandbox.books.movements() if one.reference == paid.id]
    assert kinds == ["payment", "fee", "dispute", "fee", "dispute_reversal"]


async def test_a_dispute_is_opened_and_decided_by_order(shop: StripeShop) -> None:
    v1 = shop.client.v1
    paid = await shop.paid(2000)
    told = await shop.order("disputes", about=paid.id, reason="inquiry", amount=500)
    assert (told["status"], told["amount"]) == ("warning_needs_response", 500)
    assert (await shop.order("disputes", about=told["id"], outcome="warning_closed"))["status"] == "warning_closed"
    other = await shop.paid(2000)
    opened_now = await shop.order("disputes", about=other.id, reason="duplicate")
    assert (await v1.disputes.close_async(opened_now["id"])).status == "lost"
    with pytest.raises(stripe.InvalidRequestError):
        await v1.disputes.close_async(opened_now["id"])
    assert (await v1.disputes.retrieve_async(opened_now["id"])).status == "lost"


async def test_the_balance_is_paid_out_and_may_come_back(shop: StripeShop) -> None:
    v1 = shop.client.v1
    await shop.paid(9000, currency="gbp")
    net = 9000 - 291
    pending = {part.currency: part.amount for part in (await v1.balance.retrieve_async()).pending}
    assert pending["gbp"] == net
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await v1.payouts.create_async({"amount": 100, "currency": "gbp"})
    assert refused.value.code == "balance_insufficient"
    await shop.sandbox.advance(2 * DAY_S + 5)
    payout = await v1.payouts.create_async({"amount": net, "currency": "gbp"})
    assert payout.status == "in_transit"
    await shop.sandbox.advance(3 * DAY_S)
    assert (await v1.payouts.retrieve_async(payout.id)).status == "paid"
    assert shop.sandbox.books.totals().balance_minor["gbp"] == 0
    back = await shop.order("payouts", failed=payout.id)
    assert back["status"] == "failed"
    listed = await v1.payouts.list_async({"arrival_date": {"gte": payout.arrival_date, "lte": payout.arrival_date}})
    assert payout.id in [one.id for one in listed.data]
    told = (await shop.order("payouts"))["payouts"]
    assert ("gbp", net) in [(one["currency"], one["amount"]) for one in told]


async def test_balance_transactions_are_paged_with_what_they_are_of(shop: StripeShop) -> None:
    paid = await shop.paid(4000, currency="chf", metadata={"kolaj_reference": "k5"})
    await shop.client.v1.refunds.create_async({"payment_intent": paid.id, "amount": 1500})
    lines = await shop.client.v1.balance_transactions.list_async(
        {"currency": "chf", "limit": 1, "expand": ["data.source"]}
    )
    found: Any = [line async for line in lines.auto_paging_iter()]
    assert [(one.reporting_category, one.amount) for one in found] == [("refund", -1500), ("charge", 4000)]
    assert {one.source.payment_intent for one in found} == {paid.id}
    assert found[1].source.metadata["kolaj_reference"] == "k5"
    assert found[1].net == 4000 - found[1].fee


async def test_what_else_can_be_looked_up_and_changed(shop: StripeShop) -> None:
    v1 = shop.client.v1
    customer = await a_customer(shop)
    paid = await shop.paid(1000, currency="sek", customer=customer)
    named = await v1.payment_intents.update_async(paid.id, {"description": "mug", "metadata": {"a": "1"}})
    assert (named.description, named.metadata["a"]) == ("mug", "1")
    charge = await v1.charges.retrieve_async(str(paid.latest_charge))
    assert [one.id for one in (await v1.charges.list_async({"payment_intent": paid.id})).data] == [charge.id]
    (line,) = (await v1.balance_transactions.list_async({"source": charge.id})).data
    assert (await v1.balance_transactions.retrieve_async(line.id)).source == charge.id
    (told,) = (await v1.events.list_async({"type": "payment_intent.succeeded", "limit": 1})).data
    assert (await v1.events.retrieve_async(told.id)).data.object["id"] == paid.id
    assert customer in [one.id for one in (await v1.customers.list_async({"limit": 5})).data]
    made = await v1.payment_methods.create_async({"type": "card", "card": {"token": "tok_visa"}})
    setup = await v1.setup_intents.create_async({"customer": customer, "payment_method": made.id})
    assert setup.status == "requires_confirmation"
    done = await v1.setup_intents.confirm_async(setup.id, {"return_url": "https://shop.example"})
    assert (done.status, done.payment_method) == ("succeeded", made.id)
    other = await v1.setup_intents.create_async({"customer": customer})
    assert (await v1.setup_intents.cancel_async(other.id)).status == "canceled"
    assert len((await v1.setup_intents.list_async({"customer": customer})).data) == 2
    price = await a_price(shop)
    assert (await v1.prices.retrieve_async(price.id)).product == price.product
    assert price.product in [one.id for one in (await v1.products.list_async({"limit": 5})).data]
    subscription = await subscribed(shop, customer, price.id)
    invoice = await v1.invoices.retrieve_async(str(subscription.latest_invoice), {"expand": ["payments"]})
    assert invoice.payments is not None
    session = await v1.checkout.sessions.create_async(form(PAGE, customer=customer))
    assert [one.id for one in (await v1.checkout.sessions.list_async({"customer": customer})).data] == [session.id]


async def test_objects_have_the_members_that_the_client_knows(shop: StripeShop) -> None:
    assert await misshapen(shop) == {}
