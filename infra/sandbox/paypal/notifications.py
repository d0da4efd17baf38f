"""The merchant's webhooks: listed, their events looked up and sent again, and calls verified.

Source: the published OpenAPI files, Webhooks Management v1.
"""

import json
import sqlite3
from typing import Final

from infra.sandbox.paypal.call import Answer, Call
from infra.sandbox.paypal.outbox import told_about
from infra.sandbox.paypal.refusing import Json, invalid, not_found
from infra.sandbox.paypal.signing import ALGORITHM, signed_text

_SIGNED: Final = (
    "auth_algo",
    "cert_url",
    "transmission_id",
    "transmission_sig",
    "transmission_time",
    "webhook_id",
    "webhook_event",
)
_NO_ADDRESS: Final = "https://merchant.example/webhooks"


def list_webhooks(_connection: sqlite3.Connection, call: Call) -> Answer:
    """The one that the store has; where no address is set it names one that nobody has."""
    path = f"/v1/notifications/webhooks/{call.store.webhook_id}"
    webhook = {
        "id": call.store.webhook_id,
        "url": call.store.callbacks.url or _NO_ADDRESS,
        "event_types": [{"name": "*", "description": "ALL", "status": "ENABLED"}],
        "links": [call.link("self", path), call.link("update", path, "PATCH"), call.link("delete", path, "DELETE")],
    }
    return Answer(200, {"webhooks": [webhook]})


def get_event(connection: sqlite3.Connection, call: Call) -> Answer:
    found = told_about(connection, call.names["id"])
    if not found:
        raise not_found()
    body: Json = json.loads(found[0].body)
    return Answer(200, body)


def resend_event(connection: sqlite3.Connection, call: Call) -> Answer:
    """It is due once more, at once."""
    found = connection.execute(
        "UPDATE event SET due_ms = ?, tries_left = max(tries_left, 1) WHERE event_id = ?",
        (call.now_ms, call.names["id"]),
    ).rowcount
    if not found:
        raise not_found()
    return Answer(202, get_event(connection, call).body)


def verify_signature(connection: sqlite3.Connection, call: Call) -> Answer:
    """Whether a call is ours: its signature, and that this very event was sent, which the signature does not say."""
    for name in _SIGNED:
        if name not in call.body:
            raise invalid("MISSING_REQUIRED_PARAMETER", f"/{name}")
    return Answer(200, {"verification_status": "SUCCESS" if _is_ours(connection, call) else "FAILURE"})


def _is_ours(connection: sqlite3.Connection, call: Call) -> bool:
    told, event = call.body, call.body["webhook_event"]
    known = told_about(connection, str(event.get("id"))) if isinstance(event, dict) else []
    if not known or json.loads(known[0].body) != event:
        return False
    if told["auth_algo"] != ALGORITHM or told["cert_url"] != call.place.api + call.place.signer.path:
        return False
    body = known[0].body.encode()
    text = signed_text(told["transmission_id"], told["transmission_time"], call.store.webhook_id, body)
    return told["webhook_id"] == call.store.webhook_id and call.place.signer.signed(told["transmission_sig"], text)
