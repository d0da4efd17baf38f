"""The integrations that a command may name: those of the settings, and those of the registry."""

from agents.integrations.directory import Directory
from infra.cli.by_hand import ledger_of
from infra.cli.failing import Failed
from infra.credential_source import credential_source
from infra.integration_settings import load_integrations
from infra.settings import Settings
from providers.connector import Integration
from providers.registry import connectors


async def known_integration(settings: Settings, integration_id: str) -> Integration:
    """The integration of this id, disabled ones too. One of the settings needs no database.

    Raises:
        Failed: there is none.
        StoreError: the registry cannot be read.
    """
    fixed = load_integrations(settings, connectors())
    if integration_id in fixed:
        return fixed[integration_id]
    if not settings.database_url.get_secret_value():
        raise Failed(
            f"no integration is called {integration_id}; there are {', '.join(sorted(fixed)) or 'none'} in "
            "KOLAJ_INTEGRATIONS, and DATABASE_URL, which leads to the registry, is not set"
        )
    async with ledger_of(settings) as pool:
        directory = Directory(pool, credential_source(settings), connectors(), fixed=fixed)
        await directory.refresh()
        found = directory.get(integration_id) or directory.closed.get(integration_id)
    if found is None:
        there = ", ".join(sorted({*directory, *directory.closed}))
        raise Failed(f"no integration is called {integration_id}; there are {there or 'none'}")
    return found
