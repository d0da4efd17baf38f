"""Makes return addresses, and answers those who come back with one."""

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlencode
from uuid import UUID

import asyncpg

from agents.vault.keyring import KeyRing
from infra.gateway.returns.completing import Completing, Completion
from infra.gateway.returns.destination import trouble_with, with_state
from infra.gateway.returns.standing import Begun, Standing
from infra.gateway.returns.ticket import PARAMETER, Proved, Ticket, proved, signed
from infra.settings import Settings
from providers.connector import Integration
from schemas.envelope import Envelope
from schemas.errors import HubError
from schemas.payments import ReturnedField
from schemas.payments.notices import TakeNotice
from streams.codec import Outgoing, encode
from streams.publisher import Publisher

log = logging.getLogger(__name__)

SOURCE: Final = "/kolaj/hub/returns"
PATH: Final = "/v1/payments/{payment_id}/return"
WAIT_S: Final = 8.0
"""How long a shopper is kept for the provider's word: longer than a question takes, shorter than a browser waits."""
PUBLISH_S: Final = 3.0


@dataclass(frozen=True, slots=True)
class Place:
    """Where the hub is found by browsers, and where shoppers may go from there.

    Attributes:
        public_url: `None` where no return addresses are made.
        origins: those that shoppers may be sent on to.
        commands: the topic of payment commands.
    """

    public_url: str | None
    origins: Collection[str]
    commands: str


class Returns:
    """One for the process. It keeps nothing."""

    def __init__(
        self,
        place: Place,
        ring: KeyRing,
        publisher: Publisher,
        standing: Standing,
        completing: Completing,
        *,
        now: Callable[[], datetime],
    ) -> None:
        self.place = place
        self._ring = ring
        self._publisher = publisher
        self._standing = standing
        self._completing = completing
        self._now = now

    def address(self, payment_id: UUID, to: str, integration_id: str | None, good_for: timedelta) -> tuple[str, Ticket]:
        """A signed address for a shopper to come back to; `to` was found to be allowed."""
        now = self._now()
        expires_s = int((now + good_for).timestamp())
        ticket = Ticket(payment_id, to, integration_id, int(now.timestamp() * 1000), expires_s)
        query = urlencode({PARAMETER: signed(self._ring, ticket)})
        return f"{self.place.public_url}{PATH.format(payment_id=payment_id)}?{query}", ticket

    def read(self, payment_id: UUID, text: str) -> Proved | None:
        """What came back; `None` where the hub signed no such thing, or its destination is no longer allowed."""
        found = proved(self._ring, payment_id, text)
        if found is None or trouble_with(found.ticket.to, self.place.origins) is not None:
            return None
        return found

    def is_over(self, ticket: Ticket) -> bool:
        return self._now() >= ticket.expires_at

    async def onward(self, came: Proved, fields: tuple[ReturnedField, ...] = ()) -> str:
        """Where the shopper goes now, with how the payment stands; never kept by a store that is away."""
        state = await self._standing.settled(came, lambda begun: self._order(came, begun, fields), within_s=WAIT_S)
        return with_state(came.ticket.to, came.ticket.payment_id, state)

    async def _order(self, came: Proved, begun: Begun, fields: tuple[ReturnedField, ...]) -> UUID | None:
        found = self._completing.completion(came, begun, fields)
        command = question(self.place.commands, came) if found is None else order(self.place.commands, came, found)
        try:
            async with asyncio.timeout(PUBLISH_S):
                await self._publisher.publish([command])
        except (HubError, TimeoutError) as failed:
            log.warning(
                "a shopper's return is not stored; the provider's own call will tell",
                extra={"payment_id": str(came.ticket.payment_id), "why": type(failed).__name__},
            )
            return None
        return came.command_id if found is None else found.command_id


def returns_of(
    settings: Settings,
    ring: KeyRing,
    publisher: Publisher,
    database: asyncpg.Pool,
    *,
    integrations: Mapping[str, Integration],
    now: Callable[[], datetime],
) -> Returns:
    """A desk over these stores, for payments at these integrations."""
    place = Place(settings.public_url, settings.return_origins, settings.topics.payment_commands.name)
    return Returns(place, ring, publisher, Standing(database), Completing(integrations), now=now)


def question(topic: str, came: Proved) -> Outgoing:
    """The command that a return becomes which proves nothing: ask the provider. All of one ticket are the same one."""
    ticket = came.ticket
    envelope = Envelope(id=came.command_id, type=TakeNotice.type, source=SOURCE, time=ticket.made_at)
    body = TakeNotice(payment_id=ticket.payment_id, integration_id=ticket.integration_id, cause="return")
    return encode(topic, body.key, envelope, body)


def order(topic: str, came: Proved, found: Completion) -> Outgoing:
    """The command that a return becomes which completes the payment: take the money, or hold it."""
    envelope = Envelope(id=found.command_id, type=found.command.type, source=SOURCE, time=came.ticket.made_at)
    return encode(topic, found.command.key, envelope, found.command)
