"""`PayPal-Request-Id`: a repeated request is answered with the first one's result, as it stands by then.

Source: developer.paypal.com, Idempotency; how long each API keeps them: the published OpenAPI files.
"""

import hashlib
import json
import sqlite3
from typing import Final

from infra.sandbox.exact_json import to_json
from infra.sandbox.paypal.call import Answer, Call, Route
from infra.sandbox.paypal.records import find
from infra.sandbox.paypal.refusing import Refused, invalid, unprocessable

_HOUR_S: Final = 3_600
ORDERS_S: Final = 6 * _HOUR_S
PAYMENTS_S: Final = 45 * 24 * _HOUR_S
BILLING_S: Final = 72 * _HOUR_S
VAULT_S: Final = 3 * _HOUR_S
_LONGEST: Final = 108
_REFUSED: Final = 422
_CREATED: Final = 201
_FOUND: Final = 200
_NOTHING: Final = 204


def scope_of(call: Call) -> str:
    return f"{call.method} {call.path}"


def require_id(call: Call, route: Route) -> None:
    """Raise where an id is missing that must be there, or is too long.

    Raises:
        Refused: so it is.
    """
    if call.request_id is None:
        if route.needs_id:
            raise invalid("PAYPAL_REQUEST_ID_REQUIRED", "PayPal-Request-Id")
    elif not 1 <= len(call.request_id) <= _LONGEST:
        raise invalid("INVALID_STRING_LENGTH", "PayPal-Request-Id")


def repeated(connection: sqlite3.Connection, call: Call, route: Route) -> Answer | None:
    """What a repeat is answered; `None` where the id is new, or its time is over.

    Raises:
        Refused: the first request under this id had another body, and that is not let pass.
    """
    if route.kept_s is None or call.request_id is None:
        return None
    row = connection.execute(
        "SELECT digest, status, body, about_kind, about_id FROM kept_request "
        "WHERE scope = ? AND request_id = ? AND until_ms > ?",
        (scope_of(call), call.request_id, call.now_ms),
    ).fetchone()
    if row is None:
        return None
    digest, status, body, kind, thing_id = row
    if digest != _digest(call) and (route.strict or call.store.other_body == "refused"):
        raise _other_body(call)
    thing = find(connection, kind, thing_id) if kind else None
    if thing is None or route.view is None:
        return Answer(status, None if body is None else json.loads(body))
    seen = route.view(connection, call, thing)
    return Answer(_NOTHING if seen is None else _FOUND if status in {_CREATED, _NOTHING} else status, seen)


def keep(connection: sqlite3.Connection, call: Call, route: Route, answer: Answer) -> None:
    """Remember what was answered; a refusal only where those are repeated."""
    if route.kept_s is None or call.request_id is None:
        return
    kind, thing_id = answer.about or (None, None)
    failed = answer.status >= 400 and kind is None  # noqa: PLR2004 -- HTTP's own number
    if failed and not (answer.status == _REFUSED and call.store.failures_repeated):
        return
    until_ms = call.now_ms + round(route.kept_s * 1000)
    # What was refused though it is about a thing was performed all the same.
    status = _CREATED if kind is not None and answer.status == _REFUSED else answer.status
    body = None if answer.body is None else to_json(answer.body)
    connection.execute(
        "INSERT OR REPLACE INTO kept_request VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (scope_of(call), call.request_id, _digest(call), status, body, kind, thing_id, until_ms),
    )


def in_progress() -> Refused:
    """The first request under this id is still being performed."""
    description = "A previous request on this resource is currently in progress."
    return Refused("RESOURCE_CONFLICT", "PREVIOUS_REQUEST_IN_PROGRESS", description=description)


def _other_body(call: Call) -> Refused:
    if call.path.startswith("/v1/"):
        return invalid("DUPLICATE_REQUEST_ID", "PayPal-Request-Id")
    return unprocessable("PAYPAL_REQUEST_ID_PREVIOUSLY_USED", field="PayPal-Request-Id")


def _digest(call: Call) -> str:
    return hashlib.sha256(json.dumps(call.body, sort_keys=True).encode()).hexdigest()
