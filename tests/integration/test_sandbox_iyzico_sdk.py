import secrets
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest
import pytest_asyncio

from infra.sandbox.iyzico import Keys, running_sandbox
from tests.sandbox_merchant import PAYMENT_ORDER, REFUND_ORDER, a_card, a_payment, an_item, is_signed
from tests.sandbox_sdk import Sdk, running_sdk, start_driver, stop_driver


@pytest_asyncio.fixture(scope="module")
async def sdk() -> AsyncIterator[Sdk]:
    async with running_sdk() as sdk:
        yield sdk


async def test_liveness(sdk: Sdk) -> None:
    assert (await sdk.call("ApiTest", "retrieve"))["status"] == "success"


async def test_another_secret_is_refused() -> None:
    async with running_sandbox(tls=True) as sandbox:
        process = await start_driver(sandbox, Keys(sandbox.api_key, "sandbox-wrong"))
        reply = await Sdk(sandbox, process).pay()
        await stop_driver(process)
        assert (reply["status"], reply["errorCode"]) == ("failure", "1000")
        assert sandbox.books.entries() == ()


async def test_a_charge_with_turkish_letters_is_signed_and_stands_in_the_books(sdk: Sdk) -> None:
    body = a_payment(
        "1.0",
        paidPrice="1.2",
        conversationId="sdk-charge",
        basketId="Sepet-ŞĞİ",
        paymentCard=a_card("5528790000000008"),
        basketItems=[
            an_item("0.3", id="BI101", name="Çanta"),
            an_item("0.5", id="BI102", name="Oyun kodu 🎮", itemType="VIRTUAL"),
            an_item("0.2", id="BI103", name="IĞDIR ığdır"),
        ],
    )
    reply = await sdk.call("Payment", "create", body)
    assert is_signed(reply, PAYMENT_ORDER)
    assert (reply["price"], reply["paidPrice"], reply["currency"]) == (Decimal("1.0"), Decimal("1.20"), "TRY")
    assert (reply["phase"], reply["fraudStatus"], reply["conversationId"]) == ("AUTH", 1, "sdk-charge")
    assert (reply["cardType"], reply["cardAssociation"], reply["cardFamily"]) == (
        "CREDIT_CARD",
        "MASTER_CARD",
        "Paraf",
    )
    assert (reply["binNumber"], reply["lastFourDigits"], reply["basketId"]) == ("55287900", "0008", "Sepet-ŞĞİ")
    lines = reply["itemTransactions"]
    assert [line["itemId"] for line in lines] == ["BI101", "BI102", "BI103"]
    assert [str(line["paidPrice"]) for line in lines] == ["0.36000000", "0.60000000", "0.24000000"]
    booked = next(p for p in sdk.sandbox.books.entries() if p.payment_id == reply["paymentId"])
    assert (booked.state, booked.charged_minor, booked.price_minor) == ("charged", 120, 100)


async def test_retrieve_by_id_and_by_conversation(sdk: Sdk) -> None:
    conversation = f"sdk-{secrets.token_hex(4)}"
    paid = await sdk.pay(conversationId=conversation)
    by_id = await sdk.call("Payment", "retrieve", {"paymentId": paid["paymentId"], "conversationId": "ask-1"})
    by_conversation = await sdk.call("Payment", "retrieve", {"paymentConversationId": conversation})
    for found in (by_id, by_conversation):
        assert is_signed(found, PAYMENT_ORDER)
        assert (found["paymentId"], found["paymentStatus"]) == (paid["paymentId"], "SUCCESS")
    assert by_id["conversationId"] == "ask-1"
    missing = await sdk.call("Payment", "retrieve", {"paymentConversationId": "never-sent"})
    assert (missing["status"], missing["errorCode"]) == ("failure", "5087")
    without = await sdk.call("Payment", "retrieve", {"locale": "tr"})
    assert (without["status"], without["errorCode"]) == ("failure", "11")


@pytest.mark.parametrize(("amount", "captured"), [("100.00", 10000), ("40.5", 4050)])
async def test_hold_then_capture_in_full_or_part(sdk: Sdk, amount: str, captured: int) -> None:
    held = await sdk.call("PaymentPreAuth", "create", a_payment(paymentCard=a_card()))
    assert (held["status"], held["phase"], is_signed(held, PAYMENT_ORDER)) == ("success", "PRE_AUTH", True)
    request = {"paymentId": held["paymentId"], "paidPrice": amount, "currency": "TRY", "conversationId": "capture"}
    taken = await sdk.call("PaymentPostAuth", "create", request | {"ip": "85.34.78.112"})
    assert (taken["status"], taken["phase"], is_signed(taken, PAYMENT_ORDER)) == ("success", "POST_AUTH", True)
    assert taken["paidPrice"] == Decimal(amount)
    booked = next(p for p in sdk.sandbox.books.entries() if p.payment_id == held["paymentId"])
    assert (booked.state, booked.charged_minor, booked.capture_conversation_id) == ("charged", captured, "capture")
    again = await sdk.call("PaymentPostAuth", "create", request)
    assert (again["errorCode"], again["paymentId"]) == ("5082", held["paymentId"])


async def test_cancel(sdk: Sdk) -> None:
    paid = await sdk.pay()
    request = {
        "paymentId": paid["paymentId"],
        "ip": "85.34.78.112",
        "reason": "buyer_request",
        "description": "vazgeçti",
    }
    reply = await sdk.call("Cancel", "create", request)
    assert (reply["status"], reply["price"], reply["currency"]) == ("success", Decimal("100.00"), "TRY")
    assert {"paymentId", "authCode", "hostReference", "cancelHostReference"} <= reply.keys()
    assert "signature" not in reply


async def test_refund_one_line_and_by_amount(sdk: Sdk) -> None:
    paid = await sdk.pay("30.00", basketItems=[an_item("10.00", id="a"), an_item("20.00", id="b")])
    second = paid["itemTransactions"][1]["paymentTransactionId"]
    line = await sdk.call(
        "Refund", "create", {"paymentTransactionId": second, "price": "12.5", "currency": "TRY", "conversationId": "r1"}
    )
    assert (line["status"], line["paymentTransactionId"], line["price"]) == ("success", second, Decimal("12.50"))
    assert is_signed(line, REFUND_ORDER)
    rest = await sdk.call(
        "Payment", "refund", {"paymentId": paid["paymentId"], "price": "17.5", "conversationId": "r2", "ip": "1.1.1.1"}
    )
    assert (rest["status"], is_signed(rest, REFUND_ORDER)) == ("success", True)
    assert "paymentTransactionId" not in rest
    over = await sdk.call("Payment", "refund", {"paymentId": paid["paymentId"], "price": "0.01"})
    assert (over["status"], over["paymentId"], over["price"], over["retryable"]) == (
        "failure",
        paid["paymentId"],
        Decimal("0.01"),
        False,
    )
    report = await sdk.call("RetrievePaymentDetails", "retrieve", {"paymentId": paid["paymentId"]})
    (payment,) = report["payments"]
    assert (payment["paymentStatus"], payment["paymentRefundStatus"]) == (1, "TOTALLY_REFUNDED")
    refunds = [(r["refundConversationId"], r["refundPrice"]) for i in payment["itemTransactions"] for r in i["refunds"]]
    assert refunds == [("r2", Decimal(10)), ("r1", Decimal("12.5")), ("r2", Decimal("7.5"))]


async def test_reporting_by_conversation_and_of_nothing(sdk: Sdk) -> None:
    conversation = f"sdk-{secrets.token_hex(4)}"
    paid = await sdk.pay(conversationId=conversation)
    await sdk.call("Cancel", "create", {"paymentId": paid["paymentId"], "conversationId": "void-1"})
    # The client asks by conversation only when the payment id is an empty text.
    request = {"paymentId": "", "paymentConversationId": conversation}
    (payment,) = (await sdk.call("RetrievePaymentDetails", "retrieve", request))["payments"]
    assert (payment["paymentId"], payment["paymentConversationId"]) == (paid["paymentId"], conversation)
    assert [c["cancelConversationId"] for c in payment["cancels"]] == ["void-1"]
    nothing = await sdk.call("RetrievePaymentDetails", "retrieve", request | {"paymentConversationId": "never-sent"})
    assert (nothing["status"], nothing["payments"]) == ("success", [])


async def test_a_decline_names_code_and_group(sdk: Sdk) -> None:
    reply = await sdk.pay(paymentCard=a_card("4111111111111129"), conversationId="sdk-declined")
    assert (reply["status"], reply["errorCode"], reply["errorGroup"]) == ("failure", "10051", "NOT_SUFFICIENT_FUNDS")
    assert "signature" not in reply
    found = await sdk.call("Payment", "retrieve", {"paymentConversationId": "sdk-declined"})
    assert (found["status"], found["paymentStatus"], found["errorCode"]) == ("success", "FAILURE", "10051")


async def test_bin_check_and_instalments(sdk: Sdk) -> None:
    reply = await sdk.call("BinNumber", "retrieve", {"binNumber": "55287900", "conversationId": "bin"})
    assert {name: reply[name] for name in ("cardType", "cardAssociation", "cardFamily", "bankName", "bankCode")} == {
        "cardType": "CREDIT_CARD",
        "cardAssociation": "MASTER_CARD",
        "cardFamily": "Paraf",
        "bankName": "Halkbank",
        "bankCode": 12,
    }
    table = await sdk.call("InstallmentInfo", "retrieve", {"binNumber": "552879", "price": "100"})
    prices = table["installmentDetails"][0]["installmentPrices"]
    assert [row["installmentNumber"] for row in prices] == [1, 2, 3, 6, 9, 12]
    assert (prices[0]["totalPrice"], prices[2]["totalPrice"], prices[2]["installmentPrice"]) == (
        Decimal("100.00"),
        Decimal("104.10"),
        Decimal("34.70"),
    )
    families = await sdk.call("InstallmentInfo", "retrieve", {"price": "100"})
    assert len(families["installmentDetails"]) > 3


async def test_cards_are_stored_listed_paid_with_and_deleted(sdk: Sdk) -> None:
    card: dict[str, Any] = {name: value for name, value in a_card().items() if name != "cvc"} | {
        "cardAlias": "İş kartım"
    }
    first = await sdk.call("Card", "create", {"email": "ayse@example.com", "externalId": "e1", "card": card})
    user = first["cardUserKey"]
    assert (first["cardAlias"], first["lastFourDigits"], first["cardBankName"]) == ("İş kartım", "0006", "Akbank")
    second = await sdk.call("Card", "create", {"cardUserKey": user, "card": card | {"cardNumber": "5528790000000008"}})
    listed = await sdk.call("CardList", "retrieve", {"cardUserKey": user})
    assert [c["cardToken"] for c in listed["cardDetails"]] == [first["cardToken"], second["cardToken"]]
    stored = {"cardUserKey": user, "cardToken": second["cardToken"]}
    assert (await sdk.pay(paymentCard=stored))["cardFamily"] == "Paraf"
    assert (await sdk.call("Card", "delete", stored))["status"] == "success"
    assert (await sdk.pay(paymentCard=stored))["errorCode"] == "3006"
    left = await sdk.call("CardList", "retrieve", {"cardUserKey": user})
    assert [c["cardToken"] for c in left["cardDetails"]] == [first["cardToken"]]


async def test_a_card_can_be_stored_while_paying(sdk: Sdk) -> None:
    paid = await sdk.pay(paymentCard=a_card(registerCard="1", cardAlias="ev"))
    again = await sdk.pay(paymentCard={"cardUserKey": paid["cardUserKey"], "cardToken": paid["cardToken"]})
    assert (again["status"], again["lastFourDigits"]) == ("success", "0006")


async def test_what_is_not_served_answers_an_envelope(sdk: Sdk) -> None:
    reply = await sdk.call("Bkm", "retrieve", {"token": "x"})
    assert (reply["status"], reply["errorCode"]) == ("failure", "11")
