"""Payments that the payer's bank is asked about, at the sandbox, and payers who answer without a browser."""

from typing import Any, Final
from uuid import UUID

import httpx

from infra.sandbox.iyzico import BookedPayment
from schemas.ids import new_id
from schemas.payments import CommandPending, CompleteThreeDSecure, ReturnedField, ShowPage, StartThreeDSecure
from tests.acceptance.orders import CARD, Orders, a_stored_card
from tests.builders import a_start_three_d_secure, lira
from tests.hub import INTEGRATION, Hub

PAID: Final = lira("12.50")
COMPLETE_PATH: Final = "/payment/v2/3dsecure/auth"


def a_start(payment_id: UUID | None = None, *, card: str = CARD, **changed: Any) -> StartThreeDSecure:
    given = {"payment_id": payment_id or new_id(), "integration_id": INTEGRATION, "method": a_stored_card(card)}
    return a_start_three_d_secure(PAID, **(given | changed))


async def started(hub: Hub, start: StartThreeDSecure) -> CommandPending:
    pending = await Orders(hub).result(start)
    assert isinstance(pending, CommandPending), pending
    assert isinstance(pending.next_action, ShowPage)
    return pending


async def at_the_bank(hub: Hub, pending: CommandPending, answer: str = "confirm") -> CompleteThreeDSecure:
    """The payer answers the bank; what comes back, as the order that a shop makes of it."""
    assert pending.performed is not None
    asked = {"paymentId": pending.performed.provider_reference, "answer": answer}
    async with httpx.AsyncClient() as payer:
        answered = await payer.post(f"{hub.sandbox.admin_url}threeds", json=asked)
    fields = tuple(ReturnedField(name=name, value=value) for name, value in answered.json()["fields"].items())
    return CompleteThreeDSecure(payment_id=pending.payment_id, returned=fields)


async def booked(hub: Hub, pending: CommandPending) -> BookedPayment:
    assert pending.performed is not None
    reference = pending.performed.provider_reference
    return await hub.booked(lambda entries: next(one for one in entries if one.payment_id == reference))
