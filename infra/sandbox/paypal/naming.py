"""Ids that look like PayPal's. They are drawn at random: nobody may guess another's."""

import secrets
from typing import Final

_ID: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ACCOUNT: Final = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"


def new_id(length: int = 17) -> str:
    return "".join(secrets.choice(_ID) for _ in range(length))


def new_account_id() -> str:
    """Of a payer."""
    return "".join(secrets.choice(_ACCOUNT) for _ in range(13))
