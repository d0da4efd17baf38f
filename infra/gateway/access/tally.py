"""Counts of what strangers asked for: a flood of them becomes a few records."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from infra.gateway.access.access_log import AccessLog
from infra.gateway.access.log_records import record_of
from schemas.access import AccessRefused, AccessUnproved, RefusedWhy
from schemas.ids import new_id

FLUSH_S: Final = 10.0
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
NOBODY: Final = "nobody"
"""The key of records about callers who did not prove who they are."""


@dataclass(frozen=True, slots=True)
class Refusal:
    why: RefusedWhy
    caller: str | None = None


@dataclass(frozen=True, slots=True)
class Unproved:
    method: str
    route: str
    status: int


@dataclass(slots=True)
class _Count:
    first_at: datetime
    last_at: datetime
    times: int = 1


class Tally:
    """One for the process. What it holds is bounded: by the kinds of refusals, the known callers, and the routes.

    Args:
        process: names this process in the records.
    """

    def __init__(self, log: AccessLog, topic: str, *, process: str, now: Callable[[], datetime]) -> None:
        self._log = log
        self._topic = topic
        self._process = process
        self._now = now
        self._counts: dict[Refusal | Unproved, _Count] = {}

    def count(self, what: Refusal | Unproved) -> None:
        at = self._now()
        known = self._counts.get(what)
        if known is None:
            self._counts[what] = _Count(at, at)
        else:
            known.times += 1
            known.last_at = at

    def flush(self) -> None:
        """Hand the counts over to the log; those for which it has no room stay and go on."""
        for what in list(self._counts):
            if not self._log.take_place():
                return
            count = self._counts.pop(what)
            event = self._event(what, count)
            key = what.caller if isinstance(what, Refusal) and what.caller is not None else NOBODY
            self._log.add(record_of(self._topic, key, new_id(), event, count.last_at))

    def _event(self, what: Refusal | Unproved, count: _Count) -> AccessRefused | AccessUnproved:
        if isinstance(what, Refusal):
            return AccessRefused(
                why=what.why,
                caller=what.caller,
                times=count.times,
                first_at=count.first_at,
                last_at=count.last_at,
                process=self._process,
            )
        return AccessUnproved(
            method=what.method,
            route=what.route,
            status=what.status,
            times=count.times,
            first_at=count.first_at,
            last_at=count.last_at,
            process=self._process,
        )
