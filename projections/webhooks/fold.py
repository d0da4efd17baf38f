"""Providers' calls and what became of them, to rows of `webhook_records`: one for each record of their topic.

What people look at is the view `webhook_events`, which puts the rows of one event together. So a row never changes, and
outlives its record, which goes after 90 days.
"""

from datetime import datetime
from typing import Literal, NamedTuple
from uuid import UUID

from projections.entry import Entry
from schemas.webhooks import WebhookHandled, WebhookReceived, WebhooksRefused
from streams.dead_letters import REQUEUED


class WebhookRow(NamedTuple):
    """`at` is when the call came, when it was handled, or when the last of those came that were refused."""

    topic: str
    partition: int
    offset: int
    kind: Literal["received", "handled", "refused"]
    integration_id: str
    at: datetime
    event_id: str | None = None
    record_id: UUID | None = None
    provider: str | None = None
    event_type: str | None = None
    said: str | None = None
    our_reference: str | None = None
    provider_reference: str | None = None
    secret_index: int | None = None
    signed_at: datetime | None = None
    body_digest: str | None = None
    size_bytes: int | None = None
    requeued: bool = False
    outcome: str | None = None
    payment_id: UUID | None = None
    command_id: UUID | None = None
    detail: str | None = None
    why: str | None = None
    times: int = 1
    first_at: datetime | None = None
    process: str | None = None


def fold(entry: Entry) -> tuple[WebhookRow, ...]:
    place = (*entry.place, entry.offset)
    match entry.body:
        case WebhookReceived() as call:
            row = WebhookRow(
                *place,
                "received",
                call.integration_id,
                call.verified.arrived_at,
                event_id=call.event_id,
                record_id=None if entry.envelope is None else entry.envelope.id,
                provider=call.provider,
                event_type=call.event_type,
                said=call.said,
                our_reference=call.our_reference,
                provider_reference=call.provider_reference,
                secret_index=call.verified.secret_index,
                signed_at=call.verified.signed_at,
                body_digest=call.body_digest,
                size_bytes=call.size_bytes,
                requeued=entry.raw.header(REQUEUED) is not None,
            )
        case WebhookHandled() as handled:
            row = WebhookRow(
                *place,
                "handled",
                handled.integration_id,
                handled.handled_at,
                event_id=handled.event_id,
                record_id=handled.received_id,
                outcome=handled.outcome,
                payment_id=handled.payment_id,
                command_id=handled.command_id,
                detail=handled.detail,
            )
        case WebhooksRefused() as refused:
            row = WebhookRow(
                *place,
                "refused",
                refused.integration_id,
                refused.last_at,
                body_digest=refused.last_digest,
                why=refused.why,
                times=refused.times,
                first_at=refused.first_at,
                process=refused.process,
            )
        case _:  # other topics are not read, so this is a record that could not be
            return ()
    return (row,)
