"""What is built and read is the same in every process, whatever its locale, its time zone and its hash seed."""

import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.everything import everything

ROOT = Path(__file__).parents[2]


@pytest.fixture
def turkish_locale(tmp_path: Path) -> dict[str, str]:
    """The environment of a process that writes 43,5 and whose letter I has two forms, where the machine can make it."""
    localedef = shutil.which("localedef")
    if localedef is not None:
        made = tmp_path / "tr_TR.UTF-8"
        subprocess.run(  # noqa: S603 - fixed words; without the sources it fails, and the plain name is tried
            [localedef, "-i", "tr_TR", "-f", "UTF-8", str(made)], check=False, capture_output=True, timeout=120
        )
        if made.is_dir():
            return {"LOCPATH": str(tmp_path), "LC_ALL": "tr_TR.UTF-8"}
    return {"LC_ALL": "tr_TR.UTF-8"}


def _elsewhere(environment: dict[str, str]) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.conformance.everything"],
        cwd=ROOT,
        env={**os.environ, **environment},
        check=True,
        stdout=subprocess.PIPE,
        timeout=120,
    )
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_another_process_builds_and_reads_the_same(turkish_locale: dict[str, str]) -> None:
    """K1, K5: amounts, names and dates by their declared form; a set's order is nobody's."""
    environments = (
        {**turkish_locale, "PYTHONHASHSEED": "4242", "TZ": "Asia/Tokyo"},
        {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0", "PYTHONHASHSEED": "7", "TZ": "America/St_Johns"},
    )
    with ThreadPoolExecutor() as pool:
        elsewhere = pool.map(_elsewhere, environments)
        here = everything()
        turkish, plain = elsewhere
    for there in (turkish, plain):
        assert {name: said for name, said in there["said"].items() if here.get(name) != said} == {}
        assert set(there["said"]) == set(here)
    assert plain["decimal_point"] == "."
    if "LOCPATH" in turkish_locale:
        assert turkish["decimal_point"] == ","
