"""One local stack for a run in several processes: the one that hands the tests out owns it and tells the others.

It starts when the first test asks for it, so that a run without such tests starts nothing.
"""

import tempfile
from contextlib import ExitStack
from multiprocessing.connection import Client, Connection, Listener
from pathlib import Path
from threading import Thread
from typing import Final

from infra.local import LocalStack, LocalStackError, running_stack

_STOP: Final = "stop"
_TELL: Final = "tell"
_MOST_WAITING: Final = 64


class StackOwner:
    """Answers at `address`, a socket that is this user's alone, until it is closed; then the servers end too."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="kolaj-suite-")
        self.address = str(Path(self._folder.name) / "stack")
        self._listener = Listener(self.address, "AF_UNIX", backlog=_MOST_WAITING)
        self._thread = Thread(target=self._serve, name="stack-owner", daemon=True)
        self._thread.start()

    def close(self) -> None:
        with Client(self.address, "AF_UNIX") as connection:
            connection.send(_STOP)
        self._thread.join()
        self._listener.close()
        self._folder.cleanup()

    def _serve(self) -> None:
        with ExitStack() as servers:
            running: LocalStack | LocalStackError | None = None
            while True:
                with self._listener.accept() as connection:
                    if connection.recv() == _STOP:
                        return
                    if running is None:
                        running = _started(servers)
                    _answer(connection, running)


def shared_stack(address: str) -> LocalStack:
    """Where the owner's servers are.

    Raises:
        LocalStackError: they could not be started.
    """
    with Client(address, "AF_UNIX") as connection:
        connection.send(_TELL)
        answer = connection.recv()
    if isinstance(answer, str):
        raise LocalStackError(answer)
    return LocalStack(*answer)


def _started(servers: ExitStack) -> LocalStack | LocalStackError:
    try:
        return servers.enter_context(running_stack())
    except LocalStackError as failed:
        return failed


def _answer(connection: "Connection[object, object]", running: LocalStack | LocalStackError) -> None:
    """Handles, files and logs of the servers stay with their owner."""
    told = str(running) if isinstance(running, LocalStackError) else (running.bootstrap, running.database_url)
    connection.send(told)
