"""PayPal's calls as tests sign them: with a key whose certificate an authority of the test's own has issued."""

import base64
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from types import MappingProxyType
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from pydantic import SecretStr

from providers.connection_settings import USUAL
from providers.notices import Call, Fetched

EVENT = {"id": "WH-1", "event_type": "PAYMENT.CAPTURE.COMPLETED", "resource": {}}
NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
LIVE, SANDBOX = "messageverificationcerts.paypal.com", "messageverificationcerts.sandbox.paypal.com"
ADDRESS = "https://api.paypal.com/v1/notifications/certs/CERT-1"


@cache
def a_key(_whose: str) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@dataclass(frozen=True)
class Signer:
    """A key with the certificate that was made for it, and its issuers behind that."""

    key: Any
    chain: tuple[x509.Certificate, ...]

    @property
    def pem(self) -> bytes:
        return b"".join(one.public_bytes(Encoding.PEM) for one in self.chain)

    def issue(self, name: str, *, ca: bool = False, days: int = 30, key: Any = None) -> "Signer":
        made = key or a_key("an authority's" if ca else "a signer's")
        issuer = self.chain[0].subject if self.chain else _name(name)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(_name(name))
            .issuer_name(issuer)
            .public_key(made.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOW - timedelta(days=1))
            .not_valid_after(NOW + timedelta(days=days, seconds=-1))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .sign(self.key or made, SHA256())
        )
        return Signer(made, (certificate, *self.chain))


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


@cache
def root() -> Signer:
    return Signer(None, ()).issue("An authority", ca=True)


@cache
def theirs() -> Signer:
    return root().issue("Between", ca=True).issue(LIVE)


def a_call(
    event: Mapping[str, Any],
    signer: Signer | None = None,
    environment: str = "production",
    headers: Mapping[str, str] = MappingProxyType({}),
) -> Call:
    signer = signer or theirs()
    body = json.dumps(event).encode()
    signed = ("t-1", "2026-11-25T12:00:00Z", "W1", str(zlib.crc32(body)))
    signature = signer.key.sign("|".join(signed).encode(), padding.PKCS1v15(), SHA256())
    address = ADDRESS if environment == "production" else ADDRESS.replace("api.", "api.sandbox.")
    told = {
        "paypal-transmission-id": signed[0],
        "paypal-transmission-time": signed[1],
        "paypal-transmission-sig": base64.b64encode(signature).decode(),
        "paypal-cert-url": address,
        "paypal-auth-algo": "SHA256withRSA",
    }
    fetched = Fetched(address, signer.pem, root().pem)
    keys = ({"webhook_id": SecretStr("W1")},)
    return Call({**told, **headers}, body, keys, NOW, USUAL, environment, fetched)
