"""Secrets of integrations that a test gives and takes away."""

from collections.abc import Sequence

from providers.connector import LiveCredentials
from schemas.errors import StoreError


class GivenSecrets:
    """A source of credentials; `fails_at` names the integrations whose secrets cannot be read."""

    def __init__(self) -> None:
        self.kept: dict[str, LiveCredentials] = {}
        self.fails_at: set[str] = set()
        self._version = 0

    def give(self, integration_id: str, live: LiveCredentials) -> None:
        self.kept[integration_id] = live
        self._version += 1

    async def load(self, integration_id: str, names: Sequence[str]) -> LiveCredentials | None:
        if integration_id in self.fails_at:
            raise StoreError("the vault is sealed")
        live = self.kept.get(integration_id)
        return live if live is not None and set(names) <= set(live.current) else None

    async def version(self) -> int:
        return self._version
