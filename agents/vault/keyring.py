"""The master keys of a process, each under an id of its own, and the keys that are derived from them.

A master key never encrypts anything. Each use has a subkey, derived with HKDF-SHA256 (RFC 5869), so that no use can
open what another sealed. A key's id is derived as well: it says nothing of the key, and the same key has the same id
in every process.
"""

import base64
import binascii
from collections.abc import Sequence
from typing import Final, NoReturn, Self

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic import SecretStr

from schemas.errors import SettingsError

KEY_BYTES: Final = 32
KEY_ID_BYTES: Final = 8
PRIMARY_SETTING: Final = "INTEGRATION_ENCRYPTION_KEY"
RETIRED_SETTING: Final = "INTEGRATION_ENCRYPTION_KEYS_RETIRED"
_ID_PURPOSE: Final = b"kolaj/master-key-id/1"
_SUBKEY_PURPOSE: Final = b"kolaj/subkey/1/"


class UnknownMasterKey(SettingsError):
    """Something was sealed under a master key that this process was not given.

    Attributes:
        key_id: which one.
    """

    def __init__(self, key_id: str) -> None:
        super().__init__(
            f"the master key {key_id} is missing: something was sealed under it. Give that key as {PRIMARY_SETTING}, "
            f"or among {RETIRED_SETTING} while it is being rotated away"
        )
        self.key_id = key_id


class KeyRing:
    """One master key that seals, and retired ones that only open. It neither prints its keys nor pickles."""

    __slots__ = ("_keys", "_primary_id")

    def __init__(self, keys: Sequence[bytes]) -> None:
        """`keys` are 32 bytes each, the one that seals first."""
        self._keys = {_key_id(key): key for key in keys}
        self._primary_id = next(iter(self._keys))

    @classmethod
    def of(cls, primary: SecretStr, retired: Sequence[SecretStr] = ()) -> Self:
        """The ring of the keys as the settings hold them: base64 of 32 bytes each.

        Raises:
            SettingsError: one of them is no such key, or the same key stands there twice.
        """
        named = [(PRIMARY_SETTING, primary)]
        named += [(f"{RETIRED_SETTING}: key {place}", key) for place, key in enumerate(retired, start=1)]
        keys: list[bytes] = []
        for setting, text in named:
            try:
                key = decode_key(text)
            except ValueError as bad:
                raise SettingsError(f"{setting} {bad}") from None
            if key in keys:
                raise SettingsError(f"{setting} is the same key as an earlier one; take it out")
            keys.append(key)
        return cls(keys)

    @property
    def primary_id(self) -> str:
        """The id of the key that seals."""
        return self._primary_id

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of all keys, the one that seals first."""
        return tuple(self._keys)

    def derive(self, purpose: bytes, key_id: str | None = None) -> bytes:
        """The 32-byte subkey for a purpose, of the key that seals or of the named one.

        Raises:
            UnknownMasterKey: the ring has no key of that id.
        """
        wanted = self._primary_id if key_id is None else key_id
        key = self._keys.get(wanted)
        if key is None:
            raise UnknownMasterKey(wanted)
        return _hkdf(key, _SUBKEY_PURPOSE + purpose, KEY_BYTES)

    def __repr__(self) -> str:
        return f"KeyRing(ids={self.ids})"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        del protocol
        raise TypeError("a key ring is neither pickled nor copied: its keys would leave the process")


def decode_key(text: SecretStr) -> bytes:
    """The 32 bytes of a master key.

    Raises:
        ValueError: it is not base64 of 32 bytes; the message does not repeat it.
    """
    try:
        key = base64.b64decode(text.get_secret_value(), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise ValueError(f"must be base64 of {KEY_BYTES} bytes; make one with `openssl rand -base64 {KEY_BYTES}`")
    return key


def _key_id(key: bytes) -> str:
    return _hkdf(key, _ID_PURPOSE, KEY_ID_BYTES).hex()


def _hkdf(key: bytes, purpose: bytes, length: int) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=length, salt=None, info=purpose).derive(key)
