import secrets
from collections.abc import AsyncIterator
from decimal import Decimal

import aiohttp
import pytest
import pytest_asyncio

from infra.sandbox.iyzico import BookedPayment, Notifying
from infra.sandbox.iyzico.events import sign_event
from infra.sandbox.iyzico.signing import DEFAULT_KEYS
from tests.receiver import Receiver, receiver
from tests.sandbox_buyer import Browser
from tests.sandbox_merchant import ADDRESS, Reply, a_card, a_merchant, a_payment, read
from tests.sandbox_sdk import Sdk, running_sdk

DECLINED = "4111111111111129"
SHOP = "https://shop.example/abone"
TYPED = {"cardHolderName": "Ayşe Yılmaz", "expireMonth": "12", "expireYear": "2030", "cvc": "123"}


@pytest_asyncio.fixture(scope="module")
async def merchant() -> AsyncIterator[Receiver]:
    async with receiver() as merchant:
        yield merchant


@pytest_asyncio.fixture(scope="module")
async def sdk(merchant: Receiver) -> AsyncIterator[Sdk]:
    notifying = Notifying(f"{merchant.url}/payments", delay_s=0, subscription_url=f"{merchant.url}/subscriptions")
    async with running_sdk(notifying=notifying) as sdk:
        yield sdk


@pytest_asyncio.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    connector = aiohttp.TCPConnector(ssl=False)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=20)) as session:
        yield Browser(session)


@pytest_asyncio.fixture(scope="module")
async def product(sdk: Sdk) -> str:
    made = await sdk.call("SubscriptionProduct", "create", {"name": "Süt", "description": "Her sabah"})
    reference: str = made["data"]["referenceCode"]
    return reference


def a_customer(**changes: object) -> Reply:
    person: Reply = {
        "name": "Ayşe",
        "surname": "Yılmaz",
        "email": f"{secrets.token_hex(4)}@example.com",
        "gsmNumber": "+905350000000",
        "identityNumber": "74300864791",
        "billingAddress": ADDRESS,
    }
    return person | changes


async def a_plan(sdk: Sdk, product: str, price: str = "30.50", **changes: object) -> str:
    body = {
        "product_reference_code": product,
        "name": "Aylık",
        "price": price,
        "currencyCode": "TRY",
        "paymentInterval": "MONTHLY",
        "planPaymentType": "RECURRING",
    }
    made = await sdk.call("SubscriptionPricingPlan", "create", body | changes)
    reference: str = made["data"]["referenceCode"]
    return reference


async def begun(sdk: Sdk, plan: str, number: str = "5526080000000006", **changes: object) -> Reply:
    body: Reply = {
        "pricingPlanReferenceCode": plan,
        "subscriptionInitialStatus": "ACTIVE",
        "conversationId": f"begin-{secrets.token_hex(4)}",
        "customer": a_customer(),
        "paymentCard": a_card(number),
    }
    return await sdk.call("Subscription", "initialize", body | changes)


async def shown(sdk: Sdk, reference: str) -> Reply:
    """The client asks for one subscription by a filter of its list."""
    found = await sdk.call("Subscription", "list", {"subscriptionReferenceCode": reference})
    (one,) = found["data"]["items"]
    subscription: Reply = one
    return subscription


def charges(sdk: Sdk) -> list[BookedPayment]:
    return [payment for payment in sdk.sandbox.books.entries() if payment.captured]


async def test_products_and_plans_are_made_listed_changed_and_deleted(sdk: Sdk) -> None:
    made = await sdk.call("SubscriptionProduct", "create", {"name": "Ekmek"})
    product = made["data"]["referenceCode"]
    plan = await a_plan(sdk, product, trialPeriodDays=10, recurrenceCount=5, paymentIntervalCount=2)
    found = (await sdk.call("SubscriptionPricingPlan", "retrieve", {"pricing_plan_reference_code": plan}))["data"]
    assert (found["price"], found["currencyCode"], found["trialPeriodDays"]) == (Decimal("30.50"), "TRY", 10)
    assert (found["recurrenceCount"], found["paymentIntervalCount"], found["status"]) == (5, 2, "ACTIVE")
    change = {"pricing_plan_reference_code": plan, "name": "İki aylık", "trialPeriodDays": 0, "price": "1"}
    changed = (await sdk.call("SubscriptionPricingPlan", "update", change))["data"]
    assert (changed["name"], changed["trialPeriodDays"], changed["price"]) == ("İki aylık", 0, Decimal("30.50"))
    listed = (await sdk.call("SubscriptionPricingPlan", "list", {"product_reference_code": product}))["data"]
    assert (listed["totalCount"], listed["items"][0]["referenceCode"]) == (1, plan)

    renamed = await sdk.call("SubscriptionProduct", "update", {"product_reference_code": product, "name": "Simit"})
    assert (renamed["data"]["name"], renamed["data"]["pricingPlans"][0]["referenceCode"]) == ("Simit", plan)
    assert (await sdk.call("SubscriptionProduct", "list"))["data"]["totalCount"] >= 1
    one = {"product_reference_code": product}
    assert (await sdk.call("SubscriptionProduct", "delete", one))["errorCode"] == "11"
    deleted = await sdk.call("SubscriptionPricingPlan", "delete", {"pricing_plan_reference_code": plan})
    assert deleted["status"] == "success"
    assert (await sdk.call("SubscriptionProduct", "delete", one))["status"] == "success"
    assert (await sdk.call("SubscriptionProduct", "retrieve", one))["errorCode"] == "11"


async def test_customers_are_made_listed_changed_and_deleted(sdk: Sdk) -> None:
    person = a_customer()
    made = (await sdk.call("SubscriptionCustomer", "create", person))["data"]
    one = {"customerReferenceCode": made["referenceCode"]}
    assert (made["name"], made["billingAddress"]) == ("Ayşe", ADDRESS)
    assert (await sdk.call("SubscriptionCustomer", "create", person))["errorCode"] == "11"
    changed = await sdk.call("SubscriptionCustomer", "update", one | {"surname": "Iğdır"})
    assert (changed["data"]["surname"], changed["data"]["name"]) == ("Iğdır", "Ayşe")
    assert (await sdk.call("SubscriptionCustomer", "retrieve", one))["data"] == changed["data"]
    page = (await sdk.call("SubscriptionCustomer", "list", {"page": 1, "count": 1}))["data"]
    assert (len(page["items"]), page["pageCount"]) == (1, page["totalCount"])
    assert (await sdk.call("SubscriptionCustomer", "delete", one))["status"] == "success"
    assert (await sdk.call("SubscriptionCustomer", "retrieve", one))["errorCode"] == "11"


async def test_an_active_subscription_is_charged_at_once(sdk: Sdk, product: str) -> None:
    plan = await a_plan(sdk, product)
    reply = await begun(sdk, plan, conversationId="begin-at-once")
    one = reply["data"]
    assert (one["subscriptionStatus"], one["pricingPlanReferenceCode"], "signature" in reply) == ("ACTIVE", plan, False)
    assert one["parentReferenceCode"] != one["referenceCode"]
    booked = next(p for p in charges(sdk) if p.conversation_id == "begin-at-once")
    assert (booked.charged_minor, booked.currency) == (3050, "TRY")
    assert (await shown(sdk, one["referenceCode"]))["subscriptionStatus"] == "ACTIVE"
    async with a_merchant(sdk.sandbox) as merchant:
        _, text = await merchant.send("GET", f"/v2/subscription/subscriptions/{one['referenceCode']}", b"")
    (order,) = read(text)["data"]["orders"]
    assert (order["orderStatus"], order["price"], order["endPeriod"] - order["startPeriod"]) == (
        "SUCCESS",
        Decimal("30.5"),
        30 * 86_400_000,
    )
    assert order["paymentAttempts"][0]["paymentId"] == int(booked.payment_id)


async def test_a_declined_subscription_does_not_begin(sdk: Sdk, product: str) -> None:
    plan = await a_plan(sdk, product)
    reply = await begun(sdk, plan, DECLINED, conversationId="begin-declined")
    assert (reply["status"], reply["errorCode"]) == ("failure", "10051")
    assert [p.state for p in sdk.sandbox.books.entries() if p.conversation_id == "begin-declined"] == ["declined"]
    found = await sdk.call("Subscription", "list", {"pricingPlanReferenceCode": plan})
    assert found["data"]["totalCount"] == 0


async def test_a_known_customer_needs_no_card_again(sdk: Sdk, product: str) -> None:
    plan = await a_plan(sdk, product)
    person = a_customer()
    first = (await begun(sdk, plan, customer=person))["data"]
    twin = (await begun(sdk, plan, customer=person))["data"]
    assert twin["customerReferenceCode"] == first["customerReferenceCode"]
    request = {
        "pricingPlanReferenceCode": plan,
        "customerReferenceCode": first["customerReferenceCode"],
        "subscriptionInitialStatus": "PENDING",
    }
    third = (await sdk.call("Subscription", "initialize_with_customer", request))["data"]
    assert third["subscriptionStatus"] == "PENDING"
    new = (await sdk.call("SubscriptionCustomer", "create", a_customer()))["data"]["referenceCode"]
    without = await sdk.call("Subscription", "initialize_with_customer", request | {"customerReferenceCode": new})
    assert without["errorCode"] == "3002"
    gone = {"customerReferenceCode": first["customerReferenceCode"]}
    assert (await sdk.call("SubscriptionCustomer", "delete", gone))["errorCode"] == "11"


@pytest.mark.parametrize(("trial_days", "charged"), [(0, 1), (14, 0)])
async def test_a_pending_subscription_begins_with_its_activation(
    sdk: Sdk, product: str, trial_days: int, charged: int
) -> None:
    plan = await a_plan(sdk, product, trialPeriodDays=trial_days)
    before = len(charges(sdk))
    one = (await begun(sdk, plan, subscriptionInitialStatus="PENDING"))["data"]
    assert (len(charges(sdk)), one["trialDays"], "trialEndDate" in one) == (before, trial_days, trial_days > 0)
    named = {"referenceCode": one["referenceCode"]}
    assert (await sdk.call("Subscription", "activate", named))["status"] == "success"
    assert (await sdk.call("Subscription", "activate", named))["errorCode"] == "11"
    assert len(charges(sdk)) == before + charged


async def test_a_failed_renewal_is_told_and_can_be_tried_again(sdk: Sdk, merchant: Receiver, product: str) -> None:
    one = (await begun(sdk, await a_plan(sdk, product)))["data"]["referenceCode"]
    before = len(charges(sdk))
    renewed = await sdk.order("renewals", subscriptionReferenceCode=one, outcome="success")
    assert (renewed["subscriptionStatus"], renewed["orderStatus"]) == ("ACTIVE", "SUCCESS")
    failed = await sdk.order("renewals", subscriptionReferenceCode=one, outcome="failure", code="10005")
    assert (failed["subscriptionStatus"], failed["orderStatus"]) == ("UNPAID", "WAITING")
    assert (len(charges(sdk)), sdk.sandbox.books.entries()[-1].error_code) == (before + 1, "10005")
    order = {"referenceCode": failed["orderReferenceCode"]}
    assert (await sdk.call("Subscription", "retry", order))["status"] == "success"
    assert (await sdk.call("Subscription", "retry", order))["errorCode"] == "10203"
    assert ((await shown(sdk, one))["subscriptionStatus"], len(charges(sdk))) == ("ACTIVE", before + 2)

    told = await merchant.until(lambda: _told(merchant, one, 3))
    assert {(call["iyziEventType"], call["orderReferenceCode"]) for call in told} == {
        ("subscription.order.success", renewed["orderReferenceCode"]),
        ("subscription.order.failure", failed["orderReferenceCode"]),
        ("subscription.order.success", failed["orderReferenceCode"]),
    }


def _told(merchant: Receiver, subscription: str, calls: int) -> list[Reply]:
    got = [got for got in merchant.at("/subscriptions") if got.told["subscriptionReferenceCode"] == subscription]
    assert all(sign_event(DEFAULT_KEYS, one.told) == one.headers["x-iyz-signature-v3"] for one in got)
    return [one.told for one in got] if len(got) >= calls else []


async def test_a_plan_with_a_count_expires(sdk: Sdk, product: str) -> None:
    one = (await begun(sdk, await a_plan(sdk, product, recurrenceCount=2)))["data"]
    assert one["endDate"] - one["startDate"] == 2 * 30 * 86_400_000
    answers = [await sdk.order("renewals", subscriptionReferenceCode=one["referenceCode"]) for _ in range(2)]
    assert [(a["subscriptionStatus"], a["orderStatus"]) for a in answers] == [("ACTIVE", "SUCCESS"), ("EXPIRED", None)]
    assert (await sdk.order("renewals", subscriptionReferenceCode=one["referenceCode"]))["code"] == "11"


async def test_an_upgrade_now_is_charged_under_the_same_parent(sdk: Sdk, product: str) -> None:
    dear = await a_plan(sdk, product, "99.00")
    one = (await begun(sdk, await a_plan(sdk, product)))["data"]
    request = {
        "subscriptionReferenceCode": one["referenceCode"],
        "newPricingPlanReferenceCode": dear,
        "upgradePeriod": "NOW",
        "conversationId": "upgrade-now",
    }
    new = (await sdk.call("Subscription", "upgrade", request))["data"]
    assert (new["parentReferenceCode"], new["subscriptionStatus"]) == (one["parentReferenceCode"], "ACTIVE")
    assert (await shown(sdk, one["referenceCode"]))["subscriptionStatus"] == "UPGRADED"
    assert [p.charged_minor for p in charges(sdk) if p.conversation_id == "upgrade-now"] == [9900]
    assert (await sdk.call("Subscription", "upgrade", request))["errorCode"] == "11"
    family = await sdk.call("Subscription", "list", {"parent": one["parentReferenceCode"]})
    assert family["data"]["totalCount"] == 2


async def test_an_upgrade_for_the_next_period_waits_for_it(sdk: Sdk, product: str) -> None:
    dear = await a_plan(sdk, product, "99.00")
    one = (await begun(sdk, await a_plan(sdk, product)))["data"]
    request = {
        "subscriptionReferenceCode": one["referenceCode"],
        "newPricingPlanReferenceCode": dear,
        "upgradePeriod": "NEXT_PERIOD",
    }
    new = (await sdk.call("Subscription", "upgrade", request))["data"]["referenceCode"]
    before = len(charges(sdk))
    renewed = await sdk.order("renewals", subscriptionReferenceCode=one["referenceCode"])
    assert (renewed["subscriptionReferenceCode"], renewed["subscriptionStatus"]) == (new, "ACTIVE")
    assert [p.charged_minor for p in charges(sdk)[before:]] == [9900]
    assert (await shown(sdk, one["referenceCode"]))["subscriptionStatus"] == "UPGRADED"


async def test_a_cancelled_subscription_is_not_renewed(sdk: Sdk, product: str) -> None:
    one = (await begun(sdk, await a_plan(sdk, product)))["data"]["referenceCode"]
    assert (await sdk.call("Subscription", "cancel", {"subscriptionReferenceCode": one}))["status"] == "success"
    assert (await sdk.call("Subscription", "cancel", {"subscriptionReferenceCode": one}))["errorCode"] == "11"
    assert (await sdk.order("renewals", subscriptionReferenceCode=one))["code"] == "11"
    listed = await sdk.call("Subscription", "list", {"subscriptionStatus": "CANCELED", "count": 100})
    assert one in {item["referenceCode"] for item in listed["data"]["items"]}


async def test_a_buyer_subscribes_on_a_hosted_form(sdk: Sdk, browser: Browser, product: str) -> None:
    request = {
        "callbackUrl": SHOP,
        "pricingPlanReferenceCode": await a_plan(sdk, product),
        "subscriptionInitialStatus": "ACTIVE",
        "customer": a_customer(),
        "conversationId": "hosted-begin",
    }
    started = await sdk.call("SubscriptionCheckoutForm", "create", request)
    token = {"token": started["token"]}
    assert (started["tokenExpireTime"], "signature" in started) == (1800, False)
    assert (await sdk.call("SubscriptionCheckoutForm", "retrieve", token))["errorCode"] == "5087"
    page = await browser.open(f"{sdk.sandbox.base_url}/pages/checkout/{started['token']}")
    declined = await browser.press(page, "Continue", **TYPED, cardNumber=DECLINED)
    assert declined.alerts
    back = await browser.press(declined, "Continue", **TYPED, cardNumber="5526080000000006")
    assert back.filled("Return to the shop") == (SHOP, token)
    found = await sdk.call("SubscriptionCheckoutForm", "retrieve", token)
    assert found["data"]["subscriptionStatus"] == "ACTIVE"
    assert [p.charged_minor for p in charges(sdk) if p.conversation_id == "hosted-begin"] == [3050]


async def test_another_card_pays_after_its_update(sdk: Sdk, product: str) -> None:
    one = (await begun(sdk, await a_plan(sdk, product)))["data"]
    request = {"callbackUrl": SHOP, "customerReferenceCode": one["customerReferenceCode"]}
    for_all = await sdk.call("SubscriptionCardUpdate", "initialize", request)
    assert (await sdk.order("checkout", token=for_all["token"], card="card-declined-10051"))["code"] == "10051"
    await sdk.order("checkout", token=for_all["token"], card="card-qnb-credit")
    named = request | {"subscriptionReferenceCode": one["referenceCode"]}
    for_one = await sdk.call("SubscriptionCardUpdate", "initialize_with_subscription", named)
    await sdk.order("checkout", token=for_one["token"], card="card-isbank-credit")
    cards = []
    for _ in range(2):
        await sdk.order("renewals", subscriptionReferenceCode=one["referenceCode"])
        cards.append(sdk.sandbox.books.entries()[-1].card_name)
    assert cards == ["card-isbank-credit"] * 2


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"pricingPlanReferenceCode": "none"}, "11"),
        ({"subscriptionInitialStatus": "EXPIRED"}, "11"),
        ({"customer": a_customer(email="ayse@")}, "5"),
        ({"customer": a_customer(gsmNumber=None)}, "25"),
        ({"customer": a_customer(identityNumber="123")}, "10"),
        ({"customer": a_customer(billingAddress=None)}, "24"),
        ({"paymentCard": a_card("5526080000000007")}, "12"),
    ],
)
async def test_a_wrong_beginning_is_refused_under_its_own_code(
    sdk: Sdk, product: str, changes: Reply, code: str
) -> None:
    assert (await begun(sdk, **({"plan": await a_plan(sdk, product)} | changes)))["errorCode"] == code


@pytest.mark.parametrize(
    "changes", [{"price": "0"}, {"currencyCode": "GBP"}, {"paymentInterval": "HOURLY"}, {"recurrenceCount": 0}]
)
async def test_a_wrong_plan_is_refused(sdk: Sdk, product: str, changes: Reply) -> None:
    body = {"product_reference_code": product, "name": "x", "price": "1", "currencyCode": "TRY"}
    given = body | {"paymentInterval": "DAILY", "planPaymentType": "RECURRING"} | changes
    assert (await sdk.call("SubscriptionPricingPlan", "create", given))["errorCode"] in ("11", "5005")


async def test_hosted_pages_and_bank_pages_are_told_in_their_own_forms(sdk: Sdk, merchant: Receiver) -> None:
    hosted = await sdk.call("CheckoutFormInitialize", "create", a_payment(callbackUrl=SHOP, conversationId="told-1"))
    await sdk.order("checkout", token=hosted["token"], pay_with="transfer")
    await sdk.order("transfers", token=hosted["token"])
    body = a_payment(callbackUrl=SHOP, conversationId="told-2")
    secure = await sdk.call("ThreedsInitialize", "create", body)
    await sdk.order("threeds", paymentId=secure["paymentId"])
    await sdk.call("ThreedsPayment", "create", {"paymentId": secure["paymentId"]})

    told = await merchant.until(lambda: _payments_told(merchant, 4))
    assert {(call["iyziEventType"], call["status"], call.get("token")) for call in told} == {
        ("BANK_TRANSFER_AUTH", "INIT_BANK_TRANSFER", hosted["token"]),
        ("BANK_TRANSFER_AUTH", "SUCCESS", hosted["token"]),
        ("THREE_DS_CALLBACK", "CALLBACK_THREEDS", None),
        ("THREE_DS_AUTH", "SUCCESS", None),
    }


def _payments_told(merchant: Receiver, calls: int) -> list[Reply]:
    told = [got.told for got in merchant.at("/payments")]
    mine = [call for call in told if str(call["paymentConversationId"]).startswith("told-")]
    return mine if len(mine) >= calls else []
