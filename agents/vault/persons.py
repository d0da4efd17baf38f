"""Persons, sealed under their own keys and opened again.

    version (1) | nonce (12) | ciphertext + tag

AES-256-GCM, the nonce random: a person's key seals a few fields with each of the person's payments, far fewer than the
2^32 that SP 800-38D allows under one key. Subject and payment are associated data, so that a person that was copied to
another payment does not open.
"""

import base64
import binascii
import json
import os
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from agents.vault.envelope import SealBroken, SealUnknown
from agents.vault.subjects import Subject
from schemas.personal import SealedPerson

_VERSION: Final = b"\x01"
_NONCE_BYTES: Final = 12
_ABOUT: Final = b"payer/1/"


def seal_person(subject: Subject, payment_id: UUID, facts: Mapping[str, Any]) -> SealedPerson:
    """The facts, for results of this payment."""
    nonce = os.urandom(_NONCE_BYTES)
    spelled = json.dumps(facts, ensure_ascii=False, separators=(",", ":")).encode()
    sealed = _VERSION + nonce + AESGCM(subject.key).encrypt(nonce, spelled, _context(subject.subject, payment_id))
    return SealedPerson(subject=subject.subject, sealed=base64.b64encode(sealed).decode())


def open_person(key: bytes, person: SealedPerson, payment_id: UUID) -> dict[str, Any]:
    """The facts as they were.

    Raises:
        SealBroken: bytes were changed, or it belongs to another payment or subject.
        SealUnknown: the format is newer.
    """
    try:
        sealed = base64.b64decode(person.sealed, validate=True)
        if base64.b64encode(sealed).decode() != person.sealed:  # the last letter has bits that say nothing
            raise SealBroken
        if sealed[:1] != _VERSION:
            raise SealUnknown
        nonce, body = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        facts: dict[str, Any] = json.loads(AESGCM(key).decrypt(nonce, body, _context(person.subject, payment_id)))
    except (InvalidTag, binascii.Error, ValueError) as bad:  # ValueError: cut off
        raise SealBroken from bad
    return facts


def _context(subject: UUID, payment_id: UUID) -> bytes:
    return _ABOUT + subject.bytes + payment_id.bytes
