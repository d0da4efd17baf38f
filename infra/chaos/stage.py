"""The hub that chaos breaks: servers, sandbox and processes, and the settings that all of them read."""

import base64
import json
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from infra.chaos.load import INTEGRATION
from infra.chaos.plan import WORKERS
from infra.chaos.posts import Diary, Post
from infra.chaos.provider import Provider
from infra.children import Children
from infra.integration_settings import credential_prefix
from infra.local import LocalStack, embedded_stack
from infra.settings import Settings, read_settings
from infra.stores import prepare_stores

SHORT: Final[Mapping[str, str]] = {
    "KOLAJ_DEADLINE_S": "4",
    "KOLAJ_LEASE_MARGIN_S": "1",
    "KOLAJ_LEASE_S": "8",
    "KOLAJ_SESSION_TIMEOUT_S": "6",
    "KOLAJ_RETRY_DELAYS_S": "1,5",
    "KOLAJ_MAX_IN_FLIGHT": "100",
    "KOLAJ_LOG_LEVEL": "WARNING",
}
"""So that what a killed or sleeping worker held is taken over within the run; production has minutes."""
ABSENCE_S: Final = 8
"""How long "not found" proves nothing. The sandbox may perform later than that: that is one of the faults."""
_LATENCY_MS: Final = 25


@dataclass(frozen=True, slots=True)
class Stage:
    """What runs.

    Attributes:
        books: the SQLite file of the sandbox.
        diary: what happens to the processes.
    """

    stack: LocalStack
    settings: Settings
    children: Children
    provider: Provider
    diary: Diary
    books: Path
    workers: tuple[Post, ...]
    projector: Post

    @property
    def posts(self) -> tuple[Post, ...]:
        return (*self.workers, self.projector)


@asynccontextmanager
async def stage(folder: Path, *, brokers: int, seed: int) -> AsyncIterator[Stage]:
    """Everything, running; stopped at the end of the block.

    Raises:
        LocalStackError: a server does not start; the message ends with its log.
    """
    async with embedded_stack(nodes=brokers) as stack:
        sandboxes = Children(folder, {})
        children = sandboxes
        try:
            books = folder / "books.sqlite"
            arguments = ["sandbox", "iyzico", "--json", "--books", str(books), "--latency-ms", str(_LATENCY_MS)]
            _, sandbox = await sandboxes.start("sandbox", [*arguments, "--seed", str(seed)])
            environment = _environment(stack, sandbox, brokers)
            settings = read_settings(environment=environment)
            await prepare_stores(settings)
            children = Children(folder, environment)
            diary = Diary()
            workers = tuple(
                Post(children, diary, f"worker-{number}", ["worker", "--json"]) for number in range(WORKERS)
            )
            projector = Post(children, diary, "projector", ["projector", "--json"])
            for post in (*workers, projector):
                post.start()
            async with Provider(sandbox["admin_url"]) as provider:
                yield Stage(stack, settings, children, provider, diary, books, workers, projector)
        finally:
            await children.stop()
            await sandboxes.stop()


def _environment(stack: LocalStack, sandbox: dict[str, Any], brokers: int) -> dict[str, str]:
    limits = {name: {"calls": 1000, "per_s": 1.0} for name in ("create", "capture", "cancel", "refund", "query")}
    integration = {
        "id": INTEGRATION,
        "provider": "iyzico",
        "base_url": sandbox["base_url"],
        "rate_limits": limits,
        "absence_window_s": ABSENCE_S,
    }
    prefix = credential_prefix(INTEGRATION)
    return {
        **SHORT,
        "KAFKA_BOOTSTRAP": stack.bootstrap,
        "DATABASE_URL": stack.database_url,
        "KOLAJ_REPLICATION": str(brokers),
        "KOLAJ_MIN_INSYNC": str(max(1, brokers - 1)),
        "KOLAJ_INTEGRATIONS": json.dumps([integration]),
        f"{prefix}API_KEY": sandbox["api_key"],
        f"{prefix}SECRET_KEY": sandbox["secret_key"],
        "INTEGRATION_ENCRYPTION_KEY": base64.b64encode(os.urandom(32)).decode(),
    }
