"""A payment that the payer's bank has to let through: `/odeme` answers with the page that leads there.

PayTR has no second step: what comes of it is told by its callback, and by the order's status.

Source: README, "3-D Secure".
"""

import re
from typing import Final

from providers.connector import Attempt, Request, Unsayable
from providers.outcome import Outcome, UnusableAnswer
from providers.payments.paytr.direct import PATH, DirectReply, card_order, read_failed
from providers.payments.paytr.order import return_fields
from providers.payments.paytr.wire import post
from schemas.card_numbers import holds_card_number
from schemas.payments import Reason, ShowPage
from schemas.payments.three_d_secure import StartThreeDSecure
from schemas.verdicts import Verdict

_BEGINS: Final = re.compile(r"<html\b", re.IGNORECASE | re.ASCII)
_LEADING: Final = tuple(
    (re.compile(rf"<{name}\b", re.IGNORECASE | re.ASCII), re.compile(rf"</{name}\s*>", re.IGNORECASE | re.ASCII))
    for name in ("form", "script", "iframe")
)
"""What can take a browser on to the bank: where it begins, and where it ends."""


def build_start(command: StartThreeDSecure, attempt: Attempt) -> Request:
    if command.without_payer:
        raise Unsayable(Reason.INVALID_REQUEST, "3-D Secure asks the payer; send a creation where there is none")
    return post(PATH, {**card_order(command, attempt, non_3d=False), **return_fields(command.return_url)})


def read_start(reply: DirectReply, _command: StartThreeDSecure, _attempt: Attempt) -> Outcome:
    """JSON in place of the page.

    Raises:
        UnusableAnswer: it is no refusal. No success is documented here, so that the order is asked for.
    """
    if reply.status == "failed":
        return read_failed(reply)
    raise UnusableAnswer("the answer is neither the bank's page nor a refusal")


def read_page(page: str, _command: StartThreeDSecure, attempt: Attempt) -> Outcome:
    """The page is passed on unread. No money has moved.

    Raises:
        UnusableAnswer: it leads nowhere, as an error's page; or it holds a card's number, which no record may.
    """
    text = page.strip()
    whole = text.startswith("<") and text.endswith(">") and len(_BEGINS.findall(text)) <= 1
    if not whole or not _leads_on(text):
        raise UnusableAnswer("the page is not whole, or leads to no bank")
    if holds_card_number(text):
        raise UnusableAnswer("the page holds a card's number, and what holds one is never passed on")
    return Outcome(
        verdict=Verdict.PENDING,
        reference=attempt.reference,
        reason=Reason.ACTION_REQUIRED,
        next_action=ShowPage(html=page),
    )


def _leads_on(text: str) -> bool:
    for begins, ends in _LEADING:
        begin = begins.search(text)
        if begin is not None and ends.search(text, begin.end()) is not None:
            return True
    return False
