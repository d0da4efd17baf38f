"""Checks and changes of breakers, to rows of `integration_health_checks`."""

from datetime import datetime
from typing import NamedTuple, assert_never
from uuid import UUID

from projections.entry import Entry
from schemas.envelope import Envelope
from schemas.integrations import BreakerChanged, HealthChecked


class HealthRow(NamedTuple):
    event_source: str
    event_id: UUID
    kind: str
    integration_id: str
    provider: str
    status: str
    previous_status: str | None
    operation_class: str | None
    process: str | None
    response_time_ms: int | None
    error_message: str | None
    checked_at: datetime


def fold(entry: Entry) -> tuple[HealthRow, ...]:
    if entry.envelope is None or not isinstance(entry.body, HealthChecked | BreakerChanged):
        return ()
    return (_row(entry.envelope, entry.body),)


def _row(envelope: Envelope, event: HealthChecked | BreakerChanged) -> HealthRow:
    match event:
        case HealthChecked():
            return HealthRow(
                event_source=envelope.source,
                event_id=envelope.id,
                kind="check",
                integration_id=event.integration_id,
                provider=event.provider,
                status=event.status,
                previous_status=None,
                operation_class=None,
                process=None,
                response_time_ms=event.response_time_ms,
                error_message=event.error,
                checked_at=event.checked_at,
            )
        case BreakerChanged():
            return HealthRow(
                event_source=envelope.source,
                event_id=envelope.id,
                kind="breaker",
                integration_id=event.integration_id,
                provider=event.provider,
                status=event.state,
                previous_status=event.before,
                operation_class=event.operation_class,
                process=event.process,
                response_time_ms=None,
                error_message=None,
                checked_at=event.changed_at,
            )
        case _:
            assert_never(event)
