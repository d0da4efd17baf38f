"""PayPal's published schema checks what the sandbox here answers, over the flows of our connector; not how it behaves.

It cannot check which state follows which, what is refused, or headers; unknown names pass. Sentences for people are not
held to the schema's.
"""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

import pytest_asyncio

from schemas.errors import HubError
from schemas.payments import (
    CancelPayment,
    CapturePayment,
    CreatePayment,
    HostedPage,
    Payment,
    QueryPayment,
    RefundPayment,
    StoredCard,
    Wallet,
)
from schemas.payments.resources import (
    CreatePlan,
    CreateProduct,
    CreateSubscription,
    GetBalance,
    ListCards,
    ListTransactions,
    QuerySubscription,
    TransactionPage,
)
from schemas.payments.vocabulary import Command
from tests.builders import a_complete_three_d_secure, a_create_payment
from tests.conformance.resource_orders import a_resource
from tests.conformance.samples import a_command
from tests.oracles.paypal_specification import Specification
from tests.paypal_shop import BACK, PaypalShop, a_paypal_shop, an_attempt, begun, euro, paid

WALLET: Final = Wallet(kind="wallet", wallet="paypal", return_url=BACK)
PAGE: Final = HostedPage(kind="hosted_page", return_url=BACK)


@pytest_asyncio.fixture(scope="module")
async def shop(paypal_specification: Specification) -> AsyncIterator[PaypalShop]:
    """Nothing is started where there is no specification to hold it to."""
    assert paypal_specification.document
    async with a_paypal_shop(tries=1) as made:
        yield made


async def paid_on_page(shop: PaypalShop, **changed: Any) -> Payment:
    command: CreatePayment = a_create_payment(euro("12.50"), **{"method": WALLET, **changed})
    attempt = an_attempt(of=command)
    outcome = await shop.send(command, attempt)
    assert outcome.redirect_url is not None
    await shop.browser.post(outcome.redirect_url, data={"action": "approve", "funding": "balance"})
    waiting = begun(command, attempt, outcome)
    done = await shop.send(a_complete_three_d_secure(command.payment_id), an_attempt(waiting))
    return paid(command, attempt, done)


async def tried(shop: PaypalShop, command: Command, attempt: Any) -> None:
    """Sent, whatever it comes to."""
    try:
        await shop.send(command, attempt)
    except HubError:
        return


def faults(shop: PaypalShop, specification: Specification) -> dict[str, list[str]]:
    """What is wrong with the answers since the last time, by request and status."""
    found = {}
    for one in shop.exchanges:
        assert one.answer is not None
        wrong = specification.faults_of_answer(one.request.method, one.request.path, one.answer.status, one.answer.body)
        if wrong:
            found[f"{one.request.method} {one.request.template} {one.answer.status}"] = wrong
    assert len(shop.exchanges) > 1
    shop.exchanges.clear()
    return found


async def test_payments_on_the_page(shop: PaypalShop, paypal_specification: Specification) -> None:
    taken = await paid_on_page(shop)
    part = RefundPayment(payment_id=taken.payment_id, amount=euro("5.00"), reason="Işıl asked")
    attempt = an_attempt(taken, amount=part.amount)
    await shop.send(part, attempt)
    await shop.ask(part, attempt)
    await shop.send(QueryPayment(payment_id=taken.payment_id), an_attempt(taken))
    await paid_on_page(shop, method=PAGE, store_card=True)
    assert faults(shop, paypal_specification) == {}


async def test_holds(shop: PaypalShop, paypal_specification: Specification) -> None:
    held = await paid_on_page(shop, capture="manual")
    part = CapturePayment(payment_id=held.payment_id, amount=euro("10.00"))
    await shop.send(part, an_attempt(held, amount=part.amount))
    await shop.ask(part, an_attempt(held, amount=part.amount))
    lifted = await paid_on_page(shop, capture="manual")
    await shop.send(CancelPayment(payment_id=lifted.payment_id), an_attempt(lifted))
    await shop.send(QueryPayment(payment_id=lifted.payment_id), an_attempt(lifted))
    assert faults(shop, paypal_specification) == {}


async def test_kept_cards(shop: PaypalShop, paypal_specification: Specification) -> None:
    for token in ("sandboxvisa", "sandboxnofunds", "paypal:sandboxpaypal"):
        kept = StoredCard(kind="stored_card", card_token=token, customer_key="sandboxwallet")
        command = a_create_payment(euro("12.50"), method=kept)
        await shop.send(command, an_attempt(of=command))
    await shop.send(a_command(ListCards, customer_key="sandboxwallet"), an_attempt())
    assert faults(shop, paypal_specification) == {}


async def test_what_is_refused(shop: PaypalShop, paypal_specification: Specification) -> None:
    held = await paid_on_page(shop, capture="manual")
    much = CapturePayment(payment_id=held.payment_id, amount=euro("1000.00"))
    await tried(shop, much, an_attempt(held, amount=much.amount))
    elsewhere = held.model_copy(update={"provider_reference": "5O190127TN364715T"})
    await tried(shop, QueryPayment(payment_id=held.payment_id), an_attempt(elsewhere))
    command = a_create_payment(euro("12.50"), method=WALLET)
    attempt = an_attempt(of=command)
    waiting = begun(command, attempt, await shop.send(command, attempt))
    await tried(shop, a_complete_three_d_secure(command.payment_id), an_attempt(waiting))
    abroad = a_create_payment(method=WALLET)
    await tried(shop, abroad, an_attempt(of=abroad))
    assert faults(shop, paypal_specification) == {}


async def test_subscriptions(shop: PaypalShop, paypal_specification: Specification) -> None:
    product = await shop.send(a_command(CreateProduct), an_attempt())
    price = {"minor": 1250, "currency": "EUR"}
    plan_of = a_command(CreatePlan, product_reference=product.reference, price=price, trial_days=14)
    plan = await shop.send(plan_of, an_attempt())
    there: dict[str, Any] = {"customer_reference": None, "return_url": BACK}
    subscribing = a_command(CreateSubscription, plan_reference=plan.reference, **there)
    subscription = await shop.send(subscribing, an_attempt())
    known = a_resource(QuerySubscription, provider_reference=subscription.reference)
    await shop.send(a_command(QuerySubscription), replace(an_attempt(), resource=known))
    assert faults(shop, paypal_specification) == {}


async def test_reports(shop: PaypalShop, paypal_specification: Specification) -> None:
    await paid_on_page(shop)
    moved_on = datetime.fromtimestamp(shop.sandbox.clock.now_ms() / 1000, UTC).date()
    await shop.sandbox.advance(shop.sandbox.store.report_lag_s)
    listed = await shop.send(a_command(ListTransactions, day=moved_on.isoformat()), an_attempt())
    assert isinstance(listed.details, TransactionPage)
    assert listed.details.transactions != ()
    await shop.send(a_command(GetBalance), an_attempt())
    await shop.caller.probe(shop.integration)
    assert faults(shop, paypal_specification) == {}


async def test_a_day_without_a_movement_has_none_to_tell(shop: PaypalShop, paypal_specification: Specification) -> None:
    """The schema wants one at least. A day has none all the same, and an empty list is what there is to say so."""
    await shop.send(a_command(ListTransactions, day="2026-01-01"), an_attempt())
    await shop.caller.probe(shop.integration)
    told = {"GET /v1/reporting/transactions 200": ["$.transaction_details: [] should be non-empty"]}
    assert faults(shop, paypal_specification) == told
