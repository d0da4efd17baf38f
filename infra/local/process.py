"""A server process of the local stack: started bound to us, watched until it is ready, stopped by its own pid."""

import asyncio
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from infra.local.errors import LocalStackError

LOOPBACK = "127.0.0.1"
POLL_S = 0.02
PROBE_TIMEOUT_S = 5.0
KILL_TIMEOUT_S = 10.0
LOG_TAIL_CHARS = 3000
# Below the range from which kernels take the ports of outgoing connections (32768 and up on Linux): a port found free
# there stays free while the server starts, and while it is down in between.
PORTS = range(12_000, 32_000)


@dataclass(frozen=True)
class User:
    """Whom a process runs as; None everywhere means: as ourselves."""

    uid: int
    gid: int


class Process:
    """One running server. Its `pid` is the server's own; no shell or wrapper stands in between."""

    def __init__(self, name: str, popen: "subprocess.Popen[bytes]", log: Path) -> None:
        self.name = name
        self.log = log
        self._popen = popen

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def running(self) -> bool:
        return self._popen.poll() is None

    async def finished(self, timeout_s: float) -> int:
        """The exit code.

        Raises:
            TimeoutError: It still runs after `timeout_s`.
        """
        async with asyncio.timeout(timeout_s):
            # Polled: a waiting thread or a child watcher would be bound to one event loop, and a stack is not.
            while (code := self._popen.poll()) is None:  # noqa: ASYNC110 (see above)
                await asyncio.sleep(POLL_S)
            return code

    async def ready(self, probe: Callable[[], Awaitable[None]], *, within_s: float) -> None:
        """Returns once `probe` does not raise.

        Raises:
            LocalStackError: The process ended, or did not get ready in time; the end of its log is in the message.
        """
        deadline = time.monotonic() + within_s
        while True:
            try:
                async with asyncio.timeout(PROBE_TIMEOUT_S):
                    await probe()
            except Exception as error:  # whatever a client raises at a server that is not there yet
                if not self.running:
                    raise LocalStackError(f"{self.name} ended while starting.{self.log_tail()}") from error
                if time.monotonic() > deadline:
                    why = f"{type(error).__name__}: {error}"
                    raise LocalStackError(
                        f"{self.name} was not ready within {within_s:g} s ({why}).{self.log_tail()}"
                    ) from error
                await asyncio.sleep(POLL_S)
            else:
                return

    async def stop(self, by: signal.Signals, *, within_s: float) -> None:
        """Sends `by`, and SIGKILL to what is still there after `within_s`. Harmless when it has ended already."""
        if self.running:
            self._popen.send_signal(by)
        try:
            await self.finished(within_s)
        except TimeoutError:
            await self.kill()

    async def kill(self) -> None:
        self._popen.kill()
        await self.finished(KILL_TIMEOUT_S)

    def log_tail(self) -> str:
        text = self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""
        return f" The end of {self.log}:\n{text[-LOG_TAIL_CHARS:]}" if text else f" Its log {self.log} is empty."


def spawn(
    name: str,
    command: Sequence[str],
    *,
    log: Path,
    user: User | None = None,
    orphan_signal: signal.Signals = signal.SIGKILL,
    environment: Mapping[str, str] | None = None,
) -> Process:
    """Starts `command` in a session of its own, output appended to `log`; ends with this process (see bound.py).

    The environment is only what is given here: no PGHOST or JAVA_TOOL_OPTIONS of the user reaches the servers.
    """
    who = (user.uid, user.gid) if user else (-1, -1)
    wrapped = [sys.executable, "-I", "-S", str(Path(__file__).with_name("bound.py"))]
    wrapped += [str(value) for value in (os.getpid(), int(orphan_signal), *who)]
    with log.open("ab") as output:
        popen = (
            _spawner(os.getpid())
            .submit(
                subprocess.Popen,
                [*wrapped, *command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd="/",
                env={"PATH": os.defpath, "LANG": "C.UTF-8", "TZ": "UTC", **(environment or {})},
                start_new_session=True,
            )
            .result()
        )
    return Process(name, popen, log)


@cache
def _spawner(_pid: int) -> ThreadPoolExecutor:
    """One thread that lives as long as we do: to the kernel, the end of the starting *thread* is the parent's end."""
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="local-stack-spawner")


async def together(*starts: Coroutine[None, None, None]) -> None:
    """All at once; the first failure ends the others and is raised alone, not in a group."""
    failure: Exception | None = None
    try:
        async with asyncio.TaskGroup() as group:
            for start in starts:
                group.create_task(start)
    except ExceptionGroup as failures:
        failure = failures.exceptions[0]
    if failure is not None:
        raise failure


def free_ports(count: int) -> list[int]:
    """Distinct TCP ports on the loopback that nobody listens on."""
    held: list[socket.socket] = []
    try:
        while len(held) < count:
            candidate = socket.socket()
            try:
                candidate.bind((LOOPBACK, random.choice(PORTS)))  # noqa: S311 (spreads stacks that start together)
            except OSError:
                candidate.close()
            else:
                held.append(candidate)
        return [candidate.getsockname()[1] for candidate in held]
    finally:
        for candidate in held:
            candidate.close()
