from collections.abc import AsyncIterator
from decimal import Decimal

import pytest
import pytest_asyncio

from infra.sandbox.iyzico import Books
from infra.sandbox.iyzico.day_report import PAGE_ROWS
from tests.sandbox_clock import Clock
from tests.sandbox_merchant import Reply, a_payment, an_item
from tests.sandbox_sdk import Sdk, running_sdk

PERSON = {
    "subMerchantExternalId": "person-1",
    "subMerchantType": "PERSONAL",
    "name": "Ayşe'nin dükkanı",
    "email": "ayse@example.com",
    "gsmNumber": "+905350000000",
    "address": "Göztepe, Bora Sok. 1",
    "iban": "TR180006200119000006672315",
    "contactName": "Ayşe",
    "contactSurname": "Yılmaz",
    "identityNumber": "74300864791",
    "currency": "TRY",
}
COMPANY = {name: PERSON[name] for name in ("name", "email", "gsmNumber", "address", "iban", "currency")} | {
    "taxOffice": "Kadıköy",
    "legalCompanyTitle": "Şirket A.Ş.",
}

CLOCK = Clock()


@pytest_asyncio.fixture(scope="module")
async def sdk() -> AsyncIterator[Sdk]:
    with Books(now_ms=CLOCK) as books:
        async with running_sdk(books=books) as sdk:
            yield sdk


@pytest_asyncio.fixture(scope="module")
async def seller(sdk: Sdk) -> str:
    made = await sdk.call("SubMerchant", "create", PERSON)
    key: str = made["subMerchantKey"]
    return key


async def sold(sdk: Sdk, seller: str, share: str = "80.00", **changes: object) -> Reply:
    item = an_item(subMerchantKey=seller, subMerchantPrice=share)
    return await sdk.call("Payment", "create", a_payment() | {"basketItems": [item]} | changes)


def line_of(paid: Reply) -> str:
    line: str = paid["itemTransactions"][0]["paymentTransactionId"]
    return line


async def test_sub_merchants_are_taken_on_changed_and_found(sdk: Sdk, seller: str) -> None:
    changed = await sdk.call("SubMerchant", "update", {"subMerchantKey": seller, "iban": "TR000000000000000000000001"})
    assert changed["status"] == "success"
    found = await sdk.call("SubMerchant", "retrieve", {"subMerchantExternalId": "person-1"})
    assert (found["subMerchantKey"], found["iban"], found["name"]) == (
        seller,
        "TR000000000000000000000001",
        PERSON["name"],
    )
    unknown = await sdk.call("SubMerchant", "retrieve", {"subMerchantExternalId": "nobody"})
    assert unknown["errorCode"] == "2001"
    again = await sdk.call("SubMerchant", "create", PERSON)
    assert again["errorCode"] == "2001"


@pytest.mark.parametrize(
    ("kind", "given", "missing"),
    [
        ("PERSONAL", PERSON, "contactName"),
        ("PRIVATE_COMPANY", COMPANY, "taxOffice"),
        ("LIMITED_OR_JOINT_STOCK_COMPANY", COMPANY | {"taxNumber": "9261877"}, "taxNumber"),
        ("PRIVATE_COMPANY", COMPANY, "email"),
    ],
)
async def test_each_type_of_sub_merchant_wants_its_own_fields(
    sdk: Sdk, kind: str, given: dict[str, str], missing: str
) -> None:
    body = given | {"subMerchantType": kind, "subMerchantExternalId": f"{kind}-{missing}"}
    without = {name: value for name, value in body.items() if name != missing}
    assert (await sdk.call("SubMerchant", "create", without))["errorCode"] == "2001"
    assert (await sdk.call("SubMerchant", "create", body))["subMerchantKey"]


async def test_a_line_waits_for_approval_and_is_paid_out_after_it(sdk: Sdk, seller: str) -> None:
    _, day = CLOCK.to(2)
    paid = await sold(sdk, seller)
    waiting = paid["itemTransactions"][0]
    assert (waiting["transactionStatus"], waiting["subMerchantKey"]) == (1, seller)
    assert waiting["subMerchantPayoutAmount"] == Decimal(80)
    assert waiting["merchantPayoutAmount"] == Decimal("16.76")  # of 100: 80, 2.99 and 0.25 are others'

    assert (await sdk.order("payouts"))["lines"] == 0
    request = {"paymentTransactionId": line_of(paid)}
    assert (await sdk.call("Approval", "create", request))["paymentTransactionId"] == line_of(paid)
    assert (await sdk.call("Disapproval", "create", request))["status"] == "success"
    assert (await sdk.order("payouts"))["lines"] == 0
    await sdk.call("Approval", "create", request)
    detail = await sdk.call("Payment", "retrieve", {"paymentId": paid["paymentId"]})
    assert detail["itemTransactions"][0]["transactionStatus"] == 2
    assert (await sdk.order("payouts"))["lines"] == 1
    assert (await sdk.call("Disapproval", "create", request))["errorCode"] == "10012"

    report = await sdk.call("PayoutCompletedTransactionList", "retrieve", {"date": day})
    rows = {row["payoutType"]: row for row in report["payoutCompletedTransactions"]}
    assert rows["MERCHANT_PAYOUT"]["payoutAmount"] == Decimal("16.76")
    assert (rows["SUB_MERCHANT_PAYOUT"]["payoutAmount"], rows["SUB_MERCHANT_PAYOUT"]["subMerchantKey"]) == (80, seller)
    assert {row["paymentTransactionId"] for row in rows.values()} == {line_of(paid)}

    assert (await sdk.order("bounces", subMerchantKey=seller))["amount_minor"] == 8000
    (bounced,) = (await sdk.call("BouncedBankTransferList", "retrieve", {"date": day}))["bouncedRows"]
    assert (bounced["subMerchantKey"], bounced["contactName"]) == (seller, "Ayşe")
    assert (bounced["marketplaceSubmerchantType"], "legalCompanyTitle" in bounced) == ("PERSONAL", False)
    movements = sdk.sandbox.books.movements()
    assert [(m.kind, m.amount_minor) for m in movements][-3:] == [("payout", 1676), ("payout", 8000), ("bounced", 8000)]


async def test_a_share_may_change_until_it_is_approved(sdk: Sdk, seller: str) -> None:
    paid = await sold(sdk, seller)
    request = {"paymentTransactionId": line_of(paid), "subMerchantKey": seller, "subMerchantPrice": "60"}
    changed = await sdk.call("SubMerchant", "update_item", request)
    assert (changed["subMerchantPrice"], changed["paymentTransactionId"]) == (60, line_of(paid))
    above = await sdk.call("SubMerchant", "update_item", request | {"subMerchantPrice": "100.01"})
    unknown = await sdk.call("SubMerchant", "update_item", request | {"subMerchantKey": "nobody"})
    await sdk.call("Approval", "create", {"paymentTransactionId": line_of(paid)})
    late = await sdk.call("SubMerchant", "update_item", request)
    assert [r["errorCode"] for r in (above, unknown, late)] == ["11", "2001", "10012"]


async def test_marketplace_baskets_and_lines_are_checked(sdk: Sdk, seller: str) -> None:
    share = {"subMerchantKey": seller, "subMerchantPrice": "40"}
    half = [an_item("50.00", **share), an_item("50.00")]
    cases = [
        await sdk.pay(basketItems=half),
        await sdk.pay(basketItems=[an_item(**share)], paymentGroup="LISTING"),
        await sdk.pay(basketItems=[an_item(subMerchantKey="nobody", subMerchantPrice="40")]),
        await sdk.pay(basketItems=[an_item(subMerchantKey=seller)]),
        await sdk.call("Approval", "create", {"locale": "en"}),
        await sdk.call("Approval", "create", {"paymentTransactionId": "99999999"}),
        await sdk.call("Approval", "create", {"paymentTransactionId": line_of(await sdk.pay())}),
    ]
    assert [case["errorCode"] for case in cases] == ["5077", "5079", "2001", "5004", "5001", "5092", "5074"]


async def test_money_moves_between_merchant_and_sub_merchant(sdk: Sdk, seller: str) -> None:
    request = {"subMerchantKey": seller, "price": "12.50", "reason": "kargo", "conversationId": "cross-1"}
    assert (await sdk.call("CrossBookingToSubMerchant", "create", request))["status"] == "success"
    assert (await sdk.call("CrossBookingFromSubMerchant", "create", request))["status"] == "success"
    moved = [(m.kind, m.amount_minor, m.conversation_id) for m in sdk.sandbox.books.movements()][-2:]
    assert moved == [("to_sub_merchant", 1250, "cross-1"), ("from_sub_merchant", 1250, "cross-1")]


async def test_a_refund_charged_to_the_merchant_gives_back_one_line(sdk: Sdk, seller: str) -> None:
    paid = await sold(sdk, seller)
    request = {"paymentTransactionId": line_of(paid), "price": "30", "ip": "85.34.78.112"}
    reply = await sdk.call("RefundChargedFromMerchant", "create", request)
    assert (reply["status"], reply["price"], reply["paymentId"]) == ("success", 30, paid["paymentId"])


async def test_a_days_transactions_come_in_order_with_cancels_and_refunds(sdk: Sdk) -> None:
    day, _ = CLOCK.to(5)
    paid = await sdk.pay("30.00", conversationId="day-1", basketItems=[an_item("10.00", id="a"), an_item("20.00")])
    cancelled = await sdk.pay(conversationId="day-2")
    await sdk.pay(paymentCard={"cardUserKey": "sandbox-wallet", "cardToken": "card-declined-10051"})
    CLOCK.ms += 1000
    await sdk.call("Refund", "create", {"paymentTransactionId": line_of(paid), "price": "4", "conversationId": "day-3"})
    CLOCK.ms += 1000
    await sdk.call("Cancel", "create", {"paymentId": cancelled["paymentId"], "conversationId": "day-4"})

    report = await sdk.call("RetrieveTransactions", "retrieve", {"transactionDate": day, "page": 1})
    rows = report["transactions"]
    assert (report["currentPage"], report["totalPageCount"]) == (1, 1)
    assert [(row["transactionType"], row["conversationId"], row["paidPrice"]) for row in rows] == [
        ("PAYMENT", "day-1", 10),
        ("PAYMENT", "day-1", 20),
        ("PAYMENT", "day-2", 100),
        ("REFUND", "day-3", 4),
        ("CANCEL", "day-4", 100),
    ]
    assert (rows[3]["paymentTxId"], rows[3]["afterSettlement"]) == (int(line_of(paid)), 0)
    assert rows[0]["transactionDate"] == f"{day} 12:00:00"

    beyond = await sdk.call("RetrieveTransactions", "retrieve", {"transactionDate": day, "page": 2})
    assert (beyond["transactions"], beyond["totalPageCount"]) == ([], 1)
    asked = {"transactionDate": day, "documentScrollVoSortingOrder": "DESC", "conversationId": "scroll", "lastId": ""}
    newest = (await sdk.call("ReportingScrollTransaction", "retrieve", asked))["transactions"]
    assert newest == rows[::-1]
    asked["lastId"] = str(newest[1]["transactionId"])
    assert (await sdk.call("ReportingScrollTransaction", "retrieve", asked))["transactions"] == newest[2:]


async def test_a_long_day_has_several_pages(sdk: Sdk) -> None:
    day, _ = CLOCK.to(8)
    items = [an_item("1.00", id=f"item-{number}") for number in range(PAGE_ROWS + 1)]
    await sdk.pay(f"{PAGE_ROWS + 1}.00", basketItems=items)
    pages = [
        await sdk.call("RetrieveTransactions", "retrieve", {"transactionDate": day, "page": page}) for page in (1, 2)
    ]
    assert [len(page["transactions"]) for page in pages] == [PAGE_ROWS, 1]
    assert {page["totalPageCount"] for page in pages} == {2}


async def test_dates_and_pages_are_read_strictly(sdk: Sdk) -> None:
    wrong = [{"transactionDate": "05.09.2026", "page": 1}, {"transactionDate": "2026-13-01", "page": 1}]
    codes = [(await sdk.call("RetrieveTransactions", "retrieve", one))["errorCode"] for one in wrong]
    codes.append(
        (await sdk.call("RetrieveTransactions", "retrieve", {"transactionDate": "2026-09-05", "page": 0}))["errorCode"]
    )
    codes.append((await sdk.call("PayoutCompletedTransactionList", "retrieve", {"date": "2026-09-05"}))["errorCode"])
    assert codes == ["7", "7", "11", "7"]


async def test_a_refund_after_the_payout_is_marked_so(sdk: Sdk) -> None:
    day, _ = CLOCK.to(12)
    paid = await sdk.pay()
    await sdk.order("payouts")
    CLOCK.ms += 1000
    await sdk.call("Payment", "refund", {"paymentId": paid["paymentId"], "price": "1"})
    rows = (await sdk.call("RetrieveTransactions", "retrieve", {"transactionDate": day, "page": 1}))["transactions"]
    assert [row["afterSettlement"] for row in rows] == [0, 1]
    report = await sdk.call("RetrievePaymentDetails", "retrieve", {"paymentId": paid["paymentId"]})
    assert report["payments"][0]["itemTransactions"][0]["refunds"][0]["isAfterSettlement"] is True
