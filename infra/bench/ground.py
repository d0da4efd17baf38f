"""Where the benchmark runs: servers of its own, the provider in a process of its own, and the hub's settings."""

import base64
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from infra.bench.load import INTEGRATION
from infra.bench.processor import processor_s
from infra.children import Children
from infra.integration_settings import credential_prefix
from infra.local import LocalStack
from infra.local.process import Process
from infra.sandbox.iyzico.signing import DEFAULT_KEYS
from infra.settings import Settings, read_settings
from infra.stores import prepare_stores
from streams.admin import ensure_topics
from streams.topics import DAY_MS, Topic

BROKER_TIME: Final = "LogAppendTime"
_MASTER_KEY: Final = base64.b64encode(os.urandom(32)).decode()
"""One for the whole run: a database remembers what was sealed in it."""
_UNLIMITED: Final = 1_000_000


class TimedTopic(Topic):
    """A topic whose records carry the broker's clock: the moment at which each was appended.

    By default the producer's clock stands there, taken before the record waits for its turn, so that the wait would be
    missing from every latency.
    """

    def config(self) -> dict[str, str]:
        return {**super().config(), "message.timestamp.type": BROKER_TIME}


@dataclass(slots=True)
class Ground:
    """Everything that parts run on.

    Attributes:
        folder: for logs and files of processes.
        name: the prefix of all topics.
    """

    stack: LocalStack
    folder: Path
    name: str
    environment: dict[str, str]
    settings: Settings
    children: Children
    provider: Process
    provider_url: str
    _numbers: dict[str, int] = field(default_factory=dict)

    async def topic(self, name: str) -> str:
        """A new topic beside the hub's, of as many partitions; its full name."""
        topic = timed(Topic(f"{self.name}.{self.fresh(name)}", self.settings.partitions, DAY_MS))
        await ensure_topics(self.settings.kafka, [topic], replication=1, min_insync=1)
        return topic.name

    def fresh(self, word: str) -> str:
        """The word with a number that it has not had yet."""
        self._numbers[word] = self._numbers.get(word, 0) + 1
        return f"{word}-{self._numbers[word]}"

    def _log_name(self, word: str) -> str:
        """One of its own for each process: a log that is there already would pass for the new process being ready."""
        return f"{self.name}-{self.fresh(word)}"

    async def start(self, name: str, *arguments: str) -> Process:
        """A `kolaj` process that is ready."""
        process, _ = await self.children.start(self._log_name(name), arguments)
        return process

    def servers_s(self) -> dict[str, float]:
        """Processor seconds of broker, database and provider so far, where we started them."""
        spent = {"provider": processor_s([self.provider.pid])}
        if self.stack.broker is not None:
            spent["kafka"] = processor_s(self.stack.broker.pids)
        if self.stack.database is not None and self.stack.database.pid is not None:
            spent["postgres"] = processor_s([self.stack.database.pid], with_children=True)
        return spent


@asynccontextmanager
async def ground(
    stack: LocalStack, folder: Path, name: str, *, database_url: str | None = None, pause_s: float = 0.0
) -> AsyncIterator[Ground]:
    """A hub's topics and tables on `stack`, and the provider that answers after `pause_s`; all ended with the block.

    Raises:
        LocalStackError: a process does not start.
    """
    providers = Children(folder, {})
    children = providers
    try:
        arguments = ["bench", "provider", "--pause-ms", str(pause_s * 1000)]
        provider, said = await providers.start(f"{name}-provider", arguments)
        environment = hub_environment(stack.bootstrap, database_url or stack.database_url, name, said["base_url"])
        settings = read_settings(environment=environment)
        # Before the hub makes them with the producer's clock; what it checks of them is the same.
        wanted = [timed(topic) for topic in settings.topics.all()]
        await ensure_topics(settings.kafka, wanted, replication=1, min_insync=1)
        await prepare_stores(settings)
        children = Children(folder, environment)
        yield Ground(stack, folder, name, environment, settings, children, provider, said["base_url"])
    finally:
        if children is not providers:
            await children.stop()
        await providers.stop()


def timed(topic: Topic) -> Topic:
    return TimedTopic(topic.name, topic.partitions, topic.retention_ms, topic.max_message_bytes)


def hub_environment(bootstrap: str, database_url: str, name: str, provider_url: str) -> dict[str, str]:
    """Settings as they are by default; only the provider's limits, which are not ours, are lifted."""
    limits = {operation: {"calls": _UNLIMITED, "per_s": 1.0} for operation in ("create", "query")}
    entry: dict[str, Any] = {"id": INTEGRATION, "provider": "iyzico", "base_url": provider_url, "rate_limits": limits}
    prefix = credential_prefix(INTEGRATION)
    return {
        "KAFKA_BOOTSTRAP": bootstrap,
        "DATABASE_URL": database_url,
        "KOLAJ_TOPIC_PREFIX": name,
        "KOLAJ_GATEWAY_BIND": "127.0.0.1:0",
        "KOLAJ_INTEGRATIONS": json.dumps([entry]),
        f"{prefix}API_KEY": DEFAULT_KEYS.api_key,
        f"{prefix}SECRET_KEY": DEFAULT_KEYS.secret_key,
        "INTEGRATION_ENCRYPTION_KEY": _MASTER_KEY,
    }
