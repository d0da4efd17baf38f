"""An API key as text: `kolaj_sk_<prefix>_<secret><checksum>`, letters and digits of base 62.

The first words let scanners of secrets find it, the prefix names it in lists and logs, and the checksum tells a key
that was cut or mistyped from one that nobody knows, without a look into any store. It protects nothing: anybody can
compute it.
"""

import hashlib
import re
import secrets
import zlib
from dataclasses import dataclass
from typing import Final

MARK: Final = "kolaj_sk_"
_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_PREFIX: Final = 12
_SECRET: Final = 43
"""62**43 is above 2**256."""
_CHECKSUM: Final = 6
_FORM: Final = re.compile(rf"{MARK}([0-9A-Za-z]{{{_PREFIX}}})_[0-9A-Za-z]{{{_SECRET}}}([0-9A-Za-z]{{{_CHECKSUM}}})")


class NoKey(Exception):
    """A text that is no whole API key. It ends as an answer to its sender, so it is no `HubError`."""


@dataclass(frozen=True, slots=True)
class Presented:
    """A whole key that somebody showed; whether it is known is another matter."""

    prefix: str
    digest: bytes


def mint() -> str:
    """A new key, with 256 random bits in its secret."""
    open_part = MARK + "".join(secrets.choice(_ALPHABET) for _ in range(_PREFIX))
    body = f"{open_part}_{_base62(secrets.randbits(256), _SECRET)}"
    return body + _checksum(body)


def read(text: str) -> Presented:
    """The prefix and digest of a key.

    Raises:
        NoKey: it does not look like one, or a letter of it is missing or wrong.
    """
    form = _FORM.fullmatch(text)
    if form is None or _checksum(text[:-_CHECKSUM]) != form[2]:
        raise NoKey
    return Presented(form[1], hashlib.sha256(text.encode()).digest())


def _checksum(body: str) -> str:
    return _base62(zlib.crc32(body.encode()), _CHECKSUM)


def _base62(number: int, length: int) -> str:
    letters = ""
    for _ in range(length):
        number, digit = divmod(number, len(_ALPHABET))
        letters = _ALPHABET[digit] + letters
    return letters
