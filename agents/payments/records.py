"""The records a payments agent appends: results, facts, intents, exchanges. Pure but for fresh ids of exchanges."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from pydantic import BaseModel

from agents.ledger import Claim, Sending, StoredResult
from providers.exchange import Exchange
from schemas.envelope import REPUBLISHED, Envelope
from schemas.errors import UnreadableRecord
from schemas.ids import fact_id, new_id, rejection_id, result_id
from schemas.intents import SendIntended
from schemas.money import Money
from schemas.payments import CommandRejected, DisputeFact, LateOutcome, Result, ResultDivergence
from schemas.payments.payment import MOVE_NOTHING
from schemas.payments.resources import ResourceLateOutcome, ResourceResult, ResourceResultDivergence
from schemas.payments.vocabulary import Ending
from schemas.provider_calls import ProviderCalled
from schemas.verdicts import Verdict
from streams.codec import Outgoing, encode
from streams.records import RawRecord
from streams.topics import Topics

SOURCE: Final = "/kolaj/hub/payments"


class PaymentRecords:
    """Makes records for one environment's topics."""

    def __init__(self, topics: Topics) -> None:
        self._topics = topics

    def result(self, result: Ending, traceparent: str | None) -> Outgoing:
        """The command's one result; its id depends on the command alone."""
        return self._event(result, result_id(result.command_id), result.key, result.concluded_at, traceparent)

    def stored(self, result: Outgoing) -> StoredResult:
        if result.value is None:
            raise AssertionError("a result has a value")
        return StoredResult(result.value, result.headers)

    def again(self, stored: StoredResult, key: str) -> Outgoing:
        """The stored result word for word, marked as a further copy."""
        record = Outgoing(self._topics.payment_events.name, key.encode(), stored.value, stored.headers)
        return record.with_header(REPUBLISHED, b"1")

    def rejected(self, record: RawRecord, command_id: UUID, bad: UnreadableRecord, at: datetime) -> Outgoing:
        body = CommandRejected(
            command_id=command_id,
            caused_by=command_id,
            reason=bad.reason,
            field=bad.field,
            detail=bad.detail,
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            observed_at=at,
        )
        key = (record.key or b"").decode("utf-8", "replace") if bad.reason != "card_number" else ""
        return self._event(body, rejection_id(record.topic, record.partition, record.offset), key, at, None)

    def late_outcome(self, result: Ending, epoch: int, at: datetime, traceparent: str | None) -> Outgoing:
        about: dict[str, Any] = {
            "command_id": result.command_id,
            "caused_by": result.command_id,
            "verdict": Verdict(result.verdict),
            "observed_at": at,
            "epoch": epoch,
            "performed": result.performed,
            "provider_code": getattr(result, "provider_code", None),
        }
        body: LateOutcome | ResourceLateOutcome
        if isinstance(result, ResourceResult):
            body = ResourceLateOutcome(resource_id=result.resource_id, **about)
        else:
            body = LateOutcome(payment_id=result.payment_id, amount=_moved_by(result), **about)
        return self._event(body, fact_id(result.command_id, f"late:{epoch}"), result.key, at, traceparent)

    def divergence(self, result: Ending, kept: str, other: str, at: datetime, traceparent: str | None) -> Outgoing:
        about: dict[str, Any] = {
            "command_id": result.command_id,
            "caused_by": result.command_id,
            "observed_at": at,
            "kept_digest": kept,
            "other_digest": other,
        }
        body: ResultDivergence | ResourceResultDivergence
        if isinstance(result, ResourceResult):
            body = ResourceResultDivergence(resource_id=result.resource_id, **about)
        else:
            body = ResultDivergence(payment_id=result.payment_id, **about)
        return self._event(body, fact_id(result.command_id, f"divergence:{other}"), result.key, at, traceparent)

    def dispute(self, fact: DisputeFact, traceparent: str | None) -> Outgoing:
        """What is new in a dispute; its id depends alone on the command by which it was asked about."""
        event_id = fact_id(fact.command_id, "dispute")
        return self._event(fact, event_id, fact.key, fact.observed_at, traceparent)

    def dispute_again(self, fact: DisputeFact, traceparent: str | None) -> Outgoing:
        """The same, made anew from the stored result, and marked as a further copy as that is."""
        return self.dispute(fact, traceparent).with_header(REPUBLISHED, b"1")

    def intent(self, sending: Sending, key: str, ledger: UUID, at: datetime, traceparent: str | None) -> Outgoing:
        """What is about to be sent; `key` is the record's, not the ledger's."""
        claim: Claim = sending.claim
        body = SendIntended(
            command_id=claim.ask.command_id,
            command_type=claim.ask.command_type,
            command_digest=claim.ask.digest.hex(),
            key=claim.ask.key,
            attempt=sending.number,
            integration_id=sending.integration_id,
            reference=sending.reference,
            request_digest=sending.request_digest,
            routing=sending.routed,
            epoch=claim.epoch,
            ledger=ledger,
            intended_at=at,
        )
        envelope = _envelope(
            body, fact_id(claim.ask.command_id, f"intent:{sending.number}:{claim.epoch}"), at, traceparent
        )
        return encode(self._topics.intents.name, key, envelope, body)

    def exchange(self, exchange: Exchange, key: str, traceparent: str | None) -> Outgoing:
        body = ProviderCalled(
            command_id=exchange.command_id,
            integration_id=exchange.integration.id,
            provider=exchange.integration.connector.name,
            operation=exchange.operation,
            attempt=exchange.attempt,
            method=exchange.request.method,
            url_template=exchange.request.template or exchange.request.path,
            status_code=None if exchange.answer is None else exchange.answer.status,
            outcome=exchange.outcome,
            provider_code=exchange.provider_code,
            duration_us=exchange.duration_us,
            started_at=exchange.started_at,
            request=exchange.request_text,
            response=exchange.response_text,
            error=exchange.error,
        )
        return encode(
            self._topics.provider_calls.name, key, _envelope(body, new_id(), exchange.started_at, traceparent), body
        )

    def _event(self, body: BaseModel, event_id: UUID, key: str, at: datetime, traceparent: str | None) -> Outgoing:
        return encode(self._topics.payment_events.name, key, _envelope(body, event_id, at, traceparent, key), body)


def _envelope(
    body: BaseModel, event_id: UUID, at: datetime, traceparent: str | None, subject: str | None = None
) -> Envelope:
    name: str = type(body).type  # type: ignore[attr-defined]  # every fact names its type; BaseModel does not know that
    return Envelope(id=event_id, type=name, source=SOURCE, subject=subject or None, time=at, traceparent=traceparent)


def _moved_by(result: Result) -> Money | None:
    """What a command moved; nothing by one that asks or renews, whatever amount its answer tells of."""
    if result.command_type in MOVE_NOTHING:
        return None
    return getattr(result, "amount", None) or getattr(result, "paid_price", None)
