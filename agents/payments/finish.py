"""Finishing a command: its result is stored in the ledger, then told to everyone, and the command leaves the queue."""

import hashlib
import json
import logging
from collections.abc import Callable, Sequence
from datetime import datetime

from agents.card_vault import CardVault
from agents.ledger import Conclusion, Ledger, StoredResult, insist
from agents.metrics import CONCLUDED, CONTRADICTED
from agents.payments.card_refs import card_ref_of
from agents.payments.dispute_facts import fact_of, stored_fact
from agents.payments.records import PaymentRecords
from agents.payments.work import Later, Work
from schemas.envelope import Header
from schemas.errors import StoreError, UnreadableRecord
from schemas.payments import DisputeFact, Found, Payment, Reason
from schemas.payments.resources import Resource, ResourceResult
from schemas.payments.vocabulary import Ending
from streams.codec import Outgoing
from streams.dead_letters import dead_letter
from streams.publisher import Publisher
from streams.topics import Topics
from streams.tracing import current_traceparent

log = logging.getLogger(__name__)


class Finisher:
    """Stores and publishes what a command came to.

    An `integration_id` is the one that the command goes to; `None` where it goes to none.
    """

    def __init__(
        self,
        *,
        ledger: Ledger,
        publisher: Publisher,
        topics: Topics,
        records: PaymentRecords,
        cards: CardVault | None,
        now: Callable[[], datetime],
    ) -> None:
        self._ledger = ledger
        self._publisher = publisher
        self._topics = topics
        self._records = records
        self._cards = cards
        self._now = now

    async def finish(self, work: Work, result: Ending, integration_id: str | None) -> Later | None:
        """Store the result under the claim, then publish it; a claim that was lost leaves a late outcome instead."""
        record = self._records.result(result, current_traceparent())
        after = _after(work, result)
        state = after.model_dump_json(exclude_defaults=True).encode()
        before, until = work.payment.waits_until, after.waits_until if isinstance(after, Payment) else None
        conclusion = Conclusion(
            work.claim,
            state,
            self._records.stored(record),
            # It begins to wait, or does once more: a completion that nobody knew of never happened, as people found.
            deadline=until if before is None else None,
            waits_no_more=before is not None and until is None,
        )
        if not await insist(lambda: self._ledger.conclude(conclusion)):
            await self._report_late(work, result, record)
            return Later(0.05)
        facts = [record, *self._of_dispute(fact_of(result), self._records.dispute)]
        await self.publish(work, [*facts, *self._for_operators(work, record.value or b"", integration_id)])
        await self.unpark(work)
        await self._discard_card(work)
        CONCLUDED.add(1, {"verdict": result.verdict})
        log.info("command concluded", extra=work.facts(verdict=result.verdict))
        if isinstance(result, Found) and result.contradicts:
            CONTRADICTED.add(1, {"integration": result.performed.integration_id if result.performed else "none"})
            told = {"payment_id": str(result.payment_id), "why": result.detail}
            log.error("a provider contradicts what was concluded", extra=work.facts(**told))
        return None

    async def again(self, work: Work, stored: StoredResult, integration_id: str | None) -> None:
        """Publish once more the result of a command that was concluded before."""
        of_dispute = self._of_dispute(stored_fact(stored), self._records.dispute_again)
        again = (self._records.again(stored, work.command.key), *of_dispute)
        # Its dead letter may have been lost with the worker that gave it up.
        await self.publish(work, [*again, *self._for_operators(work, stored.value, integration_id)])
        await self.unpark(work)
        await self._discard_card(work)

    async def publish(self, work: Work, records: Sequence[Outgoing]) -> None:
        """Append records, and with them the exchanges that are not in the log yet."""
        trace_id, key = current_traceparent(), work.command.key
        exchanges = work.delivery.exchanges
        batch = [*records, *(self._records.exchange(exchange, key, trace_id) for exchange in exchanges)]
        if batch:
            await self._publisher.publish(batch)
            exchanges.clear()

    async def unpark(self, work: Work) -> None:
        """What was woken leaves its place in the queue only now: until its result is in the log it must be found."""
        if work.delivery.woken:
            await self._ledger.unpark(work.claim.ask.key, work.command_id)

    async def _discard_card(self, work: Work) -> None:
        card_ref = card_ref_of(work.command)
        if card_ref is not None and self._cards is not None:
            try:
                await self._cards.discard(card_ref)
            except StoreError as failed:  # the result is told; handled again, it would be told again and again
                log.warning("a card is left to the sweep", extra=work.facts(why=str(failed)))

    def _for_operators(self, work: Work, result: bytes, integration_id: str | None) -> Sequence[Outgoing]:
        """What could not be sent for too long lies in the dead letters too, to be sent again once the cause is gone."""
        told = json.loads(result) if b'"gave_up"' in result else {}
        if told.get("reason") != Reason.GAVE_UP:
            return ()
        given_up = UnreadableRecord("gave_up", "", told["detail"])
        return (dead_letter(self._topics.dead_letters, work.delivery.record, given_up, integration_id=integration_id),)

    def _of_dispute(
        self, fact: DisputeFact | None, record: Callable[[DisputeFact, str | None], Outgoing]
    ) -> Sequence[Outgoing]:
        return () if fact is None else (record(fact, current_traceparent()),)

    async def _report_late(self, work: Work, result: Ending, record: Outgoing) -> None:
        """Our verdict came after another worker's takeover: say what we saw, and raise an alarm if the two differ."""
        at, trace_id = self._now(), current_traceparent()
        facts = [self._records.late_outcome(result, work.claim.epoch, at, trace_id)]
        seen = await self._ledger.claim(work.claim.ask)
        if seen.result is not None and _type_of(seen.result.headers) != _type_of(record.headers):
            kept = hashlib.sha256(seen.result.value).hexdigest()
            other = hashlib.sha256(record.value or b"").hexdigest()
            facts.append(self._records.divergence(result, kept, other, at, trace_id))
            log.error("result divergence", extra=work.facts(kept=kept, other=other))
        elif seen.epoch:
            await self._ledger.release(seen)
        await self.publish(work, facts)


def _after(work: Work, result: Ending) -> Payment | Resource:
    """How what the command is about stands once the result holds."""
    if not isinstance(result, ResourceResult):
        return work.payment.after(result)
    if work.resource is None:
        raise AssertionError("a result about a resource is of a command about one")
    return work.resource.after(result)


def _type_of(headers: Sequence[Header]) -> bytes | None:
    return next((value for name, value in headers if name == "ce_type"), None)
