"""Disputes of payments, and the facts about them."""

from typing import Any

from schemas.ids import new_id
from schemas.money import Money
from schemas.payments import Dispute, DisputeChanged, DisputeClosed, DisputeOpened
from tests.builders.records import NOON


def kurus(minor: int) -> Money:
    """An amount that may be nothing."""
    return Money(minor=minor, currency="TRY")


def a_dispute(**changed: Any) -> Dispute:
    """One over all of 12.50 TRY that waits for an answer; the money is gone."""
    given: dict[str, Any] = {
        "reference": "du_1",
        "state": "needs_response",
        "provider_state": "needs_response",
        "stage": "chargeback",
        "amount": kurus(1250),
        "withdrawn": kurus(1250),
        "reason": "fraud",
        "provider_reason": "fraudulent",
        "opened_at": NOON,
    }
    return Dispute(**(given | changed))


def a_dispute_opened(**changed: Any) -> DisputeOpened:
    return DisputeOpened(**(_told() | changed))


def a_dispute_changed(**changed: Any) -> DisputeChanged:
    return DisputeChanged(**(_told() | {"sequence": 2} | changed))


def a_dispute_closed(**changed: Any) -> DisputeClosed:
    lost = a_dispute(state="lost", provider_state="lost")
    return DisputeClosed(**(_told() | {"sequence": 3, "dispute": lost} | changed))


def _told() -> dict[str, Any]:
    command = new_id()
    return {
        "payment_id": new_id(),
        "command_id": command,
        "caused_by": command,
        "integration_id": "stripe-main",
        "provider": "stripe",
        "sequence": 1,
        "observed_at": NOON,
        "dispute": a_dispute(),
    }
