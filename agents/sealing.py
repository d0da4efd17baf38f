"""Records at rest in the ledger, and providers' calls in their topic: sealed, for they hold buyers' names.

Each is in an envelope (agents/vault/envelope.py) that is bound to its command or call, so that one copied to another
row does not open. Parked records of the format before, which names no master key, still open: their first byte is 1,
and each key of the ring is tried.
"""

import base64
import json
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from agents.vault.envelope import SealBroken, beginning, open_sealed, rewrap, seal
from agents.vault.keyring import PRIMARY_SETTING, RETIRED_SETTING, KeyRing
from schemas.errors import StoreError
from streams.records import RawRecord

_BEFORE: Final = b"\x01"
_BEFORE_NONCE_BYTES: Final = 12
_PURPOSE: Final = b"parked-record/"
_CALL_PURPOSE: Final = b"webhook-body/"


class Seal:
    """Seals records under the ring's primary key, and opens those of all its keys."""

    def __init__(self, ring: KeyRing) -> None:
        self._ring = ring

    @property
    def begins(self) -> bytes:
        """How every record begins that is under the primary key."""
        return beginning(self._ring)

    def close(self, record: RawRecord, command_id: UUID) -> bytes:
        """The record as bytes that say nothing without the key."""
        clear = {
            "key": _text(record.key),
            "value": _text(record.value),
            "headers": [[name, _text(value)] for name, value in record.headers],
            "timestamp_ms": record.timestamp_ms,
        }
        return seal(self._ring, json.dumps(clear).encode(), _place(command_id))

    def open(self, sealed: bytes, command_id: UUID, topic: str, partition: int, offset: int) -> RawRecord:
        """The record as it was.

        Raises:
            UnknownMasterKey: it is under a key that this process was not given.
            StoreError: the key differs, the bytes were changed or belong to another command, or the format is newer.
        """
        clear = json.loads(self._open(sealed, command_id))
        headers = tuple((name, _bytes(value)) for name, value in clear["headers"])
        return RawRecord(
            topic, partition, offset, clear["timestamp_ms"], _bytes(clear["key"]), _bytes(clear["value"]), headers
        )

    def rewrap(self, sealed: bytes, command_id: UUID) -> bytes:
        """The same record under the primary key.

        Raises:
            UnknownMasterKey, StoreError: as `open`.
        """
        if sealed[:1] == _BEFORE:
            return seal(self._ring, self._open(sealed, command_id), _place(command_id))
        return rewrap(self._ring, sealed, _place(command_id))

    def close_call(self, body: bytes, received_id: UUID) -> bytes:
        """The body of a provider's call to us, bound to the `ce_id` of the record that tells of it.

        Raises:
            ValueError: it is longer than 1 MiB.
        """
        return seal(self._ring, body, _CALL_PURPOSE + received_id.bytes)

    def open_call(self, sealed: bytes, received_id: UUID) -> bytes:
        """The body as it was.

        Raises:
            UnknownMasterKey: it is under a key that this process was not given.
            SealBroken, SealUnknown: the bytes were changed or belong to another call, or the format is newer.
        """
        return open_sealed(self._ring, sealed, _CALL_PURPOSE + received_id.bytes)

    def _open(self, sealed: bytes, command_id: UUID) -> bytes:
        if sealed[:1] == _BEFORE:
            return self._open_before(sealed, command_id)
        try:
            return open_sealed(self._ring, sealed, _place(command_id))
        except SealBroken as bad:
            raise StoreError(f"the parked record of {command_id} does not open: its bytes were changed") from bad

    def _open_before(self, sealed: bytes, command_id: UUID) -> bytes:
        nonce, body = sealed[1 : 1 + _BEFORE_NONCE_BYTES], sealed[1 + _BEFORE_NONCE_BYTES :]
        for key_id in self._ring.ids:
            try:
                return AESGCM(self._ring.derive_bare(_place(command_id), key_id)).decrypt(nonce, body, _BEFORE)
            except (InvalidTag, ValueError):  # ValueError: cut off
                continue
        raise StoreError(
            f"the parked record of {command_id} does not open: it was sealed under a master key that is neither "
            f"{PRIMARY_SETTING} nor among {RETIRED_SETTING}, or its bytes were changed"
        )


def _place(command_id: UUID) -> bytes:
    return _PURPOSE + command_id.bytes


def _text(part: bytes | None) -> str | None:
    return None if part is None else base64.b64encode(part).decode()


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else base64.b64decode(text)
