"""Makes return addresses, and answers those who come back with one."""

import asyncio
import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlencode
from uuid import UUID

import asyncpg

from agents.vault.keyring import KeyRing
from infra.gateway.returns.destination import trouble_with, with_state
from infra.gateway.returns.standing import Standing
from infra.gateway.returns.ticket import PARAMETER, Proved, Ticket, proved, signed
from infra.settings import Settings
from schemas.envelope import Envelope
from schemas.errors import HubError
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
        self, place: Place, ring: KeyRing, publisher: Publisher, standing: Standing, *, now: Callable[[], datetime]
    ) -> None:
        self.place = place
        self._ring = ring
        self._publisher = publisher
        self._standing = standing
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

    async def onward(self, came: Proved) -> str:
        """Where the shopper goes now, with how the payment stands; never kept by a store that is away."""
        state = await self._standing.settled(came, lambda: self._ask(came), within_s=WAIT_S)
        return with_state(came.ticket.to, came.ticket.payment_id, state)

    async def _ask(self, came: Proved) -> bool:
        try:
            async with asyncio.timeout(PUBLISH_S):
                await self._publisher.publish([question(self.place.commands, came)])
        except (HubError, TimeoutError) as failed:
            log.warning(
                "a shopper's return is not stored; the provider's own call will tell",
                extra={"payment_id": str(came.ticket.payment_id), "why": type(failed).__name__},
            )
            return False
        return True


def returns_of(
    settings: Settings, ring: KeyRing, publisher: Publisher, database: asyncpg.Pool, now: Callable[[], datetime]
) -> Returns:
    """A desk over these stores."""
    place = Place(settings.public_url, settings.return_origins, settings.topics.payment_commands.name)
    return Returns(place, ring, publisher, Standing(database), now=now)


def question(topic: str, came: Proved) -> Outgoing:
    """The command that a return becomes: ask the provider. However often it comes, it is one and the same."""
    ticket = came.ticket
    envelope = Envelope(id=came.command_id, type=TakeNotice.type, source=SOURCE, time=ticket.made_at)
    body = TakeNotice(payment_id=ticket.payment_id, integration_id=ticket.integration_id, cause="return")
    return encode(topic, body.key, envelope, body)
