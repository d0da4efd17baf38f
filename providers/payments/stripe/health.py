"""What their answer to the harmless call says of key and environment.

Source: README, "Transport": the key picks the mode, and its beginning tells which; `livemode` of an answer says it too.
"""

from typing import Any

from providers.connector import Answer, Credentials
from providers.diagnosis import Cause, Trouble, trouble_of_status


def read_health(answer: Answer, environment: str, _credentials: Credentials) -> Trouble | None:
    """`None` when the key is taken and belongs to this environment."""
    body: dict[str, Any] = answer.parsed if isinstance(answer.parsed, dict) else {}
    live = body.get("livemode")
    if body.get("object") == "balance" and isinstance(live, bool):
        if live == (environment == "production"):
            return None
        other = "production" if live else "sandbox"
        return Trouble(
            Cause.WRONG_ENVIRONMENT,
            f"the secret_key is of Stripe's {other}, and this integration is of its {environment}; set the right key",
        )
    error = body.get("error")
    code = (error.get("code") or error.get("type")) if isinstance(error, dict) else None
    told = f"HTTP {answer.status}, Stripe code {'missing' if code is None else code}"
    return trouble_of_status(answer.status) or Trouble(Cause.OTHER, f"{told}; look it up in its error table")
