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

_ORDER: Final = ("merchant_id", "user_ip", "merchant_oid", "email", "payment_amount")
_SPAN: Final = ("merchant_id", "start_date", "end_date")
_LINK: Final = ("name", "price", "currency", "max_installment", "link_type", "lang")
_SIGNED: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "/odeme/iade": ("merchant_id", "merchant_oid", "return_amount"),
        "/odeme/durum-sorgu": ("merchant_id", "merchant_oid"),
        "/odeme/api/bin-detail": ("bin_number", "merchant_id"),
        "/odeme/taksit-oranlari": ("merchant_id", "request_id"),
        "/odeme/capi/list": ("utoken",),
        "/odeme/capi/delete": ("ctoken", "utoken"),
        "/odeme/api/link/delete": ("id", "merchant_id"),
        "/odeme/api/link/send-sms": ("id", "merchant_id", "cell_phone"),
        "/odeme/api/link/send-email": ("id", "merchant_id", "email"),
        "/odeme/platform/transfer": (
            "merchant_id",
            "merchant_oid",
            "trans_id",
            "submerchant_amount",
            "total_amount",
            "transfer_name",
            "transfer_iban",
        ),
        "/odeme/geri-donen-transfer": _SPAN,
        "/odeme/hesaptan-gonder": ("merchant_id", "trans_id"),
        "/rapor/islem-dokumu": _SPAN,
        "/rapor/odeme-dokumu": _SPAN,
        "/rapor/odeme-detayi": ("merchant_id", "date"),
    }
)


def signed_fields(path: str, form: Mapping[str, str]) -> tuple[str, ...]:
    """Which fields a request's token covers, in order; the salt follows them."""
    kind = form.get("payment_type")
    match path:
        case "/odeme/api/get-token" if kind == "eft":
            return (*_ORDER, "payment_type", "test_mode")
        case "/odeme/api/get-token":
            return (*_ORDER, "user_basket", "no_installment", "max_installment", "currency", "test_mode")
        case "/odeme" if kind == "bex":
            return (*_ORDER, "payment_type", "installment_count", "test_mode", "installment_options")
        case "/odeme":
            return (*_ORDER, "payment_type", "installment_count", "currency", "test_mode", "non_3d")
        case "/odeme/api/link/create":
            return (*_LINK, "email" if form.get("link_type") == "collection" else "min_count")
        case _:
            return _SIGNED[path]


def sign_form(request: Request, credentials: Credentials) -> Mapping[str, str]:
    """The fields that say whose the request is.

    Raises:
        KeyError: a signed field was not built; PayTR would say that the token is wrong.
    """
    merchant_id = credentials["merchant_id"].get_secret_value()
    fields = dict(parse_qsl(request.body.decode(), keep_blank_values=True)) | {"merchant_id": merchant_id}
    signed = "".join(fields[name] for name in signed_fields(request.path, fields))
    message = signed + credentials["merchant_salt"].get_secret_value()
    return {"merchant_id": merchant_id, "paytr_token": token(message, credentials["merchant_key"].get_secret_value())}


def sign(_request: Request, _credentials: Credentials, _nonce: str) -> Mapping[str, str]:
    """No header authenticates a request; its form does."""
    return {}


def verify(request: Request, answer: Answer, _credentials: Credentials) -> str | None:
    """Answers are not signed: the TLS connection is all that vouches for them. Only cards come as a bare list."""
    if isinstance(answer.parsed, dict) or (isinstance(answer.parsed, list) and request.path == "/odeme/capi/list"):
        return None
    return "the answer is not a JSON object"


def token(message: str, key: str) -> str:
    digest = hmac.new(key.encode(), message.encode("utf-8", "replace"), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()
