"""Records that wait on the retry topics whole, beside those that only wake a key: each says for whom it waits.

Every group that reads the retry topics passes over what waits for another.
"""

from typing import Final

from schemas.errors import UnreadableRecord
from streams.codec import Outgoing
from streams.records import RawRecord, without
from streams.topics import Topic

_PREFIX: Final = "kolaj-waiting-"
_FOR: Final = _PREFIX + "for"
_FROM: Final = _PREFIX + "from"


def waiting(topic: Topic, record: RawRecord, reader: str) -> Outgoing:
    """The record, to be handed to `reader` when the topic's delay has gone by; key, value and headers as they are."""
    place = f"{record.topic}/{record.partition}/{record.offset}/{record.timestamp_ms}"
    kept = tuple((name, value or b"") for name, value in without(record.headers, _PREFIX))
    added = ((_FOR, reader.encode()), (_FROM, place.encode()))
    return Outgoing(topic.name, record.key, record.value, (*kept, *added))


def waits_for(record: RawRecord) -> str | None:
    """For whom it waits; `None` for a record that wakes a key."""
    return record.text(_FOR)


def as_it_was(record: RawRecord) -> RawRecord:
    """The record that waited, where it lay first.

    Raises:
        UnreadableRecord: somebody else wrote to the retry topic.
    """
    topic, *numbers = (record.text(_FROM) or "").rsplit("/", 3)
    if len(numbers) != 3 or not all(number.isdecimal() for number in numbers):  # noqa: PLR2004 - as `waiting` writes them
        raise UnreadableRecord("invalid_header", _FROM, "only workers let records wait; it says where one lay")
    partition, offset, timestamp_ms = map(int, numbers)
    return RawRecord(topic, partition, offset, timestamp_ms, record.key, record.value, without(record.headers, _PREFIX))
