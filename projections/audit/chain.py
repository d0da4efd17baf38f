"""The hash chain over one topic-partition: what is hashed, and how one link follows from the one before."""

import hashlib
import struct
from functools import lru_cache
from typing import Final

from streams.records import RawRecord

_NOTHING: Final = (b"\xff" * 8,)
_SIZE: Final = struct.Struct(">Q").pack
_SIZED_NUMBER: Final = struct.Struct(">QQ").pack

GENESIS: Final = bytes(32)
"""What stands before the first link."""


@lru_cache(1_000)
def _sized(name: str) -> bytes:
    # The names of headers are few, each on every record.
    spelled = name.encode("utf-8", "surrogateescape")
    return _SIZE(len(spelled)) + spelled


def record_digest(record: RawRecord) -> bytes:
    """SHA-256 over topic, partition, offset, key, headers and value, exactly as they lie in the log.

    Each part is preceded by its length in 8 bytes, big-endian; a length of all ones says that there is no such part,
    which is not the same as an empty one. No two different records give the same bytes.
    """
    # Written out, since this sees every record twice: when it is projected and when the chain is checked.
    topic, key, value, headers = record.topic.encode(), record.key, record.value, record.headers
    parts = [
        *(_SIZE(len(topic)), topic),
        _SIZED_NUMBER(8, record.partition),
        _SIZED_NUMBER(8, record.offset),
        *(_NOTHING if key is None else (_SIZE(len(key)), key)),
        _SIZED_NUMBER(8, len(headers)),
    ]
    for name, content in headers:
        parts.append(_sized(name))
        parts += _NOTHING if content is None else (_SIZE(len(content)), content)
    parts += _NOTHING if value is None else (_SIZE(len(value)), value)
    return hashlib.sha256(b"".join(parts)).digest()


def link(previous: bytes, digest: bytes) -> bytes:
    """The hash of a row: over the row before it and its own record, so that no row can change or go unseen.

    The record enters by its digest. Once a topic's retention has removed a record, its row still proves the order.
    """
    return hashlib.sha256(previous + digest).digest()
