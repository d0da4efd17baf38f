"""What happened, told: an event in the books, and where the account has an endpoint, on its way there.

Source: docs.stripe.com: API reference, The Event object; Webhooks.
"""

import json
import random
from typing import Any

from infra.sandbox.stripe.account import VERSION
from infra.sandbox.stripe.call import Call
from infra.sandbox.stripe.rendering import bare
from infra.sandbox.stripe.shelf import Document, new_id


def tell(call: Call, kind: str, about: Document, previous: dict[str, Any] | None = None) -> None:
    """`previous` are the members that an `updated` event changed, as they were."""
    shelf, how = call.shelf, call.account.webhooks
    wanted = how.url is not None and (not how.events or kind in how.events)
    identifier = new_id("evt_1")
    event = {
        "id": identifier,
        "object": "event",
        "api_version": VERSION,
        "created": shelf.now_s,
        "data": {"object": bare(about), **({"previous_attributes": previous} if previous else {})},
        "livemode": False,
        "pending_webhooks": int(wanted),
        "request": {"id": call.request_id, "idempotency_key": call.key},
        "type": kind,
    }
    shelf.add(event)
    if not wanted:
        return
    first_s = 0 if how.before_answer else how.first_s
    chance = random.Random(identifier)  # noqa: S311 -- spread, nothing is secret
    due_ms = shelf.now_ms + round((first_s + chance.uniform(0, how.spread_s)) * 1000)
    shelf.connection.execute(
        "INSERT INTO delivery (event_id, about, url, body, tries_left, repeats_left, due_ms, created_ms) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            identifier,
            about["id"],
            how.url,
            json.dumps(event, indent=2, ensure_ascii=False),
            how.tries,
            how.repeats,
            due_ms,
            shelf.now_ms,
        ),
    )
