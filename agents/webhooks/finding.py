"""Which payment or resource a provider's call is about: asked of the ledger, never guessed."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import asyncpg

from agents.payments.ledger_keys import PAYMENTS, RESOURCES, id_in
from agents.pool import FAILURES
from agents.sql import statement
from schemas.errors import StoreError
from schemas.ids import created_at
from schemas.payments.creations import OF_A_CREATION
from schemas.webhooks import WebhookReceived

_DEADLINE_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Subject:
    """What a call is about.

    Attributes:
        id: of the payment or the resource.
        begun_ms: when the attempt that it names was begun, in milliseconds since 1970: the same whenever one looks.
            `None` where it was found by the provider's name.
        moves: whether that attempt was to move a payment's money (a refund, say), and not to make the payment.
    """

    id: UUID
    begun_ms: int | None
    moves: bool = False


class Finder:
    """Looks up what is called by the names that calls carry, within the account that the call's secret belongs to."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def subject(self, call: WebhookReceived) -> Subject | None:
        """The payment or resource; `None` while there is none by these names, or where they fit several.

        Raises:
            StoreError: PostgreSQL failed.
        """
        names = (call.integration_id, call.our_reference, call.provider_reference)
        kind = RESOURCES if call.about == "resource" else PAYMENTS
        rows = [row for row in await self._fetch("payment_of_names", *names) if row["key"].startswith(kind)]
        ours = [row for row in rows if row["command_id"] is not None]
        found = ours or rows
        if len({row["key"] for row in found}) != 1:
            return None
        return Subject(id_in(found[0]["key"]), _begun_ms(found[0]), moves=_moves(found[0]))

    async def known(self, command_id: UUID) -> str | None:
        """The state of a command that was taken up before.

        Raises:
            StoreError: PostgreSQL failed.
        """
        rows = await self._fetch("command_known", command_id)
        return rows[0]["state"] if rows else None

    async def _fetch(self, name: str, *arguments: object) -> Sequence[Mapping[str, Any]]:
        try:
            async with asyncio.timeout(_DEADLINE_S):
                rows: Sequence[Mapping[str, Any]] = await self._pool.fetch(statement(name), *arguments)
        except FAILURES as failed:
            raise StoreError(f"the ledger's statement `{name}` failed: {type(failed).__name__}: {failed}") from failed
        return rows


def _begun_ms(row: Mapping[str, Any]) -> int | None:
    if row["command_id"] is None:
        return None
    at = created_at(row["command_id"])
    claimed_ms: int = row["claimed_ms"]
    return claimed_ms if at is None else int(at.timestamp() * 1000)


def _moves(row: Mapping[str, Any]) -> bool:
    return row["command_type"] is not None and row["command_type"] not in OF_A_CREATION
