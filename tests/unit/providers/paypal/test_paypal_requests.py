"""What leaves for PayPal, field by field, and what PayPal has no words for."""

import base64
import json
from dataclasses import replace
from typing import Any

import pytest
from pydantic import SecretStr

from providers.connector import Answer, Attempt, Operation, Request, Unsayable
from providers.diagnosis import Cause
from providers.outcome import Outcome, ProviderState, Refusal, UnusableAnswer
from providers.payments.paypal import CONNECTOR
from providers.payments.paypal.health import read_health
from providers.payments.paypal.look_ups import CallToVerify, build_verification
from providers.payments.paypal.moments import moment
from providers.payments.paypal.order import OrderReply, performed
from providers.payments.paypal.query import read_query
from providers.payments.paypal.signing import TokenReply, read_token, sign_token_request
from providers.tokens import Grant
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
    TransactionPage,
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


@pytest.mark.parametrize("cursor", ["0", "-1", "x", "٣", "1000000"])
def test_a_cursor_that_is_none_of_theirs_is_not_sent(cursor: str) -> None:
    if cursor.isascii():
        _refuses(a_command(ListTransactions, cursor=cursor), Reason.INVALID_REQUEST)


def test_a_day_is_asked_for_from_its_first_second_to_its_last() -> None:
    query = dict(_request(a_command(ListTransactions, cursor="3"), an_attempt()).query)
    assert (query["start_date"], query["end_date"]) == ("2026-11-25T00:00:00Z", "2026-11-25T23:59:59Z")
    assert query["page"] == "3"


def _listed(said: dict[str, Any], pages: int = 1) -> TransactionPage:
    operation = _operation(ListTransactions)
    told = {"transaction_details": [{"transaction_info": said}], "total_pages": pages}
    page = operation.read(operation.reply.model_validate(told), a_command(ListTransactions), an_attempt()).details
    assert isinstance(page, TransactionPage)
    return page


def test_a_transaction_says_which_way_it_went_and_what_is_left_of_it() -> None:
    page = _listed(
        {
            "transaction_id": "T1",
            "transaction_event_code": "T1107",
            "transaction_initiation_date": "2026-11-25T12:00:00Z",
            "transaction_amount": {"currency_code": "EUR", "value": "-4.00"},
            "fee_amount": {"currency_code": "EUR", "value": "0.20"},
            "custom_field": "k0laj0001",
        }
    )
    (found,) = page.transactions
    assert found.fee is not None
    assert found.net is not None
    assert (found.kind, found.amount.minor, found.fee.minor, found.net.minor) == ("refund", 400, 20, 380)
    assert (found.our_reference, page.next_cursor) == ("k0laj0001", None)


@pytest.mark.parametrize(
    ("code", "value", "kind"),
    [
        ("T0006", "1.00", "payment"),
        ("T0006", "-1.00", "other"),
        ("T1201", "-1.00", "chargeback"),
        ("T1107", "1.00", "other"),
        ("T1106", "1.00", "other"),
        ("T0106", "-1", "fee"),
        ("T0400", "-1.00", "transfer"),
        ("T9999", "1.00", "other"),
        ("", "1.00", "other"),
    ],
)
def test_a_movements_kind_is_that_of_its_code(code: str, value: str, kind: str) -> None:
    amount = {"currency_code": "EUR", "value": value}
    said = {"transaction_id": "T1", "transaction_event_code": code, "transaction_amount": amount}
    assert _listed(said, pages=0).transactions[0].kind == kind


def _order(status: str, *captures: str) -> OrderReply:
    amount = {"currency_code": "EUR", "value": "10.99"}
    made = [{"id": f"C{place}", "status": one, "amount": amount} for place, one in enumerate(captures)]
    return OrderReply.model_validate(
        {"id": ORDER, "status": status, "purchase_units": [{"payments": {"captures": made}}]}
    )


def test_a_decline_ends_a_completed_order_and_leaves_an_open_one_to_another_try() -> None:
    attempt = an_attempt("captured")
    attempt = replace(attempt, payment=attempt.payment.model_copy(update={"provider_reference": ORDER}))
    states = [
        read_query(_order(word, "DECLINED"), builders.a_query_payment(), attempt).state
        for word in ("COMPLETED", "APPROVED")
    ]
    assert states == [ProviderState.FAILED, ProviderState.PENDING]


def test_what_was_declined_before_does_not_hide_what_was_taken_afterwards() -> None:
    found = performed(_order("COMPLETED", "DECLINED", "FAILED", "COMPLETED"))
    assert isinstance(found, Outcome)
    assert found.lines[0].provider_reference == "C2"
    with pytest.raises(UnusableAnswer):
        performed(_order("COMPLETED", "COMPLETED", "PENDING"))


KEYS = {"client_id": SecretStr("id-1"), "client_secret": SecretStr("secret-1"), "webhook_id": SecretStr("W1")}


def test_a_token_is_asked_for_with_both_keys() -> None:
    token = CONNECTOR.token
    assert token is not None
    headers = sign_token_request(token.request, KEYS, "n0nce")
    assert base64.b64decode(headers["Authorization"].removeprefix("Basic ")) == b"id-1:secret-1"
    assert token.request.body == b"grant_type=client_credentials"


def test_a_token_is_good_for_as_long_as_they_say_and_a_day_at_most() -> None:
    for said, believed in ((32_400, 32_400), (10**9, 86_400)):
        grant = read_token(TokenReply.model_validate({"access_token": "A21AAF", "expires_in": said}))
        assert isinstance(grant, Grant)
        assert grant.expires_in_s == believed


def test_keys_that_they_do_not_know_are_a_no_and_all_else_is_none() -> None:
    refused = read_token(TokenReply.model_validate({"error": "invalid_client"}))
    assert isinstance(refused, Refusal)
    assert refused.reason is Reason.INVALID_CREDENTIALS
    nothing: list[dict[str, Any]] = [
        {},
        {"access_token": "x"},
        {"access_token": "", "expires_in": 10},
        {"access_token": "a\nb", "expires_in": 10},
        {"access_token": "ü", "expires_in": 10},
        {"access_token": "x", "expires_in": 0},
        {"error": "unsupported_grant_type"},
        {"name": "INTERNAL_SERVER_ERROR", "debug_id": "d"},
    ]
    for said in nothing:
        with pytest.raises(UnusableAnswer):
            read_token(TokenReply.model_validate(said))


def _answer(status: int, parsed: Any) -> Answer:
    return Answer(status, {}, b"", parsed)


def test_health_sees_keys_rights_and_whether_the_webhook_is_the_accounts_own() -> None:
    assert read_health(_answer(200, {"webhooks": [{"id": "W0"}, {"id": "W1"}]}), "sandbox", KEYS) is None
    foreign = read_health(_answer(200, {"webhooks": [{"id": "W0"}]}), "sandbox", KEYS)
    assert foreign is not None
    assert foreign.cause is Cause.WRONG_KEY
    assert "W1" not in foreign.sentence
    for status, cause in (
        (401, Cause.WRONG_KEY),
        (429, Cause.THROTTLED),
        (503, Cause.PROVIDER_DOWN),
        (200, Cause.OTHER),
    ):
        trouble = read_health(_answer(status, {"name": "X"}), "sandbox", KEYS)
        assert trouble is not None
        assert trouble.cause is cause


ASKED = {
    "webhook_id": 'W"1',
    "transmission_id": "t",
    "transmission_time": "2026-01-01T00:00:05Z",
    "transmission_sig": "s",
    "cert_url": "https://api.paypal.com/v1/notifications/certs/C",
    "auth_algo": "SHA256withRSA",
}


def test_the_body_is_spliced_in_byte_for_byte() -> None:
    body = '{ "b": {}, "a": "Müşteri", "n": 1.50 }'
    sent = build_verification(CallToVerify(**ASKED, body=body)).body
    assert sent.endswith(b',"webhook_event":' + body.encode() + b"}")
    assert json.loads(sent)["webhook_id"] == 'W"1'


@pytest.mark.parametrize("body", ['{}},"webhook_id":"other"', "[]", "", "1", '{"a":1,"a":2}', '"x"', "\ud800"])
def test_a_body_that_is_not_one_object_is_not_asked_about(body: str) -> None:
    with pytest.raises(Unsayable):
        build_verification(CallToVerify(**ASKED, body=body))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("2026-11-25T12:00:00Z", "2026-11-25T12:00:00+00:00"),
        ("2026-11-25T15:00:00+03:00", "2026-11-25T12:00:00+00:00"),
        ("2026-11-25T12:00:00", None),
        ("0001-01-01T00:00:00+05:00", None),
        ("soon", None),
        (None, None),
    ],
)
def test_a_moment_is_told_by_utc_or_not_at_all(text: str | None, told: str | None) -> None:
    found = moment(text)
    assert (None if found is None else found.isoformat()) == told
