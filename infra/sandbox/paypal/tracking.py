"""Where a paid order's parcels are: noted for its payer, and nothing more. Source: the OpenAPI files, Orders v2."""

import sqlite3

from infra.sandbox.paypal.call import Answer, Call, moment
from infra.sandbox.paypal.orders import the_order
from infra.sandbox.paypal.patching import no_places, patched
from infra.sandbox.paypal.records import Resource, children, save
from infra.sandbox.paypal.refusing import Json, Refused, unprocessable
from infra.sandbox.paypal.views import order_view


def add_tracker(connection: sqlite3.Connection, call: Call) -> Answer:
    """A parcel of what one capture paid."""
    order = the_order(connection, call)
    capture_id, number = call.text("capture_id", 50), call.text("tracking_number", 64)
    paid = [one for one in children(connection, "capture", order.resource_id) if one.resource_id == capture_id]
    if not paid:
        raise unprocessable("CAPTURE_ID_NOT_FOUND")
    if paid[0].status != "COMPLETED":
        raise unprocessable("CAPTURE_STATUS_NOT_VALID")
    tracker_id = f"{capture_id}-{number}"
    tracker: Json = {
        "id": tracker_id,
        "status": "SHIPPED",
        "links": [call.link("self", f"/v2/checkout/orders/{order.resource_id}/trackers/{tracker_id}", "PATCH")],
        "create_time": moment(call.now_ms),
        "update_time": moment(call.now_ms),
    }
    if "items" in call.body:
        tracker["items"] = call.body["items"]
    unit = order.body["purchase_units"][paid[0].body["_unit"]]
    shipping = unit.setdefault("shipping", {})
    shipping["trackers"] = [*shipping.get("trackers", []), tracker]
    save(connection, order)
    return Answer(201, order_view(connection, call, order))


def patch_tracker(connection: sqlite3.Connection, call: Call) -> Answer:
    order = the_order(connection, call)
    tracker = _tracker(order, call.names["tracker_id"])
    tracker |= patched(tracker, call.body, no_places) | {"id": tracker["id"], "update_time": moment(call.now_ms)}
    save(connection, order)
    return Answer(204)


def _tracker(order: Resource, tracker_id: str) -> Json:
    for unit in order.body["purchase_units"]:
        for tracker in unit.get("shipping", {}).get("trackers", []):
            if tracker["id"] == tracker_id:
                found: Json = tracker
                return found
    raise Refused("RESOURCE_NOT_FOUND", "TRACKER_ID_NOT_FOUND")
