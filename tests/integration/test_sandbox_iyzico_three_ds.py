import asyncio
import base64
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from infra.sandbox.iyzico import FaultKind, FaultOrder
from tests.sandbox_buyer import Browser, Shown, a_buyers_browser
from tests.sandbox_hosted import MASTERCARD, SHOP, VISA, booked
from tests.sandbox_merchant import PAYMENT_ORDER, Reply, a_card, a_merchant, a_payment, is_signed
from tests.sandbox_sdk import Sdk, running_sdk

START_ORDER = ("paymentId", "conversationId")
RETURN_ORDER = ("conversationData", "conversationId", "mdStatus", "paymentId", "status")


@pytest_asyncio.fixture(scope="module")
async def sdk() -> AsyncIterator[Sdk]:
    async with running_sdk() as sdk:
        yield sdk


@pytest_asyncio.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with a_buyers_browser() as made:
        yield made


async def start(sdk: Sdk, number: str = MASTERCARD, resource: str = "ThreedsInitialize", **changes: object) -> Reply:
    body = a_payment() | {"paymentCard": a_card(number), "callbackUrl": SHOP} | changes
    return await sdk.call(resource, "create", body)


async def at_the_bank(browser: Browser, started: Reply) -> Shown:
    """The page that the merchant shows, and the bank's behind it."""
    content = base64.b64decode(started["threeDSHtmlContent"]).decode()
    return await browser.press(Shown.of("about:blank", content), "Continue to your bank")


async def walked(browser: Browser, started: Reply) -> dict[str, str]:
    """What the buyer's browser brings back to the shop."""
    shown = await browser.press(await at_the_bank(browser, started), "Confirm", code="123456")
    url, fields = shown.filled("Return to the shop")
    assert url == SHOP
    assert is_signed(fields, RETURN_ORDER)
    return fields


async def status(sdk: Sdk, payment_id: str) -> Any:
    found = await sdk.call("ThreedsPayment", "retrieve", {"paymentId": payment_id, "locale": "en"})
    assert is_signed(found, PAYMENT_ORDER)
    return found["paymentStatus"]


@pytest.mark.parametrize("number", [VISA, MASTERCARD])
async def test_a_payment_with_three_d_secure_takes_money_at_its_completion_alone(
    sdk: Sdk, browser: Browser, number: str
) -> None:
    started = await start(sdk, number, conversationId=f"threeds-{number[0]}")
    assert (started["status"], is_signed(started, START_ORDER)) == ("success", True)
    payment_id = started["paymentId"]
    request = {"paymentId": payment_id, "conversationId": started["conversationId"], "locale": "en"}
    assert await status(sdk, payment_id) == "INIT_THREEDS"
    assert (await sdk.call("ThreedsPayment", "create", request))["errorCode"] == "10012"

    fields = await walked(browser, started)
    assert (fields["status"], fields["mdStatus"], fields["paymentId"]) == ("success", "1", payment_id)
    assert bool(fields["conversationData"]) == (number == VISA)
    assert await status(sdk, payment_id) == "CALLBACK_THREEDS"
    assert (booked(sdk, payment_id).state, booked(sdk, payment_id).net_minor) == ("started", 0)

    if number == VISA:
        assert (await sdk.call("ThreedsPayment", "create", request))["errorCode"] == "11"
    done = await sdk.call("ThreedsPayment", "create", request | {"conversationData": fields["conversationData"]})
    assert (done["status"], done["mdStatus"], is_signed(done, PAYMENT_ORDER)) == ("success", 1, True)
    assert (booked(sdk, payment_id).state, booked(sdk, payment_id).net_minor) == ("charged", 10000)
    again = await sdk.call("ThreedsPayment", "create", request | {"conversationData": fields["conversationData"]})
    assert (again["errorCode"], again["paymentId"]) == ("10203", payment_id)
    assert await status(sdk, payment_id) == "SUCCESS"
    report = await sdk.call("RetrievePaymentDetails", "retrieve", {"paymentId": payment_id})
    assert report["payments"][0]["threeDS"] is True


async def test_the_second_form_compares_amount_basket_and_currency(sdk: Sdk, browser: Browser) -> None:
    started = await start(sdk, resource="ThreedsInitializePreAuth", paidPrice="110.00")
    await walked(browser, started)
    right = {"paymentId": started["paymentId"], "paidPrice": "110", "basketId": "basket-1", "currency": "TRY"}
    wrong: list[Reply] = [{"paidPrice": "100"}, {"basketId": "another"}, {"currency": "USD"}, {"basketId": None}]
    codes = [(await sdk.call("ThreedsV2Payment", "create", right | one))["errorCode"] for one in wrong]
    assert codes == ["10232", "11", "11", "24"]
    done = await sdk.call("ThreedsV2Payment", "create", right)
    assert (done["status"], done["phase"], is_signed(done, PAYMENT_ORDER)) == ("success", "PRE_AUTH", True)
    assert booked(sdk, started["paymentId"]).state == "held"


@pytest.mark.parametrize(("number", "md_status"), [("4131111111111117", "0"), ("4141111111111115", "4")])
async def test_a_card_that_is_not_verified_pays_nothing(
    sdk: Sdk, browser: Browser, number: str, md_status: str
) -> None:
    started = await start(sdk, number)
    fields = await walked(browser, started)
    assert (fields["status"], fields["mdStatus"]) == ("failure", md_status)
    assert await status(sdk, started["paymentId"]) == "FAILURE"
    request = {"paymentId": started["paymentId"], "conversationData": fields["conversationData"]}
    assert (await sdk.call("ThreedsPayment", "create", request))["errorCode"] == "10012"
    assert booked(sdk, started["paymentId"]).state == "declined"


async def test_a_start_can_fail_and_wants_a_callback_url(sdk: Sdk) -> None:
    refused = await start(sdk, "4151111111111112")
    assert (refused["status"], refused["errorCode"]) == ("failure", "10220")
    without = await sdk.call("ThreedsInitialize", "create", a_payment())
    assert without["errorCode"] == "23"
    strange = await sdk.call("ThreedsInitialize", "create", a_payment(callbackUrl="javascript:alert(1)"))
    assert strange["errorCode"] == "11"


async def test_a_bank_declines_at_the_completion(sdk: Sdk, browser: Browser) -> None:
    started = await start(sdk, "4111111111111129")
    fields = await walked(browser, started)
    request = {"paymentId": started["paymentId"], "conversationData": fields["conversationData"]}
    done = await sdk.call("ThreedsPayment", "create", request)
    assert (done["status"], done["errorCode"], done["errorGroup"]) == ("failure", "10051", "NOT_SUFFICIENT_FUNDS")
    assert await status(sdk, started["paymentId"]) == "FAILURE"


async def test_a_buyer_who_cancels_or_mistypes_three_times_has_not_paid(sdk: Sdk, browser: Browser) -> None:
    cancelling, mistyping = await start(sdk), await start(sdk)
    shown = await browser.press(await at_the_bank(browser, cancelling), "Cancel")
    assert shown.filled("Return to the shop")[1]["mdStatus"] == "0"

    shown = await at_the_bank(browser, mistyping)
    for _ in range(2):
        shown = await browser.press(shown, "Confirm", code="000000")
        assert shown.alerts
    assert await status(sdk, mistyping["paymentId"]) == "INIT_THREEDS"
    last = await browser.press(shown, "Confirm", code="000000")
    assert last.filled("Return to the shop")[1]["status"] == "failure"


async def test_a_return_is_the_same_however_often_it_is_sent(sdk: Sdk, browser: Browser) -> None:
    started = await start(sdk)
    page = await at_the_bank(browser, started)
    first = await browser.press(page, "Confirm", code="123456")
    again = await browser.press(page, "Cancel")
    assert again.filled("Return to the shop") == first.filled("Return to the shop")
    ordered = await sdk.order("threeds", paymentId=started["paymentId"])
    assert ordered == {"callbackUrl": SHOP, "fields": first.filled("Return to the shop")[1]}


async def test_a_card_is_stored_once_it_has_paid_with_three_d_secure(sdk: Sdk) -> None:
    started = await sdk.call(
        "ThreedsInitialize", "create", a_payment(paymentCard=a_card(registerCard=1), callbackUrl=SHOP)
    )
    assert "cardToken" not in started
    await sdk.order("threeds", paymentId=started["paymentId"])
    done = await sdk.call("ThreedsPayment", "create", {"paymentId": started["paymentId"]})
    stored = {"cardUserKey": done["cardUserKey"], "cardToken": done["cardToken"]}
    paid = await sdk.call("Payment", "create", a_payment(paymentCard=stored))
    assert (paid["status"], paid["lastFourDigits"]) == ("success", "0006")


async def test_a_second_completion_is_turned_away_until_the_first_is_answered(sdk: Sdk) -> None:
    started = await start(sdk)
    await sdk.order("threeds", paymentId=started["paymentId"])
    request = {"paymentId": started["paymentId"]}
    sdk.sandbox.faults.order(FaultOrder(FaultKind.NEVER, path="/payment/3dsecure/auth", count=1))
    async with a_merchant(sdk.sandbox) as merchant, asyncio.TaskGroup() as tasks:
        lost = tasks.create_task(merchant.post("/payment/3dsecure/auth", request))
        async with asyncio.timeout(10):
            while booked(sdk, started["paymentId"]).state != "charged":
                await merchant.post("/payment/detail", request)
        second = await merchant.post("/payment/3dsecure/auth", request)
        assert (second["errorCode"], second["paymentId"]) == ("8514", started["paymentId"])
        assert (await merchant.post("/payment/detail", request))["paymentStatus"] == "SUCCESS"
        lost.cancel()
