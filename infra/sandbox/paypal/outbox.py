"""What the merchant is to be told: rows of the books, with the exact text of each event. No sending here.

Source: developer.paypal.com, Webhooks; Webhook event names.
"""

import json
import random
import sqlite3
import uuid
from dataclasses import dataclass
from typing import Final

from infra.sandbox.exact_json import to_json
from infra.sandbox.paypal.call import Call, moment
from infra.sandbox.paypal.naming import new_id
from infra.sandbox.paypal.refusing import Json
from infra.sandbox.paypal.store import Store

_VERSIONS: Final = {"checkout-order": "2.0", "authorization": "2.0", "capture": "2.0", "refund": "2.0"}
_COLUMNS: Final = "event_id, event_type, resource_id, body, transmission_id, transmitted"


@dataclass(frozen=True, slots=True)
class Notice:
    """One event that is due, with what is signed of it."""

    event_id: str
    event_type: str
    subject: str
    body: str
    transmission_id: str
    transmitted: str


def tell(connection: sqlite3.Connection, call: Call, event_type: str, resource_type: str, resource: Json) -> None:
    """Tell of what just happened to a thing, which goes along as it stands."""
    resource_id = str(resource.get("id") or resource["dispute_id"])
    event_id = f"WH-{new_id()}-{new_id()}"
    event: Json = {
        "id": event_id,
        "event_version": "1.0",
        "create_time": moment(call.now_ms),
        "resource_type": resource_type,
        "resource_version": _VERSIONS.get(resource_type, "1.0"),
        "event_type": event_type,
        "summary": f"{event_type.replace('.', ' ').capitalize()}.",
        "resource": resource,
        "links": [
            call.link("self", f"/v1/notifications/webhooks-events/{event_id}"),
            call.link("resend", f"/v1/notifications/webhooks-events/{event_id}/resend", "POST"),
        ],
    }
    how = call.store.callbacks
    chance = random.Random(event_id)  # noqa: S311 -- the order of calls, nothing secret
    due_ms = call.now_ms + round((how.first_s + chance.uniform(0, how.spread_s)) * 1000)
    connection.execute(
        f"INSERT INTO event ({_COLUMNS}, tries_left, repeats_left, due_ms, created_ms) "  # noqa: S608 -- own names
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(event_id, event_type, resource_id, to_json(event), str(uuid.uuid4()), moment(call.now_ms)),
            *(how.tries, how.repeats, due_ms if how.url else None, call.now_ms),
        ),
    )


def take_due(connection: sqlite3.Connection, store: Store, now_ms: int) -> list[Notice]:
    """What is to be sent now; each is due again after `again_s`, unless it is taken meanwhile or out of tries."""
    how = store.callbacks
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM event WHERE due_ms <= ? ORDER BY due_ms, position",  # noqa: S608 -- own names
        (now_ms,),
    ).fetchall()
    again_ms = now_ms + round(how.again_s * 1000)
    for row in rows:
        connection.execute(
            "UPDATE event SET tries_left = tries_left - 1, due_ms = CASE WHEN tries_left > 1 THEN ? END "
            "WHERE event_id = ?",
            (again_ms, row[0]),
        )
    return [_restamped(connection, Notice(*row), now_ms) if how.restamped else Notice(*row) for row in rows]


def told_about(connection: sqlite3.Connection, resource_id: str) -> list[Notice]:
    """Every event about a thing, or the one of this id, taken or not."""
    return [
        Notice(*row)
        for row in connection.execute(
            f"SELECT {_COLUMNS} FROM event WHERE resource_id = ? OR event_id = ? ORDER BY position",  # noqa: S608
            (resource_id, resource_id),
        )
    ]


def note_attempt(
    connection: sqlite3.Connection, notice: Notice, status: int | None, now_ms: int, *, forged: bool
) -> None:
    """Keep what came back; 2xx takes what was not forged."""
    connection.execute(
        "INSERT INTO attempt (event_id, forged, status, sent_ms) VALUES (?, ?, ?, ?)",
        (notice.event_id, forged, status, now_ms),
    )
    if forged or status is None or not 200 <= status < 300:  # noqa: PLR2004 -- HTTP's own numbers
        return
    connection.execute(
        "UPDATE event SET acknowledged_ms = coalesce(acknowledged_ms, ?), repeats_left = repeats_left - 1, "
        "due_ms = CASE WHEN repeats_left > 0 THEN due_ms END WHERE event_id = ?",
        (now_ms, notice.event_id),
    )


def all_events(connection: sqlite3.Connection) -> list[Json]:
    """Every event with what came back, for a person to read."""
    attempts: dict[str, list[Json]] = {}
    for event_id, forged, status, sent_ms in connection.execute(
        "SELECT event_id, forged, status, sent_ms FROM attempt ORDER BY attempt_id"
    ):
        attempts.setdefault(event_id, []).append({"forged": bool(forged), "status": status, "sent_ms": sent_ms})
    return [
        {
            "event": json.loads(body),
            "about": resource_id,
            "due_ms": due_ms,
            "acknowledged_ms": acknowledged_ms,
            "attempts": attempts.get(event_id, []),
        }
        for event_id, resource_id, body, due_ms, acknowledged_ms in connection.execute(
            "SELECT event_id, resource_id, body, due_ms, acknowledged_ms FROM event ORDER BY position"
        )
    ]


def _restamped(connection: sqlite3.Connection, notice: Notice, now_ms: int) -> Notice:
    made = Notice(*(notice.event_id, notice.event_type, notice.subject, notice.body, str(uuid.uuid4()), moment(now_ms)))
    connection.execute(
        "UPDATE event SET transmission_id = ?, transmitted = ? WHERE event_id = ?",
        (made.transmission_id, made.transmitted, made.event_id),
    )
    return made
