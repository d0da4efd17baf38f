"""Both directions of PayTR's signatures, written from the rules alone, apart from the hub's own signing.

Source: dev.paytr.com, sample code of each service; PayTR's Postman collection for the card vault, Link and transfers.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from infra.sandbox.paytr.refusing import Refused

Form = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Keys:
    """What a store signs with. The sandbox's guard nothing."""

    merchant_id: str
    merchant_key: str = field(repr=False)
    merchant_salt: str = field(repr=False)


# They are printed at start, so that anyone may point a client at the sandbox; nothing of worth stands behind them.
DEFAULT_KEYS: Final = Keys("900001", "sandbox-kolajMerchantKey01", "sandbox-kolajSalt01")

_ORDER: Final = ("merchant_id", "user_ip", "merchant_oid", "email", "payment_amount")
_RANGE: Final = ("merchant_id", "start_date", "end_date")

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
        "/odeme/geri-donen-transfer": _RANGE,
        "/odeme/hesaptan-gonder": ("merchant_id", "trans_id"),
        "/rapor/islem-dokumu": _RANGE,
        "/rapor/odeme-dokumu": _RANGE,
        "/rapor/odeme-detayi": ("merchant_id", "date"),
    }
)


def signed_fields(path: str, form: Form) -> tuple[str, ...]:
    """The fields that a request's token covers, in order; the salt follows them."""
    match path:
        case "/odeme/api/get-token" if form.get("payment_type") == "eft":
            return (*_ORDER, "payment_type", "test_mode")
        case "/odeme/api/get-token":
            return (*_ORDER, "user_basket", "no_installment", "max_installment", "currency", "test_mode")
        case "/odeme" if form.get("payment_type") == "bex":
            return (*_ORDER, "payment_type", "installment_count", "test_mode", "installment_options")
        case "/odeme":
            return (*_ORDER, "payment_type", "installment_count", "currency", "test_mode", "non_3d")
        case "/odeme/api/link/create":
            last = "email" if form.get("link_type") == "collection" else "min_count"
            return ("name", "price", "currency", "max_installment", "link_type", "lang", last)
        case _:
            return _SIGNED[path]


def check_token(path: str, form: Form, keys: Keys) -> None:
    """Check a request's token over the texts that arrived.

    Raises:
        Refused: the token is missing or does not fit; a signed field that is missing is reported as that too.
    """
    missing = [name for name in signed_fields(path, form) if name not in form]
    if missing:
        raise Refused("paytr_token gecersiz", detail=f"imzalanan alan gonderilmedi: {', '.join(missing)}", token=True)
    expected = sign(keys, "".join(form[name] for name in signed_fields(path, form)) + keys.merchant_salt)
    if not hmac.compare_digest(expected.encode(), form.get("paytr_token", "").encode()):
        raise Refused("paytr_token gonderilmedi veya gecersiz", token=True)


def sign(keys: Keys, message: str) -> str:
    """Base64 of the HMAC-SHA256 under the store's key."""
    # What no UTF-8 can say (a lone half of a pair) must not end in an error of ours.
    digest = hmac.new(keys.merchant_key.encode(), message.encode("utf-8", "replace"), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


def payment_hash(keys: Keys, form: Form) -> str:
    """The hash of a callback about a payment: the salt in the middle, a link's `callback_id` first."""
    front = form.get("callback_id", "") + form["merchant_oid"]
    return sign(keys, front + keys.merchant_salt + form["status"] + form.get("total_amount", ""))


def transfers_hash(keys: Keys, trans_ids: str) -> str:
    """The hash of the callback about transfers that were carried out."""
    return sign(keys, trans_ids + keys.merchant_salt)


def cashout_hash(keys: Keys, trans_id: str) -> str:
    """The hash of the callback about money that was sent again."""
    return sign(keys, keys.merchant_id + trans_id + keys.merchant_salt)
