"""Waking lanes through the retry topics: the record names the lane alone, and what it waits for lies in the log."""

import json
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from agents.deliveries.lanes import Lane
from agents.parking import WAKES
from schemas.errors import UnreadableRecord
from streams.codec import Outgoing
from streams.records import RawRecord
from streams.topics import Topic

ENDPOINTS: Final = "endpoints"
"""What the header `kolaj-wakes` says on these records."""


def lane_wake(tiers: Sequence[tuple[int, Topic]], lane: Lane, after_s: float) -> Outgoing:
    """On the longest delay that is not longer than the wait, or the shortest there is."""
    fitting = [topic for delay, topic in tiers if delay <= after_s]
    topic = fitting[-1] if fitting else tiers[0][1]
    told = {"endpoint_id": str(lane.endpoint_id), "partition": lane.partition}
    key = f"{lane.endpoint_id}/{lane.partition}"
    return Outgoing(topic.name, key.encode(), json.dumps(told).encode(), ((WAKES, ENDPOINTS.encode()),))


def woken_lane(record: RawRecord) -> Lane:
    """The lane that a record names.

    Raises:
        UnreadableRecord: it names none.
    """
    try:
        told = json.loads(record.value or b"")
        return Lane(UUID(told["endpoint_id"]), int(told["partition"]))
    except (ValueError, KeyError, TypeError, AttributeError):
        detail = 'must be {"endpoint_id": "...", "partition": 0}; only senders write them'
        raise UnreadableRecord("not_json", "", detail) from None
