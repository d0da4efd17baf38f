"""Results about resources, to what they change in rows of `payment_resources`.

Answers to questions that stand by themselves, such as a day's transactions, are no rows: they lie in the log.
"""

from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from projections.columns import as_jsonb
from projections.entry import Entry
from schemas.payments.resources import (
    ACCEPTED,
    Resource,
    ResourceAccepted,
    ResourceEnding,
    ResourceRefused,
    ResourceResult,
    ResourceUnknown,
)

_KINDS: Final = {model.type: result.kind for model, result in ACCEPTED.items()}
_QUESTIONS: Final = frozenset(model.type for model in ACCEPTED if not model.moves)


class ResourceRow(NamedTuple):
    """A resource, as far as one result tells it. What is null or `new` leaves the row as it was."""

    resource_id: UUID
    kind: str
    stage: str
    integration_id: str | None
    provider: str | None
    provider_reference: str | None
    create_reference: str | None
    customer_reference: str | None
    details: str | None
    last_command_id: UUID
    last_command_type: str
    last_verdict: str
    last_reason: str | None
    last_detail: str | None
    created_at: datetime
    updated_at: datetime


def fold(entry: Entry) -> tuple[ResourceRow, ...]:
    """What the record's result changes; nothing for any other record."""
    result = entry.body
    if not isinstance(result, ResourceResult) or _KINDS.get(result.command_type, "question") == "question":
        return ()
    if result.command_type in _QUESTIONS and not isinstance(result, ResourceAccepted):
        return ()  # nobody could say anything of it
    return (_row(result),)


def _row(result: ResourceEnding) -> ResourceRow:
    stands = Resource(resource_id=result.resource_id).after(result)
    details = getattr(result, "details", None)
    told = None if details is None else as_jsonb(details.model_dump_json(exclude_none=True, exclude={"next_action"}))
    return ResourceRow(
        resource_id=result.resource_id,
        kind=_KINDS[result.command_type],
        stage=stands.stage,
        integration_id=None if result.performed is None else result.performed.integration_id,
        provider=None if result.performed is None else result.performed.provider,
        provider_reference=stands.provider_reference,
        create_reference=stands.create_reference,
        customer_reference=stands.customer_reference,
        details=told,
        last_command_id=result.command_id,
        last_command_type=result.command_type,
        last_verdict=result.verdict,
        last_reason=getattr(result, "reason", None),
        last_detail=result.detail if isinstance(result, ResourceRefused | ResourceUnknown) else None,
        created_at=result.concluded_at,
        updated_at=result.concluded_at,
    )
