"""A shop that pays over HTTP, for tests."""

from typing import Any, Final
from uuid import UUID

import httpx

from schemas.ids import new_id
from schemas.payments import CreatePayment, PaymentCreated, StoredCard
from streams.reader import replay
from streams.records import RawRecord
from tests.api_server import a_caller
from tests.builders import a_create_payment
from tests.hub import INTEGRATION, Hub

CALLERS: Final = (
    a_caller(),
    a_caller("writer", scopes=frozenset({"payments:write"})),
    a_caller("auditor", scopes=frozenset({"payments:read"})),
    a_caller("here", only=frozenset({INTEGRATION})),
    a_caller("elsewhere", only=frozenset({"iyzico-other"})),
)
"""Who may do everything, and who may do less."""


def a_payment(**changed: Any) -> CreatePayment:
    card = StoredCard(kind="stored_card", card_token="card-akbank-credit", customer_key="sandbox-wallet")
    return a_create_payment(**{"method": card, "integration_id": INTEGRATION, **changed})


async def send(client: httpx.AsyncClient, command: Any, key: str | None = None) -> httpx.Response:
    return await client.post(
        f"/v1/commands/{command.type}",
        content=command.model_dump_json(exclude_none=True),
        headers={"Content-Type": "application/json", "Idempotency-Key": key or str(new_id())},
    )


async def taken(client: httpx.AsyncClient, command: Any, key: str | None = None) -> UUID:
    answer = await send(client, command, key)
    assert answer.status_code == 202, answer.text
    return UUID(answer.json()["command_id"])


async def records_of(hub: Hub, command_id: UUID) -> list[RawRecord]:
    topic = hub.settings.topics.payment_commands.name
    return [one async for one in replay(hub.settings.kafka, topic) if one.text("ce_id") == str(command_id)]


def charges_of(hub: Hub, created: PaymentCreated) -> int:
    assert created.performed is not None
    assert created.performed.our_reference is not None
    return hub.sandbox.books.totals().charges_by_conversation[created.performed.our_reference]
