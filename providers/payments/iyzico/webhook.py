"""Their calls to us. Pure: headers and bytes in, a notice out. A notice is a hint; the payment is asked for, not taken.

Source: README, "Webhooks".
"""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Literal

from pydantic import SecretStr

from providers.reading import Unreadable, parse_json

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
_FOLD: Final = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")
"""Header names are ASCII by protocol; folding them must not depend on anybody's alphabet."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One verified notification. `notice_id` is unique to it: repeats carry the same one."""

    notice_id: str
    kind: Kind
    event: str
    status: str | None
    payment_id: str | None
    our_reference: str | None


def read_notice(
    headers: Mapping[str, str], body: bytes, secrets: Sequence[SecretStr], merchant_id: str = ""
) -> Notice | None:
    """The notice, or `None` when it is not theirs or cannot be read.

    Args:
        headers: as received, names in any case.
        body: as received.
        secrets: all secret keys that are valid now; during a rotation there are two.
        merchant_id: ours at iyzico; needed for subscriptions, whose notices are signed with it and do not carry it.
    """
    try:
        fields = parse_json(body)
    except Unreadable:
        return None
    signature = next((value for name, value in headers.items() if name.translate(_FOLD) == HEADER), None)
    if not isinstance(fields, dict) or signature is None:
        return None
    if not any(_fits(fields, signature, secret.get_secret_value(), merchant_id) for secret in secrets):
        return None
    payment = fields.get("iyziPaymentId", fields.get("paymentId"))
    return Notice(
        notice_id=str(fields.get("iyziReferenceCode", "")),
        kind=_kind(fields),
        event=str(fields.get("iyziEventType", "")),
        status=_text(fields.get("status")),
        payment_id=_text(payment),
        our_reference=_text(fields.get("paymentConversationId")),
    )


def signature_of(fields: Mapping[str, Any], secret: str, merchant_id: str = "") -> str:
    """What stands in their header: the values with nothing between, the secret key itself among them."""
    kind = _kind(fields)
    before = merchant_id + secret if kind == "subscription" else secret
    message = before + "".join(_text(fields.get(name)) or "" for name in _SIGNED[kind])
    return hmac.new(secret.encode(), message.encode("utf-8", "replace"), hashlib.sha256).hexdigest()


def _fits(fields: Mapping[str, Any], signature: str, secret: str, merchant_id: str) -> bool:
    expected = signature_of(fields, secret, merchant_id)
    return hmac.compare_digest(expected.encode(), signature.strip().encode("utf-8", "replace"))


def _kind(fields: Mapping[str, Any]) -> Kind:
    if "subscriptionReferenceCode" in fields:
        return "subscription"
    return "hosted" if "token" in fields else "direct"


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
