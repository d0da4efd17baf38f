"""What a projection is: which topics it reads, which tables it owns, how entries become rows."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from projections.entry import Entry
from streams.topics import Topic, Topics

Connection: TypeAlias = Any
"""A connection of asyncpg, which publishes no types."""


@dataclass(frozen=True, slots=True)
class Projection:
    """One fold and its tables.

    Attributes:
        name: what operators call it.
        tables: the tables it alone writes; a rebuild makes each of them anew.
        views: the views over them, which a rebuild points at the new tables.
        reads: the topics it folds. It may depend on the order within one partition, never between partitions.
        write: `write(connection, entries, shadow)` writes the rows of `entries` (in offset order for each partition)
            inside the caller's transaction, into the tables whose names end in `shadow`.
        carry: `carry(connection, topic, partition, below)` copies from the live tables into the shadow ones what
            came from records below an offset, which the log does not hold any more. None where all topics are kept
            for ever.
    """

    name: str
    tables: tuple[str, ...]
    views: tuple[str, ...]
    reads: Callable[[Topics], tuple[Topic, ...]]
    write: Callable[[Connection, Sequence[Entry], str], Awaitable[None]]
    carry: Callable[[Connection, str, int, int], Awaitable[None]] | None = None

    def topic_names(self, topics: Topics) -> tuple[str, ...]:
        return tuple(topic.name for topic in self.reads(topics))
