"""A command as it comes over HTTP: its bytes, bounded, and read by the same rules as a record on Kafka."""

import json
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Final
from uuid import UUID

from fastapi import Request

from infra.gateway.problems import Problem
from schemas.envelope import Envelope
from schemas.errors import UnreadableRecord
from schemas.payments.vocabulary import Command
from streams.codec import MAX_VALUE_BYTES, Incoming, decode, digest

_JSON: Final = "application/json"


@dataclass(frozen=True, slots=True)
class Offered:
    """A command that could be published. `digest` is of what it means, whatever its spelling."""

    command: Incoming[Command]
    digest: bytes


async def bytes_of(request: Request) -> bytes:
    """The body of a request that says it is JSON.

    Raises:
        Problem: 413 or 415; at most `MAX_VALUE_BYTES` and one further piece were read.
    """
    said = request.headers.get("content-type", "").partition(";")[0].strip()
    if said != _JSON:
        raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", f"send the body as {_JSON}")
    pieces, size = [], 0
    async for piece in request.stream():
        size += len(piece)
        if size > MAX_VALUE_BYTES:
            detail = f"a command has at most {MAX_VALUE_BYTES} bytes"
            raise Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large", detail)
        pieces.append(piece)
    return b"".join(pieces)


def read(model: type[Command], value: bytes, envelope: Envelope) -> Offered:
    """The command in these bytes.

    Raises:
        Problem: 422; it names the field and never repeats a value.
    """
    headers = envelope.headers()
    try:
        command = decode({model.type: model}, _key_in(value, model.keyed_by), value, headers)
    except UnreadableRecord as bad:
        # `key` is what we made of the body, and no field of the caller's.
        field = model.keyed_by if bad.field == "key" else bad.field
        errors = [(field, bad.detail)] if field else []
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, bad.reason, bad.detail, errors=errors) from None
    return Offered(command, digest(command.envelope, command.key, command.body))


def identified(offered: Offered, command: Envelope) -> Incoming[Command]:
    """The same command under the id and time that were kept for it."""
    return replace(offered.command, envelope=command)


def _key_in(value: bytes, field: str) -> bytes:
    """What the record's key would be, however the id is spelled; what cannot be read here is told by `decode`."""
    try:
        return str(UUID(json.loads(value)[field])).encode()
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError):
        return b""
