"""A sandbox's durable books: one SQLite file, one writer thread, many steps in one commit."""

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeVar

T = TypeVar("T")
Step = Callable[[sqlite3.Connection], T]

_MOST_STEPS_A_COMMIT = 256


@dataclass(slots=True)
class _Job:
    step: Step[Any]
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]
    result: Any = None
    error: BaseException | None = None

    def tell(self) -> None:
        try:
            self.loop.call_soon_threadsafe(self._settle)
        except RuntimeError:  # the asker's loop is closed: nobody is left to tell, and the books stand as committed
            return

    def _settle(self) -> None:
        if self.future.done():
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.result)


class BookFile:
    """The file under a sandbox's books.

    `path` may be `:memory:`. A file survives restarts, and other processes may read it (`read_only=True`) meanwhile.
    Steps run one after another in a single thread, so a step sees and changes the books alone; nothing is answered
    before its commit is on disk.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        schema: str,
        first_ids: Mapping[str, int],
        read_only: bool,
        now_ms: Callable[[], int],
    ) -> None:
        """`first_ids` says by table what its ids count from, so that they look like the real ones."""
        self.path = str(path)
        self.now_ms = now_ms
        self._lock = threading.Lock()
        self._connection = _open_reader(Path(path)) if read_only else _open_writer(self.path, schema, first_ids)
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        if not read_only:
            self._thread = threading.Thread(target=self._work, name="sandbox-books", daemon=True)
            self._thread.start()

    async def run(self, step: Step[T]) -> T:
        """Run `step` in the books' thread; return, or raise what it raised (its writes undone), after the commit."""
        if self._thread is None:
            raise RuntimeError(f"the books {self.path} are closed or open for reading only")
        loop = asyncio.get_running_loop()
        job = _Job(step, loop, loop.create_future())
        self._jobs.put(job)
        result: T = await job.future
        return result

    def look(self, step: Step[T]) -> T:
        """Run a `step` that only reads, here and now."""
        with self._lock:
            return step(self._connection)

    def close(self) -> None:
        """Finish what was asked, then close; may be called twice."""
        if self._thread is not None:
            self._jobs.put(None)
            self._thread.join()
            self._thread = None
        with self._lock:
            self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _work(self) -> None:
        while (first := self._jobs.get()) is not None:
            batch, last = self._gather(first)
            with self._lock:
                self._commit(batch)
            for job in batch:
                job.tell()
            if last:
                return

    def _gather(self, first: _Job) -> tuple[list[_Job], bool]:
        batch = [first]
        while len(batch) < _MOST_STEPS_A_COMMIT:
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                break
            if job is None:
                return batch, True
            batch.append(job)
        return batch, False

    def _commit(self, batch: list[_Job]) -> None:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            for job in batch:
                self._take(job)
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:  # a full disk, a locked file: nothing of this batch happened
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            for job in batch:
                job.error = error

    def _take(self, job: _Job) -> None:
        self._connection.execute("SAVEPOINT step")
        try:
            job.result = job.step(self._connection)
        except Exception as error:  # noqa: BLE001 -- it is raised again where the step was asked for
            job.error = error
            self._connection.execute("ROLLBACK TO step")
        self._connection.execute("RELEASE step")


def _open_writer(path: str, schema: str, first_ids: Mapping[str, int]) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.executescript(schema)
    for table, first in first_ids.items():
        connection.execute(
            "INSERT INTO sqlite_sequence (name, seq) "
            "SELECT ?, ? WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = ?)",
            (table, first, table),
        )
    return connection


def _open_reader(path: Path) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?mode=ro"
    return sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
