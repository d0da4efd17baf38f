"""What Java learnt of Kafka's classes is made once, and trusted only where it fits."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from infra.local.class_cache import made, start_options
from infra.local.errors import LocalStackError


@pytest.fixture
def jars(tmp_path: Path) -> str:
    for name in ("broker.jar", "clients.jar"):
        (tmp_path / name).write_bytes(b"classes")
    return os.pathsep.join(str(path) for path in sorted(tmp_path.iterdir()))


def writing(text: str, runs: list[Path]) -> Callable[[Path], Awaitable[None]]:
    async def run(file: Path) -> None:
        runs.append(file)
        await asyncio.sleep(0)
        file.write_text(text)  # noqa: ASYNC240 - a few bytes

    return run


async def test_brokers_that_start_side_by_side_make_it_once(jars: str) -> None:
    runs: list[Path] = []
    assert start_options(jars) == ()
    await asyncio.gather(*(made(jars, writing("learnt", runs)) for _ in range(3)))
    (option,) = start_options(jars)
    assert len(runs) == 1
    assert Path(option.removeprefix("-XX:AOTCache=")).read_text() == "learnt"  # noqa: ASYNC240 - a few bytes


async def test_other_jars_of_the_same_names_need_another_one(jars: str) -> None:
    await made(jars, writing("learnt", []))
    Path(jars.split(os.pathsep, maxsplit=1)[0]).write_bytes(b"other classes")  # noqa: ASYNC240 - a few bytes
    assert start_options(jars) == ()


async def test_a_java_that_writes_nothing_is_an_error_that_says_so(jars: str) -> None:
    async def run(_: Path) -> None:
        return

    with pytest.raises(LocalStackError, match="wrote no class cache"):
        await made(jars, run)


def test_the_files_of_older_versions_are_forgotten_in_the_end(jars: str, tmp_path: Path) -> None:
    first = Path(jars.split(os.pathsep, maxsplit=1)[0])
    for version in range(5):
        first.write_bytes(b"c" * version)
        asyncio.run(made(jars, writing("learnt", [])))
        assert start_options(jars)
    assert len(list(tmp_path.glob("classes-*.aot"))) == 3
