"""Records at rest in the ledger: sealed, since they hold buyers' names and addresses.

AES-256-GCM. Each command has a key of its own, derived from the master key (HKDF-SHA256), so that a record copied to
another row does not open, and the number of records under one master key needs no limit. The first byte is the
version of the format.
"""

import base64
import json
import os
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from schemas.errors import StoreError
from streams.records import RawRecord

_VERSION: Final = b"\x01"
_NONCE_BYTES: Final = 12
_PURPOSE: Final = b"parked-record/"


class Seal:
    """Seals and opens records of one key.

    Args:
        key: 32 bytes.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key

    def _cipher(self, command_id: UUID) -> AESGCM:
        derive = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=_PURPOSE + command_id.bytes)
        return AESGCM(derive.derive(self._key))

    def close(self, record: RawRecord, command_id: UUID) -> bytes:
        """The record as bytes that say nothing without the key."""
        clear = {
            "key": _text(record.key),
            "value": _text(record.value),
            "headers": [[name, _text(value)] for name, value in record.headers],
            "timestamp_ms": record.timestamp_ms,
        }
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._cipher(command_id).encrypt(nonce, json.dumps(clear).encode(), _VERSION)
        return _VERSION + nonce + sealed

    def open(self, sealed: bytes, command_id: UUID, topic: str, partition: int, offset: int) -> RawRecord:
        """The record as it was.

        Raises:
            StoreError: the key differs, the bytes were changed or belong to another command, or the format is newer.
        """
        if sealed[:1] != _VERSION:
            raise StoreError("a parked record has a newer format than this worker knows; upgrade the worker")
        nonce, body = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        try:
            clear = json.loads(self._cipher(command_id).decrypt(nonce, body, _VERSION))
        except InvalidTag as bad:
            raise StoreError(
                f"the parked record of {command_id} does not open: INTEGRATION_ENCRYPTION_KEY differs, or bytes changed"
            ) from bad
        headers = tuple((name, _bytes(value)) for name, value in clear["headers"])
        return RawRecord(
            topic, partition, offset, clear["timestamp_ms"], _bytes(clear["key"]), _bytes(clear["value"]), headers
        )


def _text(part: bytes | None) -> str | None:
    return None if part is None else base64.b64encode(part).decode()


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else base64.b64decode(text)
