"""Tests that are named elsewhere, as `path::name`, in declarations and tables."""

import re
from functools import cache
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]


def is_a_test(named: str) -> bool:
    path, _, name = named.partition("::")
    file = ROOT / path
    return file.is_file() and re.search(rf"^(async )?def {re.escape(name)}\(", _text(file), re.MULTILINE) is not None


@cache
def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8")
