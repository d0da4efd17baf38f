"""Entries without a broker."""

from typing import Any

from pydantic import BaseModel

from projections.entry import Entry, Reader
from schemas.access import ACCESS_EVENTS
from schemas.base import Order
from schemas.integrations import INTEGRATION_EVENTS
from schemas.intents import SendIntended
from schemas.provider_calls import ProviderCalled
from schemas.webhooks import WEBHOOK_EVENTS
from streams.records import RawRecord
from streams.topics import Topics
from tests import builders as a

TOPICS = Topics()
_READ = Reader(TOPICS).read


def topic_of(body: BaseModel) -> str:
    match body:
        case Order():
            return TOPICS.payment_commands.name
        case SendIntended():
            return TOPICS.intents.name
        case ProviderCalled():
            return TOPICS.provider_calls.name
        case _ if isinstance(body, ACCESS_EVENTS):
            return TOPICS.access_events.name
        case _ if isinstance(body, INTEGRATION_EVENTS):
            return TOPICS.integration_events.name
        case _ if isinstance(body, WEBHOOK_EVENTS):
            return TOPICS.webhook_events.name
        case _:
            return TOPICS.payment_events.name


def entry_of(body: BaseModel, offset: int = 0, **envelope: Any) -> Entry:
    """The entry that a record of `body` gives, in partition 0 of its topic."""
    record = a.a_record(topic_of(body), body, **envelope)
    entry = _READ(RawRecord(record.topic, 0, offset, 0, record.key, record.value, record.headers))
    assert entry.error is None, entry.error
    return entry
