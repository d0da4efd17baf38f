"""Whether a member of a consumer group still gets on. Silence is a failure: who stands still while records wait, must
say so and end, since nobody else will get these records as long as it holds their partitions.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from streams.lag import Lag, Place


@dataclass(slots=True)
class Progress:
    """Judges from looks, each at a moment in seconds that never goes back.

    Args:
        stall_s: how long a partition's position may stand still while records wait and nothing is being done for them.
    """

    stall_s: float
    _stands: dict[Place, tuple[int, float]] = field(default_factory=dict)
    """Where records wait for nothing: the position, and when it was first seen like that."""
    _without_since: float | None = None

    def look(self, now: float, busy: Mapping[Place, bool], lags: Mapping[Place, Lag]) -> None:
        """What was seen at `now`.

        Args:
            busy: for each partition that is held, whether it has reason to stand still: records that are worked on or
                not due yet, or no room for more.
        """
        self._without_since = None
        idle = {place: lag for place, lag in lags.items() if lag.records and not busy.get(place, True)}
        before = self._stands
        self._stands = {
            place: before[place] if place in before and before[place][0] == lag.position else (lag.position, now)
            for place, lag in idle.items()
        }

    def without(self, now: float) -> None:
        """At `now` no partitions were given out to us: the group is being put together."""
        self._stands = {}
        if self._without_since is None:
            self._without_since = now

    def unseen(self) -> None:
        """Nothing could be seen, so that whatever stands still has a reason."""
        self._stands = {}
        self._without_since = None

    def still_s(self, now: float) -> float:
        """For how long the worst partition has stood still without a reason."""
        since = [since for _, since in self._stands.values()]
        if self._without_since is not None:
            since.append(self._without_since)
        return max((now - moment for moment in since), default=0.0)

    def where(self) -> str:
        """The partition that has stood still the longest, in words."""
        if self._without_since is not None or not self._stands:
            return "the consumer group gives out no partitions"
        (topic, partition), (position, _) = min(self._stands.items(), key=lambda item: item[1][1])
        return f"{topic}/{partition} stands still at {position} although records wait"
