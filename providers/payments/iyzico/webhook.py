"""Their calls to us. Pure: headers and bytes in, a notice out. A notice is a hint; the payment is asked for, not taken.

Source: README, "Webhooks".
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, Literal

from providers.notices import Call, Notice, Refused, Webhooks, named
from providers.payments.iyzico.settings import IyzicoSettings
from providers.reading import Unreadable, parse_json
from providers.signatures import header_of, secrets_named, signer_of
from schemas.payments.notices import ProviderState
from schemas.webhooks import Verified

HEADER: Final = "x-iyz-signature-v3"
Kind = Literal["direct", "hosted", "subscription"]
KINDS: Final[tuple[Kind, ...]] = ("direct", "hosted", "subscription")
_SIGNED: Final[Mapping[Kind, tuple[str, ...]]] = MappingProxyType(
    {
        "direct": ("iyziEventType", "paymentId", "paymentConversationId", "status"),
        "hosted": ("iyziEventType", "iyziPaymentId", "token", "paymentConversationId", "status"),
        "subscription": (
            "iyziEventType",
            "subscriptionReferenceCode",
            "orderReferenceCode",
            "customerReferenceCode",
        ),
    }
)
_SUBJECT: Final[Mapping[Kind, str]] = MappingProxyType(
    {"direct": "paymentId", "hosted": "iyziPaymentId", "subscription": "subscriptionReferenceCode"}
)
"""The field that names what it is about and is signed. A direct notice carries `iyziPaymentId` too, which is not."""


_STATES: Final[Mapping[str, ProviderState]] = MappingProxyType(
    {
        "SUCCESS": "captured",
        "FAILURE": "failed",
        "INIT_THREEDS": "pending",
        "CALLBACK_THREEDS": "pending",
        "BKM_POS_SELECTED": "pending",
        "INIT_APM": "pending",
        "INIT_CONTACTLESS": "pending",
        "INIT_BANK_TRANSFER": "pending",
        "INIT_CREDIT": "pending",
        "PENDING_CREDIT": "pending",
    }
)
"""A hold says `SUCCESS` too: what it is, the provider is asked."""


def read_notice(call: Call) -> Notice | Refused:
    """The notice, when it is theirs and can be read.

    Subscriptions' are signed with our number there, which they do not carry: it is a setting of the account.
    `iyziReferenceCode` is unique to a notice by their word and repeated with it; it is not signed. Without one the
    bytes stand for themselves.
    """
    signature = header_of(call.headers, HEADER)
    if signature is None:
        return Refused("missing")
    fields = _as_written(call.body)
    if fields is None:
        return Refused("malformed")
    merchant_id = (call.settings.merchant_id if isinstance(call.settings, IyzicoSettings) else None) or ""
    secrets = secrets_named(call.credentials, "secret_key")
    index = signer_of(secrets, call.arrived_at, lambda secret: signature_of(fields, secret, merchant_id), [signature])
    if index is None:
        return Refused("wrong")
    kind = _kind(fields)
    status = _signed(fields, kind, "status")
    return Notice(
        verified=Verified(arrived_at=call.arrived_at, secret_index=index),
        event_id=named(fields.get("iyziReferenceCode")) or hashlib.sha256(call.body).hexdigest(),
        event_type=named(fields.get("iyziEventType")) or "unnamed",
        our_reference=named(_signed(fields, kind, "paymentConversationId")),
        provider_reference=named(_signed(fields, kind, _SUBJECT[kind])),
        said=None if status is None else _STATES.get(status),
        about="resource" if kind == "subscription" else "payment",
        order_reference=named(_signed(fields, kind, "orderReferenceCode")),
    )


def signature_of(fields: Mapping[str, Any], secret: str, merchant_id: str = "") -> str:
    """What stands in their header: the values with nothing between, the secret key itself among them."""
    kind = _kind(fields)
    before = merchant_id + secret if kind == "subscription" else secret
    message = before + "".join(_signed(fields, kind, name) or "" for name in _SIGNED[kind])
    return hmac.new(secret.encode(), message.encode("utf-8", "replace"), hashlib.sha256).hexdigest()


def _as_written(body: bytes) -> Mapping[str, Any] | None:
    """The fields of a body that every reader reads alike, numbers as the text that stands there."""
    try:
        parse_json(body)
    except Unreadable:
        return None
    fields = json.loads(body.decode(), parse_int=str, parse_float=str)
    return fields if isinstance(fields, dict) else None


def _kind(fields: Mapping[str, Any]) -> Kind:
    if "subscriptionReferenceCode" in fields:
        return "subscription"
    return "hosted" if "token" in fields else "direct"


def _signed(fields: Mapping[str, Any], kind: Kind, name: str) -> str | None:
    value = fields.get(name) if name in _SIGNED[kind] else None
    return None if value is None else str(value)


WEBHOOKS: Final = Webhooks(KINDS, read_notice)
