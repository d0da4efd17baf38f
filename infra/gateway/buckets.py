"""Limits on what strangers do: token buckets in memory, as many as there is room for."""

import math
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Final

MOST: Final = 4096
"""Buckets kept. Their keys come from strangers; whoever invents new ones pushes out the longest unused."""


class Buckets:
    """One bucket for each key, which refills evenly.

    Args:
        size: how much may happen at once.
        per_s: how fast it comes back.
    """

    def __init__(
        self, size: float, per_s: float, *, most: int = MOST, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._size = size
        self._per_s = per_s
        self._most = most
        self._clock = clock
        self._levels: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()

    def take(self, key: Hashable) -> float:
        """Take one; how many seconds to wait where there is none, else 0."""
        now = self._clock()
        level, at = self._levels.pop(key, (self._size, now))
        level = min(self._size, level + (now - at) * self._per_s)
        wait_s = 0.0 if level >= 1 else (1 - level) / self._per_s
        self._levels[key] = (level if wait_s else level - 1, now)
        if len(self._levels) > self._most:
            self._levels.popitem(last=False)
        return wait_s


def retry_after(wait_s: float) -> str:
    """The header's value: whole seconds, one at least."""
    return str(max(1, math.ceil(wait_s)))
