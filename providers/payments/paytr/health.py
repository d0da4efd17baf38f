"""What their answer to a harmless query says of the keys.

Source: README, "Error numbers": 003 a token that does not fit, 001 a store that is not active, 004 a payment not found.
"""

from typing import Any, Final

from providers.connector import Answer, Credentials, Request
from providers.diagnosis import Cause, Trouble, trouble_of_status
from providers.payments.paytr.status import NOT_FOUND, ask

PROBE: Final[Request] = ask("kolajhealthcheck")
"""No payment has this reference: ours are made of an identifier."""


def read_health(answer: Answer, _environment: str, _credentials: Credentials) -> Trouble | None:
    """`None` when the keys are taken: the payment is not known, and everything else was in order."""
    body: dict[str, Any] = answer.parsed if isinstance(answer.parsed, dict) else {}
    status, told_code = body.get("status"), body.get("err_no")
    code = f"{told_code:03d}" if isinstance(told_code, int) else told_code
    if status == "success" or (status == "error" and code == NOT_FOUND):
        return None
    if code == "003":
        return Trouble(
            Cause.WRONG_KEY,
            "merchant_key or merchant_salt does not belong to the merchant_id (PayTR code 003); set them anew",
        )
    if code == "001":
        return Trouble(
            Cause.SUSPENDED,
            "PayTR takes no request of this store (code 001): it is not active, or merchant_id is not its number",
        )
    told = f"HTTP {answer.status}, PayTR code {'missing' if code is None else code}"
    return trouble_of_status(answer.status) or Trouble(Cause.OTHER, f"{told}; look it up in its error table")
