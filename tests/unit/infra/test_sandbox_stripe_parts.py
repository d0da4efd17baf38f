"""The sandbox's parts by themselves: forms, parameters, amounts, cards, signatures."""

import json
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import pytest
import stripe

from infra.sandbox.stripe import CARDS, parse_fault
from infra.sandbox.stripe.amounts import CURRENCIES, read_amount
from infra.sandbox.stripe.fields import Fields
from infra.sandbox.stripe.form import read_form
from infra.sandbox.stripe.money import fee_of
from infra.sandbox.stripe.refusing import Refused
from infra.sandbox.stripe.routes import ROUTES
from infra.sandbox.stripe.signing import signature

VECTORS: Final[dict[str, Any]] = json.loads((Path(__file__).parents[2] / "vectors" / "stripe.json").read_text())
OPTIONS: Final = {
    "api_key",
    "content_type",
    "headers",
    "idempotency_key",
    "max_network_retries",
    "stripe_account",
    "stripe_context",
    "stripe_version",
}
"""What the client's types of parameters hold that is not sent as one."""
TYPES: Final[Mapping[str, str]] = {
    "POST /v1/payment_intents": "PaymentIntentCreateParams",
    "GET /v1/payment_intents": "PaymentIntentListParams",
    "GET /v1/payment_intents/{id}": "PaymentIntentRetrieveParams",
    "POST /v1/payment_intents/{id}": "PaymentIntentModifyParams",
    "POST /v1/payment_intents/{id}/confirm": "PaymentIntentConfirmParams",
    "POST /v1/payment_intents/{id}/capture": "PaymentIntentCaptureParams",
    "POST /v1/payment_intents/{id}/cancel": "PaymentIntentCancelParams",
    "GET /v1/charges": "ChargeListParams",
    "GET /v1/charges/{id}": "ChargeRetrieveParams",
    "POST /v1/refunds": "RefundCreateParams",
    "GET /v1/refunds": "RefundListParams",
    "GET /v1/refunds/{id}": "RefundRetrieveParams",
    "POST /v1/customers": "CustomerCreateParams",
    "POST /v1/customers/{id}": "CustomerModifyParams",
    "GET /v1/customers": "CustomerListParams",
    "GET /v1/customers/{id}": "CustomerRetrieveParams",
    "DELETE /v1/customers/{id}": "CustomerDeleteParams",
    "POST /v1/payment_methods": "PaymentMethodCreateParams",
    "GET /v1/payment_methods": "PaymentMethodListParams",
    "GET /v1/payment_methods/{id}": "PaymentMethodRetrieveParams",
    "POST /v1/payment_methods/{id}/attach": "PaymentMethodAttachParams",
    "POST /v1/payment_methods/{id}/detach": "PaymentMethodDetachParams",
    "POST /v1/setup_intents": "SetupIntentCreateParams",
    "GET /v1/setup_intents": "SetupIntentListParams",
    "GET /v1/setup_intents/{id}": "SetupIntentRetrieveParams",
    "POST /v1/setup_intents/{id}/confirm": "SetupIntentConfirmParams",
    "POST /v1/setup_intents/{id}/cancel": "SetupIntentCancelParams",
    "GET /v1/events": "EventListParams",
    "GET /v1/events/{id}": "EventRetrieveParams",
    "GET /v1/balance": "BalanceRetrieveParams",
    "GET /v1/balance_transactions": "BalanceTransactionListParams",
    "GET /v1/balance_transactions/{id}": "BalanceTransactionRetrieveParams",
    "GET /v1/payouts": "PayoutListParams",
    "GET /v1/payouts/{id}": "PayoutRetrieveParams",
    "POST /v1/payouts": "PayoutCreateParams",
    "GET /v1/disputes": "DisputeListParams",
    "GET /v1/disputes/{id}": "DisputeRetrieveParams",
    "POST /v1/disputes/{id}": "DisputeModifyParams",
    "POST /v1/disputes/{id}/close": "DisputeCloseParams",
    "POST /v1/products": "ProductCreateParams",
    "GET /v1/products": "ProductListParams",
    "GET /v1/products/{id}": "ProductRetrieveParams",
    "POST /v1/prices": "PriceCreateParams",
    "GET /v1/prices": "PriceListParams",
    "GET /v1/prices/{id}": "PriceRetrieveParams",
    "POST /v1/subscriptions": "SubscriptionCreateParams",
    "GET /v1/subscriptions": "SubscriptionListParams",
    "GET /v1/subscriptions/{id}": "SubscriptionRetrieveParams",
    "POST /v1/subscriptions/{id}": "SubscriptionModifyParams",
    "DELETE /v1/subscriptions/{id}": "SubscriptionCancelParams",
    "GET /v1/invoices": "InvoiceListParams",
    "GET /v1/invoices/{id}": "InvoiceRetrieveParams",
    "POST /v1/invoices/{id}/pay": "InvoicePayParams",
    "POST /v1/checkout/sessions": "checkout.SessionCreateParams",
    "GET /v1/checkout/sessions": "checkout.SessionListParams",
    "GET /v1/checkout/sessions/{id}": "checkout.SessionRetrieveParams",
    "POST /v1/checkout/sessions/{id}/expire": "checkout.SessionExpireParams",
    "POST /v1/billing_portal/sessions": "billing_portal.SessionCreateParams",
    "POST /v1/test_helpers/confirmation_tokens": "test_helpers.ConfirmationTokenCreateParams",
}
"""The client's type of each endpoint's parameters."""


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.endpoint)
def test_a_path_takes_the_parameters_that_the_client_knows(route: Any) -> None:
    *within, name = TYPES[route.endpoint].split(".")
    declared = getattr(import_module(".".join(("stripe.params", *within))), name).__annotations__
    assert set(route.parameters) == declared.keys() - OPTIONS


def test_no_path_is_left_without_its_route() -> None:
    assert {route.endpoint for route in ROUTES} == TYPES.keys()


@pytest.mark.parametrize(
    ("text", "nested"),
    [
        ("a=1&b=", {"a": "1", "b": ""}),
        ("a[b][c]=1&a[b][d]=2", {"a": {"b": {"c": "1", "d": "2"}}}),
        ("a[0][b]=1&a[1][b]=2", {"a": {"0": {"b": "1"}, "1": {"b": "2"}}}),
        ("expand[]=x&expand[]=y", {"expand": {"0": "x", "1": "y"}}),
        ("metadata[\u015f]=%C5%9F", {"metadata": {"\u015f": "\u015f"}}),
    ],
)
def test_a_form_is_read_into_its_members(text: str, nested: dict[str, Any]) -> None:
    assert read_form(text) == nested


@pytest.mark.parametrize(
    "text", ["a=1&a[b]=2", "a[b]=2&a=1", "[a]=1", "a]b=1", "a[b=1", "=1", "a=%FF", "a" + "[b]" * 20]
)
def test_a_strange_form_is_refused(text: str) -> None:
    with pytest.raises(Refused):
        read_form(text)


@pytest.mark.parametrize("row", VECTORS["currencies"], ids=lambda row: row["name"])
def test_a_currency_is_counted_as_documented(row: dict[str, Any]) -> None:
    currency, multiple = row["name"].casefold(), row["multiple_of"]
    assert currency in CURRENCIES
    assert read_amount(Fields({"amount": str(multiple * 1000)}), "amount", currency) == multiple * 1000
    if multiple > 1:
        with pytest.raises(Refused):
            read_amount(Fields({"amount": str(multiple * 1000 + 1)}), "amount", currency)


def test_metadata_is_merged_and_taken_away() -> None:
    told = Fields({"metadata": {"b": "", "c": "3"}}).metadata({"a": "1", "b": "2"})
    assert told == {"a": "1", "c": "3"}
    for wrong in ({"k" * 41: "v"}, {"k": "v" * 501}, {str(n): "v" for n in range(51)}, {"k": {"l": "v"}}):
        with pytest.raises(Refused):
            Fields({"metadata": wrong}).metadata()


def test_a_signature_is_what_the_client_would_sign() -> None:
    body = '{"id": "evt_1", "name": "Ay\u015fe"}'
    signed = signature(("whsec_a", "whsec_b"), body.encode(), 1_767_225_600)
    theirs = stripe.WebhookSignature.generate_signature_header(body, "whsec_b", 1_767_225_600)
    assert theirs.partition(",")[2] in signed.split(",")
    for secret in ("whsec_a", "whsec_b"):
        assert stripe.WebhookSignature.verify_header(body, signed, secret, tolerance=0)
    forged = signature(("whsec_a",), body.encode(), 1_767_225_600, forged=True)
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.WebhookSignature.verify_header(body, forged, "whsec_a", tolerance=0)


def test_each_test_card_shows_its_last_digits_alone() -> None:
    for card in CARDS.values():
        shown = card.shown()
        assert len(shown["last4"]) == 4
        assert "number" not in shown


def test_a_fee_is_rounded_to_the_nearest_unit() -> None:
    assert [fee_of(1250, "try"), fee_of(1000, "jpy"), fee_of(17, "usd"), fee_of(18, "usd")] == [66, 29, 30, 31]


def test_a_fault_is_ordered_by_its_name() -> None:
    order = parse_fault("decline_insufficient_funds,path=/v1/payment_intents,count=2")
    assert (order.kind.decline_code, order.path, order.count) == ("insufficient_funds", "/v1/payment_intents", 2)
    with pytest.raises(ValueError, match="not one of"):
        parse_fault("decline_nothing")
