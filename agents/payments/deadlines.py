"""Payments whose payer's time is over: the hub itself gives the order to ask how each of them stands.

The order's id is made of the command that began the payment, so that it is one command however often it is given: by
several workers, after a restart, or once more after a rebuild of the ledger.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from agents.ledger import Ledger, Passed
from agents.payments.ledger_keys import id_in
from schemas.envelope import Envelope
from schemas.ids import created_at, derived_id, fact_id
from schemas.payments import TakeNotice
from streams.codec import Outgoing, encode
from streams.publisher import Publisher
from streams.topics import Topics

SOURCE: Final = "/kolaj/hub/deadlines"
_AT_ONCE: Final = 200
_AGAIN_S: Final = 60.0
"""After which time a deadline is told of by another worker, where the one that took it has died."""


class Deadlines:
    """Tells of deadlines that have passed.

    Args:
        now: the clock, UTC.
    """

    def __init__(self, ledger: Ledger, publisher: Publisher, topics: Topics, *, now: Callable[[], datetime]) -> None:
        self._ledger = ledger
        self._publisher = publisher
        self._topics = topics
        self._now = now

    async def tell(self) -> int:
        """Give the orders that are due; returns how many.

        Raises:
            StoreError: PostgreSQL or Kafka failed; what was not told is told later.
        """
        told = 0
        while passed := await self._ledger.passed(self._now(), again_s=_AGAIN_S, limit=_AT_ONCE):
            await self._publisher.publish(self._orders(passed))
            await self._ledger.told(passed)
            told += len(passed)
        return told

    def _orders(self, passed: Sequence[Passed]) -> Sequence[Outgoing]:
        topic, at = self._topics.payment_commands.name, self._now()
        return [order_at(topic, one, at) for one in passed]


def order_at(topic: str, passed: Passed, at: datetime) -> Outgoing:
    """The order to ask how a payment stands whose deadline has passed."""
    body = TakeNotice(payment_id=id_in(passed.key), cause="deadline")
    envelope = Envelope(id=order_id(passed.command_id), type=body.type, source=SOURCE, subject=body.key, time=at)
    return encode(topic, body.key, envelope, body)


def order_id(command_id: UUID) -> UUID:
    """As old as the command that began the payment, so that both leave the ledger at the same time."""
    begun = created_at(command_id)
    if begun is None:
        return fact_id(command_id, "deadline")
    return derived_id(int(begun.timestamp() * 1000), f"{SOURCE} {command_id}")
