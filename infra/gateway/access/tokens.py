"""Tokens of the issuer (OAuth 2 client credentials): the hub issues none, it checks them.

Source: RFC 9068 (JWT profile of access tokens), RFC 8725 (best practices for JWT), RFC 6750 (bearer tokens).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

import jwt

from infra.gateway.access.caller import Caller, Stranger
from infra.gateway.access.scopes import SCOPES
from infra.gateway.access.signing_keys import ALGORITHMS, SigningKey

LEEWAY_S: Final = 30
LONGEST_LIFE_S: Final = 24 * 3600
"""A token cannot be revoked here: one that would live for longer is not taken."""
ALL: Final = "*"
_KINDS: Final = frozenset({"jwt", "at+jwt", "application/at+jwt"})
_LOWER: Final = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")
_CLIENT: Final = re.compile(r"[!-~]{1,150}")
_NEEDED: Final = ("exp", "iat", "iss", "aud")


class Keys(Protocol):
    async def key(self, kid: str) -> SigningKey | None:
        """The issuer's key of this name."""
        ...


@dataclass(frozen=True, slots=True)
class Issuer:
    """Whose tokens are taken.

    Attributes:
        audience: who we are to the issuer; a token for somebody else opens nothing.
        integrations_claim: the claim that lists the integrations a client may name and see, `*` for all. With it, a
            token that lacks the claim is for none; without it, every token is for all.
    """

    name: str
    audience: str
    integrations_claim: str | None = None


class Tokens:
    """Reads callers out of tokens."""

    def __init__(self, issuer: Issuer, keys: Keys) -> None:
        self._issuer = issuer
        self._keys = keys

    async def caller(self, token: str) -> Caller:
        """Whose token it is.

        Raises:
            Stranger: it proves nothing.
            StoreError: the issuer's keys are not known now.
        """
        key = await self._keys.key(_kid(token))
        if key is None:
            raise Stranger("unknown")
        return caller_of(_claims(token, key, self._issuer), self._issuer.integrations_claim)


def caller_of(claims: Mapping[str, Any], integrations_claim: str | None) -> Caller:
    """The caller that checked claims speak of.

    Raises:
        Stranger: they name nobody, or bind the token to a key that only its owner has.
    """
    named = [claims[name] for name in ("client_id", "azp", "sub") if name in claims]
    client = named[0] if named else None
    # Whoever bound the token to a key wanted that nobody else can use it; here nobody asks for that key.
    if not isinstance(client, str) or not _CLIENT.fullmatch(client) or "cnf" in claims:
        raise Stranger("unknown")
    scopes = _words(claims.get("scope")) | _words(claims.get("scp"))
    integrations = None
    if integrations_claim is not None:
        listed = _words(claims.get(integrations_claim))
        integrations = None if ALL in listed else listed
    return Caller(f"client:{client}", f"/clients/{client}", scopes & SCOPES.keys(), integrations)


def _kid(token: str) -> str:
    """The name of the key that the token says it is signed with. Nothing of it is to be believed yet."""
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError):
        raise Stranger("malformed") from None
    kid, kind, algorithm = header.get("kid"), header.get("typ", "JWT"), header.get("alg")
    if not isinstance(kid, str) or not isinstance(kind, str) or not isinstance(algorithm, str):
        raise Stranger("unknown")
    if not kid or kind.translate(_LOWER) not in _KINDS or algorithm not in ALGORITHMS:
        raise Stranger("unknown")
    return kid


def _claims(token: str, key: SigningKey, issuer: Issuer) -> Mapping[str, Any]:
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            key.public,
            algorithms=list(key.algorithms),
            audience=issuer.audience,
            issuer=issuer.name,
            leeway=LEEWAY_S,
            options={"require": list(_NEEDED), "enforce_minimum_key_length": True},
        )
        lives_s = int(claims["exp"]) - int(claims["iat"])
    except jwt.ExpiredSignatureError:
        raise Stranger("expired") from None
    except (jwt.PyJWTError, ValueError, TypeError):
        raise Stranger("unknown") from None
    if lives_s > LONGEST_LIFE_S:
        raise Stranger("unknown")
    return claims


def _words(value: object) -> frozenset[str]:
    """Words separated by blanks, or a list of them."""
    if isinstance(value, str):
        return frozenset(value.split())
    return frozenset(word for word in value if isinstance(word, str)) if isinstance(value, list) else frozenset()
