"""Several seeds, one after another; those that passed with this very code and these settings are not run again."""

import hashlib
import json
import re
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from infra.chaos.run import Wanted

_RANGE: Final = re.compile(r"(?P<first>[0-9]{1,9})(?:\.\.(?P<last>[0-9]{1,9}))?")
_PACKAGES: Final = ("schemas", "streams", "providers", "agents", "projections", "infra")
_MOST: Final = 1000


def parse_seeds(text: str) -> tuple[int, ...]:
    """`7`, `1..10`, or several of them separated by commas.

    Raises:
        ValueError: saying what may stand there.
    """
    seeds: list[int] = []
    for part in text.split(","):
        match = _RANGE.fullmatch(part.strip())
        if match is None:
            raise ValueError(f"{part!r} is no seed; write a number such as 7, or a range such as 1..10")
        first, last = int(match["first"]), int(match["last"] or match["first"])
        if not first <= last < first + _MOST:
            raise ValueError(f"{part!r}: the last seed must not be below the first, nor {_MOST} above it")
        seeds += range(first, last + 1)
    return tuple(dict.fromkeys(seeds))


class Passed:
    """The seeds that passed, in a small JSON file; what another version of the code passed counts for nothing."""

    def __init__(self, path: Path, code: str) -> None:
        self._path = path
        self._code = code
        self._lines: dict[str, dict[str, Any]] = {}
        if path.exists():
            kept = json.loads(path.read_text(encoding="utf-8"))
            if kept.get("code") == code:
                self._lines = kept["passed"]

    def line(self, wanted: Wanted) -> dict[str, Any] | None:
        """The line that it passed with, or `None`."""
        return self._lines.get(_name(wanted))

    def keep(self, wanted: Wanted, line: dict[str, Any]) -> None:
        self._lines[_name(wanted)] = line
        self._path.parent.mkdir(parents=True, exist_ok=True)
        beside = self._path.with_suffix(".new")
        beside.write_text(json.dumps({"code": self._code, "passed": self._lines}, indent=1), encoding="utf-8")
        beside.replace(self._path)


def _name(wanted: Wanted) -> str:
    return json.dumps(asdict(wanted), sort_keys=True)


def code_digest() -> str:
    """SHA-256 over the hub's own code and SQL."""
    total = hashlib.sha256()
    for package in _PACKAGES:
        root = Path(str(files(package)))
        for path in sorted(root.rglob("*")):
            if path.suffix in {".py", ".sql", ".json"} and path.is_file():
                total.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes() + b"\0")
    return total.hexdigest()
