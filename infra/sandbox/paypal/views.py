"""Orders, authorizations, captures and refunds as PayPal answers them: links, and what belongs to another thing.

Source: the published OpenAPI files, Orders v2 and Payments v2.
"""

import sqlite3
from typing import Final

from infra.sandbox.paypal.call import Call, shown
from infra.sandbox.paypal.records import Resource, children
from infra.sandbox.paypal.refusing import Json

PAGE: Final = "/checkoutnow"
_ORDERS: Final = "/v2/checkout/orders"
_PAYMENTS: Final = "/v2/payments"


def order_body(connection: sqlite3.Connection, call: Call, order: Resource) -> Json:
    """The whole of it, with what money has moved by it."""
    body = shown(order.body)
    units: list[Json] = []
    for index, unit in enumerate(order.body["purchase_units"]):
        moved = _moved(connection, call, order, index)
        units.append({**unit, **({"payments": moved} if moved else {})})
    return {**body, "purchase_units": units, "links": order_links(call, order)}


def order_view(connection: sqlite3.Connection, call: Call, order: Resource) -> Json:
    """As much of it as the call wants."""
    if call.full:
        return order_body(connection, call, order)
    found: Json = {name: order.body[name] for name in ("id", "status", "payment_source") if name in order.body}
    return {**found, "links": order_links(call, order)}


def order_links(call: Call, order: Resource) -> list[Json]:
    path = f"{_ORDERS}/{order.resource_id}"
    page = f"{PAGE}?token={order.resource_id}"
    done = "capture" if order.body["intent"] == "CAPTURE" else "authorize"
    links = [call.link("self", path)]
    match order.status:
        case "CREATED":
            further = [call.page_link("approve", page), call.link("update", path, "PATCH")]
            links += [*further, call.link(done, f"{path}/{done}", "POST")]
        case "PAYER_ACTION_REQUIRED":
            links.append(call.page_link("payer-action", page))
        case "APPROVED":
            links += [call.link("update", path, "PATCH"), call.link(done, f"{path}/{done}", "POST")]
    return links


def authorization_body(call: Call, authorization: Resource) -> Json:
    path = f"{_PAYMENTS}/authorizations/{authorization.resource_id}"
    links = [call.link("self", path)]
    if authorization.status in {"CREATED", "PARTIALLY_CAPTURED"}:
        links += [call.link(rel, f"{path}/{rel}", "POST") for rel in ("capture", "void", "reauthorize")]
    links.append(call.link("up", f"{_ORDERS}/{authorization.parent}"))
    related = {"order_id": authorization.parent}
    return {**shown(authorization.body), "supplementary_data": {"related_ids": related}, "links": links}


def authorization_view(_connection: sqlite3.Connection, call: Call, authorization: Resource) -> Json:
    return _much(call, authorization_body(call, authorization))


def capture_body(call: Call, capture: Resource) -> Json:
    path = f"{_PAYMENTS}/captures/{capture.resource_id}"
    held = capture.body.get("_authorization")
    up = f"{_PAYMENTS}/authorizations/{held}" if held else f"{_ORDERS}/{capture.parent}"
    links = [call.link("self", path), call.link("refund", f"{path}/refund", "POST"), call.link("up", up)]
    related = {"order_id": capture.parent} | ({"authorization_id": held} if held else {})
    return {**shown(capture.body), "supplementary_data": {"related_ids": related}, "links": links}


def capture_view(_connection: sqlite3.Connection, call: Call, capture: Resource) -> Json:
    return _much(call, capture_body(call, capture))


def refund_body(call: Call, refund: Resource) -> Json:
    links = [
        call.link("self", f"{_PAYMENTS}/refunds/{refund.resource_id}"),
        call.link("up", f"{_PAYMENTS}/captures/{refund.parent}"),
    ]
    return {**shown(refund.body), "links": links}


def refund_view(_connection: sqlite3.Connection, call: Call, refund: Resource) -> Json:
    return _much(call, refund_body(call, refund))


def void_view(_connection: sqlite3.Connection, call: Call, authorization: Resource) -> Json | None:
    """A void is answered with nothing, unless the whole is wanted."""
    return authorization_body(call, authorization) if call.full else None


def _much(call: Call, body: Json) -> Json:
    return body if call.full else {name: body[name] for name in ("id", "status", "links")}


def _moved(connection: sqlite3.Connection, call: Call, order: Resource, unit: int) -> Json:
    """A unit's movements by kind; a kind without any is left out."""

    def of_unit(kind: str) -> list[Resource]:
        found = children(connection, "authorization" if kind == "authorization" else "capture", order.resource_id)
        return [one for one in found if one.body["_unit"] == unit]

    captures = of_unit("capture")
    refunds = [refund for capture in captures for refund in children(connection, "refund", capture.resource_id)]
    found = {
        "authorizations": [authorization_body(call, one) for one in of_unit("authorization")],
        "captures": [capture_body(call, one) for one in captures],
        "refunds": [refund_body(call, one) for one in refunds],
    }
    return {kind: list(bodies) for kind, bodies in found.items() if bodies}
