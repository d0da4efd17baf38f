"""A running worker takes up changed credentials, without a restart and without touching calls that are under way."""

import asyncio
import logging
from collections.abc import Iterable, MutableMapping
from dataclasses import replace
from typing import Final

from agents.vault.opening import NoCredentials
from agents.vault.source import CredentialSource
from providers.connector import Integration, LiveCredentials
from schemas.errors import HubError

log = logging.getLogger(__name__)

EVERY_S: Final = 0.5


class CredentialWatch:
    """Keeps the credentials of some integrations as the source has them.

    Args:
        integrations: changed under way; a call that is under way keeps the integration it began with. One that has no
            credentials left is not called, and its commands wait.
        watched: ids of those whose credentials come from the source.
    """

    def __init__(
        self,
        source: CredentialSource,
        integrations: MutableMapping[str, Integration],
        watched: Iterable[str],
        *,
        every_s: float = EVERY_S,
    ) -> None:
        self._source = source
        self._integrations = integrations
        self._watched = tuple(watched)
        self._every_s = every_s
        self._seen: int | None = None

    async def run(self) -> None:
        """Look again and again until cancelled. While the source fails, what was loaded stays in use."""
        if not self._watched:
            return
        failing = False
        while True:
            try:
                await self.look()
                failing = False
            except HubError as failed:
                if not failing:
                    log.warning("credentials cannot be looked at", extra={"why": str(failed)})
                failing = True
            await asyncio.sleep(self._every_s)

    async def look(self) -> None:
        """Take up what changed since the last look.

        Raises:
            HubError: the source failed; the next look tries again.
        """
        version = await self._source.version()
        if version == self._seen:
            return
        for integration_id in self._watched:
            integration = self._integrations[integration_id]
            live = await self._source.load(integration_id, integration.connector.credentials)
            lacks = None
            if live is None:
                log.warning("no live credentials", extra={"integration_id": integration_id})
                live = LiveCredentials(NoCredentials(integration_id, integration.connector.name))
                lacks = f"{integration_id} has no live credentials; set them with `kolaj credentials set`"
            self._integrations[integration_id] = replace(
                integration, credentials=live.current, retiring=live.retiring, lacks=lacks
            )
        self._seen = version
