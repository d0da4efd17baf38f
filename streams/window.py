"""Acknowledging in offset order: a window for each partition that acks only the finished prefix, oldest first.

Faust 0.15.3 commits past an unfinished record at the head of a partition when later ones are acked first (seen 2026-11:
`Consumer._new_offset` takes the committed offset, which is the *next* one to read, for the last one done). Through this
window an ack never overtakes an unfinished one, so that a crash loses nothing.
"""

from collections import deque
from collections.abc import Callable
from time import monotonic
from typing import Final, Generic, TypeVar

T = TypeVar("T")

_OPEN: Final = 0
_DONE: Final = 1


class Ticket(Generic[T]):
    """One record's place in its window."""

    __slots__ = ("admitted_at", "item", "offset", "state", "window")

    def __init__(self, window: "Window[T]", offset: int, item: T) -> None:
        self.window = window
        self.offset = offset
        self.item = item
        self.state = _OPEN
        self.admitted_at = monotonic()

    def done(self) -> None:
        """The record is finished for good. Saying it twice, or after the window closed, changes nothing."""
        self.window.complete(self)


class Window(Generic[T]):
    """The unfinished records of one partition in one assignment, in offset order.

    Args:
        acknowledge: called with each item of the finished prefix, in offset order.
    """

    def __init__(self, acknowledge: Callable[[T], None]) -> None:
        self._acknowledge = acknowledge
        self._tickets: deque[Ticket[T]] = deque()
        self._last = -1
        self._closed = False

    def __len__(self) -> int:
        return len(self._tickets)

    @property
    def closed(self) -> bool:
        return self._closed

    @property
    def head_age_s(self) -> float:
        """How long the oldest unfinished record has been here, in seconds; 0 when there is none."""
        return monotonic() - self._tickets[0].admitted_at if self._tickets else 0.0

    def admit(self, offset: int, item: T) -> Ticket[T]:
        """Take a record in.

        Raises:
            ValueError: the offset does not rise, which means that the records are not of one assignment.
        """
        if offset <= self._last:
            raise ValueError(f"offset {offset} after {self._last}: records of two assignments in one window")
        self._last = offset
        ticket = Ticket(self, offset, item)
        self._tickets.append(ticket)
        return ticket

    def complete(self, ticket: Ticket[T]) -> None:
        ticket.state = _DONE
        if self._closed:
            return
        while self._tickets and self._tickets[0].state == _DONE:
            self._acknowledge(self._tickets.popleft().item)

    def close(self) -> None:
        """The partition is no longer ours: nothing is acknowledged from here on."""
        self._closed = True
        self._tickets.clear()
