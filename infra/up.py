"""`kolaj up`: broker, database, workers, a projector and a gateway on this machine, until interrupted."""

import asyncio
import base64
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from infra.children import Children
from infra.local import embedded_stack
from infra.local.errors import LocalStackError

Say = Callable[[str], None]

_WATCH_S: Final = 0.5


async def run_up(
    say: Say, stop: asyncio.Event, *, data_dir: Path, workers: int, sandbox: bool, environment: Mapping[str, str]
) -> None:
    """Start everything, say where it is, and stop it again when `stop` is set.

    Args:
        data_dir: where broker and database keep their files; what was there before goes on.
        workers: how many worker processes.
        sandbox: whether an iyzico sandbox runs too, as integration `iyzico-sandbox`, unless integrations are set.
        environment: settings of the user; addresses and a key are filled in.

    Raises:
        LocalStackError: a process does not start, or ended by itself; the message ends with its log.
    """
    logs = data_dir / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    say("starting Kafka and PostgreSQL")
    async with embedded_stack(data_dir) as stack:
        helpers = Children(logs, {})
        hub = helpers
        try:
            settings = {**environment, "KAFKA_BOOTSTRAP": stack.bootstrap, "DATABASE_URL": stack.database_url}
            settings.setdefault("INTEGRATION_ENCRYPTION_KEY", _kept_key(data_dir))
            settings.setdefault("KOLAJ_DELIVERY_LOOPBACK", "true")
            if sandbox and "KOLAJ_INTEGRATIONS" not in settings:
                books = str(data_dir / "iyzico-books.sqlite")
                _, said = await helpers.start("sandbox", ["sandbox", "iyzico", "--json", "--books", books])
                entry = f'[{{"id": "iyzico-sandbox", "provider": "iyzico", "base_url": "{said["base_url"]}"}}]'
                settings |= {
                    "KOLAJ_INTEGRATIONS": entry,
                    "IYZICO_SANDBOX_API_KEY": said["api_key"],
                    "IYZICO_SANDBOX_SECRET_KEY": said["secret_key"],
                }
                say(f"iyzico sandbox at {said['base_url']}, integration iyzico-sandbox")
            hub = Children(logs, settings)
            names = [(f"worker-{number}", "worker") for number in range(1, workers + 1)]
            for name, command in [*names, ("projector", "projector"), ("sender", "sender")]:
                await hub.start(name, [command, "--json"])
                say(f"{name} is running, log in {logs / name}.log")
            _, said = await hub.start("gateway", ["gateway", "--json"])
            say(f"gateway at {said['base_url']}, log in {logs / 'gateway'}.log")
            say(f"KAFKA_BOOTSTRAP={stack.bootstrap}")
            say(f"DATABASE_URL={stack.database_url}")
            await _until(stop, hub)
        finally:
            say("stopping")
            await hub.stop()
            await helpers.stop()


async def _until(stop: asyncio.Event, hub: Children) -> None:
    while not stop.is_set():
        for process in hub.ended:
            raise LocalStackError(f"{process.name} ended by itself.{process.log_tail()}")
        try:
            async with asyncio.timeout(_WATCH_S):
                await stop.wait()
        except TimeoutError:
            continue


def _kept_key(data_dir: Path) -> str:
    """A master key of this data directory's own, made once: cards and sealed bodies in its database open with it."""
    path = data_dir / "encryption.key"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(base64.b64encode(os.urandom(32)).decode(), encoding="ascii")
    return path.read_text(encoding="ascii")
