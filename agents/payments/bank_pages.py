"""Pages for payers' browsers, on their way through results. Pure."""

import json
from typing import Final

from agents.payments.decisions import Refuse
from schemas.card_numbers import holds_card_number
from schemas.payments import NextAction, Reason, ShowPage
from schemas.verdicts import FailureClass

_BYTES: Final = 600_000
"""Of a page as it stands in JSON: with all else its result stays below what a record may have, 1 MiB."""


def unfit_page(action: NextAction | None) -> Refuse | None:
    """The end of what waits for a payer whose page no result can hold; `None` where it can.

    Nobody can go on by it, and nothing moves without the payer: it certainly was not performed.
    """
    trouble = _trouble(action.html) if isinstance(action, ShowPage) else None
    return None if trouble is None else Refuse(Reason.OTHER, FailureClass.CONFIGURATION, trouble)


def _trouble(html: str) -> str | None:
    """As a sentence. What the page says is not looked at."""
    if holds_card_number(html):
        return "the page for the payer holds what looks like a card number, and those never travel on Kafka"
    if len(json.dumps(html, ensure_ascii=False).encode("utf-8", "replace")) > _BYTES:
        return f"the page for the payer has more than {_BYTES} bytes, too many for a record"
    return None
