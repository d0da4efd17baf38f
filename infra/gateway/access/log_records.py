"""Facts about access as records for the log."""

from datetime import datetime
from typing import Final, assert_never
from uuid import UUID, uuid5

from infra.gateway.access.key_changes import Tell
from infra.settings import Settings
from schemas.access import AccessEvent, KeyCreated, KeyEvent, KeyRevoked, KeyRotated
from schemas.envelope import Envelope
from streams.codec import Outgoing, encode
from streams.publisher import Publisher

GATEWAY: Final = "/kolaj/hub/gateway"
OPERATORS: Final = "/kolaj/hub/operators"
_KEYS: Final = UUID("5d1c8a54-6f0d-5f4b-9a3b-0c1f6a0f8d77")


def record_of(
    topic: str, key: str, event_id: UUID, event: AccessEvent, at: datetime, *, source: str = GATEWAY
) -> Outgoing:
    envelope = Envelope(id=event_id, type=event.type, source=source, subject=key, time=at)
    return encode(topic, key, envelope, event)


def teller(settings: Settings) -> Tell:
    """Appends what people do to keys. Told again, after a failure, a fact has the same id."""

    async def tell(event: KeyEvent) -> None:
        at = _moment(event)
        record = record_of(
            settings.topics.access_events.name,
            event.caller,
            uuid5(_KEYS, f"{event.type}/{event.key}"),
            event,
            at,
            source=OPERATORS,
        )
        async with Publisher(settings.kafka, client_id="kolaj-operator") as publisher:
            await publisher.publish([record])

    return tell


def _moment(event: KeyEvent) -> datetime:
    match event:
        case KeyCreated():
            return event.created_at
        case KeyRotated():
            return event.rotated_at
        case KeyRevoked():
            return event.revoked_at
        case _:
            assert_never(event)
