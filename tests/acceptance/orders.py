"""Commands that the sandbox takes: payments with the cards of its well-known wallet."""

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

from schemas.ids import new_id
from schemas.money import Price
from schemas.payments import CreatePayment, PaymentCommand, StoredCard
from streams.codec import Outgoing
from tests.builders import a_create_payment, a_record, lira
from tests.hub import INTEGRATION, Hub

CARD = "card-qnb-credit"
FOREIGN_CARD = "card-foreign-credit"


def a_stored_card(card: str = CARD) -> StoredCard:
    return StoredCard(kind="stored_card", card_token=card, customer_key="sandbox-wallet")


def a_payment(amount: Price | None = None, *, card: str = CARD, **changed: Any) -> CreatePayment:
    given: dict[str, Any] = {"integration_id": INTEGRATION, "method": a_stored_card(card)}
    return a_create_payment(amount or lira("12.50"), **(given | changed))


class Orders:
    """Commands as records for one hub's topic."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def record(self, command: PaymentCommand, command_id: UUID | None = None, **envelope: Any) -> Outgoing:
        if command_id is not None:
            envelope["id"] = command_id
        return a_record(self._hub.commands, command, type=command.type, **envelope)

    async def publish(self, *commands: PaymentCommand) -> list[UUID]:
        """Publish them in order under fresh ids."""
        ids = [new_id() for _ in commands]
        await self._hub.publish(self.record(command, one) for command, one in zip(commands, ids, strict=True))
        return ids

    async def results(self, *commands: PaymentCommand, within_s: float = 30) -> list[Any]:
        """Publish them in order, and wait for all their results, which come in the same order."""
        ids = await self.publish(*commands)
        found = await self._hub.results(ids, within_s=within_s)
        return [found[command_id] for command_id in ids]

    async def result(self, command: PaymentCommand, within_s: float = 30) -> Any:
        (result,) = await self.results(command, within_s=within_s)
        return result


def spoilt(record: Outgoing, change: Callable[[dict[str, Any]], None]) -> Outgoing:
    """The record with its JSON changed in a way that no model allows."""
    body = json.loads(record.value or b"")
    change(body)
    return Outgoing(record.topic, record.key, json.dumps(body).encode(), record.headers)


def without_header(record: Outgoing, name: str) -> Outgoing:
    kept = tuple(pair for pair in record.headers if pair[0] != name)
    return Outgoing(record.topic, record.key, record.value, kept)


def with_value(record: Outgoing, value: bytes | None) -> Outgoing:
    return Outgoing(record.topic, record.key, value, record.headers)


def with_key(record: Outgoing, key: bytes | None) -> Outgoing:
    return Outgoing(record.topic, key, record.value, record.headers)
