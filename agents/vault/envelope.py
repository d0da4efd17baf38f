"""Envelope encryption: each value under a data key of its own, and that data key under a master key.

A sealed value describes itself:

    "KSE" 1 | id of the master key (8) | salt (32) | nonce (12) | data key, wrapped (48) | nonce (12) | ciphertext + tag

Both layers are AES-256-GCM, and no key of either encrypts twice: the data key is random for each value, the wrapping
key is derived from the master key and a random salt for each wrapping. That keeps far from the limits of NIST SP
800-38D without a count (decision 0007). The caller's context is associated data of both layers: what was sealed for one
place does not open at another.
"""

import os
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from agents.vault.keyring import KEY_BYTES, KEY_ID_BYTES, KeyRing
from schemas.errors import StoreError

FORMAT: Final = b"KSE\x01"
LONGEST: Final = 1 << 20
"""Bytes of one value. A single GCM message may have 2^36 - 32 (SP 800-38D, 5.2.1.1); nothing here comes near."""
NONCE_BYTES: Final = 12
SALT_BYTES: Final = 32
TAG_BYTES: Final = 16
_ID_END: Final = len(FORMAT) + KEY_ID_BYTES
_SALT_END: Final = _ID_END + SALT_BYTES
_WRAP_NONCE_END: Final = _SALT_END + NONCE_BYTES
_WRAPPED_END: Final = _WRAP_NONCE_END + KEY_BYTES + TAG_BYTES
_NONCE_END: Final = _WRAPPED_END + NONCE_BYTES
OVERHEAD: Final = _NONCE_END + TAG_BYTES
"""Bytes that a sealed value has more than the clear one."""
_WRAP: Final = FORMAT + b"wrap\x00"
_VALUE: Final = FORMAT + b"value\x00"


class SealBroken(StoreError):
    """A sealed value does not open: its bytes were changed or cut, or it was sealed for another place."""

    def __init__(self) -> None:
        super().__init__(
            "a sealed value does not open: its bytes were changed, or it was copied from another place; restore it, "
            "or set it anew"
        )


class SealUnknown(StoreError):
    """A sealed value has a format that this version does not know."""

    def __init__(self) -> None:
        super().__init__("a sealed value has a format that this version of the hub does not know; upgrade the hub")


@dataclass(frozen=True, slots=True)
class _Parts:
    key_id: str
    wrapping: bytes
    """Salt, nonce and wrapped data key."""
    body: bytes
    """Nonce and ciphertext."""


def seal(ring: KeyRing, plaintext: bytes, context: bytes) -> bytes:
    """The value, sealed for `context` under the ring's primary key.

    Raises:
        ValueError: it is longer than `LONGEST`.
    """
    if len(plaintext) > LONGEST:
        raise ValueError(f"a value of {len(plaintext)} bytes is too long to be sealed; at most {LONGEST}")
    data_key = bytearray(os.urandom(KEY_BYTES))
    try:
        nonce = os.urandom(NONCE_BYTES)
        body = nonce + AESGCM(data_key).encrypt(nonce, plaintext, _VALUE + context)
        return _wrap(ring, data_key, context) + body
    finally:
        wipe(data_key)


def open_sealed(ring: KeyRing, sealed: bytes, context: bytes) -> bytes:
    """The value as it was.

    Raises:
        UnknownMasterKey: the ring lacks the key that it names.
        SealBroken: bytes were changed or cut, or the context is another one.
        SealUnknown: the format is newer.
    """
    parts = _parts(sealed)
    data_key = _unwrap(ring, parts, context)
    try:
        return AESGCM(data_key).decrypt(parts.body[:NONCE_BYTES], parts.body[NONCE_BYTES:], _VALUE + context)
    except InvalidTag:
        raise SealBroken from None
    finally:
        wipe(data_key)


def rewrap(ring: KeyRing, sealed: bytes, context: bytes) -> bytes:
    """The same value with its data key under the ring's primary key; the ciphertext stays byte for byte.

    A value that is under the primary key already is given back as it is.

    Raises:
        UnknownMasterKey, SealBroken, SealUnknown: as `open_sealed`; a changed wrapping is not rewrapped.
    """
    parts = _parts(sealed)
    if parts.key_id == ring.primary_id:
        return sealed
    data_key = _unwrap(ring, parts, context)
    try:
        return _wrap(ring, data_key, context) + parts.body
    finally:
        wipe(data_key)


def key_id_of(sealed: bytes) -> str:
    """The id of the master key that a sealed value names.

    Raises:
        SealBroken, SealUnknown: it is no sealed value.
    """
    return _parts(sealed).key_id


def wipe(buffer: bytearray) -> None:
    """Overwrite what a buffer held."""
    buffer[:] = bytes(len(buffer))


def _parts(sealed: bytes) -> _Parts:
    if len(sealed) < len(FORMAT) or not sealed.startswith(FORMAT[:-1]):
        raise SealBroken
    if not sealed.startswith(FORMAT):
        raise SealUnknown
    if len(sealed) < OVERHEAD:
        raise SealBroken
    return _Parts(sealed[len(FORMAT) : _ID_END].hex(), sealed[_ID_END:_WRAPPED_END], sealed[_WRAPPED_END:])


def _wrap(ring: KeyRing, data_key: bytearray, context: bytes) -> bytes:
    key_id = bytes.fromhex(ring.primary_id)
    salt, nonce = os.urandom(SALT_BYTES), os.urandom(NONCE_BYTES)
    wrapping = AESGCM(ring.derive(_WRAP + salt))
    return FORMAT + key_id + salt + nonce + wrapping.encrypt(nonce, data_key, _WRAP + key_id + context)


def _unwrap(ring: KeyRing, parts: _Parts, context: bytes) -> bytearray:
    salt, wrapped = parts.wrapping[:SALT_BYTES], parts.wrapping[SALT_BYTES:]
    wrapping = AESGCM(ring.derive(_WRAP + salt, parts.key_id))
    data_key = bytearray(KEY_BYTES)
    try:
        wrapping.decrypt_into(
            wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], _WRAP + bytes.fromhex(parts.key_id) + context, data_key
        )
    except InvalidTag:
        raise SealBroken from None
    return data_key
