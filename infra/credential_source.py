"""Where the secrets of the registry's integrations come from."""

from collections.abc import Sequence

from agents.vault.source import CredentialSource
from infra.integration_settings import EnvironmentCredentials
from infra.settings import Settings
from providers.connector import LiveCredentials


class FirstOf:
    """Several sources: the first one that has an account's secrets gives them."""

    def __init__(self, *sources: CredentialSource) -> None:
        self._sources = sources

    async def load(self, integration_id: str, names: Sequence[str]) -> LiveCredentials | None:
        for source in self._sources:
            live = await source.load(integration_id, names)
            if live is not None:
                return live
        return None

    async def version(self) -> int:
        return sum([await source.version() for source in self._sources])


def credential_source(settings: Settings, stored: CredentialSource) -> CredentialSource:
    """Variables where they are set, else the store of credentials."""
    return FirstOf(EnvironmentCredentials(settings), stored)
