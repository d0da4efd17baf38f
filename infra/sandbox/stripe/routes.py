"""The served paths."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from infra.sandbox.stripe import bank_page, charges, customers, intents, methods, refunds, setups, told_events
from infra.sandbox.stripe.pages import Walk
from infra.sandbox.stripe.route import Route

_PAYMENTS: Final = (
    Route("POST", "/v1/payment_intents", intents.create),
    Route("GET", "/v1/payment_intents", intents.list_intents),
    Route("GET", "/v1/payment_intents/{id}", intents.retrieve),
    Route("POST", "/v1/payment_intents/{id}", intents.update),
    Route("POST", "/v1/payment_intents/{id}/confirm", intents.confirm_intent),
    Route("POST", "/v1/payment_intents/{id}/capture", intents.capture),
    Route("POST", "/v1/payment_intents/{id}/cancel", intents.cancel),
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
_TOLD: Final = (
    Route("GET", "/v1/events", told_events.list_events),
    Route("GET", "/v1/events/{id}", told_events.retrieve),
)

ROUTES: Final = (*_PAYMENTS, *_CUSTOMERS, *_TOLD)

# By method and the first piece of the path; the second one is an object's id.
PAGES: Final[Mapping[tuple[str, str], Walk]] = MappingProxyType(
    {
        ("GET", "3d_secure"): bank_page.show,
        ("POST", "3d_secure"): bank_page.use,
    }
)


def route_of(method: str, path: str) -> tuple[Route, str] | None:
    """The route of a path and the id in it."""
    for route in ROUTES:
        match = route.pattern.fullmatch(path) if route.method == method else None
        if match is not None:
            return route, match[1] if route.pattern.groups else ""
    return None
