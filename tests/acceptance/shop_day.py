"""A shop's day through a whole hub and its gateway, for tests: what the shop orders, and what it is told."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from pydantic import SecretStr

from agents.card_vault import CardVault
from agents.pool import open_pool
from infra.credential_store import key_ring
from providers.connector import Card
from schemas.payments import PaymentNoticed
from schemas.payments.resources import ResourceOrder
from tests.acceptance.orders import Orders
from tests.api_server import Api
from tests.hub import Hub
from tests.resource_builders import a_resource_command


@dataclass(frozen=True)
class ShopDay:
    """One account's."""

    hub: Hub
    api: Api
    integration: str

    async def does(self, command: Any) -> Any:
        """The command's result."""
        return await Orders(self.hub).result(command)

    async def asks(self, kind: type[ResourceOrder], resource_id: UUID | None = None, **said: Any) -> Any:
        """The details of what was accepted."""
        command = a_resource_command(kind, resource_id, **{"integration_id": self.integration, **said})
        result = await self.does(command)
        assert result.verdict == "accepted", result
        return result.details

    async def noticed(self, payment_id: UUID, nth: int = 1) -> PaymentNoticed:
        """What came of the nth call about a payment."""

        def told() -> PaymentNoticed | None:
            found = [one for one in self.hub.events if isinstance(one, PaymentNoticed) and one.payment_id == payment_id]
            return found[nth - 1] if len(found) >= nth else None

        notice = await self.hub.until(told)
        assert notice is not None
        return notice

    async def card(self, number: str, *, month: str = "12", year: str = "2030", code: str = "000") -> UUID:
        """A card in the hub's vault."""
        pool = await open_pool(self.hub.settings.database_url.get_secret_value(), size=1)
        try:
            card = Card(*map(SecretStr, (number, "AYSE YILMAZ", month, year, code)))
            return await CardVault(pool, key_ring(self.hub.settings)).put(card)
        finally:
            await pool.close()
