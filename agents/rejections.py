"""Records that are not taken for commands: why, and who is told."""

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Final
from uuid import UUID

from schemas.envelope import Envelope
from schemas.errors import UnreadableRecord
from streams.codec import Outgoing
from streams.dead_letters import dead_letter
from streams.publisher import Publisher
from streams.records import RawRecord
from streams.topics import Topics

log = logging.getLogger(__name__)

HUB_FAILED: Final = UnreadableRecord(
    "hub_failed", "", "the hub failed at this record by a mistake of its own; report it, and requeue once it is mended"
)
CONFLICT: Final = UnreadableRecord(
    "command_id_conflict", "ce_id", "this command_id was used for another command; choose a new one"
)
TOO_OLD: Final = UnreadableRecord(
    "command_id_too_old",
    "ce_id",
    "this UUIDv7 is older than what the hub remembers, so that it may have been performed; choose a new one",
)
FROM_THE_FUTURE: Final = UnreadableRecord(
    "command_id_in_future", "ce_id", "this UUIDv7 names a time to come; set the publisher's clock and choose a new one"
)


Told = Callable[[RawRecord, UUID, UnreadableRecord, datetime], Outgoing]
"""From a record, its own id, what is wrong and the moment to the rejection for its publisher."""


class Rejections:
    """Tells of records that are refused before any command is made of them.

    Args:
        told: makes the rejection, in the words of the topic's own vocabulary.
        now: the clock, UTC.
    """

    def __init__(self, publisher: Publisher, topics: Topics, told: Told, now: Callable[[], datetime]) -> None:
        self._publisher = publisher
        self._topics = topics
        self._told = told
        self._now = now

    async def reject(self, record: RawRecord, bad: UnreadableRecord) -> None:
        """To the dead letters, and, where the record's own id can be read, a rejection for its publisher."""
        records = [dead_letter(self._topics.dead_letters, record, bad)]
        try:
            command_id = Envelope.read(record.readable_headers).id
        except UnreadableRecord:
            log.info("a dead letter without a readable id", extra={"reason": bad.reason, "field": bad.field})
        else:
            records.append(self._told(record, command_id, bad, self._now()))
        await self._publisher.publish(records)
        log.warning("record rejected", extra={"reason": bad.reason, "field": bad.field})
