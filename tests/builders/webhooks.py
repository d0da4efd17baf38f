"""Calls of providers, and what became of them."""

from typing import Any

from schemas.ids import new_id
from schemas.webhooks import Verified, WebhookHandled, WebhookReceived, WebhooksRefused
from tests.builders.records import NOON


def a_webhook_received(**changed: Any) -> WebhookReceived:
    given: dict[str, Any] = {
        "integration_id": "iyzico-main",
        "provider": "iyzico",
        "event_id": "event-1",
        "event_type": "PAYMENT_API",
        "verified": Verified(arrived_at=NOON, secret_index=0),
        "body_digest": "ab" * 32,
        "size_bytes": 120,
        "our_reference": "a1b2c3d4",
        "provider_reference": "22416032",
        "said": "captured",
        "sealed": "c2VhbGVk",
    }
    return WebhookReceived(**(given | changed))


def a_webhook_handled(**changed: Any) -> WebhookHandled:
    given: dict[str, Any] = {
        "integration_id": "iyzico-main",
        "event_id": "event-1",
        "received_id": new_id(),
        "outcome": "processed",
        "payment_id": new_id(),
        "command_id": new_id(),
        "handled_at": NOON,
    }
    return WebhookHandled(**(given | changed))


def a_webhooks_refused(**changed: Any) -> WebhooksRefused:
    given: dict[str, Any] = {
        "integration_id": "iyzico-main",
        "why": "wrong",
        "times": 3,
        "first_at": NOON,
        "last_at": NOON,
        "process": "gateway/1",
        "last_digest": "cd" * 32,
    }
    return WebhooksRefused(**(given | changed))
