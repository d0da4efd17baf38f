"""Completions that the hub orders by itself, once a provider has said that its payer agreed and money waits for it.

It is ordered before the notice that made the hub ask is concluded, on the same lane: none is lost with a worker.
Its id is made of the notice's: however often that is taken up, it is one command. A further one, of a shop or of
another notice, finds the payment taken, or the completion open, and is refused without a byte to the provider.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Final
from uuid import UUID

from agents.payments.refusals import refusal_of
from agents.payments.work import Decided, Work
from schemas.envelope import Envelope
from schemas.ids import created_at, derived_id, fact_id
from schemas.payments import CompleteThreeDSecure, TakeNotice
from streams.codec import Outgoing, encode
from streams.publisher import Publisher
from streams.topics import Topics

SOURCE: Final = "/kolaj/hub/completions"


class Completions:
    """Orders them.

    Args:
        now: the clock, UTC.
    """

    def __init__(self, publisher: Publisher, topics: Topics, *, now: Callable[[], datetime]) -> None:
        self._publisher = publisher
        self._topics = topics
        self._now = now

    async def order(self, work: Work, notice: TakeNotice, found: Decided) -> None:
        """Put the completion on the payment's lane, where what was found asks for one.

        Raises:
            StoreError: Kafka did not take it.
        """
        completion = CompleteThreeDSecure(payment_id=notice.payment_id, integration_id=found.integration.id)
        # At its deadline the payment is given up, so that it does not wait for ever on completions that are refused.
        wanted = found.outcome.to_be_completed and notice.cause != "deadline"
        if wanted and refusal_of(completion, work.payment, awaits_completion=True) is None:
            topic = self._topics.payment_commands.name
            await self._publisher.publish([order_of(topic, work.command_id, completion, self._now())])


def order_of(topic: str, notice_id: UUID, completion: CompleteThreeDSecure, at: datetime) -> Outgoing:
    """The record of the order that a notice leads to."""
    command_id = completion_id(notice_id)
    envelope = Envelope(id=command_id, type=completion.type, source=SOURCE, subject=completion.key, time=at)
    return encode(topic, completion.key, envelope, completion)


def completion_id(notice_id: UUID) -> UUID:
    """As old as the notice, so that both leave the ledger at the same time."""
    begun = created_at(notice_id)
    if begun is None:
        return fact_id(notice_id, "completion")
    return derived_id(int(begun.timestamp() * 1000), f"{SOURCE} {notice_id}")
