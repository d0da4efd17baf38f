"""Cards, plans, subscriptions and reports of the PayPal connector, against the sandbox and its books."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from pydantic import SecretStr

from providers.connector import Card
from providers.outcome import Sighting
from schemas.errors import OutcomeUnknown
from schemas.ids import new_id
from schemas.payments import CardRef
from schemas.payments.resources import (
    Balance,
    CancelSubscription,
    CreatePlan,
    CreateProduct,
    CreateSubscription,
    DeleteCard,
    GetBalance,
    KeptCard,
    KeptCards,
    ListCards,
    ListTransactions,
    QuerySubscription,
    Resource,
    StoreCard,
    SubscriptionDetails,
    TransactionPage,
    UpgradeSubscription,
)
from schemas.payments.vocabulary import Command
from schemas.verdicts import Verdict
from tests.builders import a_buyer, a_create_payment, an_address
from tests.paypal_merchant import unlike_published
from tests.paypal_shop import BACK, PaypalShop, a_paypal_shop, an_attempt, euro

NEW = CardRef(kind="card_ref", card_ref=UUID("019abc00-0000-7000-8000-000000000001"))
CARD = Card(
    number=SecretStr("4012000033330026"),
    holder=SecretStr("AYSE YILMAZ"),
    expiry_month=SecretStr("12"),
    expiry_year=SecretStr("2035"),
    verification_code=SecretStr("123"),
)


@pytest_asyncio.fixture(scope="module")
async def shop() -> AsyncIterator[PaypalShop]:
    async with a_paypal_shop() as made:
        yield made


def a_resource(**changed: Any) -> Resource:
    return Resource(resource_id=new_id(), **changed)


async def accepted(shop: PaypalShop, command: Command, about: Resource | None = None, **more: Any) -> Any:
    outcome = await shop.send(command, an_attempt(resource=about or a_resource(), **more))
    assert outcome.verdict is Verdict.ACCEPTED, outcome
    return outcome.details


async def test_a_card_is_stored_paid_with_listed_and_forgotten(shop: PaypalShop) -> None:
    store = StoreCard(
        resource_id=new_id(),
        customer_key="customer-1",
        card_ref=NEW.card_ref,
        buyer_id="buyer-1",
        email="ayse@example.com",
    )
    stored = await accepted(shop, store, card=CARD)
    assert isinstance(stored, KeptCard)
    listed = await accepted(shop, ListCards(resource_id=new_id(), customer_key="customer-1"))
    assert isinstance(listed, KeptCards)
    assert [card.card_token for card in listed.cards] == [stored.card_token]
    drop = DeleteCard(resource_id=new_id(), card_token=stored.card_token, customer_key="customer-1")
    await shop.order("faults", kind="reset_after", path="/v3/vault/payment-tokens/{id}")
    attempt = an_attempt(resource=a_resource())
    with pytest.raises(OutcomeUnknown):
        await shop.send(drop, attempt)
    assert (await shop.ask(drop, attempt)).sighting is Sighting.CONCLUDED


async def test_a_card_that_is_given_can_be_kept_with_its_payment(shop: PaypalShop) -> None:
    command = a_create_payment(euro("12.50"), method=NEW, store_card=True, customer_key="customer-2")
    outcome = await shop.send(command, an_attempt(of=command, card=CARD))
    assert (outcome.verdict, outcome.stored_card is None) == (Verdict.ACCEPTED, False)


async def a_plan(shop: PaypalShop, product: str, price: str) -> str:
    command = CreatePlan(
        resource_id=new_id(),
        product_reference=product,
        name="Monthly",
        price=euro(price),
        every="month",
        every_count=1,
    )
    return str((await accepted(shop, command)).plan_reference)


async def test_a_payer_subscribes_is_charged_changes_the_plan_and_leaves(shop: PaypalShop) -> None:
    product = (await accepted(shop, CreateProduct(resource_id=new_id(), name="Club"))).product_reference
    cheap, dear = await a_plan(shop, product, "9.00"), await a_plan(shop, product, "19.00")
    begin = CreateSubscription(
        resource_id=new_id(), plan_reference=cheap, buyer=a_buyer(), billing_address=an_address(), return_url=BACK
    )
    outcome = await shop.send(begin, an_attempt(resource=a_resource()))
    assert (outcome.verdict, outcome.redirect_url is None) == (Verdict.PENDING, False)
    subscription = str(outcome.reference)
    sent = await shop.browser.post(str(outcome.redirect_url), data={"action": "approve"})
    assert sent.headers["Location"].startswith(f"{BACK}?subscription_id={subscription}")
    known = a_resource(provider_reference=subscription)
    details = await accepted(shop, QuerySubscription(resource_id=new_id()), known)
    assert isinstance(details, SubscriptionDetails)
    assert (details.state, details.plan_reference) == ("active", cheap)
    await shop.sandbox.advance(32 * 24 * 3600)
    sales = [notice for notice in shop.notices() if notice.event_type == "PAYMENT.SALE.COMPLETED"]
    assert {notice.provider_reference for notice in sales} == {subscription}
    assert len({notice.order_reference for notice in sales}) == 2
    upgrade = UpgradeSubscription(resource_id=new_id(), plan_reference=dear, when="next_period")
    changed = await shop.send(upgrade, an_attempt(resource=known))
    assert (changed.verdict, changed.redirect_url is None) == (Verdict.PENDING, False)
    await shop.browser.post(str(changed.redirect_url), data={"action": "approve"})
    assert (await accepted(shop, QuerySubscription(resource_id=new_id()), known)).plan_reference == dear
    await accepted(shop, CancelSubscription(resource_id=new_id()), known)
    assert (await accepted(shop, QuerySubscription(resource_id=new_id()), known)).state == "cancelled"
    again = await shop.send(CancelSubscription(resource_id=new_id()), an_attempt(resource=known))
    assert (again.verdict, again.their_code) == (Verdict.REFUSED, "SUBSCRIPTION_STATUS_INVALID")


async def test_transactions_and_balance_are_those_of_the_books(shop: PaypalShop) -> None:
    shop.sandbox.store.report_lag_s = 0
    day = datetime.fromtimestamp(shop.sandbox.clock.now_ms() / 1000, UTC).date()
    command = a_create_payment(euro("7.00"), method=NEW)
    attempt = an_attempt(of=command, card=CARD)
    paid = await shop.send(command, attempt)
    page = await accepted(shop, ListTransactions(resource_id=new_id(), day=day))
    assert isinstance(page, TransactionPage)
    (found,) = [one for one in page.transactions if one.our_reference == attempt.reference]
    assert (found.kind, found.payment_reference, found.amount) == ("payment", paid.reference, paid.amount)
    assert found.fee == paid.fee
    balance = await accepted(shop, GetBalance(resource_id=new_id()))
    assert isinstance(balance, Balance)
    told = {one.currency: one.minor for one in balance.available}
    assert told == shop.sandbox.books.totals().balance_minor


async def test_every_answer_was_as_published(shop: PaypalShop) -> None:
    assert not unlike_published(shop.sandbox)
