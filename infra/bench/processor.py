"""What processes use, as the kernel counts it: processor time and resident memory."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

_TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")
_PROC: Final = Path("/proc")


def processor_s(pids: Iterable[int], *, with_children: bool = False) -> float:
    """Processor time in seconds since the processes began; with that of their present and ended children."""
    total = 0.0
    for pid in pids:
        ticks = _ticks(pid)
        # Ended children are counted in their parent once it has waited for them; living ones are added one by one.
        total += sum(ticks[:4] if with_children else ticks[:2]) / _TICKS_PER_S
        if with_children:
            total += processor_s(_children(pid), with_children=True)
    return total


def peak_memory_mb(pid: int) -> float:
    """The largest resident set so far, in MiB; 0 when the process is gone."""
    return _status_mb(pid, "VmHWM:")


def memory_mb(pid: int) -> float:
    """The resident set now, in MiB."""
    return _status_mb(pid, "VmRSS:")


def _status_mb(pid: int, name: str) -> float:
    try:
        lines = (_PROC / str(pid) / "status").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(name)), 0.0)


def _ticks(pid: int) -> list[int]:
    """User, system, and both of waited-for children."""
    try:
        text = (_PROC / str(pid) / "stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return [0, 0, 0, 0]
    # The name in brackets may hold blanks; the fields that count stand behind it.
    fields = text.rpartition(")")[2].split()
    return [int(field) for field in fields[11:15]]


def _children(pid: int) -> list[int]:
    try:
        text = (_PROC / str(pid) / "task" / str(pid) / "children").read_text(encoding="ascii")
    except OSError:
        return []
    return [int(word) for word in text.split()]
