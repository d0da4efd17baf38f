"""Access tokens: `POST /v1/oauth2/token`. Several count at once, until their time is over or they are revoked."""

import base64
import secrets
import sqlite3
from typing import Final

from infra.sandbox.paypal.call import Answer, Call, moment
from infra.sandbox.paypal.refusing import Refused

PATH: Final = "/v1/oauth2/token"
_SCOPE: Final = "https://uri.paypal.com/services/payments/payment https://uri.paypal.com/services/subscriptions"


def give_token(connection: sqlite3.Connection, call: Call) -> Answer:
    """A new token, or the one that counts the longest."""
    keys = f"{call.store.client_id}:{call.store.client_secret}".encode()
    if call.headers.get("authorization") != f"Basic {base64.b64encode(keys).decode()}":
        return Answer(401, {"error": "invalid_client", "error_description": "Client Authentication failed"})
    if call.body.get("grant_type") != "client_credentials":
        return Answer(400, {"error": "unsupported_grant_type", "error_description": "unsupported grant_type"})
    token, until_ms = _standing(connection, call) or _new(connection, call)
    connection.execute("UPDATE access_token SET asked = asked + 1 WHERE token = ?", (token,))
    body = {
        "scope": _SCOPE,
        "access_token": token,
        "token_type": "Bearer",
        "app_id": "APP-80W284485P519543T",
        "expires_in": (until_ms - call.now_ms) // 1000,
        "nonce": f"{moment(call.now_ms)}{secrets.token_urlsafe(32)}",
    }
    return Answer(200, body)


def require_token(connection: sqlite3.Connection, call: Call) -> None:
    """Raise for a call whose token does not count.

    Raises:
        Refused: it has none, or one that was never given out, is over or was revoked.
    """
    if not _counts(connection, call):
        raise Refused("AUTHENTICATION_FAILURE")


def revoke_tokens(connection: sqlite3.Connection, now_ms: int, token: str | None = None) -> int:
    """One, or all that were given out so far; how many counted until now."""
    return connection.execute(
        "UPDATE access_token SET revoked_ms = ? WHERE revoked_ms IS NULL AND until_ms > ? AND (? IS NULL OR token = ?)",
        (now_ms, now_ms, token, token),
    ).rowcount


def token_calls(connection: sqlite3.Connection) -> int:
    """How often a token was asked for with the right keys."""
    row = connection.execute("SELECT coalesce(sum(asked), 0) FROM access_token").fetchone()
    found: int = row[0]
    return found


def bearer_of(call: Call) -> str:
    """The token that came along; empty where there was none."""
    kind, _, token = call.headers.get("authorization", "").partition(" ")
    return token.strip() if kind == "Bearer" else ""


def _counts(connection: sqlite3.Connection, call: Call) -> bool:
    row = connection.execute(
        "SELECT 1 FROM access_token WHERE token = ? AND until_ms > ? AND revoked_ms IS NULL",
        (bearer_of(call), call.now_ms),
    ).fetchone()
    return row is not None


def _standing(connection: sqlite3.Connection, call: Call) -> tuple[str, int] | None:
    if not call.store.same_token:
        return None
    found: tuple[str, int] | None = connection.execute(
        "SELECT token, until_ms FROM access_token WHERE until_ms > ? AND revoked_ms IS NULL ORDER BY until_ms DESC",
        (call.now_ms + 1000,),
    ).fetchone()
    return found


def _new(connection: sqlite3.Connection, call: Call) -> tuple[str, int]:
    token, until_ms = f"A21AA{secrets.token_urlsafe(60)}", call.now_ms + round(call.store.token_s * 1000)
    connection.execute("INSERT INTO access_token (token, until_ms, asked) VALUES (?, ?, 0)", (token, until_ms))
    return token, until_ms
