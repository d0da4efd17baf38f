"""How a request says whose it is. Stripe signs no answers.

Source: README, "Transport".
"""

import re
from collections.abc import Mapping
from typing import Final

from providers.connector import Answer, Credentials, Request

_MODE: Final = re.compile(r"[sr]k_(test|live)_")
_ENVIRONMENTS: Final = {"test": "sandbox", "live": "production"}


def sign(_request: Request, credentials: Credentials, _nonce: str) -> Mapping[str, str]:
    """The key itself: it says whose request it is, and whether money or a test is meant."""
    return {"Authorization": f"Bearer {credentials['secret_key'].get_secret_value()}"}


def environment_of(credentials: Credentials) -> str | None:
    """By how the key begins: `sk_test_…` and `rk_test_…` move nothing, `sk_live_…` and `rk_live_…` move money."""
    found = _MODE.match(credentials["secret_key"].get_secret_value())
    return None if found is None else _ENVIRONMENTS[found[1]]


def verify(_request: Request, answer: Answer, _credentials: Credentials) -> str | None:
    """Answers are not signed: the TLS connection is all that vouches for them."""
    return None if isinstance(answer.parsed, dict) else "the answer is not a JSON object"
