"""Facts about disputes, to rows of `payment_disputes` and of its history."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from projections.entry import Entry
from schemas.payments import DisputeFact
from schemas.payments.disputes import DISPUTE_FACTS

_CHANGES = {model.type: change for change, model in DISPUTE_FACTS.items()}


class DisputeRow(NamedTuple):
    """How a dispute stands by one fact."""

    integration_id: str
    dispute_reference: str
    payment_id: UUID
    provider: str
    sequence: int
    state: str
    provider_state: str
    stage: str | None
    amount_minor: int
    currency: str
    withdrawn_minor: int
    withdrawn_currency: str
    reason: str
    provider_reason: str | None
    opened_at: datetime | None
    respond_by: datetime | None
    is_over: bool
    observed_at: datetime
    event_source: str
    event_id: UUID


class HistoryRow(NamedTuple):
    """One fact."""

    event_source: str
    event_id: UUID
    integration_id: str
    dispute_reference: str
    payment_id: UUID
    sequence: int
    change: str
    state: str
    provider_state: str
    stage: str | None
    amount_minor: int
    currency: str
    withdrawn_minor: int
    withdrawn_currency: str
    respond_by: datetime | None
    observed_at: datetime
    command_id: UUID


def fold(entry: Entry) -> tuple[DisputeRow, HistoryRow] | None:
    """What the record's fact says; `None` for any other record."""
    fact, envelope = entry.body, entry.envelope
    if not isinstance(fact, DisputeFact) or envelope is None:
        return None
    dispute = fact.dispute
    row = DisputeRow(
        integration_id=fact.integration_id,
        dispute_reference=dispute.reference,
        payment_id=fact.payment_id,
        provider=fact.provider,
        sequence=fact.sequence,
        state=dispute.state,
        provider_state=dispute.provider_state,
        stage=dispute.stage,
        amount_minor=dispute.amount.minor,
        currency=dispute.amount.currency,
        withdrawn_minor=dispute.withdrawn.minor,
        withdrawn_currency=dispute.withdrawn.currency,
        reason=dispute.reason,
        provider_reason=dispute.provider_reason,
        opened_at=dispute.opened_at,
        respond_by=dispute.respond_by,
        is_over=dispute.is_over,
        observed_at=fact.observed_at,
        event_source=envelope.source,
        event_id=envelope.id,
    )
    told = row._asdict() | {"change": _CHANGES[fact.type], "command_id": fact.command_id}
    return row, HistoryRow(**{name: told[name] for name in HistoryRow._fields})


def newest(rows: list[DisputeRow]) -> list[DisputeRow]:
    """Of each dispute the row with the highest sequence, in the order of their keys."""
    last: dict[tuple[str, str], DisputeRow] = {}
    for row in rows:
        key = (row.integration_id, row.dispute_reference)
        if key not in last or last[key].sequence < row.sequence:
            last[key] = row
    return [last[key] for key in sorted(last)]
