"""The served paths: what each performs, and how long it knows a request id."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from infra.sandbox.paypal import (
    catalogue,
    disputes,
    notifications,
    orders,
    payments,
    reporting,
    subscriptions,
    tracking,
    vault,
)
from infra.sandbox.paypal.call import Route
from infra.sandbox.paypal.request_ids import BILLING_S, ORDERS_S, PAYMENTS_S, VAULT_S
from infra.sandbox.paypal.tokens import PATH as TOKEN
from infra.sandbox.paypal.tokens import give_token
from infra.sandbox.paypal.views import authorization_view, capture_view, order_view, refund_view, void_view

_ORDER: Final = "/v2/checkout/orders/{id}"
_HOLD: Final = "/v2/payments/authorizations/{id}"
_VAULT: Final = "/v3/vault"
_PRODUCTS: Final = "/v1/catalogs/products"
_PLANS: Final = "/v1/billing/plans"
_SUBSCRIPTIONS: Final = "/v1/billing/subscriptions"
_WEBHOOKS: Final = "/v1/notifications"

ROUTES: Final[Mapping[tuple[str, str], Route]] = MappingProxyType(
    {
        ("POST", TOKEN): Route(give_token),
        ("POST", "/v2/checkout/orders"): Route(orders.create_order, order_view, ORDERS_S),
        ("GET", _ORDER): Route(orders.get_order),
        ("PATCH", _ORDER): Route(orders.patch_order),
        ("POST", f"{_ORDER}/confirm-payment-source"): Route(orders.confirm_source, order_view, ORDERS_S),
        ("POST", f"{_ORDER}/capture"): Route(orders.capture_order, order_view, ORDERS_S),
        ("POST", f"{_ORDER}/authorize"): Route(orders.authorize_order, order_view, ORDERS_S),
        ("POST", f"{_ORDER}/track"): Route(tracking.add_tracker),
        ("PATCH", f"{_ORDER}/trackers/{{tracker_id}}"): Route(tracking.patch_tracker),
        ("GET", _HOLD): Route(payments.get_authorization),
        ("POST", f"{_HOLD}/capture"): Route(payments.capture_authorization, capture_view, PAYMENTS_S),
        ("POST", f"{_HOLD}/reauthorize"): Route(payments.reauthorize, authorization_view, PAYMENTS_S),
        ("POST", f"{_HOLD}/void"): Route(payments.void, void_view, PAYMENTS_S, takes_body=False),
        ("GET", "/v2/payments/captures/{id}"): Route(payments.get_capture),
        ("POST", "/v2/payments/captures/{id}/refund"): Route(payments.refund, refund_view, PAYMENTS_S),
        ("GET", "/v2/payments/refunds/{id}"): Route(payments.get_refund),
        ("POST", f"{_VAULT}/setup-tokens"): Route(
            *(vault.create_setup_token, vault.setup_view, VAULT_S), needs_id=True, strict=True
        ),
        ("GET", f"{_VAULT}/setup-tokens/{{id}}"): Route(vault.get_setup_token),
        ("POST", f"{_VAULT}/payment-tokens"): Route(
            *(vault.create_payment_token, vault.token_view, VAULT_S), needs_id=True, strict=True
        ),
        ("GET", f"{_VAULT}/payment-tokens"): Route(vault.list_payment_tokens),
        ("GET", f"{_VAULT}/payment-tokens/{{id}}"): Route(vault.get_payment_token),
        ("DELETE", f"{_VAULT}/payment-tokens/{{id}}"): Route(vault.delete_payment_token),
        ("POST", _PRODUCTS): Route(catalogue.create_product, catalogue.product_view, BILLING_S),
        ("GET", _PRODUCTS): Route(catalogue.list_products),
        ("GET", f"{_PRODUCTS}/{{id}}"): Route(catalogue.get_product),
        ("PATCH", f"{_PRODUCTS}/{{id}}"): Route(catalogue.patch_product),
        ("POST", _PLANS): Route(catalogue.create_plan, catalogue.plan_view, BILLING_S),
        ("GET", _PLANS): Route(catalogue.list_plans),
        ("GET", f"{_PLANS}/{{id}}"): Route(catalogue.get_plan),
        ("PATCH", f"{_PLANS}/{{id}}"): Route(catalogue.patch_plan),
        ("POST", f"{_PLANS}/{{id}}/activate"): Route(catalogue.activate_plan, takes_body=False),
        ("POST", f"{_PLANS}/{{id}}/deactivate"): Route(catalogue.deactivate_plan, takes_body=False),
        ("POST", f"{_PLANS}/{{id}}/update-pricing-schemes"): Route(catalogue.update_pricing),
        ("POST", _SUBSCRIPTIONS): Route(subscriptions.create_subscription, subscriptions.subscription_view, BILLING_S),
        ("GET", _SUBSCRIPTIONS): Route(subscriptions.list_subscriptions),
        ("GET", f"{_SUBSCRIPTIONS}/{{id}}"): Route(subscriptions.get_subscription),
        ("PATCH", f"{_SUBSCRIPTIONS}/{{id}}"): Route(subscriptions.patch_subscription),
        ("POST", f"{_SUBSCRIPTIONS}/{{id}}/revise"): Route(subscriptions.revise_subscription),
        ("POST", f"{_SUBSCRIPTIONS}/{{id}}/activate"): Route(subscriptions.activate_subscription),
        ("POST", f"{_SUBSCRIPTIONS}/{{id}}/suspend"): Route(subscriptions.suspend_subscription),
        ("POST", f"{_SUBSCRIPTIONS}/{{id}}/cancel"): Route(subscriptions.cancel_subscription),
        ("POST", f"{_SUBSCRIPTIONS}/{{id}}/capture"): Route(subscriptions.capture_outstanding, None, BILLING_S),
        ("GET", f"{_SUBSCRIPTIONS}/{{id}}/transactions"): Route(subscriptions.list_transactions),
        ("GET", "/v1/reporting/transactions"): Route(reporting.list_transactions),
        ("GET", "/v1/reporting/balances"): Route(reporting.list_balances),
        ("GET", "/v1/customer/disputes"): Route(disputes.list_disputes),
        ("GET", "/v1/customer/disputes/{id}"): Route(disputes.get_dispute),
        ("GET", f"{_WEBHOOKS}/webhooks"): Route(notifications.list_webhooks),
        ("GET", f"{_WEBHOOKS}/webhooks-events/{{id}}"): Route(notifications.get_event),
        ("POST", f"{_WEBHOOKS}/webhooks-events/{{id}}/resend"): Route(notifications.resend_event),
        ("POST", f"{_WEBHOOKS}/verify-webhook-signature"): Route(notifications.verify_signature),
    }
)


@dataclass(frozen=True, slots=True)
class Found:
    """A served path; `template` is how faults and their orders name it."""

    template: str
    route: Route
    names: Mapping[str, str]


def find_route(method: str, path: str) -> Found | None:
    for (wanted, template), pattern in _PATTERNS.items():
        match = pattern.fullmatch(path) if wanted == method else None
        if match is not None:
            return Found(template, ROUTES[wanted, template], match.groupdict())
    return None


def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\\{([a-z_]+)\\\}", r"(?P<\1>[^/]+)", re.escape(template)))


_PATTERNS: Final = MappingProxyType({key: _pattern(key[1]) for key in ROUTES})
