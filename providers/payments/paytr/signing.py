"""Both signatures: over chosen fields of a form, ours and theirs. Texts count as they are sent.

Source: README, "Signatures".
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final
from urllib.parse import parse_qsl

from providers.connector import Answer, Credentials, Request

SIGNED: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {"/odeme/durum-sorgu": ("merchant_id", "merchant_oid")},
)
"""Which fields a request's token covers, in order, by path; the salt follows them."""


def sign_form(request: Request, credentials: Credentials) -> Mapping[str, str]:
    """The fields that say whose the request is."""
    merchant_id = credentials["merchant_id"].get_secret_value()
    fields = dict(parse_qsl(request.body.decode(), keep_blank_values=True)) | {"merchant_id": merchant_id}
    message = "".join(fields[name] for name in SIGNED[request.path]) + credentials["merchant_salt"].get_secret_value()
    return {"merchant_id": merchant_id, "paytr_token": token(message, credentials["merchant_key"].get_secret_value())}


def sign(_request: Request, _credentials: Credentials, _nonce: str) -> Mapping[str, str]:
    """No header authenticates a request; its form does."""
    return {}


def verify(_request: Request, answer: Answer, _credentials: Credentials) -> str | None:
    """Answers are not signed: the TLS connection is all that vouches for them."""
    return None if isinstance(answer.parsed, dict) else "the answer is not a JSON object"


def token(message: str, key: str) -> str:
    digest = hmac.new(key.encode(), message.encode("utf-8", "replace"), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()
