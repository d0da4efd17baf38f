"""The reader's half of "exactly one result": a result may lie in the log more than once, always with the same id."""

from collections import OrderedDict
from collections.abc import Iterable

from streams.records import RawHeader, header


class SeenIds:
    """Remembers the last `capacity` ids of events, by (`ce_source`, `ce_id`).

    A copy comes soon after the first (a crash, a redelivery), so that a bounded memory is enough: it must hold the
    events of as long as a command can be redelivered, which is the retention of the command topic.
    """

    def __init__(self, capacity: int = 100_000) -> None:
        self._capacity = capacity
        self._ids: OrderedDict[tuple[bytes, bytes], None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._ids)

    def is_new(self, headers: Iterable[RawHeader]) -> bool:
        """Whether this event has not been seen; from now on it has. A record without an id is always new."""
        pairs = tuple(headers)
        source, identifier = header(pairs, "ce_source"), header(pairs, "ce_id")
        if source is None or identifier is None:
            return True
        known = (source, identifier)
        if known in self._ids:
            self._ids.move_to_end(known)
            return False
        self._ids[known] = None
        if len(self._ids) > self._capacity:
            self._ids.popitem(last=False)
        return True
