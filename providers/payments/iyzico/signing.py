"""Both signatures: ours over a request's exact bytes (IYZWSv2), theirs over chosen fields of an answer.

Source: README, "Signatures".
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from providers.connector import Answer, Credentials, Request
from providers.payments.iyzico.amounts import canonical

_PAYMENT: Final = ("paymentId", "currency", "basketId", "conversationId", "paidPrice", "price")
_REFUND: Final = ("paymentId", "price", "currency", "conversationId")
_HOSTED_START: Final = ("conversationId", "token")
_HOSTED_RESULT: Final = ("paymentStatus", *_PAYMENT, "token")
_THREE_DS_START: Final = ("paymentId", "conversationId")
_AMOUNTS: Final = frozenset({"paidPrice", "price"})

SIGNED: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "/payment/auth": _PAYMENT,
        "/payment/preauth": _PAYMENT,
        "/payment/postauth": _PAYMENT,
        "/payment/detail": _PAYMENT,
        "/payment/3dsecure/auth": _PAYMENT,
        "/payment/v2/3dsecure/auth": _PAYMENT,
        "/payment/refund": _REFUND,
        "/v2/payment/refund": _REFUND,
        "/payment/3dsecure/initialize": _THREE_DS_START,
        "/payment/3dsecure/initialize/preauth": _THREE_DS_START,
        "/payment/iyzipos/checkoutform/initialize/auth/ecom": _HOSTED_START,
        "/payment/iyzipos/checkoutform/initialize/preauth/ecom": _HOSTED_START,
        "/payment/pay-with-iyzico/initialize": _HOSTED_START,
        "/payment/iyzipos/checkoutform/auth/ecom/detail": _HOSTED_RESULT,
        "/payment/bkm/initialize": ("token", "conversationId"),
        "/payment/bkm/auth/detail": (
            "paymentId",
            "paymentStatus",
            "basketId",
            "conversationId",
            "currency",
            "paidPrice",
            "price",
            "token",
        ),
        "/payment/apm/initialize": ("paymentId", "redirectUrl"),
        "/payment/apm/retrieve": (
            "currency",
            "basketId",
            "conversationId",
            "paidPrice",
            "price",
            "paymentId",
            "redirectUrl",
        ),
    }
)
"""Which fields of a success are signed, in order, by path. Every other answer carries no signature."""

CALLBACK_3DS: Final = ("conversationData", "conversationId", "mdStatus", "paymentId", "status")


def sign(request: Request, credentials: Credentials, nonce: str) -> Mapping[str, str]:
    """The headers of one request. Path and body are signed, the query never is."""
    key = credentials["api_key"].get_secret_value()
    message = nonce.encode() + request.path.encode() + request.body
    signature = hmac.new(_secret(credentials), message, hashlib.sha256).hexdigest()
    token = base64.b64encode(f"apiKey:{key}&randomKey:{nonce}&signature:{signature}".encode()).decode()
    return {"Authorization": f"IYZWSv2 {token}", "x-iyzi-rnd": nonce}


def verify(request: Request, answer: Answer, credentials: Credentials) -> str | None:
    """Why an answer cannot be trusted. Failures carry no signature, and neither do some paths."""
    order = SIGNED.get(request.path)
    body = answer.parsed
    if not isinstance(body, dict):
        return "the answer is not a JSON object"
    if order is None or body.get("status") != "success":
        return None
    theirs = body.get("signature")
    if not isinstance(theirs, str):
        return "a success without the signature that this path carries"
    ours = signature_of(order, body, _secret(credentials))
    if not hmac.compare_digest(ours.encode(), theirs.encode("utf-8", "replace")):
        return "the signature does not fit the answer"
    return None


def signature_of(order: tuple[str, ...], values: Mapping[str, Any], secret: bytes) -> str:
    """Their signature over `values` in `order`; what is absent counts as empty."""
    text = ":".join(_signed(name, values.get(name)) for name in order)
    return hmac.new(secret, text.encode("utf-8", "replace"), hashlib.sha256).hexdigest()


def _signed(name: str, value: Any) -> str:
    if value is None:
        return ""
    return canonical(value) if name in _AMOUNTS else str(value)


def _secret(credentials: Credentials) -> bytes:
    return credentials["secret_key"].get_secret_value().encode()
