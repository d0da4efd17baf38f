"""Redis, as far as workers share something through it. It is never needed: whoever asks goes on alone while it is away.

Nothing in it is a record of ours. What it forgets costs a call too many or an answer that is fetched again.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from pydantic import SecretStr
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

T = TypeVar("T")

log = logging.getLogger(__name__)

DEADLINE_S: Final = 0.25
PAUSE_S: Final = 1.0
_CONNECTIONS: Final = 16


class SharedAway(Exception):
    """Redis does not answer; go on without it. This is no error of a command, so it is no `HubError`."""


class SharedStore:
    """One client for the process. Use it as an async context manager.

    Args:
        url: `redis://`, `rediss://` or `unix://`.
        namespace: begins every key; environments that share a Redis have different ones.
        deadline_s: for each request, waiting for a connection included.
        pause_s: after a failure nobody asks for so long; then one request finds out.
    """

    def __init__(
        self,
        url: SecretStr,
        *,
        namespace: str,
        deadline_s: float = DEADLINE_S,
        pause_s: float = PAUSE_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._namespace = namespace
        self._deadline_s = deadline_s
        self._pause_s = pause_s
        self._clock = clock
        self._away_until: float | None = None
        self._scripts: dict[str, Any] = {}
        self.returns = 0
        """How often it came back. What it knew before may be gone, so whoever keeps a part of it says it again."""
        pool = BlockingConnectionPool.from_url(
            url.get_secret_value(),
            max_connections=_CONNECTIONS,
            timeout=deadline_s,
            socket_timeout=deadline_s,
            socket_connect_timeout=deadline_s,
            # Retries are ours: the client's own would wait for seconds inside a command.
            retry=Retry(NoBackoff(), 0),
            protocol=2,
        )
        self._client = Redis(connection_pool=pool)
        self._pool = pool

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()
        await self._pool.aclose()

    @property
    def away(self) -> bool:
        return self._away_until is not None

    def key(self, *parts: str) -> str:
        return ":".join((self._namespace, *parts))

    async def script(self, text: str, keys: Sequence[str], args: Sequence[str | bytes | float]) -> Any:
        """Run a Lua script in one step; the server remembers it by its digest.

        Raises:
            SharedAway: no answer within the deadline. It may have run all the same.
        """
        if text not in self._scripts:
            self._scripts[text] = self._client.register_script(text)
        script = self._scripts[text]
        return await self.ask(lambda: script(keys=keys, args=args))

    async def get(self, *keys: str) -> list[bytes | None]:
        """The values of `keys`, in their order.

        Raises:
            SharedAway: no answer within the deadline.
        """
        found = await self.ask(lambda: self._client.mget(keys))
        # The client's types allow for texts, which it gives only where it was told to decode.
        return [value.encode() if isinstance(value, str) else value for value in found]

    async def put(self, key: str, value: bytes, *, ttl_s: float) -> None:
        """Keep `value` for `ttl_s`.

        Raises:
            SharedAway: no answer within the deadline. It may be kept all the same.
        """
        await self.ask(lambda: self._client.set(key, value, px=max(1, round(ttl_s * 1000))))

    async def bump(self, key: str) -> None:
        """Count `key` up by one.

        Raises:
            SharedAway: no answer within the deadline. It may be counted all the same.
        """
        await self.ask(lambda: self._client.incr(key))

    @property
    def connections(self) -> BlockingConnectionPool:
        """For a library that speaks to Redis by itself; what it does there it does inside `ask`."""
        return self._pool

    async def ask(self, work: Callable[[], Awaitable[T]]) -> T:
        """Do `work` at Redis, within one deadline for all of it.

        Raises:
            SharedAway: no answer within the deadline. It may be done all the same.
        """
        away_until = self._away_until
        if away_until is not None:
            now = self._clock()
            if now < away_until:
                raise SharedAway
            # The others go on alone until this one request has found out.
            self._away_until = now + self._pause_s + self._deadline_s
        try:
            async with asyncio.timeout(self._deadline_s):
                answer = await work()
        except (RedisError, OSError, TimeoutError) as failed:
            self._failed(failed)
            raise SharedAway from failed
        if away_until is not None and self._away_until is not None:
            self._away_until = None
            self.returns += 1
            log.warning("Redis is back; limits and cached answers are shared again")
        return answer

    def _failed(self, failed: Exception) -> None:
        if self._away_until is None:
            # The class alone: a message of the client's may hold the address with its password.
            why = type(failed).__name__
            log.warning("Redis does not answer; each worker keeps to its share of the limits", extra={"why": why})
        self._away_until = self._clock() + self._pause_s
