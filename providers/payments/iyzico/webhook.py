"""Their calls to us. Pure: headers and bytes in, a notice out. A notice is a hint; the payment is asked for, not taken.

Source: README, "Webhooks".
"""

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final, Literal

from providers.reading import Unreadable, parse_json
from providers.signatures import LiveSecret, Refused, header_of, signer_of
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
_PAYMENT: Final[Mapping[Kind, str]] = MappingProxyType({"direct": "paymentId", "hosted": "iyziPaymentId"})
"""The field that names the payment and is signed. A direct notice carries `iyziPaymentId` too, which is not."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One verified notification: signed values, but for `notice_id`.

    Attributes:
        notice_id: unique to it by their word, and repeated with it; it is not signed.
    """

    verified: Verified
    notice_id: str
    kind: Kind
    event: str
    status: str | None
    payment_id: str | None
    our_reference: str | None


def read_notice(
    headers: Mapping[str, str],
    body: bytes,
    secrets: Sequence[LiveSecret],
    arrived_at: datetime,
    merchant_id: str = "",
) -> Notice | Refused:
    """The notice, when it is theirs and can be read.

    Args:
        headers: as received, names in any case.
        body: as received.
        merchant_id: ours at iyzico; needed for subscriptions, whose notices are signed with it and do not carry it.
    """
    signature = header_of(headers, HEADER)
    if signature is None:
        return Refused("missing")
    fields = _as_written(body)
    if fields is None:
        return Refused("malformed")
    index = signer_of(secrets, arrived_at, lambda secret: signature_of(fields, secret, merchant_id), [signature])
    if index is None:
        return Refused("wrong")
    kind = _kind(fields)
    return Notice(
        verified=Verified(arrived_at=arrived_at, secret_index=index),
        notice_id=str(fields.get("iyziReferenceCode", "")),
        kind=kind,
        event=str(fields.get("iyziEventType", "")),
        status=_signed(fields, kind, "status"),
        payment_id=_signed(fields, kind, _PAYMENT.get(kind, "")),
        our_reference=_signed(fields, kind, "paymentConversationId"),
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
