"""Values that wait in this process's memory, sealed under a key that no other process ever has."""

import itertools
import os
from typing import Final, NoReturn

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from agents.vault.envelope import NONCE_BYTES, TAG_BYTES, wipe
from agents.vault.keyring import KEY_BYTES
from agents.vault.secret import Secret

_LAST: Final = 1 << 32
"""Values under one key (SP 800-38D, 8.3); the nonce is a count, so that none comes twice."""


class Box:
    """Closes and opens values. It says nothing of them in a dump that misses OpenSSL's copy of the key.

    Not to be carried through a fork: both processes would count on from the same nonce.
    """

    def __init__(self) -> None:
        self._renew()

    def close(self, value: Secret, place: bytes) -> "Boxed":
        """The value, to be opened for this place alone."""
        number = next(self._count)
        if number >= _LAST:
            self._renew()
            number = next(self._count)
        nonce = number.to_bytes(NONCE_BYTES, "big")
        return Boxed(self._cipher, nonce, self._cipher.encrypt(nonce, value.reveal_bytes(), place))

    def _renew(self) -> None:
        key = bytearray(os.urandom(KEY_BYTES))
        self._cipher = AESGCM(key)
        self._count = itertools.count()
        wipe(key)


class Boxed:
    """One closed value. It opens as long as somebody holds it, also after its box took another key."""

    __slots__ = ("_cipher", "_nonce", "_sealed")

    def __init__(self, cipher: AESGCM, nonce: bytes, sealed: bytes) -> None:
        self._cipher = cipher
        self._nonce = nonce
        self._sealed = sealed

    def open(self, place: bytes) -> Secret:
        """The value.

        Raises:
            InvalidTag: it was closed for another place.
        """
        buffer = bytearray(len(self._sealed) - TAG_BYTES)
        self._cipher.decrypt_into(self._nonce, self._sealed, place, buffer)
        return Secret(buffer)

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        del protocol
        raise TypeError("a boxed secret is neither pickled nor copied")
