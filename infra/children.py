"""Processes of the hub under one parent: workers, projectors and sandboxes for `kolaj up` and `kolaj demo`."""

import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from infra.local.errors import LocalStackError
from infra.local.process import Process, spawn

READY_WITHIN_S: Final = 60.0
_STOP_WITHIN_S: Final = 30.0


class Children:
    """Starts `kolaj` commands as processes that end with this one, and stops them again, last started first.

    Args:
        folder: where each process writes its log.
        environment: the settings that all of them read.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._folder = folder
        self._environment = dict(environment)
        self._running: list[Process] = []

    async def start(self, name: str, arguments: Sequence[str]) -> tuple[Process, dict[str, Any]]:
        """Start `kolaj ARGUMENTS` and wait for its first line of JSON.

        Returns:
            The process, and what the line says.

        Raises:
            LocalStackError: it ended or said nothing in time; the message ends with its log.
        """
        process = self.spawn(name, arguments)
        said: dict[str, Any] = {}

        async def probe() -> None:
            said.update(_first_json(process.log))

        await process.ready(probe, within_s=READY_WITHIN_S)
        return process, said

    def spawn(self, name: str, arguments: Sequence[str]) -> Process:
        """Start `kolaj ARGUMENTS` without waiting for anything."""
        process = spawn(
            name,
            [sys.executable, "-m", "infra.cli", *arguments],
            log=self._folder / f"{name}.log",
            orphan_signal=signal.SIGTERM,
            environment={**_inherited(), **self._environment},
        )
        self._running.append(process)
        return process

    @property
    def ended(self) -> list[Process]:
        """Those that ended by themselves."""
        return [process for process in self._running if not process.running]

    async def kill(self, process: Process) -> None:
        """SIGKILL, as a power cut would."""
        self._running.remove(process)
        await process.kill()

    async def stop(self) -> None:
        """SIGTERM to each, which drains it; SIGKILL to what does not end in time."""
        while self._running:
            await self._running.pop().stop(signal.SIGTERM, within_s=_STOP_WITHIN_S)


def _first_json(log: Path) -> dict[str, Any]:
    """The first line that is a JSON object with `ready`, or a sandbox's addresses.

    Raises:
        LocalStackError: it was not written yet.
    """
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if log.exists() else ():
        if line.startswith("{") and line.endswith("}"):
            said: dict[str, Any] = json.loads(line)
            if "ready" in said or "base_url" in said:
                return said
    raise LocalStackError(f"{log.name} says nothing yet")


def _inherited() -> dict[str, str]:
    """What a Python process needs of ours; the hub's own settings are given, never inherited."""
    wanted = ("HOME", "PATH", "LANG", "TMPDIR", "KOLAJ_CACHE_DIR", "SSL_CERT_FILE", "OTEL_EXPORTER_OTLP_ENDPOINT")
    return {name: os.environ[name] for name in wanted if name in os.environ}
