import base64
import hashlib
import hmac
import json
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given
from hypothesis import strategies as st

from infra.gateway.access.caller import Caller, Stranger
from infra.gateway.access.credentials import LONGEST, bearer
from infra.gateway.access.signing_keys import SigningKey, read_keys
from infra.gateway.access.tokens import Issuer, Tokens
from tests.token_issuer import AUDIENCE, CLIENT, SigningPair, TokenIssuer

ISSUER = TokenIssuer(
    url="https://login.example",
    pairs=[SigningPair.new(f"key-{name}", name) for name in ("RS256", "PS256", "ES256", "EdDSA")],
)
RSA, _, EC, _ = ISSUER.pairs
STRANGER = SigningPair.new("key-ES256")
"""Of somebody who calls his key like the issuer's."""


class KnownKeys:
    def __init__(self, document: bytes) -> None:
        self._keys = read_keys(document)

    async def key(self, kid: str) -> SigningKey | None:
        return self._keys.get(kid)


def tokens(claim: str | None = None) -> Tokens:
    return Tokens(Issuer(ISSUER.url, AUDIENCE, claim), KnownKeys(ISSUER.document()))


async def refused(token: str, claim: str | None = None) -> str:
    with pytest.raises(Stranger) as stranger:
        await tokens(claim).caller(token)
    return stranger.value.why


@pytest.mark.parametrize("pair", ISSUER.pairs, ids=lambda pair: pair.algorithm)
async def test_a_token_of_the_issuer_is_its_clients(pair: SigningPair) -> None:
    caller = await tokens().caller(ISSUER.token(pair))
    assert caller == Caller(
        f"client:{CLIENT}", f"/clients/{CLIENT}", frozenset({"payments:write", "payments:read"}), None
    )


def by_hand(header: dict[str, Any], claims: dict[str, Any], sign: Any) -> str:
    """A token as a forger writes it, whom no library keeps from anything."""
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, claims)]
    signed = b".".join(parts)
    return b".".join((signed, base64.urlsafe_b64encode(sign(signed)).rstrip(b"="))).decode()


def pem(pair: SigningPair) -> bytes:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    found: bytes = pair.private.public_key().public_bytes(serialization.Encoding.PEM, form)
    return found


FORGED = {
    "no signature": by_hand({"alg": "none", "kid": EC.kid}, ISSUER.claims(), lambda _: b""),
    "no signature, other letters": by_hand({"alg": "nOnE", "kid": EC.kid}, ISSUER.claims(), lambda _: b""),
    "no signature, a good algorithm": by_hand({"alg": "ES256", "kid": EC.kid}, ISSUER.claims(), lambda _: b""),
    "the public key as a shared secret": by_hand(
        {"alg": "HS256", "kid": RSA.kid}, ISSUER.claims(), lambda text: hmac.digest(pem(RSA), text, hashlib.sha256)
    ),
    "the key's own document as a shared secret": by_hand(
        {"alg": "HS256", "kid": RSA.kid},
        ISSUER.claims(),
        lambda text: hmac.digest(json.dumps(RSA.jwk).encode(), text, hashlib.sha256),
    ),
    "an algorithm of another kind of key": by_hand(
        {"alg": "ES256", "kid": RSA.kid}, ISSUER.claims(), lambda _: b"x" * 64
    ),
    "a zero signature": by_hand({"alg": "ES256", "kid": EC.kid}, ISSUER.claims(), lambda _: bytes(64)),
    "another key under the issuer's name": ISSUER.token(STRANGER),
    "signed by another key of the issuer": ISSUER.token(SigningPair(EC.kid, "PS256", RSA.private)),
    "its own key in the header": ISSUER.token(STRANGER, {"jwk": STRANGER.jwk, "jku": "https://evil.example/keys"}),
    "no name of a key": ISSUER.token(EC, {"kid": None}),
    "an empty name of a key": by_hand({"alg": "ES256", "kid": ""}, ISSUER.claims(), lambda _: b"x" * 64),
    "a name of a key that is no text": by_hand({"alg": "ES256", "kid": 5}, ISSUER.claims(), lambda _: b"x" * 64),
    "an algorithm that is a list": by_hand({"alg": ["ES256"], "kid": EC.kid}, ISSUER.claims(), lambda _: b"x" * 64),
    "the name of a key that nobody has": ISSUER.token(EC, {"kid": "../../etc/passwd"}),
    "a kind that is no access token": ISSUER.token(EC, {"typ": "logout+jwt"}),
    "a header that must be understood": ISSUER.token(EC, {"crit": ["exp2"], "exp2": 1}),
}


@pytest.mark.parametrize("token", FORGED.values(), ids=FORGED)
async def test_a_forged_token_opens_nothing(token: str) -> None:
    assert await refused(token) in {"unknown", "malformed"}


NOW = int(time.time())
WRONG: dict[str, dict[str, Any]] = {
    "of another issuer": {"iss": "https://login.example.evil"},
    "of nobody": {"iss": None},
    "of a list of issuers": {"iss": ["https://login.example"]},
    "for somebody else": {"aud": "another-service"},
    "for nobody": {"aud": None},
    "for an empty list": {"aud": []},
    "not good yet": {"nbf": NOW + 3600},
    "of the future": {"iat": NOW + 3600, "exp": NOW + 7200},
    "without an end": {"exp": None},
    "without a beginning": {"iat": None},
    "with an end that is no number": {"exp": "soon"},
    "with an end without end": {"exp": float("inf")},
    "with an end past all time": {"exp": 1e300},
    "that lives for longer than a day": {"exp": NOW + 25 * 3600},
    "without a client": {"client_id": None, "sub": None},
    "with an empty client": {"client_id": ""},
    "with a client that is no text": {"client_id": ["shop-backend"]},
    "with a client of other letters": {"client_id": "shop\nbackend"},
    "with a client of thousands of letters": {"client_id": "x" * 151},
    "bound to a key that its owner alone has": {"cnf": {"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}},
}


@pytest.mark.parametrize("changed", WRONG.values(), ids=WRONG)
async def test_a_token_that_says_something_else_opens_nothing(changed: dict[str, Any]) -> None:
    token = by_hand({"alg": "ES256", "kid": EC.kid}, ISSUER.claims(**changed), _signed_by_the_issuer)
    assert await refused(token) == "unknown"


async def test_a_token_that_has_expired_opens_nothing() -> None:
    assert await refused(ISSUER.token(EC, iat=NOW - 900, exp=NOW - 300)) == "expired"


async def test_clocks_may_differ_by_half_a_minute() -> None:
    await tokens().caller(ISSUER.token(EC, iat=int(time.time()) + 15, exp=int(time.time()) + 600))


@given(st.data())
async def test_any_changed_letter_of_a_token_counts(data: st.DataObject) -> None:
    token = GOOD
    place = data.draw(st.integers(0, len(token) - 1))
    letter = data.draw(st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=!"))
    if letter != token[place]:
        await refused(token[:place] + letter + token[place + 1 :])


GOOD = ISSUER.token(EC)


@given(st.text(max_size=200))
async def test_any_other_text_opens_nothing(text: str) -> None:
    for token in (text, f"{text}.{text}.{text}", f"{GOOD}.{text}"):
        await refused(token)


@pytest.mark.parametrize("nested", ["[" * 3000, '{"a":' * 1500])
async def test_a_header_nested_without_end_opens_nothing(nested: str) -> None:
    header = base64.urlsafe_b64encode(nested.encode()).rstrip(b"=").decode()
    assert await refused(f"{header}.e30.AAAA") == "malformed"


def test_a_credential_that_is_too_large_is_not_looked_at() -> None:
    with pytest.raises(Stranger) as stranger:
        bearer({"authorization": "Bearer " + "x" * (LONGEST + 1)})
    assert stranger.value.why == "malformed"


@pytest.mark.parametrize(
    "value", ["", "Bearer", "Bearer ", "Basic Zm9vOmJhcg==", "bearer", "BearerX abc", "Bearer\tabc"]
)
def test_another_scheme_proves_nothing(value: str) -> None:
    with pytest.raises(Stranger):
        bearer({"authorization": value})


def test_the_scheme_may_be_written_in_any_letters() -> None:
    assert bearer({"Authorization": "BEARER abc"}) == "abc"


@pytest.mark.parametrize(
    ("said", "scopes"),
    [
        ({"scope": "payments:read events:read"}, {"payments:read", "events:read"}),
        ({"scope": ["payments:read"]}, {"payments:read"}),
        ({"scope": None, "scp": ["payments:read"]}, {"payments:read"}),
        ({"scope": None, "scp": "payments:read openid"}, {"payments:read"}),
        ({"scope": "openid profile PAYMENTS:WRITE payments:*"}, set()),
        ({"scope": None}, set()),
        ({"scope": {"payments:write": True}}, set()),
    ],
)
async def test_scopes_are_read_however_the_issuer_writes_them(said: dict[str, Any], scopes: set[str]) -> None:
    assert (await tokens().caller(ISSUER.token(EC, **said))).scopes == scopes


@pytest.mark.parametrize(
    ("said", "integrations"),
    [
        ({"hub_accounts": ["iyzico-main", "paytr"]}, {"iyzico-main", "paytr"}),
        ({"hub_accounts": "iyzico-main"}, {"iyzico-main"}),
        ({"hub_accounts": "*"}, None),
        ({"hub_accounts": []}, set()),
        ({"hub_accounts": {"iyzico-main": True}}, set()),
        ({}, set()),
    ],
)
async def test_with_a_claim_for_integrations_a_token_is_for_those_alone(
    said: dict[str, Any], integrations: set[str] | None
) -> None:
    assert (await tokens("hub_accounts").caller(ISSUER.token(EC, **said))).integrations == integrations


@pytest.mark.parametrize(
    ("said", "client"),
    [
        ({"azp": "other"}, CLIENT),
        ({"client_id": None, "azp": "other"}, "other"),
        ({"client_id": None}, CLIENT),
    ],
)
async def test_the_client_is_found_where_issuers_name_it(said: dict[str, Any], client: str) -> None:
    assert (await tokens().caller(ISSUER.token(EC, **said))).id == f"client:{client}"


def jwks(*keys: dict[str, Any]) -> bytes:
    return json.dumps({"keys": keys}).encode()


WEAK = rsa.generate_private_key(65537, 1024)  # noqa: S505 - to see that it is not taken
LEFT_OUT = {
    "a shared secret": {"kty": "oct", "kid": "a", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA"},
    "for encryption": {**RSA.jwk, "use": "enc"},
    "for signing, not for checking": {**RSA.jwk, "key_ops": ["sign"]},
    "of another algorithm": {**RSA.jwk, "alg": "RSA-OAEP"},
    "of an algorithm with shared secrets": {**RSA.jwk, "alg": "HS256"},
    "of another curve": {
        **json.loads(jwt.get_algorithm_by_name("ES384").to_jwk(ec.generate_private_key(ec.SECP384R1()).public_key())),
        "kid": "a",
    },
    "without a name": {name: value for name, value in EC.jwk.items() if name != "kid"},
    "with a name that is no text": {**EC.jwk, "kid": 7},
    "cut off": {**EC.jwk, "x": EC.jwk["x"][:10]},
    "no point of the curve": {**EC.jwk, "x": EC.jwk["y"]},
    "of nothing": {"kid": "a"},
}


@pytest.mark.parametrize("key", LEFT_OUT.values(), ids=LEFT_OUT)
def test_a_key_that_signs_no_token_is_left_out(key: dict[str, Any]) -> None:
    assert set(read_keys(jwks(key, EC.jwk))) == {EC.kid}


@pytest.mark.parametrize(
    "document",
    [b"", b"null", b"[]", b"{}", b'{"keys": {}}', b'{"keys": []}', b'{"keys": [1]}', b"\xff", b"[" * 100_000],
)
def test_a_document_without_keys_is_refused(document: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - its words are for the log
        read_keys(document)


async def test_a_key_too_short_to_trust_opens_nothing() -> None:
    pair = SigningPair("weak", "RS256", WEAK)
    known = KnownKeys(jwks(pair.jwk))
    token = by_hand({"alg": "RS256", "kid": "weak"}, ISSUER.claims(), lambda text: _rs256(WEAK, text))
    with pytest.raises(Stranger):
        await Tokens(Issuer(ISSUER.url, AUDIENCE), known).caller(token)


def _rs256(key: rsa.RSAPrivateKey, text: bytes) -> bytes:
    signed: bytes = jwt.get_algorithm_by_name("RS256").sign(text, key)
    return signed


def _signed_by_the_issuer(text: bytes) -> bytes:
    signed: bytes = jwt.get_algorithm_by_name("ES256").sign(text, EC.private)
    return signed
