"""A record as projections see it: where it lies, and what could be read of it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias

from schemas.access import ACCESS_EVENTS, AccessEvent
from schemas.endpoints import ENDPOINT_EVENTS, EndpointDisabled
from schemas.envelope import Envelope
from schemas.errors import UnreadableRecord
from schemas.integrations import INTEGRATION_EVENTS, IntegrationEvent
from schemas.intents import SendIntended
from schemas.payments import vocabulary
from schemas.privacy import PRIVACY_EVENTS, PrivacyEvent
from schemas.provider_calls import ProviderCalled
from schemas.webhooks import WEBHOOK_EVENTS, WebhookHandled, WebhookReceived, WebhooksRefused
from streams.codec import MAX_VALUE_BYTES, decode
from streams.dead_letters import DeadLetter, read_dead_letter
from streams.records import RawRecord
from streams.topics import Topics

WebhookEvent: TypeAlias = WebhookReceived | WebhooksRefused | WebhookHandled
EdgeEvent: TypeAlias = WebhookEvent | AccessEvent | EndpointDisabled
Event: TypeAlias = vocabulary.Event | SendIntended | ProviderCalled | IntegrationEvent | PrivacyEvent | EdgeEvent
Body: TypeAlias = Event | vocabulary.Command
Place: TypeAlias = tuple[str, int]
"""A topic and a partition of it."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Entry:
    """One record.

    Attributes:
        body: None for what cannot be read (then `error` says why) and for dead letters.
        dead: what the headers of a dead letter tell.
    """

    raw: RawRecord
    envelope: Envelope | None
    body: Body | None
    error: UnreadableRecord | None = None
    dead: DeadLetter | None = None

    @property
    def place(self) -> Place:
        return self.raw.topic, self.raw.partition

    @property
    def offset(self) -> int:
        return self.raw.offset

    @property
    def key(self) -> str:
        return (self.raw.key or b"").decode("utf-8", "replace")

    @property
    def occurred_at(self) -> datetime:
        """When the event says it happened, else when the record was appended."""
        if self.envelope is not None and self.envelope.time is not None:
            return self.envelope.time
        return moment(self.raw.timestamp_ms)

    def unstorable(self, detail: str) -> "Entry":
        """The same record without what a table could not hold."""
        return replace(self, body=None, error=UnreadableRecord("unstorable", "", detail))


def moment(timestamp_ms: int) -> datetime:
    try:
        return _EPOCH + timedelta(milliseconds=timestamp_ms)
    except OverflowError:  # a producer's clock may say anything
        return _EPOCH


class Reader:
    """Reads records of the hub's topics."""

    def __init__(self, topics: Topics) -> None:
        self._commands = topics.payment_commands.name
        self._models: dict[str, Mapping[str, type[Body]]] = {
            topics.payment_commands.name: {model.type: model for model in vocabulary.COMMANDS},
            topics.payment_events.name: {model.type: model for model in vocabulary.EVENTS},
            topics.intents.name: {SendIntended.type: SendIntended},
            topics.provider_calls.name: {ProviderCalled.type: ProviderCalled},
            topics.integration_events.name: {model.type: model for model in INTEGRATION_EVENTS},
            topics.webhook_events.name: {model.type: model for model in WEBHOOK_EVENTS},
            topics.access_events.name: {model.type: model for model in (*ACCESS_EVENTS, *ENDPOINT_EVENTS)},
            topics.privacy_events.name: {model.type: model for model in PRIVACY_EVENTS},
        }

    def read(self, raw: RawRecord) -> Entry:
        """Never raises: what cannot be read is an entry that says so."""
        models = self._models.get(raw.topic)
        try:
            if models is None:
                return Entry(raw, _envelope(raw), None, dead=read_dead_letter(raw))
            if raw.topic != self._commands:
                quick = _trusting(raw, models)
                if quick is not None:
                    return quick
            incoming = decode(models, raw.key, raw.value, raw.readable_headers)
        except UnreadableRecord as unreadable:
            return Entry(raw, _envelope(raw), None, unreadable)
        return Entry(raw, incoming.envelope, incoming.body)


def _trusting(raw: RawRecord, models: Mapping[str, type[Body]]) -> Entry | None:
    """An event that the hub wrote, read without looking for what only strangers write: repeated names, card numbers.

    Events were encoded from models, and this is three quarters of the cost of reading one. None when anything at all is
    unusual; then the codec says what it is.
    """
    if raw.value is None or len(raw.value) > MAX_VALUE_BYTES:
        return None
    try:
        envelope = Envelope.read(raw.readable_headers)
        model = models.get(envelope.type)
        return None if model is None else Entry(raw, envelope, model.model_validate_json(raw.value))
    except (UnreadableRecord, ValueError):
        return None


def _envelope(raw: RawRecord) -> Envelope | None:
    try:
        return Envelope.read(raw.readable_headers)
    except ValueError:
        return None
    except UnreadableRecord:
        return None
