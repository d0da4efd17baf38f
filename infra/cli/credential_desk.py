"""What commands about credentials work with."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg

from agents.sealing import Seal
from agents.vault.keyring import KeyRing
from agents.vault.master_keys import MasterKeys
from agents.vault.parked import ParkedRecords
from agents.vault.store import CredentialStore
from infra.cli.by_hand import ledger_of, vault_of
from infra.credential_store import credential_store, key_ring
from infra.settings import Settings


@dataclass(frozen=True, slots=True)
class Desk:
    """The master keys, and the store that the settings name.

    Attributes:
        ledger: where parked records lie.
        vault: where the master keys in use are told; under the account that sees credentials.
    """

    ledger: asyncpg.Pool
    vault: asyncpg.Pool
    ring: KeyRing
    store: CredentialStore


@asynccontextmanager
async def desk_of(settings: Settings) -> AsyncIterator[Desk]:
    """Everything opened, for the length of the block.

    Raises:
        SettingsError: a master key is missing; nothing is to be sealed under a key that no worker has.
        StoreError: PostgreSQL or Vault cannot be reached.
    """
    ring = key_ring(settings)
    async with ledger_of(settings) as ledger, vault_of(settings) as vault:
        await ParkedRecords(ledger, Seal(ring)).check(ring)
        await MasterKeys(vault).check(ring)
        async with credential_store(settings, vault, ring) as store:
            yield Desk(ledger, vault, ring, store)
