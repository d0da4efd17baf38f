"""Pages of PayTR's: by card in a frame, or by bank transfer. `/odeme/api/get-token` gives the token of one.

Source: README, "Creating".
"""

import re
from typing import Final

from providers.connector import Attempt, Request, Unsayable, Wire
from providers.outcome import Finding, Outcome, Sighting, UnusableAnswer
from providers.payments.paytr.amounts import currency_word, to_kurus
from providers.payments.paytr.errors import refused_in_words
from providers.payments.paytr.order import basket_base64, buyer_fields, order_fields, return_fields
from providers.payments.paytr.wire import flag, post
from schemas.payments import BankTransfer, CreatePayment, HostedPage, Reason, ShowFrame, TransferMoney
from schemas.verdicts import FailureClass, Verdict

PATH: Final = "/odeme/api/get-token"
TIMEOUT_MIN: Final = 30
"""For how long a page can be paid on. An order that nobody paid on is only then certain to stay unpaid."""
_TOKEN: Final = re.compile(r"[0-9A-Za-z_-]{1,200}")
_MOST_INSTALMENTS: Final = 12


LOST: Final = Finding(
    Sighting.CONCLUDED,
    Outcome(
        verdict=Verdict.REFUSED,
        reason=Reason.PAGE_LOST,
        failure=FailureClass.TRANSIENT,
        detail="the page's token was lost with the answer: nobody paid on it and nobody can; order another one",
    ),
)
"""What an unanswered order of a page comes to, also one that is performed late: its page has no visitor."""


class TokenReply(Wire):
    status: str
    token: str | None = None
    reason: str | None = None


def is_paid_there(command: CreatePayment) -> bool:
    return isinstance(command.method, HostedPage | BankTransfer)


def build_frame(command: CreatePayment, attempt: Attempt, method: HostedPage) -> Request:
    _require_payer(command)
    if command.store_card or method.customer_key is not None:
        raise Unsayable(
            Reason.UNSUPPORTED_METHOD,
            "PayTR's page neither keeps cards nor offers kept ones; send the card as card_ref or stored_card",
        )
    if command.buyer.phone is None:
        raise Unsayable(Reason.INVALID_REQUEST, "PayTR's page needs the buyer's phone number; send buyer.phone")
    return post(
        PATH,
        {
            **order_fields(command, attempt, to_kurus(command.paid_price)),
            "user_basket": basket_base64(command),
            "no_installment": flag(method.most_instalments == 1),
            "max_installment": _most(method.most_instalments),
            "currency": currency_word(command.paid_price.currency),
            **buyer_fields(command),
            **return_fields(method.return_url),
            "timeout_limit": str(TIMEOUT_MIN),
            "lang": "tr",
            "debug_on": "0",
            "iframe_v2": "1",
        },
    )


def build_transfer(command: CreatePayment, attempt: Attempt, method: BankTransfer) -> Request:
    _require_payer(command)
    if command.paid_price.currency != "TRY":
        raise Unsayable(Reason.CURRENCY_NOT_PERMITTED, "PayTR takes bank transfers in TRY alone")
    return post(
        PATH,
        {
            **order_fields(command, attempt, to_kurus(command.paid_price)),
            "payment_type": "eft",
            "bank": method.bank,
            **buyer_fields(command),
            **return_fields(method.return_url),
            "timeout_limit": str(TIMEOUT_MIN),
            "lang": "tr",
            "debug_on": "0",
            "iframe_v2": "1",
        },
    )


def _require_payer(command: CreatePayment) -> None:
    """Whoever is at the page chooses there in how many parts to pay; what a command says of it could not be held to."""
    if command.without_payer:
        raise Unsayable(Reason.INVALID_REQUEST, "nobody is there to pay on a page; pay with a stored card")
    if command.instalments > 1:
        detail = "the payer chooses the instalments on the page; say most_instalments instead"
        raise Unsayable(Reason.INSTALMENTS_NOT_PERMITTED, detail)


def _most(instalments: int | None) -> str:
    """Zero: as many as the store is allowed."""
    return "0" if instalments is None or instalments == 1 else str(min(instalments, _MOST_INSTALMENTS))


def read_token(reply: TokenReply, method: HostedPage | BankTransfer, attempt: Attempt) -> Outcome:
    """No money moves by it: the payer has to pay on the page that the token opens."""
    if reply.status == "failed":
        return refused_in_words(reply.reason)
    if reply.status != "success" or reply.token is None or not _TOKEN.fullmatch(reply.token):
        raise UnusableAnswer("status is a word that was never met, or a success has no token")
    base_url = attempt.account.base_url
    return Outcome(
        verdict=Verdict.PENDING,
        reference=attempt.reference,
        reason=Reason.ACTION_REQUIRED,
        next_action=ShowFrame(url=f"{base_url}/odeme/guvenli/{reply.token}")
        if isinstance(method, HostedPage)
        else TransferMoney(url=f"{base_url}/odeme/api/{reply.token}"),
    )
