"""Events on their way to the account's endpoint: rows of the books. No sending here."""

import sqlite3
from dataclasses import dataclass
from typing import Final

from infra.sandbox.stripe.account import Webhooks

_TAKEN: Final = range(200, 300)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event that is due. `subject` is the id of the object that it tells of."""

    delivery_id: int
    event_id: str
    subject: str
    url: str
    body: bytes


_COLUMNS: Final = "delivery_id, event_id, about, url, body"


def take_due(connection: sqlite3.Connection, how: Webhooks, now_ms: int) -> list[Delivery]:
    """What is to be sent now; each is due again later, unless it is taken meanwhile or was tried for the last time."""
    rows = connection.execute(
        f"SELECT {_COLUMNS}, tries_left FROM delivery WHERE due_ms <= ? ORDER BY due_ms, delivery_id",  # noqa: S608 -- our own columns
        (now_ms,),
    ).fetchall()
    for row in rows:
        left = row[5] - 1
        waits_s = how.again_s * 2 ** max(0, how.tries - row[5])
        due_ms = now_ms + round(waits_s * 1000) if left > 0 else None
        connection.execute(
            "UPDATE delivery SET tries_left = ?, due_ms = ? WHERE delivery_id = ?", (left, due_ms, row[0])
        )
    return [_delivery(row) for row in rows]


def last_told(connection: sqlite3.Connection, about: str) -> Delivery | None:
    """The last event about an object, or the event of this id, whether taken or not."""
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM delivery WHERE ? IN (about, event_id) ORDER BY delivery_id DESC",  # noqa: S608 -- our own columns
        (about,),
    ).fetchone()
    return None if row is None else _delivery(row)


def note_attempt(
    connection: sqlite3.Connection, sent: Delivery, status: int | None, how: Webhooks, now_ms: int, *, forged: bool
) -> None:
    """Keep what came back; any 2xx takes what was not forged."""
    connection.execute(
        "INSERT INTO attempt (delivery_id, forged, status, sent_ms) VALUES (?, ?, ?, ?)",
        (sent.delivery_id, forged, status, now_ms),
    )
    if forged or status not in _TAKEN:
        return
    again_ms = now_ms + round(how.again_s * 1000)
    connection.execute(
        "UPDATE delivery SET acknowledged_ms = coalesce(acknowledged_ms, ?), repeats_left = repeats_left - 1, "
        "tries_left = 1, due_ms = CASE WHEN repeats_left > 0 THEN ? END WHERE delivery_id = ?",
        (now_ms, again_ms, sent.delivery_id),
    )


def next_delivery_ms(connection: sqlite3.Connection) -> int | None:
    (due_ms,) = connection.execute("SELECT min(due_ms) FROM delivery WHERE due_ms IS NOT NULL").fetchone()
    return None if due_ms is None else int(due_ms)


def all_deliveries(connection: sqlite3.Connection) -> list[dict[str, object]]:
    """Every event that was or is to be sent, with what came back, for a person to read."""
    attempts: dict[int, list[dict[str, object]]] = {}
    for delivery_id, forged, status, sent_ms in connection.execute(
        "SELECT delivery_id, forged, status, sent_ms FROM attempt ORDER BY attempt_id"
    ):
        told = {"forged": bool(forged), "status": status, "sent_ms": sent_ms}
        attempts.setdefault(delivery_id, []).append(told)
    return [
        {
            "event": event_id,
            "about": about,
            "due_ms": due_ms,
            "acknowledged_ms": acknowledged_ms,
            "attempts": attempts.get(delivery_id, []),
        }
        for delivery_id, event_id, about, due_ms, acknowledged_ms in connection.execute(
            "SELECT delivery_id, event_id, about, due_ms, acknowledged_ms FROM delivery ORDER BY delivery_id"
        )
    ]


def _delivery(row: tuple[int, str, str, str, str]) -> Delivery:
    return Delivery(row[0], row[1], row[2], row[3], row[4].encode())
