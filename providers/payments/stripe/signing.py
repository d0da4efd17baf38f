"""How a request says whose it is. Stripe signs no answers.

Source: README, "Transport".
"""

from collections.abc import Mapping

from providers.connector import Answer, Credentials, Request


def sign(_request: Request, credentials: Credentials, _nonce: str) -> Mapping[str, str]:
    """The key itself: it says whose request it is, and whether money or a test is meant."""
    return {"Authorization": f"Bearer {credentials['secret_key'].get_secret_value()}"}


def verify(_request: Request, answer: Answer, _credentials: Credentials) -> str | None:
    """Answers are not signed: the TLS connection is all that vouches for them."""
    return None if isinstance(answer.parsed, dict) else "the answer is not a JSON object"
