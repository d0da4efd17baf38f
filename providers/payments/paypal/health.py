"""What their answer to the harmless call says of keys, rights and the webhook's id.

That a token came at all says that the keys are right; what is asked for is the list of the account's webhooks, in which
the one must be whose id our calls are verified with. Source: README, "Webhooks".
"""

from typing import Any

from providers.connector import Answer, Credentials
from providers.diagnosis import Cause, Trouble, trouble_of_status


def read_health(answer: Answer, environment: str, credentials: Credentials) -> Trouble | None:
    """`None` when the keys are taken and the webhook is theirs."""
    body: dict[str, Any] = answer.parsed if isinstance(answer.parsed, dict) else {}
    webhooks = body.get("webhooks")
    if isinstance(webhooks, list):
        known = {one.get("id") for one in webhooks if isinstance(one, dict)}
        if "webhook_id" not in tuple(credentials) or credentials["webhook_id"].get_secret_value() in known:
            return None
        return Trouble(
            Cause.WRONG_KEY,
            f"the webhook_id is none of the app's webhooks in PayPal's {environment}; copy it from the app's page, or "
            "add a webhook there first",
        )
    told = f"HTTP {answer.status}, PayPal {body.get('name') or body.get('error') or 'without a code'}"
    return trouble_of_status(answer.status) or Trouble(Cause.OTHER, f"{told}; look it up in its reference")
