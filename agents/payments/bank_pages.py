"""Pages of payers' banks, on their way through results. Pure."""

import json
from typing import Final

from schemas.card_numbers import holds_card_number

_BYTES: Final = 600_000
"""Of a page as it stands in JSON: with all else its result stays below what a record may have, 1 MiB."""


def trouble_with_page(html: str) -> str | None:
    """Why a page cannot stand in a result, as a sentence; `None` where it can. What it says is not looked at."""
    if holds_card_number(html):
        return "the page for the payer holds what looks like a card number, and those never travel on Kafka"
    if len(json.dumps(html, ensure_ascii=False).encode("utf-8", "replace")) > _BYTES:
        return f"the page for the payer has more than {_BYTES} bytes, too many for a record"
    return None
