"""Both directions of iyzico's signatures, written from the rules alone, apart from the hub's own signing.

Source: request form IYZWSv2 (HMAC-SHA256 over random key, path and raw body) and the response `signature` field.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from infra.sandbox.iyzico.errors import Refused

SCHEME = "IYZWSv2 "
LEGACY_SCHEME = "IYZWS "

PAYMENT_ORDER = ("paymentId", "currency", "basketId", "conversationId", "paidPrice", "price")
REFUND_ORDER = ("paymentId", "price", "currency", "conversationId")
THREE_DS_START_ORDER = ("paymentId", "conversationId")
THREE_DS_RETURN_ORDER = ("conversationData", "conversationId", "mdStatus", "paymentId", "status")
HOSTED_START_ORDER = ("conversationId", "token")
HOSTED_RESULT_ORDER = (
    "paymentStatus",
    "paymentId",
    "currency",
    "basketId",
    "conversationId",
    "paidPrice",
    "price",
    "token",
)


@dataclass(frozen=True, slots=True)
class Keys:
    """The pair a merchant signs with. Sandbox keys begin with `sandbox-` and guard nothing."""

    api_key: str
    secret_key: str


# They are printed at start, so that anyone may point a client at the sandbox; nothing of worth stands behind them.
DEFAULT_KEYS = Keys("sandbox-kolajApiKey00000000000001", "sandbox-kolajSecretKey0000000001")


def check_request(authorization: str | None, path: str, body: bytes, keys: Keys) -> None:
    """Check a request's signature over the bytes that arrived.

    `path` is the path as sent, without the query. The random key is taken from the token, since not every client
    repeats it in a header.

    Raises:
        Refused: 1007 (no signature, or not one we understand), 1000 (legacy form, or wrong), 1001 (unknown key).
    """
    if authorization and authorization.startswith(LEGACY_SCHEME):
        raise Refused("1000", detail="the SHA-1 form is retired, sign with IYZWSv2")
    if not authorization or not authorization.startswith(SCHEME):
        raise Refused("1007", detail="send Authorization: IYZWSv2 …")
    token = _read_token(authorization.removeprefix(SCHEME))
    if token["apiKey"] != keys.api_key:
        raise Refused("1001")
    expected = _hmac_hex(keys.secret_key, token["randomKey"].encode() + path.encode() + body)
    if not hmac.compare_digest(expected.encode(), token["signature"].encode()):
        raise Refused("1000")


def sign_values(secret_key: str, values: tuple[object, ...]) -> str:
    """The response signature over `values` in their documented order; an absent value counts as empty text."""
    return _hmac_hex(secret_key, ":".join(_signed_text(value) for value in values).encode())


def sign_concatenated(secret_key: str, values: Iterable[str]) -> str:
    """The header of a call to the merchant: the values with nothing between, the key itself among them."""
    return _hmac_hex(secret_key, "".join(values).encode())


def canonical_amount(amount: Decimal) -> str:
    """An amount as it is signed: no trailing zeros, no bare dot, never an exponent (`100`, `10.5`, `0`)."""
    text = format(amount, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _signed_text(value: object) -> str:
    if value is None:
        return ""
    return canonical_amount(value) if isinstance(value, Decimal) else str(value)


def _read_token(token: str) -> dict[str, str]:
    try:
        text = base64.b64decode(token, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise Refused("1007", detail="the token is not base64 of text") from error
    parts = dict(part.partition(":")[::2] for part in text.split("&"))
    if set(parts) != {"apiKey", "randomKey", "signature"} or not all(parts.values()):
        raise Refused("1007", detail="the token must hold apiKey, randomKey and signature")
    return parts


def _hmac_hex(secret_key: str, message: bytes) -> str:
    return hmac.new(secret_key.encode(), message, hashlib.sha256).hexdigest()
