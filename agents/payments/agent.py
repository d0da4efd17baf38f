"""The payments agent: claim, decide, perform, conclude, publish.

Thin on purpose: what to do is decided in `decide.py`, done in `perform.py`, made into a result in `conclude.py`; here
things happen in order. A record is handled until its command is concluded and the result is acknowledged by Kafka; only
then is its offset done.
"""

import hashlib
import json
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextvars import ContextVar
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final, assert_never

from opentelemetry import trace

from agents.card_vault import CardVault
from agents.delivery import Delivery
from agents.ledger import Ask, Conclusion, Ledger
from agents.metrics import CONCLUDED
from agents.parking import LONGEST_IN_LANE_S, STOPPED, ParkingLot, woken_key
from agents.payments.conclude import Conclude
from agents.payments.decide import (
    Answer,
    Call,
    Conflict,
    Inquire,
    Lying,
    Promise,
    Queue,
    Refuse,
    TooOld,
    Wait,
    decide,
)
from agents.payments.perform import Performer
from agents.payments.records import PaymentRecords
from agents.payments.resolve import Propose, Settle, resolve
from agents.payments.work import Decided, Later, Patience, Step, Unsettled, Work
from agents.routing import NOT_READY, closed_refusal, route
from agents.tracing import process_span
from providers.caller import Caller
from providers.connector import Attempt, Integration, Operation
from providers.exchange import Exchange
from schemas.envelope import Envelope, Header
from schemas.errors import LedgerReplaced, StoreError, UnreadableRecord
from schemas.ids import created_at
from schemas.payments import (
    PAYMENT_COMMANDS,
    CardRef,
    CreatePayment,
    Payment,
    PaymentCommand,
    Performed,
    Reason,
    ResolveOutcome,
    Result,
)
from schemas.verdicts import FailureClass
from streams.codec import Outgoing, decode, digest
from streams.dead_letters import dead_letter
from streams.publisher import Publisher
from streams.records import RawRecord
from streams.topics import Topics
from streams.tracing import current_traceparent

log = logging.getLogger(__name__)

MODELS: Final[Mapping[str, type[PaymentCommand]]] = {model.type: model for model in PAYMENT_COMMANDS}

CLOCKS_DIFFER: Final = timedelta(minutes=10)
"""How far ahead of ours a publisher's clock may be."""

MISTAKE_WAIT_S: Final = 60.0
"""After a mistake of ours a command is tried again, seldom: a newer version may mend it."""

_OUR_MISTAKE: Final = UnreadableRecord(
    "hub_failed", "", "the hub failed at this record by a mistake of its own; report it, and requeue once it is mended"
)
_CONFLICT: Final = UnreadableRecord(
    "command_id_conflict", "ce_id", "this command_id was used for another command; choose a new one"
)
_TOO_OLD: Final = UnreadableRecord(
    "command_id_too_old",
    "ce_id",
    "this UUIDv7 is older than what the hub remembers, so that it may have been performed; choose a new one",
)
_FROM_THE_FUTURE: Final = UnreadableRecord(
    "command_id_in_future", "ce_id", "this UUIDv7 names a time to come; set the publisher's clock and choose a new one"
)

_EXCHANGES: ContextVar[list[Exchange] | None] = ContextVar("exchanges", default=None)


def keep_exchange(exchange: Exchange) -> None:
    """The caller's hook: the exchange goes to the log with the command that it was made for."""
    exchanges = _EXCHANGES.get()
    if exchanges is not None:
        exchanges.append(exchange)


async def _nothing_new() -> None:
    """Where the integrations never change."""


class PaymentsAgent:
    """Handles the records of the payment command topic.

    Args:
        caller: its `on_exchange` must be `keep_exchange`.
        integrations: by id; read at each command, so that the mapping may change under way.
        lot: where commands wait that cannot go on now.
        cards: where `card_ref` is opened; without it such payments are refused.
        stopped: integrations that an operator has stopped.
        closed: integrations that take no new commands; what was sent there is still asked about. As changing.
        look_again: reads anew which integrations there are, if anything changed.
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
        integrations: Mapping[str, Integration],
        cards: CardVault | None,
        lot: ParkingLot,
        patience: Patience,
        now: Callable[[], datetime],
        stopped: Callable[[], Collection[str]] = frozenset,
        resolve_alone_minor: int = 100_000,
        closed: Mapping[str, Integration] = MappingProxyType({}),
        look_again: Callable[[], Awaitable[None]] = _nothing_new,
    ) -> None:
        self._look_again = look_again
        self._closed = closed
        self._resolve_alone_minor = resolve_alone_minor
        self._lot = lot
        self._patience = patience
        self._stopped = stopped
        self._ledger = ledger
        self._publisher = publisher
        self._topics = topics
        self._records = PaymentRecords(topics)
        self._integrations = integrations
        self._cards = cards
        self._now = now
        self._performer = Performer(
            ledger=ledger,
            caller=caller,
            publisher=publisher,
            records=self._records,
            cards=cards,
            patience=patience,
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
        try:
            key = woken_key(waking.record)
        except UnreadableRecord as bad:
            await self._reject(waking.record, bad)
            return None
        woken = await self._lot.first(key, waking)
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
            await self._reject(record, bad)
            return None
        except Exception:
            # A mistake of ours. Raised, it would stop one worker after the other at this record.
            log.exception("a record could not be read for a mistake of the hub's")
            await self._reject(record, _OUR_MISTAKE)
            return None
        envelope, command = incoming.envelope, incoming.body
        if (at := created_at(envelope.id)) is not None and at > self._now() + CLOCKS_DIFFER:
            await self._reject(record, _FROM_THE_FUTURE)
            return None
        span.set_attributes({"kolaj.command_id": str(envelope.id), "kolaj.command_type": envelope.type})
        ask = Ask(
            key=f"payments/{incoming.key}",
            command_id=envelope.id,
            command_type=envelope.type,
            digest=digest(envelope, incoming.key, command),
            token=delivery.token,
            woken=delivery.woken,
        )
        claim = await self._ledger.claim(ask)
        payment = Payment(payment_id=command.payment_id)
        if claim.key_state is not None:
            payment = Payment.model_validate_json(claim.key_state)
        work = Work(delivery, envelope.id, command, payment, claim)
        later = await self._attempted(work)
        if later is None:
            return None
        await self._publish(work, ())
        return await self._put_off(work, later)

    async def _attempted(self, work: Work) -> Later | None:
        """One step; after a mistake of ours the command is set aside, so that it stops no worker and no others."""
        try:
            return await self._act(work)
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
            integration = None if later.mistaken else self._route(work)
            parked = await self._lot.park(
                work.delivery,
                claim,
                after_s=after_s,
                integration_id=integration.id if isinstance(integration, Integration) else None,
                reason=later.why,
                counts=later.counts,
            )
            work.delivery.parked = parked
            return None if parked else 0.05
        await self._ledger.release(claim)
        return after_s

    async def _act(self, work: Work) -> Later | None:
        integration = self._route(work)
        if isinstance(integration, Refuse):
            # Who was told that an integration was added may pay with it at once. Another command's look may be ours.
            await self._look_again()
            integration = self._route(work)
        operation = None if isinstance(integration, Refuse) else integration.connector.operation_for(type(work.command))
        promise = None if operation is None else Promise(operation.repeatable_for_s, operation.resend_after_absence_s)
        decision = decide(
            work.claim, work.payment, work.command, promise, now=self._now(), withdrawn=work.delivery.withdrawn
        )
        match decision:
            case Answer(result):
                again = self._records.again(result, work.command.payment_id)
                # Its dead letter may have been lost with the worker that gave it up.
                await self._publish(work, [again, *self._for_operators(work, result.value)])
                await self._unpark(work)
                return None
            case Conflict() | TooOld():
                bad = _CONFLICT if isinstance(decision, Conflict) else _TOO_OLD
                await self._reject(work.delivery.record, bad)
                await self._unpark(work)
                return None
            case Lying():
                await self._lot.wake(work.claim.ask.key, 0)
                return None
            case Queue():
                behind = "an earlier command of this payment is parked"
                parked = await self._lot.park(work.delivery, work.claim, after_s=0, integration_id=None, reason=behind)
                return None if parked else Later(0.05)
            case Wait(after_s):
                return Later(after_s)
            case Refuse() | Call() | Inquire():
                return await self._settle(work, await self._perform(work, decision, integration, operation))
            case _:
                assert_never(decision)

    async def _unpark(self, work: Work) -> None:
        """What was woken leaves its place in the queue only now: until its result is in the log it must be found."""
        if work.delivery.woken:
            await self._ledger.unpark(work.claim.ask.key, work.command_id)

    def _route(self, work: Work) -> Integration | Refuse:
        """A command that was sent before stays where it was sent, whatever the rules say now."""
        if work.claim.attempts:
            sent_to = work.claim.attempts[-1].integration_id
            known = self._integrations.get(sent_to) or (self._closed.get(sent_to) if work.maybe_sent else None)
            if known is not None:
                return known
        return closed_refusal(work.command, work.payment, self._closed) or route(
            work.command, work.payment, self._integrations
        )

    async def _perform(
        self,
        work: Work,
        decision: Refuse | Call | Inquire,
        integration: Integration | Refuse,
        operation: Operation[Any, Any] | None,
    ) -> Step:
        if isinstance(decision, Refuse):
            return decision
        if isinstance(work.command, ResolveOutcome):
            return resolve(work.command, work.payment, alone_minor=self._resolve_alone_minor)
        if isinstance(integration, Refuse):
            return integration
        if integration.lacks is not None:
            return Later(self._patience.paused_wait_s, NOT_READY, counts=False)
        if operation is None:
            detail = f"{integration.connector.name} does not perform this command"
            return Refuse(Reason.UNSUPPORTED_OPERATION, FailureClass.INVALID, detail)
        if isinstance(decision, Inquire):
            return await self._performer.inquire(work, decision, integration, operation)
        if integration.id in self._stopped():
            return Later(self._patience.longest_wait_s, STOPPED, counts=False)
        return _method_refusal(work.command, integration) or await self._performer.call(
            work, decision, integration, operation
        )

    async def _settle(self, work: Work, step: Step) -> Later | None:
        """Turn a step into the command's result, unless it is to go on later."""
        at = self._now()
        match step:
            case Later():
                return step
            case Refuse():
                return await self._finish(work, self._conclude(work, None, at).refused(step))
            case Settle():
                return await self._finish(work, self._conclude(work, None, at).resolved(step))
            case Propose():
                return await self._finish(work, self._conclude(work, None, at).proposed(step))
            case Decided(outcome, integration, attempt):
                performed = _performed(work, integration, attempt, outcome.reference)
                return await self._finish(work, self._conclude(work, attempt, at).by_provider(outcome, performed))
            case Unsettled(detail, integration, attempt):
                sent_age_s = work.claim.sent_age_s
                result = self._conclude(work, attempt, at).unknown(
                    detail,
                    performed=_performed(work, integration, attempt, None),
                    references=tuple(known.reference for known in work.claim.attempts),
                    first_sent_at=None if sent_age_s is None else at - timedelta(seconds=sent_age_s),
                )
                return await self._finish(work, result)
            case _:
                assert_never(step)

    def _conclude(self, work: Work, attempt: Attempt | None, at: datetime) -> Conclude:
        amount = attempt.amount if attempt is not None else getattr(work.command, "paid_price", None)
        sent = attempt.number if attempt is not None else sum(known.maybe_sent for known in work.claim.attempts)
        return Conclude(work.command_id, work.command, work.payment, amount=amount, attempts=sent, at=at)

    async def _finish(self, work: Work, result: Result) -> Later | None:
        """Store the result under the claim, then publish it; a claim that was lost leaves a late outcome instead."""
        record = self._records.result(result, current_traceparent())
        state = work.payment.after(result).model_dump_json(exclude_defaults=True).encode()
        conclusion = Conclusion(work.claim, state, self._records.stored(record))
        if not await self._performer.insist(lambda: self._ledger.conclude(conclusion)):
            await self._report_late(work, result, record)
            return Later(0.05)
        await self._publish(work, [record, *self._for_operators(work, record.value or b"")])
        await self._unpark(work)
        if isinstance(work.command, CreatePayment) and isinstance(work.command.method, CardRef) and self._cards:
            await self._cards.discard(work.command.method.card_ref)
        CONCLUDED.add(1, {"verdict": result.verdict})
        log.info("command concluded", extra=work.facts(verdict=result.verdict))
        return None

    def _for_operators(self, work: Work, result: bytes) -> Sequence[Outgoing]:
        """What could not be sent for too long lies in the dead letters too, to be sent again once the cause is gone."""
        told = json.loads(result) if b'"gave_up"' in result else {}
        if told.get("reason") != Reason.GAVE_UP:
            return ()
        given_up = UnreadableRecord("gave_up", "", told["detail"])
        integration = self._route(work)
        name = None if isinstance(integration, Refuse) else integration.id
        return (dead_letter(self._topics.dead_letters, work.delivery.record, given_up, integration_id=name),)

    async def _publish(self, work: Work, records: Sequence[Outgoing]) -> None:
        """Append records, and with them the exchanges that are not in the log yet."""
        trace_id, key = current_traceparent(), str(work.command.payment_id)
        exchanges = work.delivery.exchanges
        batch = [*records, *(self._records.exchange(exchange, key, trace_id) for exchange in exchanges)]
        if batch:
            await self._publisher.publish(batch)
            exchanges.clear()

    async def _report_late(self, work: Work, result: Result, record: Outgoing) -> None:
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
        await self._publish(work, facts)

    async def _reject(self, record: RawRecord, bad: UnreadableRecord) -> None:
        """To the dead letters, and, where the record's own id can be read, a rejection for its publisher."""
        records = [dead_letter(self._topics.dead_letters, record, bad)]
        try:
            command_id = Envelope.read(record.readable_headers).id
        except UnreadableRecord:
            log.info("a dead letter without a readable id", extra={"reason": bad.reason, "field": bad.field})
        else:
            records.append(self._records.rejected(record, command_id, bad, self._now()))
        await self._publisher.publish(records)
        log.warning("record rejected", extra={"reason": bad.reason, "field": bad.field})


def _method_refusal(command: PaymentCommand, integration: Integration) -> Refuse | None:
    if not isinstance(command, CreatePayment) or command.method.kind in integration.connector.methods:
        return None
    allowed = ", ".join(integration.connector.methods)
    detail = f"{integration.connector.name} takes no {command.method.kind}; it takes {allowed}"
    return Refuse(Reason.UNSUPPORTED_METHOD, FailureClass.INVALID, detail, requested=command.paid_price)


def _performed(work: Work, integration: Integration, attempt: Attempt, reference: str | None) -> Performed:
    return Performed(
        integration_id=integration.id,
        provider=integration.connector.name,
        provider_reference=reference or work.payment.provider_reference,
        our_reference=attempt.reference,
    )


def _type_of(headers: Sequence[Header]) -> bytes | None:
    return next((value for name, value in headers if name == "ce_type"), None)
