"""The public keys of an issuer, out of the document that it publishes.

Source: RFC 7517 (JWK), RFC 7518 (algorithms), RFC 8725 (best practices for JWT), section 3.1: an algorithm belongs to a
key, and a token never chooses it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import jwt

MOST_KEYS: Final = 100
_BY_KIND: Final[Mapping[tuple[str, str | None], tuple[str, ...]]] = MappingProxyType(
    {
        ("RSA", None): ("RS256", "PS256"),
        ("EC", "P-256"): ("ES256",),
        ("OKP", "Ed25519"): ("EdDSA",),
    }
)
"""What a kind of key may sign with. Whatever is not here, shared secrets above all, is left out."""
ALGORITHMS: Final = frozenset(name for names in _BY_KIND.values() for name in names)


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A public key, and the algorithms that a signature under it may have."""

    public: Any
    algorithms: tuple[str, ...]


def read_keys(document: bytes) -> dict[str, SigningKey]:
    """The keys that sign, by `kid`; keys for anything else, and keys without a name, are left out.

    Raises:
        ValueError: it is no set of keys, or none in it signs.
    """
    try:
        found = json.loads(document)
    except RecursionError:
        raise ValueError("the document is nested too deeply") from None
    listed = found.get("keys") if isinstance(found, dict) else None
    if not isinstance(listed, list):
        raise ValueError("the document is no set of keys")  # noqa: TRY004 - to whoever asks, a document that is wrong
    keys = {}
    for one in listed[:MOST_KEYS]:
        kid = one.get("kid") if isinstance(one, dict) else None
        key = _signing_key(one) if isinstance(kid, str) and kid else None
        if key is not None:
            keys[str(kid)] = key
    if not keys:
        raise ValueError("the document holds no key that signs")
    return keys


def _signing_key(jwk: dict[str, Any]) -> SigningKey | None:
    kind = jwk.get("kty")
    algorithms = _BY_KIND.get((str(kind), None if kind == "RSA" else str(jwk.get("crv"))), ())
    if "alg" in jwk:
        algorithms = tuple(name for name in algorithms if name == jwk["alg"])
    verifies = "key_ops" not in jwk or (isinstance(jwk["key_ops"], list) and "verify" in jwk["key_ops"])
    if not algorithms or not verifies or jwk.get("use", "sig") != "sig":
        return None
    try:
        # A private key that was published by mistake must not be taken for a public one.
        public = {name: value for name, value in jwk.items() if name in {"kty", "crv", "n", "e", "x", "y"}}
        return SigningKey(jwt.PyJWK(public, algorithms[0]).key, algorithms)
    except (jwt.PyJWTError, ValueError, TypeError):
        return None
