"""From a dispute as it was found to the notice's one result, and from that to the fact of what is new in it. Pure.

The fact can be made anew from the stored result, so that it is lost with no worker and comes twice under one id.
"""

from datetime import datetime
from uuid import UUID

from agents.ledger import StoredResult
from providers.connector import Integration
from schemas.payments import Dispute, DisputeFact, Payment, PaymentNoticed, Performed, TakeNotice
from schemas.payments.disputes import DISPUTE_FACTS, change_of


def noticed(
    command_id: UUID, notice: TakeNotice, payment: Payment, dispute: Dispute, integration: Integration, *, at: datetime
) -> PaymentNoticed:
    """The result of a notice that a dispute was asked about for.

    Args:
        payment: before it.
        integration: where it was asked.
        at: the moment of conclusion, UTC.
    """
    change = change_of(payment.disputes, dispute)
    return PaymentNoticed(
        payment_id=payment.payment_id,
        command_id=command_id,
        command_type=notice.type,
        concluded_at=at,
        performed=Performed(
            integration_id=integration.id,
            provider=integration.connector.name,
            provider_reference=payment.provider_reference,
            our_reference=payment.create_reference,
        ),
        cause=notice.cause,
        event_id=notice.event_id,
        said=notice.said,
        dispute=dispute,
        dispute_change=change,
        dispute_sequence=None if change is None else payment.dispute_facts + 1,
    )


def fact_of(result: object) -> DisputeFact | None:
    """What is new in a dispute by a result; `None` for a result that tells nothing of the kind."""
    if not isinstance(result, PaymentNoticed) or result.dispute is None or result.performed is None:
        return None
    if result.dispute_change is None or result.dispute_sequence is None:
        return None
    return DISPUTE_FACTS[result.dispute_change](
        payment_id=result.payment_id,
        command_id=result.command_id,
        caused_by=result.command_id,
        integration_id=result.performed.integration_id,
        provider=result.performed.provider,
        sequence=result.dispute_sequence,
        observed_at=result.concluded_at,
        dispute=result.dispute,
    )


def stored_fact(stored: StoredResult) -> DisputeFact | None:
    """The same of a result as the ledger keeps it."""
    if ("ce_type", PaymentNoticed.type.encode()) not in stored.headers:
        return None
    return fact_of(PaymentNoticed.model_validate_json(stored.value))
