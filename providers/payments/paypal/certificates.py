"""Whether the certificate that a call names is PayPal's: chain, time and name. Pure: the authorities are an argument.

Source: README, "Webhooks".
"""

import re
import warnings
from contextlib import suppress
from datetime import datetime
from functools import lru_cache
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.utils import CryptographyDeprecationWarning
from cryptography.x509.oid import NameOID
from cryptography.x509.verification import (
    Criticality,
    ExtensionPolicy,
    Policy,
    PolicyBuilder,
    Store,
    VerificationError,
)

_LIVE: Final = "messageverificationcerts.paypal.com"
_NAMES: Final = {
    "production": frozenset({_LIVE}),
    "sandbox": frozenset({_LIVE, "messageverificationcerts.sandbox.paypal.com"}),
}
_DEEPEST: Final = 4
_PEM: Final = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_SMALLEST_BITS: Final = 2048


def signs(message: bytes, signature: bytes, *, chain: bytes, roots: bytes, environment: str, at: datetime) -> bool:
    """Whether the message is signed with the key of a certificate that is PayPal's at that moment.

    Args:
        message: what is signed.
        signature: RSA, PKCS #1 v1.5, SHA-256; nothing else is taken, whatever the call says.
        chain: PEM, their certificate first; those between it and an authority may stand behind it.
        roots: PEM of the authorities that are trusted.
        environment: the account's; their sandbox has a name of its own.
        at: by when the certificates have to be valid.
    """
    try:
        leaf, *between = x509.load_pem_x509_certificates(chain)
        _verify_chain(leaf, between, roots, at)
    except (ValueError, VerificationError):
        return False
    named = leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    if len(named) != 1 or named[0].value not in _NAMES.get(environment, frozenset()):
        return False
    key = leaf.public_key()
    if not isinstance(key, rsa.RSAPublicKey) or key.key_size < _SMALLEST_BITS:
        return False
    try:
        key.verify(signature, message, padding.PKCS1v15(), SHA256())
    except InvalidSignature:
        return False
    return True


def _verify_chain(leaf: x509.Certificate, between: list[x509.Certificate], roots: bytes, at: datetime) -> None:
    """Raises `VerificationError`, or `ValueError` where there is no authority at all."""
    # The name is looked at by us: theirs is a common name, and no rule says that it stands among the alternative ones.
    authorities = ExtensionPolicy.permit_all().require_present(x509.BasicConstraints, Criticality.AGNOSTIC, _may_issue)
    verifier = (
        PolicyBuilder()
        .store(_store(roots))
        .time(at)
        .max_chain_depth(_DEEPEST)
        .extension_policies(ca_policy=authorities, ee_policy=ExtensionPolicy.permit_all())
        .build_client_verifier()
    )
    verifier.verify(leaf, between)


def _may_issue(_policy: Policy, _certificate: x509.Certificate, constraints: x509.BasicConstraints) -> None:
    if not constraints.ca:
        raise ValueError("it may issue no certificates")


@lru_cache(maxsize=4)
def _store(roots: bytes) -> Store:
    """Those that can be read: one old authority that cannot must not cost all the others.

    Raises:
        ValueError: there is none.
    """
    found = []
    for block in _PEM.findall(roots):
        with warnings.catch_warnings(), suppress(ValueError):
            # Of a serial number that is not above zero, which the usual bundles have.
            warnings.simplefilter("ignore", CryptographyDeprecationWarning)
            found.append(x509.load_pem_x509_certificate(block))
    return Store(found)
