"""What leaves for PayPal, field by field, and what PayPal has no words for."""

import json
from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from providers.connector import Attempt, Operation, Request, Unsayable
from providers.payments.paypal import CONNECTOR
from schemas.money import Price
from schemas.payments import (
    CancelPayment,
    CapturePayment,
    CreatePayment,
    HostedPage,
    LineReference,
    QueryPayment,
    Reason,
    RefundPayment,
    StartThreeDSecure,
    StoredCard,
    Wallet,
)
from schemas.payments.resources import (
    CreatePlan,
    CreateSubscription,
    ListTransactions,
    StoreCard,
    UpgradeSubscription,
)
from tests import builders
from tests.conformance.samples import CARD, a_command, a_payment, an_attempt, with_a_card

BACK = "https://shop.example/back"
PRICE = Price(minor=1099, currency="EUR")
WALLET = Wallet(kind="wallet", wallet="paypal", return_url=BACK)
ORDER = "5O190127TN364715T"


def _operation(command: type[Any]) -> Operation[Any, Any]:
    operation = CONNECTOR.operation_for(command)
    assert operation is not None
    return operation


def _request(command: Any, attempt: Attempt) -> Request:
    return _operation(type(command)).build(command, attempt)


def _body(command: Any, attempt: Attempt | None = None) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(_request(command, attempt or an_attempt()).body)
    return body


def _create(**changed: Any) -> CreatePayment:
    return builders.a_create_payment(PRICE, **({"method": WALLET} | changed))


def _refuses(command: Any, reason: Reason, attempt: Attempt | None = None) -> None:
    with pytest.raises(Unsayable) as unsayable:
        _request(command, attempt or an_attempt())
    assert unsayable.value.reason is reason


def test_an_order_carries_our_reference_as_its_key_and_where_their_answers_repeat_it() -> None:
    request = _request(_create(), an_attempt())
    assert dict(request.headers)["PayPal-Request-Id"] == "k0laj0001"
    assert dict(request.headers)["Prefer"] == "return=representation"
    unit = json.loads(request.body)["purchase_units"][0]
    assert (unit["custom_id"], unit["invoice_id"], unit["description"]) == ("k0laj0001", "k0laj0001", "order-1001")
    assert unit["amount"] == {"currency_code": "EUR", "value": "10.99"}
    assert "shipping" not in unit


@pytest.mark.parametrize(("capture", "intent"), [("auto", "CAPTURE"), ("manual", "AUTHORIZE")])
def test_taking_and_holding_are_intents(capture: str, intent: str) -> None:
    assert _body(_create(capture=capture))["intent"] == intent


@pytest.mark.parametrize(
    ("method", "landing"), [(WALLET, "LOGIN"), (HostedPage(kind="hosted_page", return_url=BACK), "GUEST_CHECKOUT")]
)
def test_a_wallet_and_a_page_begin_where_their_payer_does(method: Any, landing: str) -> None:
    context = _body(_create(method=method))["payment_source"]["paypal"]["experience_context"]
    assert (context["landing_page"], context["user_action"]) == (landing, "PAY_NOW")
    assert (context["return_url"], context["cancel_url"]) == (BACK, BACK)
    assert context["shipping_preference"] == "NO_SHIPPING"


def test_an_address_goes_along_where_its_country_can_be_said() -> None:
    body = _body(_create(shipping_address=builders.an_address(country="DE")))
    assert body["purchase_units"][0]["shipping"]["address"]["country_code"] == "DE"
    context = body["payment_source"]["paypal"]["experience_context"]
    assert context["shipping_preference"] == "SET_PROVIDED_ADDRESS"


def test_a_kept_card_and_a_kept_wallet_are_told_apart_by_their_names() -> None:
    card = _body(_create(method=StoredCard(kind="stored_card", card_token="8kk845")))["payment_source"]
    wallet = _body(_create(method=StoredCard(kind="stored_card", card_token="paypal:8kk845")))["payment_source"]
    assert card["card"]["vault_id"] == wallet["paypal"]["vault_id"] == "8kk845"
    assert (card.keys(), wallet.keys()) == ({"card"}, {"paypal"})
    assert "attributes" not in card["card"]


@pytest.mark.parametrize(("without", "initiator"), [(False, "CUSTOMER"), (True, "MERCHANT")])
def test_who_asked_for_a_payment_with_a_kept_card_is_said(without: bool, initiator: str) -> None:
    method = StoredCard(kind="stored_card", card_token="8kk845")
    card = _body(_create(method=method, without_payer=without))["payment_source"]["card"]
    assert card["stored_credential"]["payment_initiator"] == initiator


def test_3d_secure_is_wanted_always_where_it_was_asked_for() -> None:
    method = StoredCard(kind="stored_card", card_token="8kk845")
    started = a_command(StartThreeDSecure, method=method)
    card = _body(started)["payment_source"]["card"]
    assert card["attributes"]["verification"] == {"method": "SCA_ALWAYS"}
    assert card["experience_context"]["return_url"] == BACK
    assert "verification" not in json.dumps(_body(_create(method=method)))


def test_a_card_is_kept_for_its_buyer_where_that_was_asked_for() -> None:
    command = with_a_card().model_copy(update={"store_card": True, "customer_key": "buyer7"})
    card = _body(command, replace(an_attempt(), card=CARD))["payment_source"]["card"]
    assert (card["number"], card["expiry"], card["security_code"]) == ("5526080000000006", "2031-11", "917")
    assert card["attributes"] == {"vault": {"store_in_vault": "ON_SUCCESS"}, "customer": {"id": "buyer7"}}
    wallet = _body(_create(store_card=True))["payment_source"]["paypal"]["attributes"]["vault"]
    assert (wallet["store_in_vault"], wallet["usage_type"]) == ("ON_SUCCESS", "MERCHANT")


def test_what_paypal_has_no_words_for_is_not_sent() -> None:
    _refuses(_create(instalments=3), Reason.INSTALMENTS_NOT_PERMITTED)
    _refuses(_create(without_payer=True), Reason.INVALID_REQUEST)
    _refuses(_create(method=WALLET.model_copy(update={"wallet": "bkm_express"})), Reason.UNSUPPORTED_METHOD)
    _refuses(with_a_card(), Reason.CARD_EXPIRED)
    _refuses(_create(method=builders.a_create_payment().method), Reason.UNSUPPORTED_METHOD)


@pytest.mark.parametrize(
    ("state", "capture", "step"), [("started", "auto", "capture"), ("on_page", "manual", "authorize")]
)
def test_a_completion_takes_or_holds_as_the_beginning_asked_for(state: str, capture: Any, step: str) -> None:
    attempt = an_attempt(state)
    begun = attempt.payment.open_commands[0].model_copy(update={"capture": capture})
    payment = attempt.payment.model_copy(update={"provider_reference": ORDER, "open_commands": (begun,)})
    request = _request(builders.a_complete_three_d_secure(token=ORDER), replace(attempt, payment=payment))
    assert request.path == f"/v2/checkout/orders/{ORDER}/{step}"
    assert dict(request.headers)["PayPal-Request-Id"] == "k0laj0001"
    assert request.body == b"{}"


def test_a_completion_of_another_order_or_of_nothing_is_not_sent() -> None:
    _refuses(builders.a_complete_three_d_secure(token="other"), Reason.INVALID_REQUEST, an_attempt("started"))
    _refuses(builders.a_complete_three_d_secure(), Reason.INVALID_STATE, an_attempt("held"))
    _refuses(builders.a_complete_three_d_secure(), Reason.PAYMENT_NOT_FOUND, an_attempt("new"))


def _with_line(state: str, line_id: str) -> Attempt:
    line = LineReference(line_id=line_id, provider_reference="ID-1", paid=builders.lira("12.50"))
    return replace(an_attempt(state), payment=a_payment(state, lines=(line,)))


def test_a_capture_is_the_last_of_its_hold_and_says_how_much() -> None:
    request = _request(a_command(CapturePayment), _with_line("held", "authorization"))
    assert request.path == "/v2/payments/authorizations/ID-1/capture"
    assert json.loads(request.body) == {
        "amount": {"currency_code": "TRY", "value": "12.50"},
        "final_capture": True,
        "invoice_id": "k0laj0001",
    }


def test_a_refund_carries_what_it_is_found_by_and_a_note_as_long_as_they_take_it() -> None:
    request = _request(a_command(RefundPayment, reason="x" * 300), _with_line("captured", "capture"))
    body = json.loads(request.body)
    assert request.path == "/v2/payments/captures/ID-1/refund"
    assert (body["custom_id"], len(body["note_to_payer"])) == ("k0laj0001", 255)


def test_a_cancel_lifts_a_hold_gives_a_capture_back_and_leaves_an_unpaid_order_to_lapse() -> None:
    cancel = a_command(CancelPayment)
    lifted = _request(cancel, _with_line("held", "authorization"))
    assert (lifted.path, lifted.body) == ("/v2/payments/authorizations/ID-1/void", b"")
    given_back = _request(cancel, _with_line("partly_refunded", "capture"))
    assert given_back.path == "/v2/payments/captures/ID-1/refund"
    assert json.loads(given_back.body)["amount"]["value"] == "7.50"
    _refuses(cancel, Reason.INVALID_STATE, an_attempt("on_page"))


def test_a_hold_is_never_taken_for_a_capture_nor_the_reverse() -> None:
    _refuses(a_command(RefundPayment), Reason.PAYMENT_NOT_FOUND, _with_line("captured", "authorization"))
    _refuses(a_command(CapturePayment), Reason.PAYMENT_NOT_FOUND, _with_line("held", "capture"))
    _refuses(a_command(RefundPayment, line_id="line-9"), Reason.UNKNOWN_LINE, _with_line("captured", "capture"))


def test_a_query_needs_their_id() -> None:
    _refuses(a_command(QueryPayment), Reason.PAYMENT_NOT_FOUND)


def test_ids_are_quoted_in_a_path() -> None:
    attempt = an_attempt("captured")
    payment = attempt.payment.model_copy(update={"provider_reference": "../x?y"})
    assert _request(a_command(QueryPayment), replace(attempt, payment=payment)).path == "/v2/checkout/orders/..%2Fx%3Fy"


def test_a_plan_with_a_trial_has_two_cycles_and_one_without_an_end_says_none() -> None:
    command = a_command(CreatePlan, trial_days=14)
    trial, regular = _body(command)["billing_cycles"]
    assert (trial["tenure_type"], trial["sequence"], trial["total_cycles"]) == ("TRIAL", 1, 1)
    assert (regular["tenure_type"], regular["sequence"], regular["total_cycles"]) == ("REGULAR", 2, 0)
    assert "pricing_scheme" not in trial


def test_a_payer_subscribes_on_their_page_alone_and_a_plan_changes_with_the_next_period() -> None:
    _refuses(a_command(CreateSubscription), Reason.UNSUPPORTED_METHOD)
    _refuses(a_command(UpgradeSubscription), Reason.INVALID_REQUEST)
    _refuses(a_command(UpgradeSubscription, when="next_period", with_trial=True), Reason.INVALID_REQUEST)
    _refuses(a_command(StoreCard, alias="mine"), Reason.INVALID_REQUEST)
    _refuses(a_command(StoreCard, card_ref=None, provider_token="pm_1"), Reason.UNSUPPORTED_METHOD)


@pytest.mark.parametrize("cursor", ["0", "-1", "x", "1000000"])
def test_a_cursor_that_is_none_of_theirs_is_not_sent(cursor: str) -> None:
    _refuses(a_command(ListTransactions, cursor=cursor), Reason.INVALID_REQUEST)


def test_a_cursor_in_the_digits_of_another_script_is_no_cursor_at_all() -> None:
    with pytest.raises(ValidationError, match="cursor"):
        a_command(ListTransactions, cursor="٣")


def test_a_day_is_asked_for_from_its_first_second_to_its_last() -> None:
    query = dict(_request(a_command(ListTransactions, cursor="3"), an_attempt()).query)
    assert (query["start_date"], query["end_date"]) == ("2026-11-25T00:00:00Z", "2026-11-25T23:59:59Z")
    assert query["page"] == "3"
