"""What is sent to Stripe: keys, forms and names, held to the parameter types of its own library."""

import importlib
import re
from collections.abc import Mapping
from typing import Any, Union, get_args, get_origin, get_type_hints
from urllib.parse import parse_qsl

import pytest

from agents.payments.agent import CLOCKS_DIFFER
from providers.connector import Request, Unsayable
from providers.payments.stripe.wire import VERSION
from schemas.money import Money
from schemas.payments import (
    CancelPayment,
    CapturePayment,
    CompleteThreeDSecure,
    CreatePayment,
    QueryPayment,
    Reason,
    RefundPayment,
    StartThreeDSecure,
)
from schemas.payments.resources import (
    CreatePlan,
    CreateSubscription,
    DeleteCard,
    QuerySubscription,
    UpgradeSubscription,
)
from tests.builders import a_line, lira, money
from tests.stripe_calls import (
    CARD,
    HOSTED,
    INTENT,
    PAGE,
    REFERENCE,
    an_attempt,
    built,
    requests,
    token,
)

REQUESTS = requests()
every_request = pytest.mark.parametrize("name", REQUESTS)
CALLS = {
    ("POST", "/v1/payment_intents"): "PaymentIntentCreate",
    ("GET", "/v1/payment_intents"): "PaymentIntentList",
    ("GET", "/v1/payment_intents/{payment_intent}"): "PaymentIntentRetrieve",
    ("POST", "/v1/payment_intents/{payment_intent}/capture"): "PaymentIntentCapture",
    ("POST", "/v1/payment_intents/{payment_intent}/cancel"): "PaymentIntentCancel",
    ("POST", "/v1/checkout/sessions"): "checkout.SessionCreate",
    ("GET", "/v1/checkout/sessions"): "checkout.SessionList",
    ("GET", "/v1/checkout/sessions/{session}"): "checkout.SessionRetrieve",
    ("POST", "/v1/checkout/sessions/{session}/expire"): "checkout.SessionExpire",
    ("POST", "/v1/refunds"): "RefundCreate",
    ("GET", "/v1/refunds"): "RefundList",
    ("POST", "/v1/customers"): "CustomerCreate",
    ("GET", "/v1/customers"): "CustomerList",
    ("POST", "/v1/setup_intents"): "SetupIntentCreate",
    ("GET", "/v1/setup_intents"): "SetupIntentList",
    ("GET", "/v1/payment_methods"): "PaymentMethodList",
    ("GET", "/v1/payment_methods/{payment_method}"): "PaymentMethodRetrieve",
    ("POST", "/v1/payment_methods/{payment_method}/detach"): "PaymentMethodDetach",
    ("POST", "/v1/products"): "ProductCreate",
    ("GET", "/v1/products/{product}"): "ProductRetrieve",
    ("POST", "/v1/prices"): "PriceCreate",
    ("GET", "/v1/prices"): "PriceList",
    ("POST", "/v1/subscriptions"): "SubscriptionCreate",
    ("GET", "/v1/subscriptions"): "SubscriptionList",
    ("GET", "/v1/subscriptions/{subscription}"): "SubscriptionRetrieve",
    ("POST", "/v1/subscriptions/{subscription}"): "SubscriptionUpdate",
    ("DELETE", "/v1/subscriptions/{subscription}"): "SubscriptionCancel",
    ("POST", "/v1/invoices/{invoice}/pay"): "InvoicePay",
    ("GET", "/v1/invoices/{invoice}"): "InvoiceRetrieve",
    ("POST", "/v1/billing_portal/sessions"): "billing_portal.SessionCreate",
    ("GET", "/v1/balance"): "BalanceRetrieve",
    ("GET", "/v1/balance_transactions"): "BalanceTransactionList",
    ("GET", "/v1/payouts"): "PayoutList",
}
"""By method and path: the type of the parameters in Stripe's library for Python."""


def fields_of(request: Request) -> dict[str, str]:
    return dict(parse_qsl(request.body.decode())) | dict(request.query)


@every_request
def test_every_name_that_is_sent_is_one_of_their_librarys(name: str) -> None:
    request = REQUESTS[name]
    said = CALLS[request.method, request.template]
    unknown = [field for field in fields_of(request) if not _is_known(_params(said), _steps(field))]
    assert unknown == []


@every_request
def test_every_request_pins_the_version_and_every_post_carries_our_reference_as_its_key(name: str) -> None:
    request = REQUESTS[name]
    headers = dict(request.headers)
    assert headers["Stripe-Version"] == VERSION
    assert headers.get("Idempotency-Key") == (REFERENCE if request.method == "POST" else None)
    assert (request.body == b"") or headers["Content-Type"] == "application/x-www-form-urlencoded"


@every_request
def test_no_person_is_told_to_stripe_who_need_not_be(name: str) -> None:
    request = REQUESTS[name]
    text = f"{request.path} {request.query} {request.body.decode()} {request.headers}"
    for personal in ("isil", "74300864791", "%2B90", "85.34", "Kad", "Ba%C4%9Fdat"):
        assert personal not in text


def test_a_creation_says_amount_reference_and_order_and_confirms_at_once() -> None:
    fields = fields_of(built(CreatePayment, method=CARD))
    assert (fields["amount"], fields["currency"], fields["confirm"]) == ("1250", "try", "true")
    assert (fields["payment_method"], fields["customer"]) == ("pm_1QKolaj0001", "cus_Kolaj0001")
    assert fields["metadata[kolaj_reference]"] == REFERENCE
    assert fields["metadata[order_id]"] == "order-1001"
    assert fields["capture_method"] == "automatic_async"


def test_without_an_address_to_come_back_to_no_redirect_is_allowed() -> None:
    fields = fields_of(built(CreatePayment, method=CARD))
    assert fields["automatic_payment_methods[allow_redirects]"] == "never"
    assert fields["error_on_requires_action"] == "true"
    assert "return_url" not in fields


def test_three_d_secure_brings_the_address_and_asks_the_bank() -> None:
    fields = fields_of(built(StartThreeDSecure, method=CARD))
    assert fields["return_url"] == "https://shop.example/back"
    assert fields["payment_method_options[card][request_three_d_secure]"] == "any"
    assert not {"error_on_requires_action", "automatic_payment_methods[allow_redirects]", "off_session"} & {*fields}


def test_a_renewal_is_off_session_and_neither_keeps_the_card_anew_nor_asks_for_3d() -> None:
    fields = fields_of(built(CreatePayment, method=CARD, without_payer=True, store_card=True))
    assert fields["off_session"] == "true"
    assert not {"setup_future_usage", "error_on_requires_action"} & {*fields}
    assert "payment_method_options[card][request_three_d_secure]" not in fields


def test_a_card_is_kept_for_a_customer() -> None:
    fields = fields_of(built(CreatePayment, method=token("pm_1"), store_card=True, customer_key="cus_1"))
    assert (fields["setup_future_usage"], fields["customer"]) == ("off_session", "cus_1")
    with pytest.raises(Unsayable, match="customer_key"):
        built(CreatePayment, method=token("pm_1"), store_card=True)
    there = fields_of(built(CreatePayment, method=HOSTED, store_card=True))
    assert (there["customer_creation"], there["payment_intent_data[setup_future_usage]"]) == ("always", "off_session")


def test_a_token_of_their_script_goes_where_it_belongs() -> None:
    assert fields_of(built(CreatePayment, method=token("pm_1")))["payment_method"] == "pm_1"
    fields = fields_of(built(CreatePayment, method=token("ctoken_1")))
    assert (fields["confirmation_token"], "payment_method" in fields) == ("ctoken_1", False)


@pytest.mark.parametrize(("capture", "said"), [("auto", "automatic_async"), ("manual", "manual")])
def test_a_hold_is_asked_for_in_so_many_words(capture: str, said: str) -> None:
    assert fields_of(built(CreatePayment, method=CARD, capture=capture))["capture_method"] == said
    on_page = fields_of(built(CreatePayment, method=HOSTED, capture=capture))
    assert on_page["payment_intent_data[capture_method]"] == said


@pytest.mark.parametrize(
    ("amount", "sent"),
    [(money("9899", "JPY"), "9899"), (money("5", "ISK"), "500"), (money("5.12", "KWD"), "5120"), (lira("0.01"), "1")],
    ids=str,
)
def test_every_amount_is_in_stripes_own_unit(amount: Money, sent: str) -> None:
    kinds: dict[Any, str] = {CreatePayment: "amount", CapturePayment: "amount_to_capture", RefundPayment: "amount"}
    for kind, name in kinds.items():
        assert fields_of(built(kind, an_attempt(kind, amount)))[name] == sent
    page = fields_of(built(CreatePayment, an_attempt(CreatePayment, amount), method=HOSTED))
    assert page["line_items[0][price_data][unit_amount]"] == sent


def test_a_dinar_with_a_last_digit_is_refused_before_it_is_sent() -> None:
    with pytest.raises(Unsayable) as unsayable:
        built(CreatePayment, an_attempt(CreatePayment, money("5.124", "KWD")), method=CARD)
    assert unsayable.value.reason is Reason.INVALID_AMOUNT


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"instalments": 3}, Reason.INSTALMENTS_NOT_PERMITTED),
        (
            {
                "basket": (
                    a_line(
                        lira("12.50"), merchant_share={"merchant_key": "m", "amount": {"minor": 1, "currency": "TRY"}}
                    ),
                )
            },
            Reason.UNSUPPORTED_OPERATION,
        ),
    ],
    ids=["instalments", "shares"],
)
@pytest.mark.parametrize("method", [CARD, HOSTED], ids=lambda method: method.kind)
def test_what_stripe_has_no_words_for_is_refused_before_it_is_sent(
    method: Any, said: dict[str, Any], reason: Reason
) -> None:
    with pytest.raises(Unsayable) as unsayable:
        built(CreatePayment, method=method, **said)
    assert unsayable.value.reason is reason


def test_three_d_secure_needs_a_payer_and_no_page() -> None:
    for said in ({"method": CARD, "without_payer": True}, {"method": HOSTED}):
        with pytest.raises(Unsayable):
            built(StartThreeDSecure, **said)


def test_a_completion_asks_and_reads_nothing_that_the_browser_brought() -> None:
    brought: dict[str, Any] = {"payment_intent": "pi_of_another", "redirect_status": "succeeded"}
    request = built(CompleteThreeDSecure, **brought)
    assert (request.method, request.path) == ("GET", f"/v1/payment_intents/{INTENT}")


def test_a_cancel_lifts_a_hold_gives_back_what_is_left_or_closes_the_page() -> None:
    held = built(CancelPayment, an_attempt(CancelPayment, state="held"), reason="abandoned")
    assert (held.path, fields_of(held)) == (
        f"/v1/payment_intents/{INTENT}/cancel",
        {"cancellation_reason": "abandoned"},
    )
    left = built(CancelPayment, an_attempt(CancelPayment, lira("7.50"), state="partly_refunded"))
    assert (left.path, fields_of(left)["amount"]) == ("/v1/refunds", "750")
    page = built(CancelPayment, an_attempt(CancelPayment, state="on_page", at=PAGE))
    assert page.path == f"/v1/checkout/sessions/{PAGE}/expire"


@pytest.mark.parametrize(
    ("reason", "said"),
    [("fraud", "fraudulent"), ("double_payment", "duplicate"), ("Işıl Çağrı called", None), (None, None)],
)
def test_a_reason_is_told_in_one_of_their_words_or_not_at_all(reason: str | None, said: str | None) -> None:
    assert fields_of(built(RefundPayment, reason=reason)).get("reason") == said
    held = built(CancelPayment, an_attempt(CancelPayment, state="held"), reason=reason)
    assert fields_of(held).get("cancellation_reason") == said
    assert "Çağrı" not in str(fields_of(built(RefundPayment, reason=reason)))


def test_a_line_cannot_be_refunded_by_its_name() -> None:
    with pytest.raises(Unsayable) as unsayable:
        built(RefundPayment, line_id="line-1")
    assert unsayable.value.reason is Reason.UNKNOWN_LINE


def test_an_inquiry_looks_among_what_was_made_since_the_command() -> None:
    request = built(CreatePayment, inquiry=True, method=CARD)
    asked = dict(request.query)
    assert (request.path, asked["customer"], asked["limit"]) == ("/v1/payment_intents", "cus_Kolaj0001", "100")
    earlier_s = (0x019ABC000000 // 1000) - int(asked["created[gte]"])
    assert earlier_s == 900
    assert earlier_s > CLOCKS_DIFFER.total_seconds(), "a publisher whose clock is ahead finds what it made"
    assert built(CreatePayment, inquiry=True, method=HOSTED).path == "/v1/checkout/sessions"


def test_a_payment_without_an_id_is_looked_for_since_its_creation_or_not_at_all() -> None:
    assert REQUESTS["query without id"].path == "/v1/payment_intents"
    with pytest.raises(Unsayable) as unsayable:
        built(QueryPayment, an_attempt(QueryPayment, state="new"))
    assert unsayable.value.reason is Reason.PAYMENT_NOT_FOUND


def test_ids_are_one_piece_of_a_path_whatever_stands_in_them() -> None:
    assert built(DeleteCard, card_token="../customers/cus_1?x").path == (
        "/v1/payment_methods/..%2Fcustomers%2Fcus_1%3Fx/detach"
    )


def test_a_plan_that_ends_by_itself_and_a_card_of_the_vault_are_refused() -> None:
    for kind, said in (
        (CreatePlan, {"charges": 12}),
        (CreateSubscription, {"customer_reference": None, "card_ref": "019abc00-0000-7000-8000-000000000001"}),
        (CreateSubscription, {"begins_active": False}),
        (UpgradeSubscription, {"when": "next_period"}),
    ):
        with pytest.raises(Unsayable):
            built(kind, **said)


def test_a_plan_is_changed_in_its_own_line_or_not_at_all() -> None:
    fields = fields_of(built(UpgradeSubscription))
    assert (fields["items[0][id]"], fields["items[0][price]"]) == ("item-1", "plan-2")
    with pytest.raises(Unsayable, match="query the subscription"):
        built(UpgradeSubscription, an_attempt(UpgradeSubscription, item_reference=None))


def test_a_subscription_that_nobody_finished_can_be_asked_about_and_no_more() -> None:
    known: dict[str, Any] = {"provider_reference": PAGE}
    assert built(QuerySubscription, an_attempt(QuerySubscription, **known)).path == f"/v1/checkout/sessions/{PAGE}"
    with pytest.raises(Unsayable, match="has not finished"):
        built(UpgradeSubscription, an_attempt(UpgradeSubscription, **known))


def _steps(name: str) -> list[str]:
    return re.findall(r"[^\[\]]+", name)


def _params(said: str) -> type:
    folder, _, name = said.rpartition(".")
    words = "_".join(re.findall(r"[A-Z][a-z]+", name)).lower()
    module = importlib.import_module(".".join(filter(None, ("stripe.params", folder, f"_{words}_params"))))
    found: type = getattr(module, f"{name}Params")
    return found


def _is_known(kind: Any, steps: list[str]) -> bool:
    """Whether a name leads somewhere in the types of their library: through objects, lists and free mappings."""
    if not steps:
        return True
    origin = get_origin(kind)
    if origin in {list, tuple}:
        return steps[0].isdigit() and _is_known(get_args(kind)[0], steps[1:])
    if origin is not None and isinstance(origin, type) and issubclass(origin, Mapping):
        return len(steps) == 1
    if origin is Union or (origin is not None and not isinstance(kind, type)):
        return any(_is_known(inner, steps) for inner in get_args(kind))
    said = getattr(kind, "__annotations__", {}).get(steps[0])
    if said is None:
        return False
    # One name at a time: others of the same object are known to type checkers alone.
    one = type("One", (), {"__annotations__": {"it": said}})
    hint = get_type_hints(one, vars(importlib.import_module(kind.__module__)))["it"]
    return _is_known(hint, steps[1:])
