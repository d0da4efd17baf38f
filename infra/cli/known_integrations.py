"""The integrations that a command may name: those of the settings, and those of the registry."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from agents.integrations.directory import CredentialSource, Directory
from agents.vault.credentials import CredentialCache
from infra.cli.by_hand import ledger_of, vault_of
from infra.cli.failing import Failed
from infra.credential_source import credential_source
from infra.credential_store import credential_store, key_ring, stored_credentials
from infra.integration_settings import EnvironmentCredentials, load_integrations, without_secrets
from infra.settings import Settings
from providers.connector import Integration
from providers.registry import connectors


@dataclass(frozen=True, slots=True)
class _Known:
    """The accounts of the settings, and where the secrets of the others come from."""

    fixed: dict[str, Integration]
    source: CredentialSource


async def known_integration(settings: Settings, integration_id: str) -> Integration:
    """The integration of this id, disabled ones too. One of the settings with its secrets there needs no database.

    Raises:
        Failed: there is none.
        StoreError: the registry, or the store of credentials, cannot be read.
    """
    named = {entry.id for entry in settings.integrations} - set(without_secrets(settings))
    if integration_id in named or not settings.database_url.get_secret_value():
        fixed = load_integrations(settings, connectors())
        if integration_id in fixed:
            return fixed[integration_id]
        raise Failed(
            f"no integration is called {integration_id}; there are {', '.join(sorted(fixed)) or 'none'} in "
            "KOLAJ_INTEGRATIONS, and DATABASE_URL, which leads to the registry, is not set"
        )
    async with ledger_of(settings) as pool, _known(settings) as known:
        directory = Directory(pool, known.source, connectors(), fixed=known.fixed)
        await directory.refresh()
        found = directory.get(integration_id) or directory.closed.get(integration_id)
    if found is None:
        there = ", ".join(sorted({*directory, *directory.closed}))
        raise Failed(f"no integration is called {integration_id}; there are {there or 'none'}")
    return found


@asynccontextmanager
async def _known(settings: Settings) -> AsyncIterator[_Known]:
    """Without a master key, on a machine that may not see the vault, only variables give secrets."""
    if settings.encryption_key is None:
        fixed = load_integrations(settings, connectors())
        yield _Known(fixed, EnvironmentCredentials(settings.variables))
        return
    async with AsyncExitStack() as stack:
        vault = await stack.enter_async_context(vault_of(settings))
        store = await stack.enter_async_context(credential_store(settings, vault, key_ring(settings)))
        cache = CredentialCache(store, environment=settings.environment, now=lambda: datetime.now(UTC))
        stored = await stored_credentials(settings, connectors(), cache)
        yield _Known(load_integrations(settings, connectors(), stored), credential_source(settings, cache))
