"""The hash chain over one topic-partition: what is hashed, and how one link follows from the one before."""

import hashlib
import struct
from typing import Final

from streams.records import RawRecord

_ABSENT: Final = b"\xff" * 8
_SIZE: Final = struct.Struct(">Q").pack

GENESIS: Final = bytes(32)
"""What stands before the first link."""


def record_digest(record: RawRecord) -> bytes:
    """SHA-256 over topic, partition, offset, key, headers and value, exactly as they lie in the log.

    Each part is preceded by its length in 8 bytes, big-endian; a length of all ones says that there is no such part,
    which is not the same as an empty one. No two different records give the same bytes.
    """
    parts: list[bytes | None] = [
        record.topic.encode(),
        record.partition.to_bytes(8, "big"),
        record.offset.to_bytes(8, "big"),
        record.key,
        len(record.headers).to_bytes(8, "big"),
    ]
    for name, value in record.headers:
        parts += [name.encode("utf-8", "surrogateescape"), value]
    parts.append(record.value)
    return hashlib.sha256(b"".join(_ABSENT if part is None else _SIZE(len(part)) + part for part in parts)).digest()


def link(previous: bytes, digest: bytes) -> bytes:
    """The hash of a row: over the row before it and its own record, so that no row can change or go unseen.

    The record enters by its digest. Once a topic's retention has removed a record, its row still proves the order.
    """
    return hashlib.sha256(previous + digest).digest()
