"""Identifiers that are derived, so that a repeated step yields the same one."""

import hashlib
from datetime import UTC, datetime
from uuid import UUID, uuid5

import uuid_utils

_COORDINATES = UUID("5d0c1f0e-6f0b-5c57-9a53-2f2a6f4f5d10")

_LAST_MS = int(datetime.max.replace(tzinfo=UTC).timestamp()) * 1000


def new_id() -> UUID:
    """A fresh UUIDv7 (RFC 9562): sortable by creation time."""
    return UUID(int=uuid_utils.uuid7().int)


def result_id(command_id: UUID) -> UUID:
    """The id of a command's one result, whichever process concludes it."""
    return uuid5(command_id, "result")


def fact_id(command_id: UUID, what: str) -> UUID:
    """The id of a later fact about a command; `what` tells facts of one command apart."""
    return uuid5(command_id, what)


def rejection_id(topic: str, partition: int, offset: int) -> UUID:
    """The id of a rejection, from the coordinates of the rejected record: its own id may be another command's."""
    return uuid5(_COORDINATES, f"{topic}/{partition}/{offset}")


def derived_id(made_ms: int, name: str) -> UUID:
    """The UUIDv7 of a thing made at that moment (milliseconds since 1970): the same for the same name and moment."""
    told = int.from_bytes(hashlib.sha256(name.encode()).digest()[:10], "big")
    stamp, low = made_ms & (1 << 48) - 1, told & (1 << 62) - 1
    return UUID(int=stamp << 80 | 7 << 76 | (told >> 62 & 0xFFF) << 64 | 0b10 << 62 | low)


def created_at(identifier: UUID) -> datetime | None:
    """When a UUIDv7 was made (UTC, milliseconds); `None` for other versions, which carry no time.

    A time past the year 9999, which an id can name and a `datetime` cannot, is told as the last there is.
    """
    if identifier.version != 7:  # noqa: PLR2004 - the version's number is its name (RFC 9562)
        return None
    made_ms = identifier.int >> 80
    if made_ms > _LAST_MS:
        return datetime.max.replace(tzinfo=UTC)
    return datetime.fromtimestamp(made_ms / 1000, tz=UTC)
