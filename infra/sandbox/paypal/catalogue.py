"""Products and plans. Source: the published OpenAPI files, Catalog Products v1 and Subscriptions v1 (plans)."""

import sqlite3
from typing import Any, Final

from infra.sandbox.paypal.amounts import read_sum
from infra.sandbox.paypal.call import Answer, Call, moment, shown
from infra.sandbox.paypal.naming import new_id
from infra.sandbox.paypal.paging import page_of
from infra.sandbox.paypal.patching import no_places, patched
from infra.sandbox.paypal.records import Kind, Resource, all_of, find, insert, save
from infra.sandbox.paypal.refusing import Json, invalid, not_found, unprocessable

_PRODUCTS: Final = "/v1/catalogs/products"
_PLANS: Final = "/v1/billing/plans"
_TYPES: Final = frozenset({"PHYSICAL", "DIGITAL", "SERVICE"})
_UNITS: Final = frozenset({"DAY", "WEEK", "MONTH", "YEAR"})
_LISTED: Final = {
    "product": ("id", "name", "description", "create_time"),
    "plan": ("id", "product_id", "name", "status", "description", "create_time"),
}
_USUAL_PAGE: Final = 10
_MOST_A_PAGE: Final = 20


def create_product(connection: sqlite3.Connection, call: Call) -> Answer:
    name, kind = call.text("name", 127), call.text("type", 24)
    if kind not in _TYPES:
        raise invalid("INVALID_PARAMETER_VALUE", "/type")
    further = ("description", "category", "image_url", "home_url")
    body = {"name": name, "type": kind} | {key: call.body[key] for key in further if key in call.body}
    product = _new(connection, call, "product", call.body.get("id") or f"PROD-{new_id()}", body)
    return Answer(201, product_view(connection, call, product), ("product", product.resource_id))


def create_plan(connection: sqlite3.Connection, call: Call) -> Answer:
    product_id, name = call.text("product_id", 50), call.text("name", 127)
    if find(connection, "product", product_id) is None:
        raise not_found()
    status = call.body.get("status", "ACTIVE")
    if status not in {"CREATED", "ACTIVE"}:
        raise invalid("INVALID_PARAMETER_VALUE", "/status")
    further = ("description", "taxes", "quantity_supported")
    body = {
        "product_id": product_id,
        "name": name,
        "status": status,
        "billing_cycles": _cycles(call.body.get("billing_cycles")),
        "payment_preferences": {
            "auto_bill_outstanding": True,
            "payment_failure_threshold": 0,
            **(call.body.get("payment_preferences") or {}),
        },
    } | {key: call.body[key] for key in further if key in call.body}
    plan = _new(connection, call, "plan", f"P-{new_id(24)}", body)
    return Answer(201, plan_view(connection, call, plan), ("plan", plan.resource_id))


def get_product(connection: sqlite3.Connection, call: Call) -> Answer:
    return Answer(200, _body(call, _the(connection, call, "product")))


def get_plan(connection: sqlite3.Connection, call: Call) -> Answer:
    return Answer(200, _body(call, _the(connection, call, "plan")))


def list_products(connection: sqlite3.Connection, call: Call) -> Answer:
    return _listing(call, all_of(connection, "product"), "products")


def list_plans(connection: sqlite3.Connection, call: Call) -> Answer:
    wanted = call.query.get("product_id")
    plans = [plan for plan in all_of(connection, "plan") if wanted in {None, plan.body["product_id"]}]
    return _listing(call, plans, "plans")


def patch_product(connection: sqlite3.Connection, call: Call) -> Answer:
    return _patch(connection, call, "product")


def patch_plan(connection: sqlite3.Connection, call: Call) -> Answer:
    return _patch(connection, call, "plan")


def activate_plan(connection: sqlite3.Connection, call: Call) -> Answer:
    return _set_status(connection, call, "ACTIVE")


def deactivate_plan(connection: sqlite3.Connection, call: Call) -> Answer:
    return _set_status(connection, call, "INACTIVE")


def update_pricing(connection: sqlite3.Connection, call: Call) -> Answer:
    """Other prices for cycles, by their sequence."""
    plan = _the(connection, call, "plan")
    schemes = call.body.get("pricing_schemes")
    if not isinstance(schemes, list) or not schemes:
        raise invalid("MISSING_REQUIRED_PARAMETER", "/pricing_schemes")
    for scheme in schemes:
        price = read_sum(scheme.get("pricing_scheme", {}).get("fixed_price"), "/pricing_schemes/fixed_price")
        changed = [c for c in plan.body["billing_cycles"] if c["sequence"] == scheme.get("billing_cycle_sequence")]
        if not changed:
            raise unprocessable("INVALID_BILLING_CYCLE_SEQUENCE")
        changed[0]["pricing_scheme"]["fixed_price"] = price.written()
    save(connection, plan)
    return Answer(204)


def product_view(_connection: sqlite3.Connection, call: Call, product: Resource) -> Json:
    return _much(call, product, _LISTED["product"])


def plan_view(_connection: sqlite3.Connection, call: Call, plan: Resource) -> Json:
    return _much(call, plan, _LISTED["plan"])


def _cycles(cycles: Any) -> list[Json]:
    if not isinstance(cycles, list) or not cycles:
        raise invalid("MISSING_REQUIRED_PARAMETER", "/billing_cycles")
    found: list[Json] = []
    for cycle in cycles:
        unit = (cycle.get("frequency") or {}).get("interval_unit")
        if unit not in _UNITS or cycle.get("tenure_type") not in {"TRIAL", "REGULAR"}:
            raise invalid("INVALID_PARAMETER_VALUE", "/billing_cycles")
        if not isinstance(cycle.get("sequence"), int):
            raise invalid("MISSING_REQUIRED_PARAMETER", "/billing_cycles/sequence")
        scheme = cycle.get("pricing_scheme")
        if scheme is not None:
            scheme = {**scheme, "fixed_price": read_sum(scheme.get("fixed_price"), "/fixed_price").written()}
        elif cycle["tenure_type"] == "REGULAR":
            raise unprocessable("INVALID_PRICING_SCHEME")
        found.append({"total_cycles": 1, **cycle} | ({"pricing_scheme": scheme} if scheme else {}))
    if not any(cycle["tenure_type"] == "REGULAR" for cycle in found):
        raise unprocessable("INVALID_BILLING_CYCLE_SEQUENCE", "A plan has a regular cycle.")
    return found


def _new(connection: sqlite3.Connection, call: Call, kind: Kind, thing_id: str, body: Json) -> Resource:
    if find(connection, kind, thing_id) is not None:
        raise unprocessable("DUPLICATE_RESOURCE_IDENTIFIER")
    times = {"create_time": moment(call.now_ms), "update_time": moment(call.now_ms)}
    return insert(connection, Resource(thing_id, kind, None, {"id": thing_id, **body, **times}, None, call.now_ms))


def _the(connection: sqlite3.Connection, call: Call, kind: Kind) -> Resource:
    found = find(connection, kind, call.names["id"])
    if found is None:
        raise not_found()
    return found


def _path(thing: Resource) -> str:
    return f"{_PLANS if thing.kind == 'plan' else _PRODUCTS}/{thing.resource_id}"


def _links(call: Call, thing: Resource) -> list[Json]:
    path = _path(thing)
    links = [call.link("self", path), call.link("edit", path, "PATCH")]
    if thing.kind == "plan":
        other = "deactivate" if thing.status == "ACTIVE" else "activate"
        links.append(call.link(other, f"{path}/{other}", "POST"))
    return links


def _body(call: Call, thing: Resource) -> Json:
    return {**shown(thing.body), "links": _links(call, thing)}


def _much(call: Call, thing: Resource, few: tuple[str, ...]) -> Json:
    body = _body(call, thing)
    return body if call.full else {name: body[name] for name in (*few, "links") if name in body}


def _listing(call: Call, things: list[Resource], name: str) -> Answer:
    page = page_of(call, things, usual=_USUAL_PAGE, most=_MOST_A_PAGE)
    rows = [
        {key: thing.body[key] for key in _LISTED[thing.kind] if key in thing.body}
        | {"links": [call.link("self", _path(thing))]}
        for thing in page.shown
    ]
    body: Json = {name: rows, "links": page.links(call)}
    if call.query.get("total_required") == "true":
        body |= {"total_items": page.total_items, "total_pages": page.total_pages}
    return Answer(200, body)


def _patch(connection: sqlite3.Connection, call: Call, kind: Kind) -> Answer:
    thing = _the(connection, call, kind)
    thing.body = patched(thing.body, call.body, no_places) | {"id": thing.resource_id}
    thing.body["update_time"] = moment(call.now_ms)
    save(connection, thing)
    return Answer(204)


def _set_status(connection: sqlite3.Connection, call: Call, status: str) -> Answer:
    plan = _the(connection, call, "plan")
    if plan.status == status:
        raise unprocessable("PLAN_STATUS_INVALID")
    plan.body |= {"status": status, "update_time": moment(call.now_ms)}
    save(connection, plan)
    return Answer(204)
