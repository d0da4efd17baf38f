"""What the payer's browser posts to us after the bank's page of 3-D Secure.

A hosted page sends the browser back with its token alone, unsigned: that proves nothing, and the payment is asked for.

Source: README, "3-D Secure".
"""

from collections.abc import Mapping, Sequence
from typing import Final

from providers.connector import Credentials
from providers.notices import named
from providers.payments.iyzico.signing import CALLBACK_3DS, signature_of
from providers.returns import ReturnVerdict
from providers.signatures import first_fit

PASSED: Final = "1"
"""The one `mdStatus` after which a completion may be sent."""
_PLAIN: Final = ("conversationId", "mdStatus", "paymentId", "status")
"""None of these holds a colon; else the same signed text could be cut into other values."""


def read_return(fields: Mapping[str, str], credentials: Sequence[Credentials]) -> ReturnVerdict:
    """Whether iyzico signed the fields, with any live secret, and whether the bank let the payer through."""
    given = fields.get("signature", "")
    if not given or any(":" in fields.get(name, "") for name in _PLAIN):
        return ReturnVerdict(verified=False)
    secrets = [one["secret_key"].get_secret_value().encode() for one in credentials if "secret_key" in one]
    if first_fit([signature_of(CALLBACK_3DS, fields, secret) for secret in secrets], [given]) is None:
        return ReturnVerdict(verified=False)
    passed = fields.get("status") == "success" and fields.get("mdStatus") == PASSED
    return ReturnVerdict(verified=True, completes=passed, reference=named(fields.get("paymentId")))
