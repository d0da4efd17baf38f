"""Circuit breakers, one for each integration and class of operation, in this process alone.

purgatory keeps the states. Around its machine stand three rules of ours: an answer that says nothing about the
provider's health (a decline, a refused request) counts for neither side; half-open lets one probe in at a time, while
purgatory lets in all; and the waiting time is counted on a clock that nobody sets, while purgatory reads the wall
clock. What is admitted under one state and ends under another is not counted any more.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final, Literal

from purgatory.domain.model import Context, HalfOpenedState

BreakerState = Literal["closed", "open", "half_open"]
_PROBE_S: Final = 1.0
_STATES: Final[dict[str, BreakerState]] = {"closed": "closed", "opened": "open", "half-opened": "half_open"}


class Signal(Enum):
    """What the end of a call says about the provider."""

    SUCCESS = "success"
    FAILURE = "failure"
    NEUTRAL = "neutral"


@dataclass(frozen=True, slots=True)
class Slot:
    """Leave to make one call; give it back with `Breaker.leave`, whatever happens."""

    era: int
    probe: bool


class Breaker:
    """Opens after `threshold` failures in a row, lets one probe in after `open_s`, closes on its success.

    Args:
        name: for people.
        clock: seconds on a clock that is never set back.
        on_change: called with the state before and after.
    """

    def __init__(
        self,
        name: str,
        *,
        threshold: int,
        open_s: float,
        clock: Callable[[], float],
        on_change: Callable[[BreakerState, BreakerState], None],
    ) -> None:
        self._context = Context(name, threshold, open_s)
        self._open_s = open_s
        self._clock = clock
        self._on_change = on_change
        self._opened_at = 0.0
        self._era = 0
        self._probing = False
        self._come_back_at = 0.0
        self.refused = 0

    @property
    def state(self) -> BreakerState:
        return _STATES[self._context.state]

    @property
    def wait_s(self) -> float:
        """How long it will certainly refuse; zero when a call may be tried."""
        if self.state != "open":
            return 0.0
        return max(0.0, self._opened_at + self._open_s - self._clock())

    @property
    def admits(self) -> bool:
        return self.state == "closed" or (self.wait_s == 0 and not self._probing)

    def come_back_s(self, *, per_s: float) -> float:
        """In how many seconds a refused call should ask again: not before it may pass, and `per_s` calls a second.

        Each asker is told a moment of its own, so that those who waited do not all come at once when it closes.
        """
        now = self._clock()
        # While a probe is under way nobody knows; a second is short beside the time that it stays open.
        soonest_s = self.wait_s if self.admits or self.wait_s > 0 else _PROBE_S
        at = max(now + soonest_s, self._come_back_at)
        self._come_back_at = at + 1 / per_s
        return at - now

    def enter(self) -> Slot | None:
        """Leave for one call, or `None`: refused. There is no await between the question and the answer."""
        if not self.admits:
            self.refused += 1
            return None
        if self.state == "closed":
            return Slot(self._era, probe=False)
        if self.state == "open":
            self._moving(lambda: self._context.set_state(HalfOpenedState()))
        self._probing = True
        return Slot(self._era, probe=True)

    def leave(self, slot: Slot, signal: Signal) -> None:
        """The call has ended. A cancelled one says nothing: `NEUTRAL`."""
        if slot.era != self._era:
            return
        if slot.probe:
            self._probing = False
        if signal is Signal.SUCCESS:
            self._moving(self._context.handle_end_request)
        elif signal is Signal.FAILURE:
            self._moving(lambda: self._context.handle_exception(ConnectionError()))

    def _moving(self, step: Callable[[], None]) -> None:
        before = self.state
        step()
        self._context.messages.clear()
        if self.state == before:
            return
        self._era += 1
        self._probing = False
        if self.state == "open":
            self._opened_at = self._clock()
        self._on_change(before, self.state)
