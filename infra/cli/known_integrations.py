"""The integrations that a command may name: those of the settings, and those of the registry."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime

from agents.integrations import reading
from agents.integrations.directory import Directory
from agents.vault.credentials import CredentialCache
from agents.vault.source import CredentialSource
from infra.cli.by_hand import ledger_of, vault_of
from infra.cli.failing import Failed
from infra.credential_source import credential_source
from infra.credential_store import credential_store, key_ring, stored_credentials
from infra.integration_settings import EnvironmentCredentials, load_integrations, without_secrets
from infra.settings import Settings
from providers.connector import Integration, LiveCredentials
from providers.registry import connectors


async def known_integration(settings: Settings, integration_id: str) -> Integration:
    """The integration of this id, disabled ones too. One of the settings with its secrets there needs no database.

    Raises:
        Failed: there is none.
        SettingsError: its secrets are in the store of credentials, and not all is set that leads there.
        StoreError: the registry, or the store of credentials, cannot be read.
    """
    known, stored = connectors(), without_secrets(settings)
    # Those of other accounts are of no interest here, and may be missing.
    fixed = load_integrations(settings, known, {name: LiveCredentials({}) for name in stored})
    if integration_id in fixed and integration_id not in stored:
        return fixed[integration_id]
    if not settings.database_url.get_secret_value():
        raise Failed(
            f"{integration_id} is not in KOLAJ_INTEGRATIONS with its secrets in variables; "
            f"{', '.join(sorted(fixed.keys() - set(stored))) or 'none'} is. DATABASE_URL, which leads to the registry "
            "and to stored credentials, is not set"
        )
    if integration_id in fixed:
        async with _store(settings) as cache:
            live = await stored_credentials(settings, known, cache, (integration_id,))
        return replace(fixed[integration_id], credentials=live[integration_id].current)
    async with ledger_of(settings) as pool, _source(settings) as source:
        directory = Directory(pool, source, known, fixed=fixed)
        await directory.refresh()
        found = directory.get(integration_id) or directory.closed.get(integration_id)
    if found is None:
        there = ", ".join(sorted({*directory, *directory.closed}))
        raise Failed(f"no integration is called {integration_id}; there are {there or 'none'}")
    return found


async def provider_of(settings: Settings, integration_id: str) -> str | None:
    """Whose account this is, as the settings or the registry say; `None` when neither knows it.

    Raises:
        StoreError: the registry cannot be read.
    """
    for entry in settings.integrations:
        if entry.id == integration_id:
            return entry.provider
    async with ledger_of(settings) as pool:
        state = await reading.integration(pool, integration_id)
    return None if state is None or state.status == "removed" else state.provider


@asynccontextmanager
async def _store(settings: Settings) -> AsyncIterator[CredentialCache]:
    async with AsyncExitStack() as stack:
        ring = key_ring(settings)
        vault = await stack.enter_async_context(vault_of(settings))
        store = await stack.enter_async_context(credential_store(settings, vault, ring))
        yield CredentialCache(store, environment=settings.environment, now=lambda: datetime.now(UTC))


@asynccontextmanager
async def _source(settings: Settings) -> AsyncIterator[CredentialSource]:
    """Without a master key, on a machine that may not see the vault, only variables give secrets."""
    if settings.encryption_key is None:
        yield EnvironmentCredentials(settings)
        return
    async with _store(settings) as cache:
        yield credential_source(settings, cache)
