"""The sandbox's admin page, as chaos uses it: orders, and what still waits to be performed."""

from collections.abc import Sequence
from types import TracebackType
from typing import Any, Final, Self

import aiohttp

from infra.chaos.plan import ProviderFault

_DEADLINE_S: Final = 10.0


class Provider:
    """A client of the admin page, as an async context manager."""

    def __init__(self, admin_url: str) -> None:
        self._url = admin_url
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_DEADLINE_S))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def order(self, faults: Sequence[ProviderFault]) -> None:
        """Let calls of every kind go wrong by chance, until `clear`."""
        for fault in faults:
            wanted = {"kind": fault.kind, "count": None, "probability": fault.probability, "seconds": fault.seconds}
            await self._ask("POST", "faults", wanted)

    async def clear(self) -> None:
        await self._ask("DELETE", "faults")

    async def late(self) -> int:
        """How many operations are accepted and not performed yet."""
        return int((await self._ask("GET", "books"))["late_operations_waiting"])

    async def _ask(self, method: str, page: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        if self._session is None:
            raise RuntimeError("use it inside its async with block")
        async with self._session.request(method, self._url + page, json=body) as answer:
            answer.raise_for_status()
            said: dict[str, Any] = await answer.json()
            return said
