"""Return addresses: what a signed one holds, and whether one that came back is ours. Pure.

A shopper's browser comes back from the bank without session or cookies. All that is believed of it is the ticket in the
address, which the hub itself signed for a backend that it knew.
"""

import base64
import binascii
import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from agents.vault.keyring import KeyRing
from schemas.ids import derived_id

PARAMETER: Final = "r"
_PURPOSE: Final = b"return-address/1"
_LONGEST: Final = 6_000
"""Characters of a ticket: an address of 2,000 characters, JSON and base64 around it."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """One return address.

    Attributes:
        to: where the shopper is sent on to.
        integration_id: whose payment the backend said it is; `None` where it named none.
        made_ms: when it was signed, in milliseconds since 1970.
        expires_s: until when it is good, in seconds since 1970.
    """

    payment_id: UUID
    to: str
    integration_id: str | None
    made_ms: int
    expires_s: int

    @property
    def expires_at(self) -> datetime:
        return datetime.fromtimestamp(self.expires_s, UTC)

    @property
    def made_at(self) -> datetime:
        return datetime.fromtimestamp(self.made_ms / 1000, UTC)


@dataclass(frozen=True, slots=True)
class Proved:
    """A ticket that came back and is ours.

    Attributes:
        command_id: of the question that its return becomes: the same for every return with this ticket.
    """

    ticket: Ticket
    command_id: UUID


def signed(ring: KeyRing, ticket: Ticket) -> str:
    """The ticket as text for an address, signed under the key that seals. The payment in the path is signed too."""
    content = json.dumps(
        [ticket.to, ticket.integration_id, ticket.made_ms, ticket.expires_s], separators=(",", ":")
    ).encode()
    text = base64.urlsafe_b64encode(content).decode().rstrip("=")
    return f"{text}.{_mac(ring, ring.primary_id, ticket.payment_id, text)}"


def proved(ring: KeyRing, payment_id: UUID, text: str) -> Proved | None:
    """The ticket in an address that came back; `None` for whatever the hub did not sign for this payment.

    Every master key is tried, retired ones too, each compared in constant time.
    """
    content, dot, given = text.partition(".")
    if not dot or len(text) > _LONGEST or not text.isascii():
        return None
    fits = [hmac.compare_digest(_mac(ring, key_id, payment_id, content), given) for key_id in ring.ids]
    if not any(fits):
        return None
    try:
        told = base64.urlsafe_b64decode(content + "=" * (-len(content) % 4))
        to, integration_id, made_ms, expires_s = json.loads(told)
    except (binascii.Error, ValueError):
        return None
    ticket = Ticket(payment_id, to, integration_id, made_ms, expires_s)
    return Proved(ticket, derived_id(made_ms, f"{_PURPOSE.decode()} {payment_id} {given}"))


def _mac(ring: KeyRing, key_id: str, payment_id: UUID, content: str) -> str:
    digest = hmac.new(ring.derive(_PURPOSE, key_id), payment_id.bytes + content.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
