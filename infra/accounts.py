"""What a process needs to know integrations and their secrets: the database, the vault's account of it, the cache."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime

import asyncpg

from agents.pool import open_pool
from agents.vault.credentials import CredentialCache
from agents.vault.keyring import KeyRing
from infra.credential_store import credential_store, stored_credentials
from infra.integration_settings import load_integrations, without_secrets
from infra.logs import hiding_also
from infra.settings import Settings
from providers.connector import Connector, Integration


@dataclass(frozen=True, slots=True)
class Accounts:
    """Where accounts at providers are kept.

    Attributes:
        vault: the same database under the account that sees cards and credentials.
        fixed: the accounts of the settings, with their secrets.
    """

    pool: asyncpg.Pool
    vault: asyncpg.Pool
    ring: KeyRing
    credentials: CredentialCache
    fixed: dict[str, Integration]


async def open_accounts(
    settings: Settings, known: Mapping[str, Connector], ring: KeyRing, stack: AsyncExitStack
) -> Accounts:
    """Everything opened; `stack` closes it.

    Raises:
        SettingsError: a secret is missing.
        StoreError: a store does not answer.
    """
    pool = await open_pool(settings.database_url.get_secret_value())
    stack.push_async_callback(pool.close)
    # Cards and credentials have an account of their own where there is one: `pool` cannot read them then.
    vault = await open_pool(
        settings.vault_url.get_secret_value(), application_name="kolaj-vault", setting="VAULT_DATABASE_URL"
    )
    stack.push_async_callback(vault.close)
    cache = CredentialCache(
        await stack.enter_async_context(credential_store(settings, vault, ring)),
        environment=settings.environment,
        now=now,
        ttl_s=settings.credential_ttl_s,
    )
    stack.enter_context(hiding_also(cache.hide))
    stored = await stored_credentials(settings, known, cache, without_secrets(settings))
    return Accounts(pool, vault, ring, cache, load_integrations(settings, known, stored))


def now() -> datetime:
    return datetime.now(UTC)
