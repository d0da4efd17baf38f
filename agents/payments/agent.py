"""The payments agent: takes deliveries of payment commands and of wakings, one step further each time.

Thin on purpose: what to do with a command is decided in `decide.py`, carried out in `execute.py`, made into a result in
`conclude.py` and told in `finish.py`; here deliveries are read, refused and put off. A record is handled until its
command is concluded and the result is acknowledged by Kafka, or until it is parked; only then is its offset done.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from opentelemetry import trace

from agents.card_vault import CardVault
from agents.delivery import Delivery
from agents.ledger import Ask, Ledger
from agents.parking import LONGEST_IN_LANE_S, WAKES, ParkingLot, woken_key
from agents.payments.completions import Completions
from agents.payments.execute import Executor
from agents.payments.finish import Finisher
from agents.payments.ledger_keys import ledger_key
from agents.payments.perform import Performer
from agents.payments.places import Places
from agents.payments.records import PaymentRecords
from agents.payments.work import Later, Onward, Patience, Work
from agents.rejections import FROM_THE_FUTURE, HUB_FAILED, Rejections
from agents.tracing import process_span
from agents.vault.subjects import Subjects
from providers.caller import Caller
from providers.exchange import Exchange
from schemas.errors import LedgerReplaced, StoreError, UnreadableRecord
from schemas.ids import created_at
from schemas.payments import Payment
from schemas.payments.resources import Resource, ResourceOrder
from schemas.payments.vocabulary import COMMANDS, Command
from streams.codec import decode, digest
from streams.publisher import Publisher
from streams.topics import Topics

log = logging.getLogger(__name__)

MODELS: Final[Mapping[str, type[Command]]] = {model.type: model for model in COMMANDS}

CLOCKS_DIFFER: Final = timedelta(minutes=10)
"""How far ahead of ours a publisher's clock may be."""

MISTAKE_WAIT_S: Final = 60.0
"""After a mistake of ours a command is tried again, seldom: a newer version may mend it."""

_EXCHANGES: ContextVar[list[Exchange] | None] = ContextVar("exchanges", default=None)


def keep_exchange(exchange: Exchange) -> None:
    """The caller's hook: the exchange goes to the log with the command that it was made for."""
    exchanges = _EXCHANGES.get()
    if exchanges is not None:
        exchanges.append(exchange)


class PaymentsAgent:
    """Handles the records of the payment command topic.

    Args:
        caller: its `on_exchange` must be `keep_exchange`.
        places: the integrations, and how commands are routed among them.
        lot: where commands wait that cannot go on now.
        cards: where `card_ref` is opened; without it such payments are refused.
        subjects: whose keys the payers of creations are sealed under; without it results name no payer.
        resolve_alone_minor: up to which amount, in minor units, one person may settle an unknown outcome.
        now: the clock, UTC.
    """

    def __init__(
        self,
        *,
        ledger: Ledger,
        caller: Caller,
        publisher: Publisher,
        topics: Topics,
        places: Places,
        cards: CardVault | None,
        lot: ParkingLot,
        patience: Patience,
        now: Callable[[], datetime],
        subjects: Subjects | None = None,
        resolve_alone_minor: int = 100_000,
    ) -> None:
        self._ledger = ledger
        self._lot = lot
        self._places = places
        self._patience = patience
        self._now = now
        records = PaymentRecords(topics)
        self._rejections = Rejections(publisher, topics, records.rejected, now)
        self._finisher = Finisher(
            ledger=ledger, publisher=publisher, topics=topics, records=records, cards=cards, now=now
        )
        self._executor = Executor(
            performer=Performer(
                ledger=ledger,
                caller=caller,
                publisher=publisher,
                records=records,
                cards=cards,
                patience=patience,
                now=now,
            ),
            finisher=self._finisher,
            rejections=self._rejections,
            lot=lot,
            places=places,
            completions=Completions(publisher, topics, now=now),
            subjects=subjects,
            patience=patience,
            resolve_alone_minor=resolve_alone_minor,
            now=now,
        )

    async def handle(self, delivery: Delivery) -> float | None:
        """Take a record of the command topic one step further.

        Returns:
            `None` when it is finished or parked, and acknowledged, else after how many seconds to hand it in again.

        Raises:
            LedgerReplaced: the worker must stop.
        """
        return await self._kept(delivery, self._traced)

    async def wake(self, delivery: Delivery) -> float | None:
        """Take a wake record one step further: what waits first for its key, then what waits behind it. As `handle`."""
        return await self._kept(delivery, self._wake)

    async def _kept(self, delivery: Delivery, act: Callable[[Delivery], Awaitable[float | None]]) -> float | None:
        _EXCHANGES.set(delivery.exchanges)
        try:
            again_s = await act(delivery)
        except LedgerReplaced:
            raise
        except StoreError as failed:
            delivery.failures += 1
            log.warning("store failed, command kept", extra={"why": str(failed), "failures": delivery.failures})
            return float(min(0.2 * 2**delivery.failures, 10.0))
        delivery.failures = 0
        if again_s is None:
            delivery.done()
        return again_s

    async def _wake(self, waking: Delivery) -> float | None:
        if waking.record.text(WAKES) not in {None, "payments"}:
            return None  # others wait in the same topics, and have wakers of their own
        try:
            key = woken_key(waking.record)
        except UnreadableRecord as bad:
            await self._rejections.reject(waking.record, bad)
            return None
        woken = None if key is None else await self._lot.first(key, waking)
        if woken is None:
            return None
        again_s = await self._traced(woken)
        if again_s is not None or woken.parked:
            return again_s
        return 0.0  # the next one of the key, after others had their turn

    async def _traced(self, delivery: Delivery) -> float | None:
        with process_span("payments.command", delivery.record.readable_headers) as span:
            return await self._step(delivery, span)

    async def _step(self, delivery: Delivery, span: trace.Span) -> float | None:
        record = delivery.record
        try:
            incoming = decode(MODELS, record.key, record.value, record.readable_headers)
        except UnreadableRecord as bad:
            await self._rejections.reject(record, bad)
            return None
        except Exception:
            # A mistake of ours. Raised, it would stop one worker after the other at this record.
            log.exception("a record could not be read for a mistake of the hub's")
            await self._rejections.reject(record, HUB_FAILED)
            return None
        envelope, command = incoming.envelope, incoming.body
        if (at := created_at(envelope.id)) is not None and at > self._now() + CLOCKS_DIFFER:
            await self._rejections.reject(record, FROM_THE_FUTURE)
            return None
        span.set_attributes({"kolaj.command_id": str(envelope.id), "kolaj.command_type": envelope.type})
        ask = Ask(
            key=ledger_key(command),
            command_id=envelope.id,
            command_type=envelope.type,
            digest=digest(envelope, incoming.key, command),
            token=delivery.token,
            woken=delivery.woken,
        )
        claim = await self._ledger.claim(ask)
        payment, resource = _stands(command, claim.key_state)
        work = Work(delivery, envelope.id, command, payment, claim, envelope.source, resource=resource)
        later = await self._attempted(work)
        while isinstance(later, Onward):
            # Under a claim made anew: whether nothing was performed so far is the ledger's to say, not our memory's.
            work = replace(work, claim=await self._ledger.claim(ask), failed=later.failed)
            later = await self._attempted(work)
        if later is None:
            return None
        await self._finisher.publish(work, ())
        return await self._put_off(work, later)

    async def _attempted(self, work: Work) -> Later | Onward | None:
        """One step; after a mistake of ours the command is set aside, so that it stops no worker and no others."""
        try:
            return await self._executor.step(work)
        except StoreError:
            raise
        except Exception as mistake:
            log.exception("a command failed for a mistake of the hub's", extra=work.facts())
            wait_s = min(MISTAKE_WAIT_S * 2**work.delivery.tries, self._patience.longest_wait_s)
            return Later(wait_s, f"a mistake of the hub's: {type(mistake).__name__}", mistaken=True)

    async def _put_off(self, work: Work, later: Later) -> float | None:
        """A short wait is spent in the lane; for a longer one the command is parked and its offset acknowledged."""
        claim, after_s = work.claim, later.after_s
        if not claim.epoch:
            return after_s  # another worker's lease: it ends within seconds
        if not work.maybe_sent and work.command.expires_at is not None:
            after_s = min(after_s, max((work.command.expires_at - self._now()).total_seconds(), 0.0))
        if after_s > LONGEST_IN_LANE_S:
            parked = await self._lot.park(
                work.delivery,
                claim,
                after_s=after_s,
                integration_id=None if later.mistaken else later.integration_id or self._places.of(work),
                reason=later.why,
                counts=later.counts,
            )
            work.delivery.parked = parked
            return None if parked else 0.05
        await self._ledger.release(claim)
        return after_s


def _stands(command: Command, stored: bytes | None) -> tuple[Payment, Resource | None]:
    """What the command is about, as its results add up to."""
    if isinstance(command, ResourceOrder):
        new = Resource(resource_id=command.resource_id)
        resource = new if stored is None else Resource.model_validate_json(stored)
        return Payment(payment_id=command.resource_id), resource
    new_one = Payment(payment_id=command.payment_id)
    return (new_one if stored is None else Payment.model_validate_json(stored)), None
