"""How a payment stands, for `QueryPayment`: `/odeme/durum-sorgu`, by the reference that we sent.

Source: README, "Status".
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Annotated, Final
from urllib.parse import urlencode

from pydantic import AfterValidator

from providers.connector import Attempt, Request, Unsayable, Wire
from providers.outcome import Outcome, ProviderState, UnusableAnswer
from schemas.money import Money
from schemas.payments import QueryPayment, Reason
from schemas.verdicts import Verdict

PATH: Final = "/odeme/durum-sorgu"
NOT_FOUND: Final = "004"
_AMOUNT: Final = re.compile(r"[0-9]{1,15}(?:[.,][0-9]{1,2})?")
_CURRENCIES: Final[Mapping[str, str]] = MappingProxyType(
    {"TL": "TRY", "TRY": "TRY", "EUR": "EUR", "USD": "USD", "GBP": "GBP", "RUB": "RUB"}
)


def _amount(text: str) -> str:
    if not _AMOUNT.fullmatch(text):
        raise ValueError("not an amount")
    return text


class StatusReply(Wire):
    """`payment_total` is what the buyer paid, an instalment surcharge in it."""

    status: str
    err_no: str | None = None
    payment_total: Annotated[str, AfterValidator(_amount)] | None = None
    currency: str | None = None


def ask(reference: str) -> Request:
    form = urlencode({"merchant_oid": reference}).encode()
    headers = (("Accept", "application/json"), ("Content-Type", "application/x-www-form-urlencoded"))
    return Request("POST", PATH, form, headers=headers, template=PATH)


def build_query(_command: QueryPayment, attempt: Attempt) -> Request:
    """PayTR has no id of its own: a payment is called by the reference that was sent with its creation."""
    reference = attempt.payment.create_reference or attempt.payment.provider_reference
    if reference is None:
        raise Unsayable(Reason.PAYMENT_NOT_FOUND, "nothing was ever sent for the payment; create it first")
    return ask(reference)


def read_query(reply: StatusReply, _command: QueryPayment, attempt: Attempt) -> Outcome:
    """The query itself is accepted, whatever it finds; how the payment stands is in `state`.

    004 is said of what failed, runs, was left or was never seen, so that it settles nothing.

    Raises:
        UnusableAnswer: the query failed, an amount is missing, or a word was never met.
    """
    match reply.status, reply.err_no:
        case "success", None:
            return Outcome(
                verdict=Verdict.ACCEPTED,
                reference=attempt.payment.create_reference or attempt.payment.provider_reference,
                amount=_paid(reply),
                state=ProviderState.CAPTURED,
            )
        case "error", str(code) if code == NOT_FOUND:
            return Outcome(verdict=Verdict.ACCEPTED, state=ProviderState.NOT_FOUND, their_code=code)
        case "error" | "failed", code:
            raise UnusableAnswer("PayTR did not answer the query", their_code=code)
        case _:
            raise UnusableAnswer("status is missing or a word that PayTR's documents do not have")


def _paid(reply: StatusReply) -> Money:
    """The exact amount. A missing one is never nothing: a payment would be booked as free."""
    currency = _CURRENCIES.get(reply.currency or "")
    if reply.payment_total is None or currency is None:
        raise UnusableAnswer("payment_total or currency is missing in a success, or no word that was met")
    return Money.from_major(Decimal(reply.payment_total.replace(",", ".")), currency)
