"""What iyzico is asked about cards, subscriptions, sub-merchants and reports, down to the field."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from providers.connector import Attempt, Request, Unsayable
from providers.payments.iyzico.connector import CONNECTOR
from providers.payments.iyzico.signing import sign
from providers.payments.iyzico.wire import segment, with_body
from schemas.payments import ApproveLine, Reason
from schemas.payments.resources import (
    ActivateSubscription,
    CancelSubscription,
    ChangeSubscriptionCard,
    CreatePlan,
    CreateProduct,
    CreateSubscription,
    DeleteCard,
    ListCards,
    ListPayouts,
    ListTransactions,
    QuerySubMerchant,
    QuerySubscription,
    RegisterSubMerchant,
    ResourceOrder,
    RetrySubscriptionCharge,
    StoreCard,
    UpdateSubMerchant,
    UpgradeSubscription,
)
from schemas.payments.vocabulary import Command
from tests import builders
from tests.conformance.resource_orders import CARD_REF, REFERENCE, RESOURCE_ID, a_resource, a_resource_order
from tests.conformance.samples import CARD, PAYMENT_ID, an_attempt

VECTORS: dict[str, Any] = json.loads((Path(__file__).parents[3] / "vectors" / "iyzico.json").read_text())
KEYS = {name: SecretStr(value) for name, value in VECTORS["keys"].items()}
ON_PAGE = {"customer_reference": None, "return_url": "https://shop.example/back"}
WITH_CARD = {"customer_reference": None, "card_ref": str(CARD_REF)}
PENDING_PAGE: dict[str, Any] = {
    "provider_reference": "page/1",
    "open_commands": [
        {"command_id": str(CARD_REF), "command_type": "payments.create_subscription.v1", "verdict": "pending"}
    ],
}


def tried(kind: type[ResourceOrder], **resource: Any) -> Attempt:
    return replace(an_attempt(resource=a_resource(kind, **resource)), card=CARD)


def built(command: Command, attempt: Attempt | None = None) -> Request:
    operation = CONNECTOR.operation_for(type(command))
    assert operation is not None
    if attempt is None:
        assert isinstance(command, ResourceOrder)
        attempt = tried(type(command))
    return operation.build(command, attempt)


def asked(kind: type[ResourceOrder], said: dict[str, Any] | None = None, **resource: Any) -> Request:
    return built(a_resource_order(kind, **(said or {})), tried(kind, **resource))


def inquiry(kind: type[ResourceOrder], said: dict[str, Any] | None = None, **resource: Any) -> Request:
    operation = CONNECTOR.operation_for(kind)
    assert operation is not None
    assert operation.inquiry is not None
    return operation.inquiry.build(a_resource_order(kind, **(said or {})), replace(tried(kind, **resource), card=None))


def body(request: Request) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(request.body)
    assert found.pop("locale") == "en"
    assert found.pop("conversationId") == "k0laj0001"
    return found


@pytest.mark.parametrize("name", ["card_delete", "empty_body_get", "reporting_transactions_get"])
def test_deletes_with_a_body_and_questions_without_one_are_signed_as_the_official_client_does(name: str) -> None:
    vector = next(vector for vector in VECTORS["request_v2"] if vector["name"] == name)
    request = Request(vector["method"], vector["signed_path"], vector["body"].encode())
    assert sign(request, KEYS, vector["random_key"])["Authorization"] == vector["expected_authorization"]


def test_a_delete_carries_its_names_in_a_body_that_is_signed() -> None:
    request = asked(DeleteCard)
    assert (request.method, request.path) == ("DELETE", "/cardstorage/card")
    assert body(request) == {"cardUserKey": "cust-Zq8", "cardToken": "tok-Zq7"}
    other = with_body("DELETE", request.path, {"cardUserKey": "another"})
    assert sign(request, KEYS, "n")["Authorization"] != sign(other, KEYS, "n")["Authorization"]


def test_a_card_of_a_new_buyer_goes_with_the_buyer_and_one_of_a_known_buyer_by_its_key_alone() -> None:
    card = {"cardHolderName": "ISIL CAGRI", "cardNumber": "5526080000000006", "expireMonth": "11", "expireYear": "2031"}
    new = asked(StoreCard, {"customer_key": None, "alias": "Benim kartım"})
    assert body(new) == {
        "email": "isil@example.com",
        "externalId": "buyer-7",
        "card": {"cardAlias": "Benim kartım", **card},
    }
    known = asked(StoreCard)
    assert body(known) == {"cardUserKey": "cust-Zq8", "card": {"cardAlias": "k0laj0001", **card}}


def test_a_card_is_deleted_by_the_names_of_the_order_else_by_those_that_are_known() -> None:
    unnamed: dict[str, Any] = {"card_token": None, "customer_key": None}
    known = asked(DeleteCard, unnamed, provider_reference="tok-1", customer_reference="key-1")
    assert body(known) == {"cardUserKey": "key-1", "cardToken": "tok-1"}
    with pytest.raises(Unsayable) as refused:
        asked(DeleteCard, unnamed, provider_reference=None)
    assert refused.value.reason is Reason.INVALID_REQUEST


def test_the_cards_of_a_buyer_are_asked_for_by_the_buyers_key() -> None:
    for request in (asked(ListCards), inquiry(StoreCard), inquiry(DeleteCard)):
        assert (request.path, body(request)) == ("/cardstorage/cards", {"cardUserKey": "cust-Zq8"})


@pytest.mark.parametrize(
    ("every", "interval"), [("day", "DAILY"), ("week", "WEEKLY"), ("month", "MONTHLY"), ("year", "YEARLY")]
)
def test_a_plan_says_its_price_as_text_and_its_interval_in_their_words(every: str, interval: str) -> None:
    price = {"minor": 149990, "currency": "EUR"}
    said = {"every": every, "every_count": 2, "trial_days": 14, "charges": 12, "price": price}
    request = asked(CreatePlan, said)
    assert request.path == "/v2/subscription/products/prod-1/pricing-plans"
    assert body(request) == {
        "name": "Aylık",
        "price": "1499.90",
        "currencyCode": "EUR",
        "paymentInterval": interval,
        "paymentIntervalCount": 2,
        "trialPeriodDays": 14,
        "planPaymentType": "RECURRING",
        "recurrenceCount": 12,
    }
    assert {"trialPeriodDays", "recurrenceCount"}.isdisjoint(body(asked(CreatePlan)))


def test_a_subscription_begins_with_a_card_for_a_known_customer_or_on_the_page() -> None:
    address = {
        "contactName": "Işıl Çağrı",
        "address": "Bağdat Cad. 42/7, Kadıköy",
        "city": "İstanbul",
        "country": "Turkey",
        "zipCode": "34710",
    }
    customer = {
        "name": "Işıl",
        "surname": "Çağrı",
        "email": "isil@example.com",
        "gsmNumber": "+905350000000",
        "identityNumber": "74300864791",
        "billingAddress": address,
    }
    plan = {"pricingPlanReferenceCode": "plan-1", "subscriptionInitialStatus": "ACTIVE"}
    known = asked(CreateSubscription)
    assert known.path == "/v2/subscription/initialize/with-customer"
    assert body(known) == {**plan, "customerReferenceCode": "cust-1"}
    page = asked(CreateSubscription, ON_PAGE)
    assert page.path == "/v2/subscription/checkoutform/initialize"
    assert body(page) == {**plan, "callbackUrl": "https://shop.example/back", "customer": customer}
    shipping = builders.an_address(city="İzmir").model_dump(mode="json")
    card = asked(CreateSubscription, WITH_CARD | {"begins_active": False, "shipping_address": shipping})
    sent = body(card)
    assert card.path == "/v2/subscription/initialize"
    assert sent["subscriptionInitialStatus"] == "PENDING"
    assert sent["customer"]["shippingAddress"]["city"] == "İzmir"
    assert sent["paymentCard"]["cvc"] == "917"
    assert "callbackUrl" not in sent


def test_a_subscription_is_looked_for_by_its_plan_and_its_customer() -> None:
    request = inquiry(CreateSubscription)
    assert (request.method, request.path) == ("GET", "/v2/subscription/subscriptions")
    assert dict(request.query) == {
        "pricingPlanReferenceCode": "plan-1",
        "customerReferenceCode": "cust-1",
        "page": "1",
        "count": "100",
        "conversationId": "k0laj0001",
    }
    assert "customerReferenceCode" not in dict(inquiry(CreateSubscription, WITH_CARD).query)


def test_orders_about_a_subscription_name_it_in_their_path() -> None:
    one = f"/v2/subscription/subscriptions/{REFERENCE}"
    for kind, what in ((ActivateSubscription, "activate"), (CancelSubscription, "cancel")):
        request = asked(kind)
        assert (request.method, request.path, body(request)) == ("POST", f"{one}/{what}", {})
        assert request.template == f"/v2/subscription/subscriptions/{{subscription}}/{what}"
        assert inquiry(kind).path == one
    said = {"when": "next_period", "with_trial": True, "count_anew": True}
    for words, period in (({}, "NOW"), (said, "NEXT_PERIOD")):
        request = asked(UpgradeSubscription, words)
        assert request.path == f"{one}/upgrade"
        assert body(request) == {
            "newPricingPlanReferenceCode": "plan-2",
            "upgradePeriod": period,
            "useTrial": bool(words),
            "resetRecurrenceCount": bool(words),
        }
    request = asked(RetrySubscriptionCharge)
    assert (request.path, body(request)) == ("/v2/subscription/operation/retry", {"referenceCode": "order-1"})
    assert body(asked(ChangeSubscriptionCard)) == {
        "callbackUrl": "https://shop.example/back",
        "customerReferenceCode": "cust-1",
        "subscriptionReferenceCode": REFERENCE,
    }
    assert asked(QuerySubscription).path == one


def test_a_subscription_that_only_has_a_page_is_asked_for_by_its_token_and_takes_no_orders() -> None:
    request = asked(QuerySubscription, **PENDING_PAGE)
    assert request.path == "/v2/subscription/checkoutform/page%2F1"
    assert request.template == "/v2/subscription/checkoutform/{token}"
    for kind in (ActivateSubscription, CancelSubscription, UpgradeSubscription, ChangeSubscriptionCard):
        with pytest.raises(Unsayable) as refused:
            asked(kind, **PENDING_PAGE)
        assert refused.value.reason is Reason.INVALID_STATE


@pytest.mark.parametrize(
    ("name", "written"), [("a/../b", "a%2F..%2Fb"), ("a?b#c", "a%3Fb%23c"), ("%2e", "%252e"), ("a-b_c.d~", "a-b_c.d~")]
)
def test_a_name_stays_one_piece_of_a_path(name: str, written: str) -> None:
    assert segment(name) == written
    path = asked(CancelSubscription, provider_reference=name).path
    assert path == f"/v2/subscription/subscriptions/{written}/cancel"


@pytest.mark.parametrize("name", [".", ".."])
def test_a_name_that_leads_elsewhere_is_not_sent(name: str) -> None:
    with pytest.raises(Unsayable):
        asked(QuerySubscription, provider_reference=name)
    with pytest.raises(Unsayable):
        asked(CreatePlan, {"product_reference": name})


@pytest.mark.parametrize(
    ("form", "kind"),
    [("person", "PERSONAL"), ("sole_trader", "PRIVATE_COMPANY"), ("company", "LIMITED_OR_JOINT_STOCK_COMPANY")],
)
def test_a_sub_merchant_is_registered_under_our_id_and_updated_under_theirs(form: str, kind: str) -> None:
    said = {"legal_form": form, "tax_office": "Kadıköy", "company_title": "Işıl A.Ş.", "tax_number": "1234567890"}
    facts = {
        "name": "Işıl'ın dükkânı",
        "email": "isil@example.com",
        "gsmNumber": "+905350000000",
        "address": "Bağdat Cad. 42/7, Kadıköy",
        "iban": "TR330006100519786457841326",
        "currency": "TRY",
        "contactName": "Işıl",
        "contactSurname": "Çağrı",
        "identityNumber": "74300864791",
        "taxOffice": "Kadıköy",
        "taxNumber": "1234567890",
        "legalCompanyTitle": "Işıl A.Ş.",
    }
    named = {"subMerchantExternalId": str(RESOURCE_ID)}
    made = asked(RegisterSubMerchant, said)
    assert (made.method, made.path) == ("POST", "/onboarding/submerchant")
    assert body(made) == {**named, "subMerchantType": kind, **facts}
    changed = asked(UpdateSubMerchant, said)
    assert (changed.method, body(changed)) == ("PUT", {"subMerchantKey": REFERENCE, **facts})
    for request in (asked(QuerySubMerchant), inquiry(RegisterSubMerchant), inquiry(UpdateSubMerchant)):
        assert (request.path, body(request)) == ("/onboarding/submerchant/detail", named)


def test_a_line_is_approved_by_its_transaction() -> None:
    for withdraw, path in ((False, "/payment/iyzipos/item/approve"), (True, "/payment/iyzipos/item/disapprove")):
        command = ApproveLine(payment_id=PAYMENT_ID, line_id="line-1", withdraw=withdraw)
        request = built(command, an_attempt("captured"))
        assert (request.path, body(request)) == (path, {"paymentTransactionId": "24068102"})
    with pytest.raises(Unsayable) as refused:
        built(ApproveLine(payment_id=PAYMENT_ID, line_id="line-9"), an_attempt("captured"))
    assert refused.value.reason is Reason.UNKNOWN_LINE


def test_reports_go_by_day_and_page_and_nothing_is_left_to_a_default() -> None:
    first = asked(ListTransactions)
    said = {"transactionDate": "2026-11-25", "conversationId": "k0laj0001"}
    assert dict(first.query) == {**said, "page": "1"}
    assert dict(asked(ListTransactions, {"cursor": "7"}).query) == {**said, "page": "7"}
    paid, returned = asked(ListPayouts), asked(ListPayouts, {"cursor": "bounced"})
    assert [paid.path, returned.path] == ["/reporting/settlement/payoutcompleted", "/reporting/settlement/bounced"]
    assert body(paid) == body(returned) == {"date": "2026-11-25 00:00:00"}


@pytest.mark.parametrize("cursor", ["0", "-1", "1e3", "bounced2", "12345678"])
def test_a_cursor_that_is_none_of_ours_is_refused(cursor: str) -> None:
    for kind in (ListTransactions, ListPayouts):
        with pytest.raises(Unsayable):
            asked(kind, {"cursor": cursor})


@pytest.mark.parametrize(
    ("kind", "said"), [(StoreCard, {}), (CreateSubscription, WITH_CARD)], ids=["store_card", "create_subscription"]
)
def test_a_card_that_is_gone_is_not_sent(kind: type[ResourceOrder], said: dict[str, Any]) -> None:
    with pytest.raises(Unsayable) as refused:
        built(a_resource_order(kind, **said), an_attempt(resource=a_resource(kind)))
    assert refused.value.reason is Reason.CARD_EXPIRED


def test_a_token_of_a_script_is_not_taken() -> None:
    with pytest.raises(Unsayable) as refused:
        asked(StoreCard, {"card_ref": None, "provider_token": "pm_1"})
    assert refused.value.reason is Reason.UNSUPPORTED_METHOD


def test_what_nobody_can_ask_about_is_said() -> None:
    with pytest.raises(Unsayable):
        inquiry(StoreCard, {"customer_key": None})
    with pytest.raises(Unsayable):
        inquiry(UpgradeSubscription, customer_reference=None)
    with pytest.raises(Unsayable):
        asked(CancelSubscription, provider_reference=None)


def test_the_bytes_of_every_request_are_ascii() -> None:
    for kind in (CreateProduct, CreateSubscription, RegisterSubMerchant, StoreCard):
        assert asked(kind).body.isascii()
