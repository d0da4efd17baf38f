"""The key ring and the store of credentials, as the settings say."""

import ssl
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import asyncpg
import httpx

from agents.vault.credentials import CredentialCache
from agents.vault.hashicorp import HashicorpCredentials
from agents.vault.hashicorp_api import VaultApi
from agents.vault.keyring import KeyRing
from agents.vault.postgres import PostgresCredentials
from agents.vault.store import CredentialStore
from infra.integration_settings import credential_prefix
from infra.settings import Settings
from providers.connector import Connector, LiveCredentials
from schemas.errors import SettingsError

_DEADLINE_S: Final = 10.0


def key_ring(settings: Settings) -> KeyRing:
    """The master keys of this process.

    Raises:
        SettingsError: there is none.
    """
    if settings.encryption_key is None:
        raise SettingsError(
            "INTEGRATION_ENCRYPTION_KEY is not set; credentials, cards and the commands that wait are sealed with it: "
            "base64 of 32 bytes, the same for all processes; make one with `openssl rand -base64 32`"
        )
    return KeyRing.of(settings.encryption_key, settings.retired_keys)


@asynccontextmanager
async def credential_store(settings: Settings, pool: asyncpg.Pool, ring: KeyRing) -> AsyncIterator[CredentialStore]:
    """The store that `KOLAJ_CREDENTIAL_STORE` names, for the length of the block.

    Raises:
        SettingsError: Vault's address, token, mounts or key are not as they must be.
        StoreError: Vault cannot be reached.
    """
    if settings.credential_store == "postgres":
        yield PostgresCredentials(pool, ring)
        return
    trust = ssl.create_default_context(cafile=settings.vault_ca_file)
    async with httpx.AsyncClient(base_url=settings.vault_address or "", verify=trust, timeout=_DEADLINE_S) as client:
        api = VaultApi(
            client,
            lambda: vault_token(settings),
            kv_mount=settings.vault_kv_mount,
            transit_mount=settings.vault_transit_mount,
            transit_key=settings.vault_transit_key,
            namespace=settings.vault_namespace or "",
        )
        await api.newest_key()
        yield HashicorpCredentials(api, prefix=f"{settings.topic_prefix}/{settings.environment}")


async def stored_credentials(
    settings: Settings, connectors: Mapping[str, Connector], cache: CredentialCache, wanted: Collection[str]
) -> dict[str, LiveCredentials]:
    """The credentials of some integrations of `KOLAJ_INTEGRATIONS` whose secrets are not variables.

    Raises:
        SettingsError: some has none that are live, or lacks one.
        StoreError: the store failed.
    """
    providers = {entry.id: connectors[entry.provider] for entry in settings.integrations}
    found = {}
    for integration_id in wanted:
        live = await cache.load(integration_id, providers[integration_id].credentials)
        if live is None:
            names = " ".join(providers[integration_id].credentials)
            raise SettingsError(
                f"{credential_prefix(integration_id)}… is not set, and no credentials are stored for {integration_id}; "
                f"store them with `kolaj credentials set {integration_id} {names}`"
            )
        found[integration_id] = live
    return found


def vault_token(settings: Settings) -> str:
    """The token of now: an agent beside the process may renew the file.

    Raises:
        SettingsError: the file cannot be read.
    """
    if settings.vault_token is not None:
        return settings.vault_token.get_secret_value()
    path = Path(settings.vault_token_file or "")
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as bad:
        raise SettingsError(f"VAULT_TOKEN_FILE: {path} cannot be read ({bad.strerror})") from bad
