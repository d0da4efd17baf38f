"""An issuer of tokens on loopback: its keys, and a token endpoint for client credentials."""

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qs

import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

AUDIENCE: Final = "kolaj-hub"
CLIENT, CLIENT_SECRET = "shop-backend", "s3cret-of-the-shop"
RSA_SIZE: Final = 2048
_MAKERS: Final[dict[str, Callable[[], PrivateKeyTypes]]] = {
    "RS256": lambda: rsa.generate_private_key(65537, RSA_SIZE),
    "PS256": lambda: rsa.generate_private_key(65537, RSA_SIZE),
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate,
}


@dataclass
class SigningPair:
    """A key of the issuer's, private part included."""

    kid: str
    algorithm: str
    private: Any

    @classmethod
    def new(cls, kid: str, algorithm: str = "ES256") -> "SigningPair":
        return cls(kid, algorithm, _MAKERS[algorithm]())

    @property
    def jwk(self) -> dict[str, Any]:
        maker = jwt.get_algorithm_by_name(self.algorithm)
        return {**json.loads(maker.to_jwk(self.private.public_key())), "kid": self.kid, "use": "sig"}


@dataclass
class TokenIssuer:
    """`pairs` are published; `published` replaces the whole document, `status` the answer's."""

    url: str = ""
    pairs: list[SigningPair] = field(default_factory=lambda: [SigningPair.new("first")])
    published: bytes | None = None
    status: int = 200
    fetched: int = 0
    """How often somebody asked for the keys."""
    asked: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def jwks_url(self) -> str:
        return f"{self.url}/keys"

    @property
    def environment(self) -> dict[str, str]:
        return {
            "KOLAJ_OAUTH_ISSUER": self.url,
            "KOLAJ_OAUTH_AUDIENCE": AUDIENCE,
            "KOLAJ_OAUTH_JWKS_URL": self.jwks_url,
        }

    def claims(self, **changed: Any) -> dict[str, Any]:
        """What a good token says; a claim that is `None` is left out."""
        at = int(time.time())
        said = {
            "iss": self.url,
            "aud": AUDIENCE,
            "sub": CLIENT,
            "client_id": CLIENT,
            "iat": at,
            "exp": at + 600,
            "scope": "payments:write payments:read",
        } | changed
        return {name: value for name, value in said.items() if value is not None}

    def token(self, pair: SigningPair | None = None, headers: dict[str, Any] | None = None, **changed: Any) -> str:
        """A token under the first key, or under this one."""
        pair = pair or self.pairs[0]
        said = {"kid": pair.kid, **(headers or {})}
        return jwt.encode(self.claims(**changed), pair.private, pair.algorithm, {k: v for k, v in said.items() if v})

    def document(self) -> bytes:
        return self.published or json.dumps({"keys": [pair.jwk for pair in self.pairs]}).encode()

    async def keys(self, request: web.Request) -> web.Response:
        del request
        self.fetched += 1
        self.asked.set()
        if self.status in {301, 302, 307}:
            return web.Response(status=self.status, headers={"Location": f"{self.url}/elsewhere"})
        return web.Response(status=self.status, body=self.document(), content_type="application/json")

    async def elsewhere(self, request: web.Request) -> web.Response:
        del request
        return web.Response(body=self.document(), content_type="application/json")

    async def grant(self, request: web.Request) -> web.Response:
        """RFC 6749, section 4.4: a client shows its name and secret, and is given a token."""
        asked = parse_qs(await request.text())
        scheme, _, shown = request.headers.get("Authorization", "").partition(" ")
        expected = base64.b64encode(f"{CLIENT}:{CLIENT_SECRET}".encode()).decode()
        if asked.get("grant_type") != ["client_credentials"] or (scheme, shown) != ("Basic", expected):
            return web.json_response({"error": "invalid_client"}, status=401)
        token = self.token(scope=" ".join(asked.get("scope", ["payments:read"])))
        return web.json_response({"access_token": token, "token_type": "Bearer", "expires_in": 600})


@asynccontextmanager
async def running_issuer() -> AsyncIterator[TokenIssuer]:
    """An issuer for the length of the block."""
    issuer = TokenIssuer()
    application = web.Application()
    application.router.add_get("/keys", issuer.keys)
    application.router.add_get("/elsewhere", issuer.elsewhere)
    application.router.add_post("/token", issuer.grant)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        host, port = runner.addresses[0][:2]
        issuer.url = f"http://{host}:{port}"
        yield issuer
    finally:
        async with asyncio.timeout(10):
            await runner.cleanup()
