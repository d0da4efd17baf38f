"""Cards that wait, sealed and for minutes, until the payment that names them is sent.

A card opens only under the live claim of the command that pays with it, at most for that one command, and is deleted
with its conclusion. Its verification code lies apart and goes earlier: as soon as the authorisation was sent and may
have been performed, whatever came back. Both tables are unlogged.

Card and code are sealed in envelopes of their own. The context binds each to its `card_ref` and to what it is, so that
a row copied to another reference does not open, nor a code as a card.
"""

import json
from typing import Final
from uuid import UUID

import asyncpg
from pydantic import SecretStr

from agents.ledger import Claim
from agents.pool import FAILURES
from agents.sql import statement
from agents.vault.envelope import open_sealed, seal
from agents.vault.keyring import KeyRing, UnknownMasterKey
from providers.connector import Card
from schemas.errors import StoreError
from schemas.ids import new_id

_FIELDS: Final = ("number", "holder", "expiry_month", "expiry_year")
CARD: Final = b"vault.cards/card/1/"
CODE: Final = b"vault.card_codes/code/1/"


class CardVault:
    """The vault in PostgreSQL's schema `vault`.

    Args:
        ttl_s: how long a card may wait, in seconds.
    """

    def __init__(self, pool: asyncpg.Pool, ring: KeyRing, *, ttl_s: float = 600) -> None:
        self._pool = pool
        self._ring = ring
        self._ttl_s = ttl_s

    async def put(self, card: Card) -> UUID:
        """Seal a card and keep it for `ttl_s`.

        Returns:
            The `card_ref` that a command may carry.
        """
        card_ref = new_id()
        code = card.verification_code
        clear = {name: getattr(card, name).get_secret_value() for name in _FIELDS}
        spelled = json.dumps({**clear, "has_code": code is not None}).encode()
        sealed = seal(self._ring, spelled, CARD + card_ref.bytes)
        sealed_code: bytes | None = None
        if code is not None:
            sealed_code = seal(self._ring, code.get_secret_value().encode(), CODE + card_ref.bytes)
        await self._run("card_put", card_ref, sealed, sealed_code, self._ttl_s)
        return card_ref

    async def open(self, card_ref: UUID, claim: Claim) -> Card | None:
        """The card, for the claim's command alone.

        Returns:
            `None` when it is gone, expired or another command's, or when its verification code is gone already.

        Raises:
            StoreError: PostgreSQL failed, or the sealed bytes do not open (another key, or they were changed).
        """
        row = await self._run("card_open", card_ref, claim.ask.command_id, claim.ask.key, claim.epoch)
        if row is None:
            return None
        clear = json.loads(self._opened(row["card"], CARD + card_ref.bytes))
        code: SecretStr | None = None
        if clear.pop("has_code"):
            if row["code"] is None:
                return None
            code = SecretStr(self._opened(row["code"], CODE + card_ref.bytes).decode())
        return Card(**{name: SecretStr(value) for name, value in clear.items()}, verification_code=code)

    async def forget_code(self, card_ref: UUID) -> None:
        """Delete the verification code alone: its authorisation was sent, and it must not be kept after that."""
        await self._run("card_forget_code", card_ref)

    async def discard(self, card_ref: UUID) -> None:
        """Delete a card with its code, and with it every other whose time is over."""
        await self._run("card_discard", card_ref)

    async def sweep(self) -> int:
        """Delete what workers that died have left behind.

        Returns:
            How many rows that were.
        """
        row = await self._run("card_sweep")
        return 0 if row is None else int(row[0])

    def _opened(self, sealed: bytes, context: bytes) -> bytes:
        try:
            return open_sealed(self._ring, sealed, context)
        except UnknownMasterKey as missing:  # a setting is wrong, and the command waits until it is right
            raise StoreError(str(missing)) from missing

    async def _run(self, name: str, *arguments: object) -> asyncpg.Record | None:
        try:
            return await self._pool.fetchrow(statement(name), *arguments)
        except FAILURES as failed:
            raise StoreError(f"the card vault's statement `{name}` failed: {type(failed).__name__}") from failed
