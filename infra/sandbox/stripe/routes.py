"""The served paths."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from infra.sandbox.stripe import (
    balances,
    bank_page,
    charges,
    customers,
    disputes,
    holds,
    intents,
    methods,
    payouts,
    portal,
    products,
    refunds,
    setups,
    told_events,
)
from infra.sandbox.stripe.checkout import paying, sessions
from infra.sandbox.stripe.pages import Walk
from infra.sandbox.stripe.route import Route
from infra.sandbox.stripe.subscriptions import beginning, invoices, life

_PAYMENTS: Final = (
    Route("POST", "/v1/payment_intents", intents.create),
    Route("GET", "/v1/payment_intents", intents.list_intents),
    Route("GET", "/v1/payment_intents/{id}", intents.retrieve),
    Route("POST", "/v1/payment_intents/{id}", intents.update),
    Route("POST", "/v1/payment_intents/{id}/confirm", intents.confirm_intent),
    Route("POST", "/v1/payment_intents/{id}/capture", holds.capture),
    Route("POST", "/v1/payment_intents/{id}/cancel", holds.cancel),
    Route("GET", "/v1/charges", charges.list_charges),
    Route("GET", "/v1/charges/{id}", charges.retrieve),
    Route("POST", "/v1/refunds", refunds.create),
    Route("GET", "/v1/refunds", refunds.list_refunds),
    Route("GET", "/v1/refunds/{id}", refunds.retrieve),
)
_CUSTOMERS: Final = (
    Route("POST", "/v1/customers", customers.create),
    Route("GET", "/v1/customers", customers.list_customers),
    Route("GET", "/v1/customers/{id}", customers.retrieve),
    Route("POST", "/v1/customers/{id}", customers.update),
    Route("DELETE", "/v1/customers/{id}", customers.delete),
    Route("POST", "/v1/payment_methods", methods.create),
    Route("GET", "/v1/payment_methods", methods.list_methods),
    Route("GET", "/v1/payment_methods/{id}", methods.retrieve),
    Route("POST", "/v1/payment_methods/{id}/attach", methods.attach),
    Route("POST", "/v1/payment_methods/{id}/detach", methods.detach),
    Route("POST", "/v1/setup_intents", setups.create),
    Route("GET", "/v1/setup_intents", setups.list_setups),
    Route("GET", "/v1/setup_intents/{id}", setups.retrieve),
    Route("POST", "/v1/setup_intents/{id}/confirm", setups.confirm_setup),
    Route("POST", "/v1/setup_intents/{id}/cancel", setups.cancel),
    Route("POST", "/v1/test_helpers/confirmation_tokens", methods.confirmation_token),
)
_PAGES: Final = (
    Route("POST", "/v1/checkout/sessions", sessions.create),
    Route("GET", "/v1/checkout/sessions", sessions.list_sessions),
    Route("GET", "/v1/checkout/sessions/{id}", sessions.retrieve),
    Route("POST", "/v1/checkout/sessions/{id}/expire", sessions.expire),
    Route("POST", "/v1/billing_portal/sessions", portal.create),
)
_SUBSCRIPTIONS: Final = (
    Route("POST", "/v1/products", products.create),
    Route("GET", "/v1/products", products.list_products),
    Route("GET", "/v1/products/{id}", products.retrieve),
    Route("POST", "/v1/prices", products.create_price),
    Route("GET", "/v1/prices", products.list_prices),
    Route("GET", "/v1/prices/{id}", products.retrieve_price),
    Route("POST", "/v1/subscriptions", beginning.create),
    Route("GET", "/v1/subscriptions", life.list_subscriptions),
    Route("GET", "/v1/subscriptions/{id}", life.retrieve),
    Route("POST", "/v1/subscriptions/{id}", life.update),
    Route("DELETE", "/v1/subscriptions/{id}", life.cancel),
    Route("GET", "/v1/invoices", invoices.list_invoices),
    Route("GET", "/v1/invoices/{id}", invoices.retrieve),
    Route("POST", "/v1/invoices/{id}/pay", life.pay),
)
_TOLD: Final = (
    Route("GET", "/v1/balance", balances.retrieve),
    Route("GET", "/v1/balance_transactions", balances.list_lines),
    Route("GET", "/v1/balance_transactions/{id}", balances.retrieve_line),
    Route("POST", "/v1/payouts", payouts.create),
    Route("GET", "/v1/payouts", payouts.list_payouts),
    Route("GET", "/v1/payouts/{id}", payouts.retrieve),
    Route("GET", "/v1/disputes", disputes.list_disputes),
    Route("GET", "/v1/disputes/{id}", disputes.retrieve),
    Route("POST", "/v1/disputes/{id}", disputes.update),
    Route("POST", "/v1/disputes/{id}/close", disputes.close),
    Route("GET", "/v1/events", told_events.list_events),
    Route("GET", "/v1/events/{id}", told_events.retrieve),
)

ROUTES: Final = (*_PAYMENTS, *_CUSTOMERS, *_PAGES, *_SUBSCRIPTIONS, *_TOLD)

# By method and the first piece of the path; the second one is an object's id.
PAGES: Final[Mapping[tuple[str, str], Walk]] = MappingProxyType(
    {
        ("GET", "3d_secure"): bank_page.show,
        ("POST", "3d_secure"): bank_page.use,
        ("GET", "pay"): paying.show,
        ("POST", "pay"): paying.use,
        ("GET", "paid"): paying.after,
        ("GET", "portal"): portal.show,
        ("POST", "portal"): portal.use,
    }
)


def route_of(method: str, path: str) -> tuple[Route, str] | None:
    """The route of a path and the id in it."""
    for route in ROUTES:
        match = route.pattern.fullmatch(path) if route.method == method else None
        if match is not None:
            return route, match[1] if route.pattern.groups else ""
    return None
