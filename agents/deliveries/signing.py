"""Standard Webhooks: secrets and the headers that prove where a message comes from. Pure, but for fresh secrets.

Source: standardwebhooks.com, specification, sections "Signature scheme", "Webhook headers" and "Secret", read 2026-11.
"""

import base64
import hashlib
import hmac
import os
from collections.abc import Sequence
from typing import Final

PREFIX: Final = "whsec_"
_SECRET_BYTES: Final = 32
"""The specification asks for 24 to 64."""


def new_secret() -> str:
    """A fresh secret in the form that its owner gives to a library."""
    return PREFIX + base64.b64encode(os.urandom(_SECRET_BYTES)).decode()


def signed_headers(secrets: Sequence[str], message_id: str, sent_at_s: int, body: bytes) -> dict[str, str]:
    """The headers of one attempt, signed with every live secret, so that a receiver may know any one of them."""
    signed = f"{message_id}.{sent_at_s}.".encode() + body
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(sent_at_s),
        "webhook-signature": " ".join(f"v1,{_signature(secret, signed)}" for secret in secrets),
    }


def _signature(secret: str, signed: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(PREFIX))
    return base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
