"""Where a reader of a topic stands, as one short word that it hands back to go on there."""

import base64
import binascii
import re
import zlib
from collections.abc import Mapping
from typing import Final

_VERSION: Final = b"\x01"
_CHECK_BYTES: Final = 4
_WORD: Final = re.compile(r"[A-Za-z0-9_-]{1,8000}")
_MORE: Final = 0x80


def position_word(topic: str, positions: Mapping[int, int]) -> str:
    """`positions` has the next offset of each partition of `topic`, from 0 on without a gap."""
    packed = _VERSION + b"".join(_packed(positions[number]) for number in range(len(positions)))
    return base64.urlsafe_b64encode(_check(topic, packed) + packed).rstrip(b"=").decode()


def positions_of(topic: str, word: str) -> dict[int, int]:
    """The positions that `position_word` wrote down.

    Raises:
        ValueError: it is no such word, or one of another topic.
    """
    if _WORD.fullmatch(word) is None:
        raise ValueError("no position is spelled like that")
    try:
        content = base64.b64decode(word + "=" * (-len(word) % 4), altchars=b"-_", validate=True)
    except binascii.Error as bad:
        raise ValueError("no position is spelled like that") from bad
    check, packed = content[:_CHECK_BYTES], content[_CHECK_BYTES:]
    if check != _check(topic, packed) or packed[:1] != _VERSION:
        raise ValueError("it was changed, or is of another topic")
    offsets, value, shift = [], 0, 0
    for byte in packed[1:]:
        value |= (byte & ~_MORE) << shift
        shift += 7
        if not byte & _MORE:
            offsets.append(value)
            value, shift = 0, 0
    return dict(enumerate(offsets))


def _packed(offset: int) -> bytes:
    """Seven bits a byte, the low ones first; all bytes but the last have the high bit."""
    packed = bytearray()
    while offset >= _MORE:
        packed.append(offset & ~_MORE & 0xFF | _MORE)
        offset >>= 7
    packed.append(offset)
    return bytes(packed)


def _check(topic: str, packed: bytes) -> bytes:
    """Against slips, not against forgers: a position gives nobody anything to see that he may not see."""
    return zlib.crc32(topic.encode() + b"\n" + packed).to_bytes(_CHECK_BYTES)
