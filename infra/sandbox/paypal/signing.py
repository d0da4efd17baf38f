"""How a call to the merchant is signed, and why that does not protect it: with the CRC-32 of the body alone.

Source: developer.paypal.com, Webhooks (the signed text); the certificate is of a throwaway authority.
"""

import base64
import json
import zlib
from dataclasses import dataclass
from typing import Final

import trustme
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from infra.sandbox.paypal.refusing import Json

ALGORITHM: Final = "SHA256withRSA"
CERTIFICATES: Final = "/v1/notifications/certs/"
_PADDING: Final = 64
_PLAIN, _FLIPPED = "A", "C"


@dataclass(frozen=True, slots=True)
class Signer:
    """The key of the certificate that lies at `path`."""

    path: str
    pem: bytes
    key: rsa.RSAPrivateKey

    def sign(self, transmission_id: str, transmitted: str, webhook_id: str, body: bytes) -> str:
        """RSA, PKCS #1 v1.5, SHA-256, in base 64."""
        text = signed_text(transmission_id, transmitted, webhook_id, body)
        return base64.b64encode(self.key.sign(text, padding.PKCS1v15(), SHA256())).decode()

    def signed(self, signature: str, text: bytes) -> bool:
        """Whether this key signed it; one signature of a text is like another."""
        return signature == base64.b64encode(self.key.sign(text, padding.PKCS1v15(), SHA256())).decode()


def new_signer(authority: trustme.CA, common_name: str) -> Signer:
    """A certificate of its own for this run, at an address of its own: whoever kept another one fetches this."""
    made = authority.issue_cert(common_name=common_name, key_type=trustme.KeyType.RSA)
    key = load_pem_private_key(made.private_key_pem.bytes(), None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TypeError("PayPal signs with RSA")
    chain = b"".join(part.bytes() for part in made.cert_chain_pems)
    name = f"CERT-{zlib.crc32(chain):08x}-{len(chain):x}"
    return Signer(CERTIFICATES + name, chain, key)


def signed_text(transmission_id: str, transmitted: str, webhook_id: str, body: bytes) -> bytes:
    return f"{transmission_id}|{transmitted}|{webhook_id}|{zlib.crc32(body)}".encode()


def forged(body: bytes, changed: Json) -> bytes:
    """Another event with the same CRC-32, so that the genuine one's signature fits it.

    CRC-32 is affine over GF(2): each character that is flipped in a padding changes the sum by a fixed pattern,
    whatever the others are, and 64 such patterns combine to any difference of 32 bits.
    """
    text = json.dumps({**changed, "summary": _PLAIN * _PADDING})
    at = text.index(_PLAIN * _PADDING)
    plain = zlib.crc32(text.encode())
    patterns = [zlib.crc32(_flip(text, [at + place]).encode()) ^ plain for place in range(_PADDING)]
    chosen = _combination(patterns, plain ^ zlib.crc32(body))
    return _flip(text, [at + place for place in chosen]).encode()


def _flip(text: str, places: list[int]) -> str:
    characters = list(text)
    for place in places:
        characters[place] = _FLIPPED
    return "".join(characters)


def _combination(patterns: list[int], wanted: int) -> list[int]:
    """Which of the patterns make up `wanted`, by Gaussian elimination."""
    basis: dict[int, tuple[int, int]] = {}  # by highest bit: the pattern, and of which ones it is made
    for index, pattern in enumerate(patterns):
        reduced, made_of = _reduce(basis, pattern, 1 << index)
        if reduced:
            basis[reduced.bit_length()] = (reduced, made_of)
    rest, made_of = _reduce(basis, wanted, 0)
    if rest:
        raise ArithmeticError("the padding is too short for this difference")
    return [index for index in range(len(patterns)) if made_of >> index & 1]


def _reduce(basis: dict[int, tuple[int, int]], value: int, made_of: int) -> tuple[int, int]:
    while value and value.bit_length() in basis:
        pattern, parts = basis[value.bit_length()]
        value, made_of = value ^ pattern, made_of ^ parts
    return value, made_of
