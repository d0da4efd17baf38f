"""The Stripe connector against the sandbox: kept cards, subscriptions, and what the account reports."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio

from providers.outcome import Sighting
from schemas.errors import OutcomeUnknown
from schemas.ids import new_id
from schemas.money import Money
from schemas.payments import (
    Reason,
    RefundPayment,
    StoredCard,
)
from schemas.payments.resources import (
    Balance,
    CancelSubscription,
    ChangeSubscriptionCard,
    CreatePlan,
    CreateProduct,
    CreateSubscription,
    DeleteCard,
    GetBalance,
    KeptCards,
    ListCards,
    ListPayouts,
    ListTransactions,
    PayoutPage,
    PlanDetails,
    QuerySubscription,
    RetrySubscriptionCharge,
    TransactionPage,
    UpgradeSubscription,
)
from schemas.verdicts import Verdict
from tests.builders import a_buyer, a_create_payment, an_address, lira, money
from tests.stripe_account import (
    BACK,
    DAY_S,
    INTENTS,
    Account,
    a_payment_of,
    an_account,
    an_attempt,
    known,
    of,
    token,
    told,
)


@pytest_asyncio.fixture(scope="module")
async def account() -> AsyncIterator[Account]:
    async with an_account() as running:
        yield running


async def test_a_card_is_kept_pays_again_is_listed_and_forgotten(account: Account) -> None:
    customer = (await account.shop.client.v1.customers.create_async({})).id
    command = a_payment_of(store_card=True, customer_key=customer)
    kept = (await account.send(command, an_attempt(of=command))).stored_card
    assert kept is not None
    assert (kept.customer_key, kept.card is not None and kept.card.last_four) == (customer, "4242")
    stored = StoredCard(kind="stored_card", card_token=kept.card_token, customer_key=customer)
    again = a_payment_of("8.00", method=stored, without_payer=True)
    assert (await account.lost(again, an_attempt(of=again), INTENTS)).verdict is Verdict.ACCEPTED
    listing = ListCards(resource_id=new_id(), customer_key=customer)
    cards = (await account.send(listing, an_attempt(**of()))).details
    assert isinstance(cards, KeptCards)
    assert [card.card_token for card in cards.cards] == [kept.card_token]
    delete = DeleteCard(resource_id=new_id(), card_token=kept.card_token, customer_key=customer)
    assert (await account.ask(delete, an_attempt(**of()))).sighting is Sighting.ABSENT
    gone = await account.lost(delete, an_attempt(**of()), "/v1/payment_methods/{id}/detach")
    assert gone.verdict is Verdict.ACCEPTED
    spent = a_payment_of(method=stored, without_payer=True)
    assert (await account.send(spent, an_attempt(of=spent))).verdict is Verdict.REFUSED


async def a_plan(account: Account, price: str = "15.00", **more: Any) -> str:
    product = CreateProduct(resource_id=new_id(), name="Kahve")
    made = await account.lost(product, an_attempt(**of()), "/v1/products")
    plan = CreatePlan(
        resource_id=new_id(),
        product_reference=made.reference or "",
        name="Aylık",
        price=lira(price),
        **({"every": "month"} | more),
    )
    priced = await account.lost(plan, an_attempt(**of()), "/v1/prices")
    assert isinstance(priced.details, PlanDetails)
    return priced.details.plan_reference


async def test_a_subscription_is_begun_charged_changed_and_cancelled_once(account: Account) -> None:
    customer = await account.customer()
    plan, dearer = await a_plan(account), await a_plan(account, "45.00")
    begin = CreateSubscription(
        resource_id=new_id(),
        plan_reference=plan,
        buyer=a_buyer(),
        billing_address=an_address(),
        customer_reference=customer,
    )
    begun = told(await account.lost(begin, an_attempt(**of()), "/v1/subscriptions"))
    (charge,) = begun.charges
    assert (begun.state, charge.state, charge.amount) == ("active", "paid", Money(minor=1500, currency="TRY"))
    about = of(provider_reference=begun.subscription_reference, item_reference=begun.item_reference)
    upgrade = UpgradeSubscription(resource_id=new_id(), plan_reference=dearer)
    assert (await account.ask(upgrade, an_attempt(**about))).sighting is Sighting.ABSENT
    moved = told(await account.lost(upgrade, an_attempt(**about), "/v1/subscriptions/{id}"))
    assert moved.plan_reference == dearer
    cancel = CancelSubscription(resource_id=new_id())
    attempt = an_attempt(**about)
    await account.shop.order("faults", kind="reset_after", path="DELETE /v1/subscriptions/{id}")
    with pytest.raises(OutcomeUnknown):
        await account.send(cancel, attempt)
    found = await account.ask(cancel, attempt)
    assert (found.sighting, found.outcome and told(found.outcome).state) == (Sighting.CONCLUDED, "cancelled")
    again = await account.send(cancel, attempt)
    assert (again.verdict, again.reason) == (Verdict.REFUSED, Reason.INVALID_STATE)
    subscriptions = (
        await account.shop.client.v1.subscriptions.list_async({"customer": customer, "status": "all"})
    ).data
    assert len(subscriptions) == 1


async def test_a_charge_that_failed_is_tried_again_with_another_card(account: Account) -> None:
    customer, plan = await account.customer(), await a_plan(account, every="day")
    begin = CreateSubscription(
        resource_id=new_id(),
        plan_reference=plan,
        buyer=a_buyer(),
        billing_address=an_address(),
        customer_reference=customer,
    )
    begun = told(await account.send(begin, an_attempt(**of())))
    about = of(provider_reference=begun.subscription_reference, item_reference=begun.item_reference)
    v1 = account.shop.client.v1
    card = await v1.payment_methods.attach_async("pm_card_chargeCustomerFail", {"customer": customer})
    await v1.customers.update_async(customer, {"invoice_settings": {"default_payment_method": card.id}})
    await account.shop.sandbox.advance(DAY_S + 5)
    query = QuerySubscription(resource_id=new_id())
    behind = told(await account.send(query, an_attempt(**about)))
    (charge,) = behind.charges
    assert (behind.state, charge.state) == ("unpaid", "failed")
    retry = RetrySubscriptionCharge(resource_id=new_id(), order_reference=charge.order_reference)
    assert (await account.send(retry, an_attempt(**about))).verdict is Verdict.REFUSED
    change = ChangeSubscriptionCard(resource_id=new_id(), return_url=BACK, customer_reference=customer)
    page = (await account.send(change, an_attempt(**about))).next_action
    assert page is not None
    await account.shop.walk(page.model_dump()["url"], action="add", payment_method="pm_card_visa")
    attempt = an_attempt(**about)
    assert (await account.ask(retry, attempt)).sighting is Sighting.ABSENT
    paid = told(await account.lost(retry, attempt, "/v1/invoices/{id}/pay"))
    assert [one.state for one in paid.charges] == ["paid"]
    assert told(await account.send(query, an_attempt(**about))).state == "active"


async def test_a_subscription_is_begun_on_the_page(account: Account) -> None:
    begin = CreateSubscription(
        resource_id=new_id(),
        plan_reference=await a_plan(account),
        buyer=a_buyer(),
        billing_address=an_address(),
        return_url=BACK,
    )
    opened = await account.lost(begin, an_attempt(**of()), "/v1/checkout/sessions")
    assert opened.next_action is not None
    about = of(provider_reference=opened.reference)
    query = QuerySubscription(resource_id=new_id())
    assert told(await account.send(query, an_attempt(**about))).state == "pending"
    await account.shop.walk(opened.next_action.model_dump()["url"], action="pay", payment_method="pm_card_visa")
    begun = told(await account.send(query, an_attempt(**about)))
    assert (begun.state, [one.state for one in begun.charges]) == ("active", ["paid"])


async def test_the_account_reports_what_moved(account: Account) -> None:
    command = a_create_payment(money("77.00", "CHF"), method=token("pm_card_visa"))
    attempt = an_attempt(of=command)
    payment = known(await account.send(command, attempt), command)
    part = RefundPayment(payment_id=payment.payment_id, amount=money("7.00", "CHF"))
    await account.send(part, an_attempt(payment, amount=part.amount))
    day = datetime.fromtimestamp(account.shop.sandbox.clock.now_ms() / 1000, UTC).date()
    listing = ListTransactions(resource_id=new_id(), day=day)
    page = (await account.send(listing, an_attempt(**of()))).details
    assert isinstance(page, TransactionPage)
    ours = [one for one in page.transactions if one.payment_reference == payment.provider_reference]
    assert [(one.kind, one.amount.minor) for one in ours] == [("refund", 700), ("payment", 7700)]
    assert ours[1].our_reference == attempt.reference
    balance = (await account.send(GetBalance(resource_id=new_id()), an_attempt(**of()))).details
    assert isinstance(balance, Balance)
    net = {part.currency: part.minor for part in (*balance.available, *balance.pending) if part.currency == "CHF"}
    assert net["CHF"] in {7700 - 253, -700}
    await account.shop.sandbox.advance(3 * DAY_S)
    (payout, *_) = (await account.shop.order("payouts"))["payouts"]
    arrives = datetime.fromtimestamp(payout["arrival_date"], UTC).date()
    payouts = (await account.send(ListPayouts(resource_id=new_id(), day=arrives), an_attempt(**of()))).details
    assert isinstance(payouts, PayoutPage)
    assert payout["id"] in [one.payout_reference for one in payouts.payouts]
