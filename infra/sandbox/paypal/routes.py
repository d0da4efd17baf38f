"""The served paths: what each performs, and how long it knows a request id."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from infra.sandbox.paypal import notifications, orders, payments
from infra.sandbox.paypal.call import Route
from infra.sandbox.paypal.request_ids import ORDERS_S, PAYMENTS_S
from infra.sandbox.paypal.tokens import PATH as TOKEN
from infra.sandbox.paypal.tokens import give_token
from infra.sandbox.paypal.views import authorization_view, capture_view, order_view, refund_view, void_view

_ORDER: Final = "/v2/checkout/orders/{id}"
_HOLD: Final = "/v2/payments/authorizations/{id}"
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
        ("GET", _HOLD): Route(payments.get_authorization),
        ("POST", f"{_HOLD}/capture"): Route(payments.capture_authorization, capture_view, PAYMENTS_S),
        ("POST", f"{_HOLD}/reauthorize"): Route(payments.reauthorize, authorization_view, PAYMENTS_S),
        ("POST", f"{_HOLD}/void"): Route(payments.void, void_view, PAYMENTS_S, takes_body=False),
        ("GET", "/v2/payments/captures/{id}"): Route(payments.get_capture),
        ("POST", "/v2/payments/captures/{id}/refund"): Route(payments.refund, refund_view, PAYMENTS_S),
        ("GET", "/v2/payments/refunds/{id}"): Route(payments.get_refund),
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
    return re.compile(re.escape(template).replace(r"\{", "{").replace(r"\}", "}").replace("{id}", "(?P<id>[^/]+)"))


_PATTERNS: Final = MappingProxyType({key: _pattern(key[1]) for key in ROUTES})
