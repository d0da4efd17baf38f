"""Idempotency keys: the first answer under each is kept and given again.

Source: docs.stripe.com: API reference, Idempotent requests; Advanced error handling, "Idempotency"; Request IDs.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from infra.sandbox.stripe.refusing import Refused
from infra.sandbox.stripe.shelf import Shelf

_LONGEST_KEY: Final = 255


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer that was given under a key."""

    status: int
    body: str
    request_id: str


def require_key(key: str) -> None:
    """Raises: Refused: it is empty or too long."""
    if not 0 < len(key) <= _LONGEST_KEY:
        raise Refused("Idempotency-Key has to have 1 to 255 characters.", executed=False)


def asked_with(method: str, path: str, parameters: Mapping[str, Any]) -> str:
    """What has to be the same again; the order of parameters does not matter."""
    return f"{method} {path} {json.dumps(parameters, sort_keys=True)}"


def kept_under(shelf: Shelf, key: str, asked: str, kept_s: float) -> Kept | None:
    """The first answer; `None` where there was none, or it is too old.

    Raises:
        Refused: the key was used for something else.
    """
    shelf.connection.execute("DELETE FROM kept_answer WHERE at_ms < ?", (shelf.now_ms - round(kept_s * 1000),))
    row = shelf.connection.execute(
        "SELECT asked, status, body, request_id FROM kept_answer WHERE account = ? AND key = ?", (shelf.account, key)
    ).fetchone()
    if row is None:
        return None
    if row[0] != asked:
        raise Refused(
            "Keys for idempotent requests can only be used with the same parameters and endpoint they were first used"
            " with. Use another key if this is another request.",
            kind="idempotency_error",
            executed=False,
        )
    return Kept(row[1], row[2], row[3])


def keep(shelf: Shelf, key: str, asked: str, answer: Kept) -> None:
    shelf.connection.execute(
        "INSERT INTO kept_answer (account, key, asked, status, body, request_id, at_ms) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (shelf.account, key, asked, answer.status, answer.body, answer.request_id, shelf.now_ms),
    )


def in_use() -> Refused:
    """The first request under the key has not been answered yet."""
    return Refused(
        "Another request with the same idempotency key is in progress.",
        status=HTTPStatus.CONFLICT,
        code="idempotency_key_in_use",
        executed=False,
        headers={"Stripe-Should-Retry": "true"},
    )
