"""How an event says that it comes from Stripe.

Source: docs.stripe.com: Webhooks, "Verify webhook signatures manually".
"""

import hashlib
import hmac
from collections.abc import Sequence


def signature(secrets: Sequence[str], body: bytes, at_s: int, *, forged: bool = False) -> str:
    """The header: one `v1` for each live secret, and the `v0` that events of test mode carry beside it."""
    message = f"{at_s}.".encode() + (body + b" " if forged else body)
    signed = [hmac.new(secret.encode(), message, hashlib.sha256).hexdigest() for secret in secrets]
    decoy = hashlib.sha256(message).hexdigest()
    return ",".join((f"t={at_s}", *(f"v1={value}" for value in signed), f"v0={decoy}"))
