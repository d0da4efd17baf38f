"""Latency in buckets of fixed bounds: two histograms merge by adding, so percentiles of any interval can be had."""

import math
from bisect import bisect_left
from typing import Final

BOUNDS_US: Final = tuple(math.ceil(1000 * 2 ** (quarter / 4)) for quarter in range(69))
"""Upper bounds in microseconds, inclusive: 1 ms to 131 s, four to each doubling. One more bucket has no bound.

The table `latency_buckets` holds the same numbers for SQL. They never change: old rows were counted by them.
"""

BUCKETS: Final = len(BOUNDS_US) + 1


def bucket_of(duration_us: int) -> int:
    """Index from 0 of the bucket that counts the duration."""
    return bisect_left(BOUNDS_US, duration_us)
