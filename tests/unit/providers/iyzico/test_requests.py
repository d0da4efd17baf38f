"""What iyzico is asked, down to the field."""

import json
from dataclasses import replace
from typing import Any

import pytest

from providers.connector import Attempt, Request, Unsayable
from providers.payments.iyzico.connector import CONNECTOR
from schemas.money import Share
from schemas.payments import (
    CancelPayment,
    CapturePayment,
    CreatePayment,
    MerchantShare,
    Payment,
    QueryPayment,
    Reason,
    RefundPayment,
    StartThreeDSecure,
)
from schemas.payments.vocabulary import Command
from tests import builders
from tests.builders import lira
from tests.conformance.samples import CARD, PAYMENT_ID, a_command, an_attempt, with_a_card


def built(command: Command, attempt: Attempt) -> Request:
    operation = CONNECTOR.operation_for(type(command))
    assert operation is not None
    return operation.build(command, attempt)


def body(request: Request) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(request.body)
    return found


CREATE, CAPTURE, CANCEL, REFUND, QUERY = CreatePayment, CapturePayment, CancelPayment, RefundPayment, QueryPayment


def test_a_charge_with_a_stored_card() -> None:
    request = built(a_command(CREATE), an_attempt(amount=lira("12.50")))
    assert (request.method, request.path) == ("POST", "/payment/auth")
    assert body(request) == {
        "locale": "en",
        "conversationId": "k0laj0001",
        "price": "12.50",
        "paidPrice": "12.50",
        "currency": "TRY",
        "installment": 1,
        "basketId": "order-1001",
        "paymentChannel": "WEB",
        "paymentGroup": "PRODUCT",
        "paymentCard": {"cardUserKey": "cust-Zq8", "cardToken": "tok-Zq7"},
        "buyer": {
            "id": "buyer-7",
            "name": "Işıl",
            "surname": "Çağrı",
            "identityNumber": "74300864791",
            "email": "isil@example.com",
            "gsmNumber": "+905350000000",
            "registrationAddress": "Bağdat Cad. 42/7, Kadıköy",
            "city": "İstanbul",
            "country": "Turkey",
            "zipCode": "34710",
            "ip": "85.34.78.112",
        },
        "shippingAddress": ADDRESS,
        "billingAddress": ADDRESS,
        "basketItems": [
            {
                "id": "line-1",
                "name": "Seramik kupa",
                "category1": "Mutfak",
                "itemType": "PHYSICAL",
                "price": "12.50",
            }
        ],
    }


ADDRESS = {
    "contactName": "Işıl Çağrı",
    "address": "Bağdat Cad. 42/7, Kadıköy",
    "city": "İstanbul",
    "country": "Turkey",
    "zipCode": "34710",
}


def test_the_bytes_are_ascii_so_that_no_charset_can_spoil_the_signature() -> None:
    command = a_command(CREATE, buyer=builders.a_buyer(name="İĞŞıÇöü 😀 " + "ı" * 300))
    request = built(command, an_attempt())
    assert request.body.isascii()
    assert body(request)["buyer"]["name"] == "İĞŞıÇöü 😀 " + "ı" * 300


def test_a_hold_goes_to_its_own_path() -> None:
    assert built(a_command(CREATE, capture="manual"), an_attempt()).path == "/payment/preauth"


def test_a_raw_card_is_sent_as_text_and_not_stored() -> None:
    attempt = replace(an_attempt(), card=CARD)
    assert body(built(with_a_card(), attempt))["paymentCard"] == {
        "cardHolderName": "ISIL CAGRI",
        "cardNumber": "5526080000000006",
        "expireMonth": "11",
        "expireYear": "2031",
        "cvc": "917",
        "registerCard": 0,
    }


def test_surcharge_and_discount_are_told_by_two_prices() -> None:
    price = lira("100.00")
    command = a_command(
        CREATE,
        price=price,
        paid_price=lira("104.00"),
        instalment_surcharge=Share(minor=900, currency="TRY"),
        discount=Share(minor=500, currency="TRY"),
        instalments=3,
        basket=(builders.a_line(price),),
    )
    sent = body(built(command, an_attempt()))
    assert (sent["price"], sent["paidPrice"], sent["installment"]) == ("100.00", "104.00", 3)


def test_absent_facts_are_left_out_and_not_sent_empty() -> None:
    buyer = builders.a_buyer(phone=None, ip=None, address=builders.an_address(zip_code=None))
    line = builders.a_line(lira("12.50"), goods="virtual")
    sent = body(built(a_command(CREATE, buyer=buyer, shipping_address=None, basket=(line,)), an_attempt()))
    assert not {"gsmNumber", "ip", "zipCode"} & set(sent["buyer"])
    assert "shippingAddress" not in sent
    assert sent["basketItems"][0]["itemType"] == "VIRTUAL"


def test_a_merchants_share_goes_with_its_line() -> None:
    share = MerchantShare(merchant_key="sub-9", amount=Share(minor=1000, currency="TRY"))
    sent = body(built(a_command(CREATE, basket=(builders.a_line(lira("12.50"), merchant_share=share),)), an_attempt()))
    assert sent["basketItems"][0]["subMerchantKey"] == "sub-9"
    assert sent["basketItems"][0]["subMerchantPrice"] == "10.00"


def test_a_capture_always_says_its_amount() -> None:
    partial = built(a_command(CAPTURE), an_attempt("held", lira("10.00")))
    whole = built(a_command(CAPTURE), an_attempt("held"))
    assert partial.path == "/payment/postauth"
    assert body(partial) == {
        "locale": "en",
        "conversationId": "k0laj0001",
        "paymentId": "22416032",
        "paidPrice": "10.00",
        "currency": "TRY",
    }
    assert body(whole)["paidPrice"] == "12.50"


def test_a_cancel_undoes_the_whole_payment() -> None:
    request = built(a_command(CANCEL), an_attempt("captured", lira("12.50")))
    assert request.path == "/payment/cancel"
    assert body(request) == {"locale": "en", "conversationId": "k0laj0001", "paymentId": "22416032"}


def test_a_cancel_after_a_refund_gives_back_what_is_left() -> None:
    """Paid 12.50, refunded 5.00: 7.50 goes back."""
    for amount in (None, lira("7.50")):
        request = built(a_command(CANCEL, reason="the shop is closed"), an_attempt("partly_refunded", amount))
        assert request.path == "/v2/payment/refund"
        sent = body(request)
        assert (sent["paymentId"], sent["price"], sent["currency"]) == ("22416032", "7.50", "TRY")
        assert (sent["reason"], sent["description"]) == ("OTHER", "the shop is closed")


def test_a_refund_by_amount_says_its_amount() -> None:
    request = built(a_command(REFUND), an_attempt("captured", lira("6.60")))
    assert request.path == "/v2/payment/refund"
    assert body(request)["price"] == "6.60"


def test_a_refund_of_a_line_names_its_transaction() -> None:
    request = built(a_command(REFUND, line_id="line-1"), an_attempt("captured", lira("5.00")))
    assert request.path == "/payment/refund"
    sent = body(request)
    assert (sent["paymentTransactionId"], sent["price"]) == ("24068102", "5.00")
    assert "paymentId" not in sent


def test_a_refund_of_all_that_is_left_of_a_line() -> None:
    request = built(a_command(REFUND, line_id="line-1"), an_attempt("partly_refunded"))
    assert body(request)["price"] == "7.50"


def test_a_query_goes_by_their_id_and_by_our_reference_where_theirs_is_not_known() -> None:
    known = built(a_command(QUERY), an_attempt("captured"))
    lost = Payment(payment_id=PAYMENT_ID, create_reference="k0laj0000", stage="unsettled")
    unknown = built(a_command(QUERY), replace(an_attempt(), payment=lost))
    assert (known.path, body(known)["paymentId"]) == ("/payment/detail", "22416032")
    assert body(unknown)["paymentConversationId"] == "k0laj0000"
    assert "paymentId" not in body(unknown)


@pytest.mark.parametrize(
    ("command", "attempt", "reason"),
    [
        (a_command(QUERY), an_attempt("new"), Reason.PAYMENT_NOT_FOUND),
        (a_command(CAPTURE), an_attempt("new", lira("1.00")), Reason.PAYMENT_NOT_FOUND),
        (a_command(CAPTURE), an_attempt("captured"), Reason.INVALID_AMOUNT),
        (a_command(REFUND, line_id="line-9"), an_attempt("captured"), Reason.UNKNOWN_LINE),
        (with_a_card(), an_attempt(), Reason.CARD_EXPIRED),
        (
            builders.a_create_payment(builders.money("1250", "JPY")),
            an_attempt(),
            Reason.CURRENCY_NOT_PERMITTED,
        ),
    ],
)
def test_what_cannot_be_said_is_refused_with_its_reason(command: Command, attempt: Attempt, reason: Reason) -> None:
    with pytest.raises(Unsayable) as refused:
        built(command, attempt)
    assert refused.value.reason is reason


def test_every_inquiry_carries_the_reference_of_its_attempt() -> None:
    for kind in (CREATE, CAPTURE, CANCEL, REFUND):
        operation = CONNECTOR.operation_for(kind)
        assert operation is not None
        assert operation.inquiry is not None
        command = a_command(operation.command)
        request = operation.inquiry.build(command, an_attempt("captured", lira("5.00"), "r3f"))
        said = dict(request.query) if request.method == "GET" else body(request)
        assert said["conversationId"] == "r3f"
        if operation.command in {CREATE, StartThreeDSecure}:
            assert said["paymentConversationId"] == "r3f"
        else:
            assert said["paymentId"] == "22416032"
