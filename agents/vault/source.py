"""Where the secrets of integrations come from, as those who use them see it."""

from collections.abc import Sequence
from typing import Protocol

from providers.connector import LiveCredentials


class CredentialSource(Protocol):
    async def load(self, integration_id: str, names: Sequence[str]) -> LiveCredentials | None:
        """All secrets of these names, or `None` when one is missing."""

    async def version(self) -> int:
        """A number that is another one whenever any secret was changed; cheap to ask for."""
