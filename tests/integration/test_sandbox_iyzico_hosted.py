import asyncio
import base64
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from infra.sandbox.iyzico import BookedPayment, Books, FaultKind, FaultOrder
from tests.sandbox_buyer import Browser, Shown
from tests.sandbox_merchant import BUYER, PAYMENT_ORDER, Reply, a_card, a_merchant, a_payment, is_signed
from tests.sandbox_sdk import Sdk, running_sdk

SHOP = "https://shop.example/odeme/donus?siparis=1&x=ğ"
START_ORDER = ("paymentId", "conversationId")
RETURN_ORDER = ("conversationData", "conversationId", "mdStatus", "paymentId", "status")
TOKEN_ORDER = ("conversationId", "token")
RESULT_ORDER = ("paymentStatus", "paymentId", "currency", "basketId", "conversationId", "paidPrice", "price", "token")
VISA, MASTERCARD = "4543590000000006", "5526080000000006"
TYPED = {"cardHolderName": "Ayşe Yılmaz", "expireMonth": "12", "expireYear": "2030", "cvc": "123"}


class Clock:
    """The books' time, which a test may move."""

    ms = 1_790_000_000_000

    def __call__(self) -> int:
        return self.ms


CLOCK = Clock()


@pytest_asyncio.fixture(scope="module")
async def sdk() -> AsyncIterator[Sdk]:
    with Books(now_ms=CLOCK) as books:
        async with running_sdk(books=books) as sdk:
            yield sdk


@pytest_asyncio.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    connector = aiohttp.TCPConnector(ssl=False)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=20)) as session:
        yield Browser(session)


def booked(sdk: Sdk, payment_id: str) -> BookedPayment:
    return next(payment for payment in sdk.sandbox.books.entries() if payment.payment_id == payment_id)


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


def a_checkout(**changes: object) -> Reply:
    body = a_payment() | {"callbackUrl": SHOP, "enabledInstallments": [2, 3, 6]} | changes
    return {name: value for name, value in body.items() if name not in ("paymentCard", "installment")}


async def result(sdk: Sdk, token: str) -> Reply:
    return await sdk.call("CheckoutForm", "retrieve", {"token": token, "conversationId": "result", "locale": "en"})


@pytest.mark.parametrize(
    ("resource", "state", "phase"),
    [("CheckoutFormInitialize", "charged", "AUTH"), ("CheckoutFormInitializePreAuth", "held", "PRE_AUTH")],
)
async def test_a_checkout_form_is_paid_by_a_typed_card_in_instalments(
    sdk: Sdk, browser: Browser, resource: str, state: str, phase: str
) -> None:
    started = await sdk.call(resource, "create", a_checkout())
    assert (started["tokenExpireTime"], is_signed(started, TOKEN_ORDER)) == (1800, True)
    assert started["paymentPageUrl"] in started["checkoutFormContent"]
    assert (await result(sdk, started["token"]))["errorCode"] == "5087"

    shown = await browser.open(started["paymentPageUrl"])
    assert shown.form("Pay").choices["installment"] == ["1", "2", "3", "6"]
    shown = await browser.press(shown, "Pay", **TYPED, cardNumber="5526 0800 0000 0006", installment="3", storeCard="1")
    assert shown.filled("Return to the shop") == (SHOP, {"token": started["token"]})

    found = await result(sdk, started["token"])
    assert (found["paymentStatus"], found["token"], found["phase"]) == ("SUCCESS", started["token"], phase)
    assert (found["installment"], found["price"], found["paidPrice"]) == (3, Decimal("100.0"), Decimal("104.10"))
    assert is_signed(found, RESULT_ORDER)
    assert {"cardUserKey", "cardToken", "callbackUrl"} <= found.keys()
    payment = booked(sdk, found["paymentId"])
    assert (payment.state, payment.paid_minor, payment.token) == (state, 10410, started["token"])


async def test_a_declined_buyer_may_try_once_more(sdk: Sdk, browser: Browser) -> None:
    started = await sdk.call("CheckoutFormInitialize", "create", a_checkout())
    shown = await browser.open(started["paymentPageUrl"])
    unreadable = await browser.press(shown, "Pay", **TYPED, cardNumber="5526080000000007")
    assert unreadable.alerts
    assert (await result(sdk, started["token"]))["errorCode"] == "5087"
    declined = await browser.press(shown, "Pay", **TYPED, cardNumber="4111111111111129")
    assert declined.alerts
    failed = await result(sdk, started["token"])
    assert (failed["status"], failed["paymentStatus"], failed["errorCode"]) == ("success", "FAILURE", "10051")
    assert is_signed(failed, RESULT_ORDER)
    await browser.press(declined, "Pay", **TYPED, cardNumber=MASTERCARD)
    twice = await browser.press(declined, "Pay", **TYPED, cardNumber=MASTERCARD)
    assert twice.form("Return to the shop").fields == {"token": started["token"]}
    assert (await result(sdk, started["token"]))["paymentStatus"] == "SUCCESS"
    paid = [p for p in sdk.sandbox.books.entries() if p.token == started["token"] and p.captured]
    assert len(paid) == 1


async def test_a_forced_checkout_leads_over_the_bank_and_completes_by_itself(sdk: Sdk, browser: Browser) -> None:
    started = await sdk.call("CheckoutFormInitialize", "create", a_checkout(forceThreeDS="1"))
    shown = await browser.press(
        await browser.open(started["paymentPageUrl"]), "Pay", **TYPED, cardNumber=VISA, storeCard="1"
    )
    bank = await browser.press(shown, "Continue to your bank")
    assert (await result(sdk, started["token"]))["paymentStatus"] == "INIT_THREEDS"
    back = await browser.press(bank, "Confirm", code="123456")
    assert back.filled("Return to the shop") == (SHOP, {"token": started["token"]})
    found = await result(sdk, started["token"])
    assert (found["paymentStatus"], found["mdStatus"], "cardToken" in found) == ("SUCCESS", 1, True)
    assert booked(sdk, found["paymentId"]).net_minor == 10000


async def test_a_known_buyer_pays_with_a_stored_card(sdk: Sdk, browser: Browser) -> None:
    card = {name: value for name, value in a_card().items() if name != "cvc"} | {"cardAlias": "İş kartım"}
    stored = await sdk.call("Card", "create", {"email": "ayse@example.com", "card": card})
    unknown = await sdk.call("CheckoutFormInitialize", "create", a_checkout(cardUserKey="nobody"))
    assert unknown["errorCode"] == "3005"
    started = await sdk.call("CheckoutFormInitialize", "create", a_checkout(cardUserKey=stored["cardUserKey"]))
    await browser.press(await browser.open(started["paymentPageUrl"]), "Pay with İş kartım")
    assert (await result(sdk, started["token"]))["lastFourDigits"] == "0006"


async def test_debit_cards_can_be_shut_out(sdk: Sdk, browser: Browser) -> None:
    started = await sdk.call("CheckoutFormInitialize", "create", a_checkout(debitCardAllowed=0))
    shown = await browser.open(started["paymentPageUrl"])
    assert (await browser.press(shown, "Pay", **TYPED, cardNumber="5890040000000016")).alerts


@pytest.mark.parametrize(("arrived", "end", "net"), [(True, "SUCCESS", 10000), (False, "FAILURE", 0)])
async def test_a_bank_transfer_is_pending_until_it_arrives(
    sdk: Sdk, browser: Browser, arrived: bool, end: str, net: int
) -> None:
    started = await sdk.call("CheckoutFormInitialize", "create", a_checkout())
    shown = await browser.press(await browser.open(started["paymentPageUrl"]), "Pay by bank transfer")
    assert shown.form("Return to the shop").fields == {"token": started["token"]}
    found = await result(sdk, started["token"])
    assert (found["paymentStatus"], is_signed(found, RESULT_ORDER)) == ("INIT_BANK_TRANSFER", True)
    assert booked(sdk, found["paymentId"]).state == "started"
    ordered = await sdk.order("transfers", token=started["token"], arrived=arrived)
    assert ordered == {"paymentId": found["paymentId"], "paymentStatus": end}
    assert (await result(sdk, started["token"]))["paymentStatus"] == end
    assert booked(sdk, found["paymentId"]).net_minor == net
    assert (await sdk.order("transfers", token=started["token"]))["code"] == "10012"


async def test_a_wallet_pays_with_its_balance_or_a_card(sdk: Sdk, browser: Browser) -> None:
    for button, typed, has_card in (("Pay with my balance", {}, False), ("Pay", TYPED | {"cardNumber": VISA}, True)):
        started = await sdk.call("PayWithIyzico", "create", a_checkout())
        assert is_signed(started, TOKEN_ORDER)
        await browser.press(await browser.open(started["payWithIyzicoPageUrl"]), button, **typed)
        found = await result(sdk, started["token"])
        assert (found["paymentStatus"], found["memberEmail"]) == ("SUCCESS", BUYER["email"])
        assert (is_signed(found, RESULT_ORDER), "binNumber" in found) == (True, has_card)
    without = await sdk.call("PayWithIyzico", "create", a_checkout(basketId=None))
    assert without["errorCode"] == "24"


async def test_tokens_are_wanted_known_and_thirty_minutes_good(sdk: Sdk, browser: Browser) -> None:
    assert (await sdk.call("CheckoutForm", "retrieve", {"locale": "en"}))["errorCode"] == "5132"
    assert (await result(sdk, "never-given"))["errorCode"] == "5124"
    paid = await sdk.call("CheckoutFormInitialize", "create", a_checkout())
    await sdk.order("checkout", token=paid["token"], card="card-akbank-credit")
    left = await sdk.call("CheckoutFormInitialize", "create", a_checkout())
    shown = await browser.open(left["paymentPageUrl"])
    CLOCK.ms += 1_800_001
    late = await browser.press(shown, "Pay", **TYPED, cardNumber=MASTERCARD)
    assert late.alerts
    assert (await result(sdk, left["token"]))["errorCode"] == "5124"
    assert (await result(sdk, paid["token"]))["paymentStatus"] == "SUCCESS"


async def test_what_came_from_outside_is_escaped(sdk: Sdk, browser: Browser) -> None:
    url = 'https://shop.example/?"><script>alert(1)</script>'
    refused = await sdk.call("CheckoutFormInitialize", "create", a_checkout(callbackUrl=url))
    assert refused["errorCode"] == "11"
    started = await sdk.call(
        "CheckoutFormInitialize", "create", a_checkout(callbackUrl="https://shop.example/?a=1&b='2")
    )
    shown = await browser.press(await browser.open(started["paymentPageUrl"]), "Return to the shop")
    assert (shown.forms[0].action, "b='2\"" in shown.text) == ("https://shop.example/?a=1&b='2", False)


@pytest.mark.parametrize(("kind", "end"), [("approve", (1, "SUCCESS")), ("reject", (-1, "FAILURE"))])
@pytest.mark.parametrize("force", ["0", "1"])
async def test_a_review_of_a_hosted_payment_begins_when_it_is_paid(
    sdk: Sdk, kind: str, end: tuple[int, str], force: str
) -> None:
    body = a_checkout(basketId=f"fault-review_{kind}-5s-{force}", forceThreeDS=force)
    started = await sdk.call("CheckoutFormInitialize", "create", body)
    CLOCK.ms += 10_000
    paid = await sdk.order("checkout", token=started["token"], card="card-isbank-credit")
    if force == "1":
        await sdk.order("threeds", paymentId=paid["paymentId"])
    found = await result(sdk, started["token"])
    assert (found["fraudStatus"], found["paymentStatus"]) == (0, "SUCCESS")
    CLOCK.ms += 5_000
    found = await result(sdk, started["token"])
    assert (found["fraudStatus"], found["paymentStatus"]) == end


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


async def test_paths_of_other_clients_are_served_as_they_sign_them(sdk: Sdk) -> None:
    async with a_merchant(sdk.sandbox) as merchant:
        started = await merchant.post("/payment/iyzipos/checkoutform/initialize/auth/ecom", a_checkout())
        await sdk.order("checkout", token=started["token"], card="card-akbank-credit", installment=2)
        found = await merchant.post("/payment/iyzipos/checkoutform/auth/ecom/detail/", {"token": started["token"]})
    assert (found["paymentStatus"], found["installment"]) == ("SUCCESS", 2)


async def test_a_payment_link_is_made_paid_and_put_away(sdk: Sdk, browser: Browser) -> None:
    made = await sdk.call(
        "IyziLinkProduct",
        "create",
        {"name": "Çanta", "description": "El yapımı", "price": "12.50", "currency": "TRY", "locale": "tr"},
    )
    link = {"token": made["data"]["token"]}
    fast = await sdk.call("IyziLinkProduct", "fast_link", {"description": "Hızlı", "price": "1", "currencyCode": "TRY"})
    shown = await browser.press(await browser.open(made["data"]["url"]), "Pay", **TYPED, cardNumber=MASTERCARD)
    assert (await browser.press(shown, "Return to the shop")).text.count("Thank you")
    found = (await sdk.call("IyziLinkProduct", "retrieve", link))["data"]
    assert (found["price"], found["soldCount"], found["productStatus"]) == (Decimal("12.5"), 1, "ACTIVE")
    assert [p.net_minor for p in sdk.sandbox.books.entries() if p.basket_id == link["token"]] == [1250]

    change = {"name": "Çanta", "description": "Büyük", "price": "20", "currency": "TRY"}
    assert (await sdk.call("IyziLinkProduct", "update", link | change))["status"] == "success"
    await sdk.call("IyziLinkProduct", "update_product_status", link | {"status": "PASSIVE"})
    assert (await sdk.order("links", **link))["code"] == "11"
    listed = (await sdk.call("IyziLinkProduct", "get", {"page": 1, "count": 1}))["data"]
    assert (listed["totalCount"], listed["items"][0]["description"]) == (2, "Büyük")
    assert (await sdk.call("IyziLinkProduct", "delete", fast["data"]))["status"] == "success"
    assert (await sdk.call("IyziLinkProduct", "retrieve", fast["data"]))["errorCode"] == "11"


async def test_pages_that_are_not_there_say_so(sdk: Sdk, browser: Browser) -> None:
    for path in ("bank/none", "checkout/none", "link/none", "checkout", "elsewhere"):
        async with browser.session.get(f"{sdk.sandbox.base_url}/pages/{path}") as answer:
            assert answer.status == 404
    assert (await sdk.order("checkout", token=7))["error"] == "send token as a text"
    assert "serves" in (await sdk.order("elsewhere"))["error"]
