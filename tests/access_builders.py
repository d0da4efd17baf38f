"""Valid facts about access; each takes only what a test is about."""

from typing import Any

from schemas.access import AccessRefused, AccessRequested, AccessUnproved, KeyCreated, KeyRevoked, KeyRotated
from schemas.ids import new_id
from tests.builders import NOON

KEY, NEXT = "4Hk2cV9dQmTz", "Zr81bX0wLpYe"
CALLER = f"key:{KEY}"


def an_access_requested(**changed: Any) -> AccessRequested:
    given: dict[str, Any] = {
        "caller": CALLER,
        "key": KEY,
        "method": "GET",
        "route": "/v1/commands/{command_id}",
        "status": 200,
        "outcome": "allowed",
        "scope": "payments:read",
        "command_id": new_id(),
        "requested_at": NOON,
        "duration_ms": 12,
    }
    return AccessRequested(**(given | changed))


def an_access_refused(**changed: Any) -> AccessRefused:
    given: dict[str, Any] = {
        "why": "unknown",
        "times": 120,
        "first_at": NOON,
        "last_at": NOON,
        "process": "gateway hub-1 77",
    }
    return AccessRefused(**(given | changed))


def an_access_unproved(**changed: Any) -> AccessUnproved:
    given: dict[str, Any] = {
        "method": "POST",
        "route": "/v1/payments/{payment_id}/return",
        "status": 303,
        "times": 4,
        "first_at": NOON,
        "last_at": NOON,
        "process": "gateway hub-1 77",
    }
    return AccessUnproved(**(given | changed))


def a_key_created(**changed: Any) -> KeyCreated:
    given: dict[str, Any] = {
        "key": KEY,
        "caller": CALLER,
        "name": "shop-backend",
        "source": "/services/shop-backend",
        "scopes": ("payments:read", "payments:write"),
        "integrations": ("iyzico-main",),
        "rate": "20/second",
        "created_by": "Işıl",
        "created_at": NOON,
    }
    return KeyCreated(**(given | changed))


def a_key_rotated(**changed: Any) -> KeyRotated:
    given: dict[str, Any] = {
        "key": NEXT,
        "replaces": KEY,
        "caller": CALLER,
        "overlap_ends_at": NOON,
        "rotated_by": "Çağrı",
        "rotated_at": NOON,
    }
    return KeyRotated(**(given | changed))


def a_key_revoked(**changed: Any) -> KeyRevoked:
    given: dict[str, Any] = {"key": NEXT, "caller": CALLER, "revoked_by": "Işıl", "revoked_at": NOON}
    return KeyRevoked(**(given | changed))
