"""Where projections go on: their stored positions, checked against what the log still holds."""

import logging
from collections.abc import Mapping, Sequence

from projections import positions
from projections.batch import note
from projections.entry import Entry, Place
from projections.projection import Connection, Projection
from schemas.errors import UnreadableRecord
from streams.records import RawRecord
from streams.topics import Topics

log = logging.getLogger(__name__)


async def begin_at(
    connection: Connection, projections: Sequence[Projection], topics: Topics, firsts: Mapping[Place, int]
) -> dict[Place, int]:
    """Where to read on: for each place the position of the projection that is furthest behind.

    `firsts` are the first offsets that the log still holds. A projection without a position begins there; one whose
    next record retention has deleted goes on there, and the gap is kept in `projection_errors` and logged as an error.
    """
    spots = {
        (projection.name, *place): first
        for projection in projections
        for place, first in firsts.items()
        if place[0] in projection.topic_names(topics)
    }
    names = [projection.name for projection in projections]
    async with connection.transaction():
        await positions.begin(connection, spots)
        stored = await positions.lock(connection, names, firsts)
        gone = {spot: first for spot, first in spots.items() if stored[spot] < first}
        await note(
            connection, [(name, _gap(topic, number, stored[(name, topic, number)])) for name, topic, number in gone]
        )
        await positions.advance(connection, gone)
    if gone:
        log.error("records were deleted before they were projected", extra={"positions": sorted(gone.items())})
    return {
        place: min(max(stored[spot], first) for spot, first in spots.items() if spot[1:] == place) for place in firsts
    }


def _gap(topic: str, partition: int, position: int) -> Entry:
    raw = RawRecord(topic, partition, position, 0, None, None, ())
    return Entry(raw, None, None, UnreadableRecord("deleted", "", "retention deleted records from this offset on"))
