"""Kafka and PostgreSQL together, for development and tests: embedded, in containers, or whatever is there already."""

import asyncio
import fcntl
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from infra.local.broker import Broker
from infra.local.containers import container_stack
from infra.local.database import Database
from infra.local.errors import LocalStackError
from infra.local.process import together

PREFIX = "kolaj-stack-"
OWNER_FILE = "owner"


@dataclass
class LocalStack:
    """Where to connect. The rest is for embedded servers (handles, files and logs), None when something else serves."""

    bootstrap: str
    database_url: str
    broker: Broker | None = None
    database: Database | None = None
    data_dir: Path | None = None


@asynccontextmanager
async def local_stack(
    data_dir: Path | None = None, *, keep: bool = False, brief: bool = True
) -> AsyncIterator[LocalStack]:
    """A running stack; its servers end with the block, or with this process, however that ends.

    `KAFKA_BOOTSTRAP` with `DATABASE_URL`: what they name is used and not touched. `KOLAJ_TEST_STACK=testcontainers`:
    containers. Else embedded servers, whose files lie under `data_dir` and stay there, so that the next stack on it
    goes on where this one ended. Without `data_dir`: in a temporary directory, removed at the end unless `keep`. One
    that is not `brief` starts later and is faster after minutes: for measuring.

    Raises:
        LocalStackError: A server cannot be had or does not start, or only one of the two variables is set.
    """
    bootstrap, database_url = os.environ.get("KAFKA_BOOTSTRAP", ""), os.environ.get("DATABASE_URL", "")
    kind = os.environ.get("KOLAJ_TEST_STACK", "") or "embedded"
    if bool(bootstrap) != bool(database_url):
        raise LocalStackError("KAFKA_BOOTSTRAP, DATABASE_URL: set both, or neither for an embedded stack")
    if kind not in {"embedded", "testcontainers"}:
        raise LocalStackError(f"KOLAJ_TEST_STACK is {kind!r}; it may be embedded (the default) or testcontainers")
    if bootstrap:
        yield LocalStack(bootstrap, database_url)
    elif kind == "testcontainers":
        async with container_stack() as (bootstrap, database_url):
            yield LocalStack(bootstrap, database_url)
    else:
        async with embedded_stack(data_dir, keep=keep, brief=brief) as stack:
            yield stack


@asynccontextmanager
async def embedded_stack(
    data_dir: Path | None = None, *, keep: bool = False, nodes: int = 1, brief: bool = True
) -> AsyncIterator[LocalStack]:
    """`local_stack` with servers of our own whatever the environment says; for those who must stop and restart them."""
    with _folder(data_dir, keep=keep) as folder:
        broker, database = Broker(folder / "kafka", nodes=nodes, brief=brief), Database(folder / "postgres")
        try:
            await together(broker.start(), database.start())
            yield LocalStack(broker.bootstrap, database.url, broker, database, folder)
        finally:
            await together(broker.stop(), database.stop())


@contextmanager
def running_stack(data_dir: Path | None = None, *, keep: bool = False) -> Iterator[LocalStack]:
    """`local_stack` for code without an event loop, such as a command line."""
    with asyncio.Runner() as runner:
        stack = local_stack(data_dir, keep=keep)
        entered = runner.run(stack.__aenter__())
        try:
            yield entered
        finally:
            runner.run(stack.__aexit__(None, None, None))


@contextmanager
def _folder(data_dir: Path | None, *, keep: bool) -> Iterator[Path]:
    """Where the servers' files lie, held by a lock that the kernel frees when this process ends.

    Raises:
        LocalStackError: Another stack runs on `data_dir`.
    """
    if data_dir is None:
        _sweep()
        folder = Path(tempfile.mkdtemp(prefix=PREFIX))
        folder.chmod(0o711)  # PostgreSQL may run as another user, who must pass through
    else:
        folder = data_dir.resolve()
        folder.mkdir(parents=True, exist_ok=True)
    with (folder / OWNER_FILE).open("a") as owner:
        try:
            fcntl.flock(owner, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LocalStackError(f"{folder} is in use by another stack; stop that one or choose another") from None
        try:
            yield folder
        finally:
            if data_dir is None and not keep:
                shutil.rmtree(folder, ignore_errors=True)


def _sweep() -> None:
    """Removes what stacks left whose process was killed: the owner file is there and nobody holds its lock."""
    for left in Path(tempfile.gettempdir()).glob(f"{PREFIX}*/{OWNER_FILE}"):
        try:
            with left.open("a") as owner:
                fcntl.flock(owner, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(left.parent, ignore_errors=True)
        except OSError:  # in use, gone meanwhile, or another user's
            continue
