"""From a state machine, which is not asynchronous, to the real ledger."""

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

import asyncpg

from agents.ledger import Ledger
from agents.pool import open_pool
from tests.database_clock import reset_clock, step_clock

T = TypeVar("T")

LEASE_S: Final = 30.0
MARGIN_S: Final = 5.0


class Bridge:
    """Runs coroutines on a loop in a thread of its own, since a state machine is not asynchronous."""

    def __init__(self, database_url: str, kind: type[Ledger] = Ledger) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="ledger-model")
        self._thread.start()
        self._pool: asyncpg.Pool = self.run(open_pool(database_url, size=2))
        self.ledger: Ledger = self.run(kind.open(self._pool, lease_s=LEASE_S, margin_s=MARGIN_S))

    def run(self, act: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(act, self._loop).result(60)

    def step_clock(self, seconds: float) -> None:
        self.run(step_clock(self._pool, seconds))

    def reset_clock(self) -> None:
        self.run(reset_clock(self._pool))

    def close(self) -> None:
        self.run(self.ledger.aclose())
        self.run(self._pool.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
