"""What their answer to the harmless call says of keys and environment.

Source: README, "Error codes": 1000 a signature that does not fit, 1001 an API key that is not known there, 1007 no
signature they understand, 9000 a suspended account; keys of their sandbox begin with `sandbox-`.
"""

from typing import Any, Final

from providers.connector import Answer, Credentials
from providers.diagnosis import Cause, Trouble, trouble_of_status

_SANDBOX_KEY: Final = "sandbox-"


def read_health(answer: Answer, environment: str, credentials: Credentials) -> Trouble | None:
    """`None` when the keys are taken."""
    body: dict[str, Any] = answer.parsed if isinstance(answer.parsed, dict) else {}
    if body.get("status") == "success":
        return None
    code = str(body.get("errorCode") or "missing")
    match code:
        case "1000" | "1007":
            # One of the two keys may be the other environment's.
            return _misplaced(environment, credentials, "secret_key", code) or Trouble(
                Cause.WRONG_KEY, f"the secret key does not belong to the API key (iyzico code {code}); set it anew"
            )
        case "1001":
            return _misplaced(environment, credentials, "api_key", code) or Trouble(
                Cause.WRONG_KEY,
                f"iyzico's {environment} does not know the API key (code {code}): a slip in it, or it is of the other "
                "environment; copy it from the merchant panel of this one",
            )
        case "9000":
            return Trouble(Cause.SUSPENDED, f"iyzico has suspended the account (code {code}); ask its support")
        case "50000":
            return Trouble(Cause.THROTTLED, f"too many calls (iyzico code {code}); try again later")
        case _:
            told = f"HTTP {answer.status}, iyzico code {code}"
            return trouble_of_status(answer.status) or Trouble(Cause.OTHER, f"{told}; look it up in its error table")


def _misplaced(environment: str, credentials: Credentials, name: str, code: str) -> Trouble | None:
    secret = credentials.get(name)
    if secret is None:
        return None
    of_sandbox = secret.get_secret_value().startswith(_SANDBOX_KEY)
    if of_sandbox == (environment == "sandbox"):
        return None
    other = "sandbox" if of_sandbox else "production"
    return Trouble(
        Cause.WRONG_ENVIRONMENT,
        f"the {name} is of iyzico's {other}, and this integration is of its {environment} (code {code}); "
        "set the right one's key",
    )
