"""How an order stands: `/odeme/durum-sorgu`, by the reference that we sent. Asked by queries and by inquiries.

Source: README, "Status".
"""

import re
from typing import Any, Final

from providers.connector import Account, Request, Wire
from providers.outcome import Outcome, ProviderState, UnusableAnswer
from providers.payments.paytr.amounts import Amount, AmountBeside, from_wire
from providers.payments.paytr.wire import ErrorNumber, Word, post
from schemas.money import Money
from schemas.payments import CardSummary
from schemas.verdicts import Verdict

PATH: Final = "/odeme/durum-sorgu"
NOT_FOUND: Final = "004"
_MASKED: Final = re.compile(r"([0-9]{6})[^0-9]+([0-9]{4})")


class StatusReply(Wire):
    """`payment_amount` is what was asked for, `payment_total` what the buyer paid, an instalment surcharge in it."""

    status: str
    err_no: ErrorNumber | None = None
    payment_amount: Amount | None = None
    payment_total: Amount | None = None
    currency: str | None = None
    test_mode: Word | None = None
    kesinti_tutari: AmountBeside = None
    masked_pan: str | None = None
    kart_marka: str | None = None
    returns: Any = None
    submerchant_payments: Any = None

    @property
    def succeeded(self) -> bool:
        """Whether the order was paid; else it is not found, which settles nothing.

        Raises:
            UnusableAnswer: the question was not answered, or a word was never met.
        """
        match self.status, self.err_no:
            case "success", None:
                return True
            case "error", str(code) if code == NOT_FOUND:
                return False
            case "error" | "failed", code:
                raise UnusableAnswer("PayTR did not answer the query", their_code=code)
            case _:
                raise UnusableAnswer("status is missing or a word that PayTR's documents do not have")


def ask(reference: str) -> Request:
    return post(PATH, {"merchant_oid": reference})


def paid(reply: StatusReply, reference: str, account: Account) -> Outcome:
    """The outcome of an order that was paid.

    Raises:
        UnusableAnswer: an amount or the currency cannot be read, or it is a test's on an account of real money, or
            real money on an account for tests.
    """
    require_environment(reply.test_mode, account)
    amount = from_wire(reply.payment_total, reply.currency, "payment_total")
    asked = (
        amount if reply.payment_amount is None else from_wire(reply.payment_amount, reply.currency, "payment_amount")
    )
    fee = reply.kesinti_tutari
    return Outcome(
        verdict=Verdict.ACCEPTED,
        reference=reference,
        amount=amount,
        surcharge=amount.with_minor(amount.minor - asked.minor) if amount.minor > asked.minor else None,
        state=ProviderState.CAPTURED,
        fee=None if fee is None else Money.from_major(fee, amount.currency),
        card=_card(reply),
    )


def require_environment(test_mode: str | None, account: Account) -> None:
    """Check that tests and money are not mixed up. Where PayTR says nothing, nothing can be checked.

    Raises:
        UnusableAnswer: they are.
    """
    if test_mode not in {None, "0", "1"}:
        raise UnusableAnswer("test_mode is a word that PayTR's documents do not have")
    if test_mode is not None and (test_mode == "1") != account.is_test:
        told = "a test" if test_mode == "1" else "real money"
        raise UnusableAnswer(f"PayTR says that it is {told}, and the account is of {account.environment}")


def _card(reply: StatusReply) -> CardSummary | None:
    seen = _MASKED.fullmatch(reply.masked_pan or "")
    if seen is None and not reply.kart_marka:
        return None
    return CardSummary(
        family=reply.kart_marka or None,
        bin_number=None if seen is None else seen[1],
        last_four=None if seen is None else seen[2],
    )
