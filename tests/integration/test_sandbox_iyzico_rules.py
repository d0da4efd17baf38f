import asyncio
import json
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from infra.sandbox.iyzico import FaultKind, FaultOrder, Keys, running_sandbox
from tests.sandbox_merchant import (
    ADDRESS,
    BUYER,
    PAYMENT_ORDER,
    WALLET_CARD,
    Merchant,
    Reply,
    a_card,
    a_merchant,
    a_payment,
    an_item,
    authorization,
    is_signed,
    read,
)

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "unit" / "infra" / "sandbox_iyzico_vectors.json").read_text(encoding="utf-8")
)


@pytest_asyncio.fixture(scope="module")
async def merchant() -> AsyncIterator[Merchant]:
    async with running_sandbox() as sandbox, a_merchant(sandbox) as merchant:
        yield merchant


def without(source: Reply, *names: str) -> Reply:
    return {name: value for name, value in source.items() if name not in names}


WRONG_BODIES: list[tuple[str, Reply, str]] = [
    ("no price", without(a_payment(), "price"), "5004"),
    ("no paid price", without(a_payment(), "paidPrice"), "5004"),
    ("zero", a_payment("0"), "5005"),
    ("negative", a_payment("-5.00"), "5005"),
    ("comma", a_payment("10,50"), "11"),
    ("three decimals", a_payment("10.505"), "11"),
    ("above int64", a_payment("92233720368547758.08"), "11"),
    ("unknown currency", a_payment(currency="ABC"), "11"),
    ("instalment 4", a_payment(installment=4), "11"),
    ("instalment word", a_payment(installment="three"), "11"),
    ("basket sum", a_payment("100.00", basketItems=[an_item("99.99")]), "5062"),
    ("zero line", a_payment("100.00", basketItems=[an_item("100.00"), an_item("0")]), "5005"),
    ("negative line", a_payment("100.00", basketItems=[an_item("110.00"), an_item("-10.00")]), "5005"),
    ("no basket", a_payment(basketItems=[]), "24"),
    ("item type", a_payment(basketItems=[an_item(itemType="DIGITAL")]), "5057"),
    ("item name", a_payment(basketItems=[an_item(name="")]), "24"),
    ("null item", a_payment(basketItems=[None]), "11"),
    ("no card", without(a_payment(), "paymentCard"), "11"),
    ("null card", a_payment(paymentCard=None), "11"),
    ("token alone", a_payment(paymentCard={"cardToken": "card-akbank-credit"}), "5111"),
    ("user alone", a_payment(paymentCard={"cardUserKey": "sandbox-wallet"}), "3002"),
    ("unknown user", a_payment(paymentCard=WALLET_CARD | {"cardUserKey": "nobody"}), "3005"),
    ("unknown token", a_payment(paymentCard=WALLET_CARD | {"cardToken": "card-nobody"}), "3006"),
    ("luhn", a_payment(paymentCard=a_card("5526080000000007")), "12"),
    ("letters in number", a_payment(paymentCard=a_card("552608000000000x")), "12"),
    ("a card not public", a_payment(paymentCard=a_card("4242424242424242")), "10213"),
    ("month", a_payment(paymentCard=a_card(expireMonth="13")), "13"),
    ("year", a_payment(paymentCard=a_card(expireYear="30x")), "14"),
    ("expired", a_payment(paymentCard=a_card(expireYear="2020")), "17"),
    ("cvc", a_payment(paymentCard=a_card(cvc="12")), "15"),
    ("no cvc", a_payment(paymentCard=without(a_card(), "cvc")), "15"),
    ("holder", a_payment(paymentCard=a_card(cardHolderName=" ")), "16"),
    ("long holder", a_payment(paymentCard=a_card(cardHolderName="Ğ" * 101)), "19"),
    ("float card field", a_payment(paymentCard=a_card(cvc=123)), "11"),
    ("no buyer", without(a_payment(), "buyer"), "11"),
    ("buyer name", a_payment(buyer=BUYER | {"name": None}), "24"),
    ("no email", a_payment(buyer=without(BUYER, "email")), "3"),
    ("email", a_payment(buyer=BUYER | {"email": "ayse@"}), "5"),
    ("long email", a_payment(buyer=BUYER | {"email": "a" * 300 + "@example.com"}), "4"),
    ("no identity", a_payment(buyer=without(BUYER, "identityNumber")), "8"),
    ("long identity", a_payment(buyer=BUYER | {"identityNumber": "1" * 51}), "9"),
    ("short identity", a_payment(buyer=BUYER | {"identityNumber": "1234"}), "10"),
    ("identity format", a_payment(buyer=BUYER | {"identityNumber": "7430086479 "}), "18"),
    ("empty phone", a_payment(buyer=BUYER | {"gsmNumber": ""}), "25"),
    ("long ip", a_payment(buyer=BUYER | {"ip": "1" * 46}), "22"),
    ("no billing", without(a_payment(), "billingAddress"), "24"),
    ("billing city", a_payment(billingAddress=without(ADDRESS, "city")), "24"),
    ("no shipping of goods", without(a_payment(), "shippingAddress"), "24"),
    ("long conversation", a_payment(conversationId="c" * 256), "20"),
    ("unknown marker", a_payment(basketId="fault-typo-1"), "11"),
    ("empty object", {}, "6"),
]


@pytest.mark.parametrize(("body", "code"), [case[1:] for case in WRONG_BODIES], ids=[case[0] for case in WRONG_BODIES])
async def test_a_wrong_payment_is_refused_under_its_own_code_and_not_booked(
    merchant: Merchant, body: Reply, code: str
) -> None:
    before = len(merchant.sandbox.books.entries())
    reply = await merchant.post("/payment/auth", body)
    assert (reply["status"], reply["errorCode"], "signature" in reply) == ("failure", code, False)
    assert "errorGroup" not in reply or code.startswith("10")
    assert len(merchant.sandbox.books.entries()) == before


async def test_unusual_but_right_payments_pass(merchant: Merchant) -> None:
    virtual = without(a_payment(basketItems=[an_item(itemType="VIRTUAL")]), "shippingAddress")
    raw = json.dumps(a_payment("1") | {"price": 1, "paidPrice": 1.5})
    _, text = await merchant.send("POST", "/payment/auth", raw.encode())
    names = a_payment(buyer=BUYER | {"name": "Ğ" * 300, "surname": "🎈"}, installment="6", paidPrice="92.50")
    replies = [await merchant.post("/payment/auth", virtual), read(text), await merchant.post("/payment/auth", names)]
    assert [reply["status"] for reply in replies] == ["success"] * 3
    assert str(replies[1]["paidPrice"]) == "1.50"


async def test_answers_carry_no_signature_field_order_but_the_documented_one(merchant: Merchant) -> None:
    reply = await merchant.pay("149.90", conversationId="conv-0007", basketId="B67833")
    assert (is_signed(reply, PAYMENT_ORDER), is_signed(reply, PAYMENT_ORDER[::-1])) == (True, False)
    bare = await merchant.post("/payment/auth", without(a_payment(), "conversationId", "basketId"))
    assert ("conversationId" in bare, "basketId" in bare, is_signed(bare, PAYMENT_ORDER)) == (False, False, True)


async def test_a_second_charge_with_the_same_conversation_charges_again(merchant: Merchant) -> None:
    first, second = [await merchant.pay(conversationId="twice") for _ in range(2)]
    assert first["paymentId"] != second["paymentId"]
    totals = merchant.sandbox.books.totals()
    assert (totals.charges_by_conversation["twice"], "twice" in totals.charged_more_than_once) == (2, True)
    assert (await merchant.post("/payment/detail", {"paymentConversationId": "twice"}))["paymentId"] == second[
        "paymentId"
    ]
    assert len(await merchant.report(paymentConversationId="twice")) == 2


async def test_a_cancelled_hold_is_lifted_and_cannot_be_captured_or_refunded(merchant: Merchant) -> None:
    held = await merchant.hold()
    payment = {"paymentId": held["paymentId"]}
    early = await merchant.post("/v2/payment/refund", payment | {"price": "1"})
    lifted = await merchant.post("/payment/cancel", payment)
    late = await merchant.post("/payment/postauth", payment | {"paidPrice": "100"})
    again = await merchant.post("/payment/cancel", payment)
    refund = await merchant.post("/v2/payment/refund", payment | {"price": "1"})
    assert (lifted["status"], lifted["price"]) == ("success", Decimal("100.00"))
    assert [r["errorCode"] for r in (early, late, again, refund)] == ["10012", "5082", "10012", "10012"]
    booked = merchant.sandbox.books.entries()[-1]
    assert (booked.state, booked.charged_minor, booked.net_minor, len(booked.reversals)) == ("cancelled", 0, 0, 1)


async def test_captures_are_refused_above_the_hold_in_another_currency_or_of_a_charge(merchant: Merchant) -> None:
    held, paid = await merchant.hold(), await merchant.pay()
    above = await merchant.post("/payment/postauth", {"paymentId": held["paymentId"], "paidPrice": "100.01"})
    other = await merchant.post(
        "/payment/postauth", {"paymentId": held["paymentId"], "paidPrice": "1", "currency": "USD"}
    )
    charge = await merchant.post("/payment/postauth", {"paymentId": paid["paymentId"], "paidPrice": "1"})
    assert [r["errorCode"] for r in (above, other, charge)] == ["10232", "11", "5082"]


async def test_a_cancel_after_a_refund_is_refused(merchant: Merchant) -> None:
    paid = await merchant.pay()
    await merchant.post("/v2/payment/refund", {"paymentId": paid["paymentId"], "price": "0.01"})
    reply = await merchant.post("/payment/cancel", {"paymentId": paid["paymentId"]})
    assert (reply["errorCode"], reply["paymentId"]) == ("10012", paid["paymentId"])


async def test_a_line_is_refunded_repeatedly_up_to_its_paid_price(merchant: Merchant) -> None:
    paid = await merchant.pay("30.00", paidPrice="33.00", basketItems=[an_item("10.00", id="a"), an_item("20.00")])
    line = {"paymentTransactionId": paid["itemTransactions"][0]["paymentTransactionId"]}
    replies = [
        await merchant.post("/payment/refund", line | {"price": price}) for price in ("6", "5.01", "5.00", "0.01")
    ]
    assert [reply.get("errorCode") for reply in replies] == [None, "10232", None, "10232"]
    assert (replies[1]["paymentId"], replies[1]["price"], replies[1]["retryable"]) == (
        paid["paymentId"],
        Decimal("5.01"),
        False,
    )
    (payment,) = await merchant.report(paymentId=paid["paymentId"])
    assert payment["paymentRefundStatus"] == "PARTIALLY_REFUNDED"
    assert merchant.sandbox.books.entries()[-1].refunded_minor == 1100


async def test_refunds_follow_a_partial_capture(merchant: Merchant) -> None:
    held = await merchant.hold()
    await merchant.post("/payment/postauth", {"paymentId": held["paymentId"], "paidPrice": "60"})
    over = await merchant.post("/v2/payment/refund", {"paymentId": held["paymentId"], "price": "60.01"})
    full = await merchant.post("/v2/payment/refund", {"paymentId": held["paymentId"], "price": "60"})
    assert (over["errorCode"], full["status"]) == ("10232", "success")


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("/payment/detail", {"paymentId": "99999999"}, "5087"),
        ("/payment/detail", {"paymentId": "x"}, "5087"),
        ("/payment/cancel", {"paymentId": "99999999999999999999"}, "5087"),
        ("/payment/cancel", {"ip": "1.1.1.1"}, "11"),
        ("/payment/postauth", {"paymentId": "99999999", "paidPrice": "1"}, "5087"),
        ("/v2/payment/refund", {"paymentId": "99999999", "price": "1"}, "5087"),
        ("/payment/refund", {"paymentTransactionId": "99999999", "price": "1"}, "5092"),
        ("/payment/refund", {"paymentTransactionId": "24100001x", "price": "1"}, "5092"),
        ("/payment/refund", {"price": "1"}, "5001"),
        ("/cardstorage/cards", {"cardUserKey": "nobody"}, "3005"),
        ("/cardstorage/cards", {"locale": "tr"}, "3001"),
        ("/payment/bkm/initialize", {"locale": "tr"}, "11"),
    ],
)
async def test_what_is_unknown_or_missing_is_named(merchant: Merchant, path: str, body: Reply, code: str) -> None:
    assert (await merchant.post(path, body))["errorCode"] == code


async def test_a_parallel_cancel_or_refund_of_one_payment_is_turned_away(merchant: Merchant) -> None:
    paid, other = await merchant.pay(), await merchant.pay()
    line = paid["itemTransactions"][0]["paymentTransactionId"]
    merchant.sandbox.faults.order(FaultOrder(FaultKind.LATE, path="/payment/cancel", count=1, seconds=1.0))
    async with asyncio.TaskGroup() as tasks:
        slow = tasks.create_task(merchant.post("/payment/cancel", {"paymentId": paid["paymentId"]}))
        async with asyncio.timeout(10):
            while not (await merchant.report(paymentId=paid["paymentId"]))[0]["cancels"]:
                assert not slow.done()
        replies = [
            await merchant.post("/payment/cancel", {"paymentId": paid["paymentId"]}),
            await merchant.post("/payment/refund", {"paymentTransactionId": line, "price": "1"}),
            await merchant.post("/v2/payment/refund", {"paymentId": paid["paymentId"], "price": "1"}),
        ]
        free = await merchant.post("/payment/cancel", {"paymentId": other["paymentId"]})
    assert [(r["errorCode"], r["paymentId"]) for r in replies] == [("8514", paid["paymentId"])] * 3
    assert (slow.result()["status"], free["status"]) == ("success", "success")


@pytest.mark.parametrize("vector", VECTORS["request_v2"], ids=lambda vector: str(vector["name"]))
async def test_every_recorded_request_is_let_in_over_http(merchant: Merchant, vector: dict[str, Any]) -> None:
    path, _, query = vector["url"].partition("?")
    headers = {"Authorization": vector["expected_authorization"]}
    raw = vector["body"].encode()
    _, right = await merchant.send(vector["method"], path, raw, headers, query=f"?{query}" if query else "")
    _, wrong = await merchant.send(vector["method"], path, raw + b" ", headers)
    assert read(right).get("errorCode") not in {"1000", "1001", "1007"}
    assert read(wrong)["errorCode"] == "1000"


async def test_unsigned_and_wrongly_signed_calls_are_refused(merchant: Merchant) -> None:
    raw = json.dumps(a_payment()).encode()
    other = Keys("sandbox-unknown", merchant.sandbox.secret_key)
    legacy = {"Authorization": "IYZWS sandbox-x:abc", "x-iyzi-rnd": "AbCd1234"}
    codes = []
    for headers in ({}, legacy, authorization("/payment/auth", raw, other), authorization("/payment/preauth", raw)):
        _, text = await merchant.send("POST", "/payment/auth", raw, headers)
        codes.append(read(text)["errorCode"])
    assert codes == ["1007", "1000", "1001", "1000"]


@pytest.mark.parametrize("raw", [b"", b"null", b"{}"])
@pytest.mark.parametrize("headers", [{}, None], ids=["unsigned", "signed"])
async def test_the_liveness_check_passes_unsigned_and_with_any_empty_body(
    merchant: Merchant, raw: bytes, headers: dict[str, str] | None
) -> None:
    _, text = await merchant.send("GET", "/payment/test", raw, headers)
    assert read(text)["status"] == "success"


@pytest.mark.parametrize("raw", [b"{", b"[1]", b'{"a": NaN}', b'{"a": "\xff"}', b"1" * 5000])
async def test_a_body_that_is_no_json_object_is_refused(merchant: Merchant, raw: bytes) -> None:
    _, text = await merchant.send("POST", "/payment/auth", raw)
    assert read(text)["errorCode"] == "11"


async def test_messages_follow_the_locale(merchant: Merchant) -> None:
    texts = [(await merchant.pay("0", locale=locale))["errorMessage"] for locale in ("tr", "en", "de")]
    assert texts[0] == texts[2] != texts[1]


async def test_refusals_may_come_as_http_400_and_limits_apply_per_path() -> None:
    async with running_sandbox(failure_status=400, rate_limit_per_minute=2) as sandbox, a_merchant(sandbox) as strict:
        raw = json.dumps(a_payment("0")).encode()
        answers = [await strict.send("POST", "/payment/auth", raw) for _ in range(5)]
        assert {status for status, _ in answers} == {400}
        codes = [read(text)["errorCode"] for _, text in answers]
        # The minute may turn over once between these calls.
        assert codes[:2] == ["5005", "5005"]
        assert codes.count("50000") >= 1
        assert (await strict.post("/payment/bin/check", {"binNumber": "552608"}))["status"] == "success"
