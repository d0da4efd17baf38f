"""Cards that wait, sealed and for minutes, until the payment that names them is sent.

A card opens only under the live claim of the command that pays with it, at most for that one command, and is deleted
with its conclusion. Sealed with AES-256-GCM; the associated data binds the ciphertext to its `card_ref`, so that a row
copied to another reference does not open.
"""

import json
import os
from typing import Final
from uuid import UUID

import asyncpg
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import SecretStr

from agents.ledger import Claim
from agents.pool import FAILURES
from agents.sql import statement
from agents.vault.keyring import KeyRing
from providers.connector import Card
from schemas.errors import StoreError
from schemas.ids import new_id

_NONCE_BYTES: Final = 12
_VERSION: Final = b"\x01"
_FIELDS: Final = ("number", "holder", "expiry_month", "expiry_year", "verification_code")


class CardVault:
    """The vault in PostgreSQL's schema `vault`.

    Args:
        ttl_s: how long a card may wait, in seconds.
    """

    def __init__(self, pool: asyncpg.Pool, ring: KeyRing, *, ttl_s: float = 600) -> None:
        self._pool = pool
        self._cipher = AESGCM(ring.derive(b"cards"))
        self._ttl_s = ttl_s

    async def put(self, card: Card) -> UUID:
        """Seal a card and keep it for `ttl_s`.

        Returns:
            The `card_ref` that a command may carry.
        """
        card_ref = new_id()
        clear = {name: secret.get_secret_value() for name in _FIELDS if (secret := getattr(card, name)) is not None}
        nonce = os.urandom(_NONCE_BYTES)
        sealed = _VERSION + nonce + self._cipher.encrypt(nonce, json.dumps(clear).encode(), card_ref.bytes)
        await self._run("card_put", card_ref, sealed, self._ttl_s)
        return card_ref

    async def open(self, card_ref: UUID, claim: Claim) -> Card | None:
        """The card, for the claim's command alone; `None` when it is gone, expired or another command's.

        Raises:
            StoreError: PostgreSQL failed, or the sealed bytes do not open (another key, or they were changed).
        """
        row = await self._run("card_open", card_ref, claim.ask.command_id, claim.ask.key, claim.epoch)
        if row is None:
            return None
        version, nonce, sealed = row[:1], row[1 : 1 + _NONCE_BYTES], row[1 + _NONCE_BYTES :]
        if version != _VERSION:
            raise StoreError("a card was sealed in a newer format than this worker knows; upgrade the worker")
        try:
            clear = json.loads(self._cipher.decrypt(nonce, sealed, card_ref.bytes))
        except (InvalidTag, ValueError) as bad:  # ValueError: cut off
            raise StoreError("a sealed card does not open: the key differs, or its bytes were changed") from bad
        return Card(**{name: SecretStr(value) for name, value in clear.items()})

    async def discard(self, card_ref: UUID) -> None:
        """Delete a card, and with it every other whose time is over."""
        await self._run("card_discard", card_ref)

    async def _run(self, name: str, *arguments: object) -> bytes | None:
        try:
            answer: bytes | None = await self._pool.fetchval(statement(name), *arguments)
        except FAILURES as failed:
            raise StoreError(f"the card vault's statement `{name}` failed: {type(failed).__name__}") from failed
        return answer
