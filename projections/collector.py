"""Python's cycle collector, kept from looking again and again at records that hold no cycles."""

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_SELDOM: Final = (500_000, 20, 20)
"""Thresholds of the three generations; Python's own (700, 10, 10) cost a third of the time of folding a batch.

A batch is hundreds of thousands of small objects that live for a moment and go when their counts reach nought. The
collector cannot free any of them, and goes through all of them every few hundred new ones.
"""

_lock = threading.Lock()
_usual: list[tuple[int, int, int]] = []


@contextmanager
def collecting_seldom() -> Iterator[None]:
    """While any such block runs, cycles are looked for seldom; the last to end puts the usual thresholds back."""
    with _lock:
        _usual.append(gc.get_threshold())
        gc.set_threshold(*_SELDOM)
    try:
        yield
    finally:
        with _lock:
            # The first one's are the process's own; those of a block inside it are ours.
            own = _usual[0]
            _usual.pop()
            if not _usual:
                gc.set_threshold(*own)
