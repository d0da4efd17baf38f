"""What the log says about commands, read for a rebuild of the ledger and for comparing the two."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar
from uuid import UUID

from pydantic import BaseModel, ValidationError

from agents.payments.agent import MODELS
from agents.payments.ledger_keys import ledger_key
from agents.payments.records import SOURCE
from schemas.envelope import REPUBLISHED, Envelope, Header
from schemas.errors import StoreError, UnreadableRecord
from schemas.intents import SendIntended
from schemas.payments import CommandRejected, PaymentFact
from schemas.payments.resources import ResourceLateOutcome, ResourceResultDivergence
from schemas.payments.vocabulary import EVENTS, Ending, Event
from streams.codec import decode, digest
from streams.records import RawRecord, ascii_fold

M = TypeVar("M", bound=BaseModel)

_Facts = PaymentFact | ResourceLateOutcome | ResourceResultDivergence
"""Events that conclude no command."""
_EVENTS: Final[Mapping[str, type[Event]]] = {model.type: model for model in EVENTS}
_INTENTS: Final[Mapping[str, type[SendIntended]]] = {SendIntended.type: SendIntended}


@dataclass(frozen=True, slots=True)
class LoggedResult:
    """A command's result as it lies in the log: value and headers as they were first published."""

    key: str
    command_id: UUID
    command_type: str
    concluded_at: datetime
    value: bytes
    headers: tuple[Header, ...]


@dataclass(frozen=True, slots=True)
class LoggedCommand:
    key: str
    command_id: UUID
    digest: bytes


def read_intent(record: RawRecord) -> SendIntended | None:
    """The intent; `None` for a record that another program wrote.

    Raises:
        StoreError: it is ours and cannot be read.
    """
    return _ours(record, _INTENTS)


def read_event(record: RawRecord) -> LoggedResult | CommandRejected | None:
    """The result or the rejection; `None` for other facts, and for a record that another program wrote.

    A result counts whether its record is marked as a further copy or not: the copy is the only one when the worker died
    before it published the first.

    Raises:
        StoreError: it is ours and cannot be read.
    """
    body: Event | None = _ours(record, _EVENTS)
    if isinstance(body, CommandRejected):
        return body
    if body is None or isinstance(body, _Facts):
        return None
    headers = tuple(pair for pair in record.readable_headers if ascii_fold(pair[0]) != REPUBLISHED)
    key, value = ledger_key(body), record.value or b""
    return LoggedResult(key, body.command_id, body.command_type, body.concluded_at, value, headers)


def read_result(kind: str, value: bytes) -> Ending:
    """The body of a result that `read_event` has read before, from its `ce_type` and its value."""
    body = _EVENTS[kind].model_validate_json(value)
    assert not isinstance(body, _Facts)  # noqa: S101 - for mypy alone
    return body


def read_command(record: RawRecord) -> LoggedCommand | None:
    """The command; `None` for a record that can only be rejected."""
    try:
        incoming = decode(MODELS, record.key, record.value, record.readable_headers)
    except UnreadableRecord:
        return None
    mark = digest(incoming.envelope, incoming.key, incoming.body)
    return LoggedCommand(ledger_key(incoming.body), incoming.envelope.id, mark)


def command_of_intent(record: RawRecord) -> UUID | None:
    """Which command an intent is about; `None` for a record that another program wrote."""
    intent = read_intent(record)
    return None if intent is None else intent.command_id


def command_of_result(record: RawRecord) -> UUID | None:
    """Which command a result concludes; `None` for whatever is no result."""
    event = read_event(record)
    return event.command_id if isinstance(event, LoggedResult) else None


def _ours(record: RawRecord, models: Mapping[str, type[M]]) -> M | None:
    # Not `decode`: it also refuses what looks like a card number, and a provider's reference may look like one.
    if record.text("ce_source") != SOURCE:
        return None
    try:
        model = models[Envelope.read(record.readable_headers).type]
        return model.model_validate_json(record.value or b"")
    except UnreadableRecord as bad:
        raise _unreadable(record, str(bad)) from bad
    except KeyError as unknown:
        raise _unreadable(record, f"type {unknown} is not known here") from unknown
    except ValidationError as bad:
        raise _unreadable(record, bad.errors(include_url=False, include_input=False)[0]["msg"]) from bad


def _unreadable(record: RawRecord, why: str) -> StoreError:
    return StoreError(
        f"{record.topic} {record.partition}/{record.offset} cannot be read ({why}): a newer version of the hub wrote "
        "it, or another program in its name; use that version, or look at the record with `kolaj replay`"
    )
