"""A day of PayTR's books: sales and refunds (`/rapor/islem-dokumu`), payouts (`/rapor/odeme-detayi`), and transfers to
sellers that came back (`/odeme/geri-donen-transfer`) as the payouts' last page. PayTR gives a day whole; a long one is
cut into pages here, since a record has its bounds.

Where the rows stand in an answer, and most of their names, is not documented: they are looked for. What is needed of
a row has to be there.

Source: README, "Reports".
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, TypeVar

from pydantic import model_validator

from providers.connector import Attempt, Request, Unsayable, Wire
from providers.outcome import Outcome, UnusableAnswer
from providers.payments.paytr.amounts import Amount, AmountBeside, from_wire
from providers.payments.paytr.moments import read, whole_day
from providers.payments.paytr.wire import ErrorNumber, Word, post, rows_of
from schemas.money import Money
from schemas.payments import Reason
from schemas.payments.resources import (
    ListPayouts,
    ListTransactions,
    Payout,
    PayoutPage,
    Transaction,
    TransactionPage,
)
from schemas.verdicts import Verdict

T = TypeVar("T")

RETURNED: Final = "returned"
"""The cursor of the payouts' last page."""
_AT_ONCE: Final = 500
_PLACE: Final = re.compile(r"[1-9][0-9]{0,4}00")
_TO_SELLER: Final = "transfer"
_KINDS: Final[Mapping[str, str]] = MappingProxyType({"S": "payment", "I": "refund"})


class ReportReply(Wire):
    """`rows` is every object in a list of the answer, or under a number of its own."""

    status: str
    err_no: ErrorNumber | None = None
    rows: tuple[Mapping[str, Any], ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _find_rows(cls, told: Any) -> Any:
        if not isinstance(told, dict):
            return told
        found: list[Any] = []
        for name, value in told.items():
            if isinstance(value, list):
                found += value
            elif isinstance(value, dict) and name.isdecimal():
                found.append(value)
        return {"status": told.get("status"), "err_no": told.get("err_no"), "rows": tuple(found)}


class _TransactionRow(Wire):
    islem_tipi: str
    siparis_no: Word
    islem_tutari: Amount
    para_birimi: str
    islem_tarihi: str | None = None
    net_tutar: AmountBeside = None
    kesinti_tutari: AmountBeside = None
    taksit: Word | None = None


class _PayoutRow(Wire):
    """Of a payment, or of a seller's transfer (`amount`)."""

    merchant_oid: Word | None = None
    payment: Amount | None = None
    amount: Amount | None = None
    currency: str


class _ReturnedRow(Wire):
    ref_no: Word
    transfer_amount: Amount
    transfer_currency: str
    date_detected: str | None = None


def build_transactions(command: ListTransactions, _attempt: Attempt) -> Request:
    _place_of(command.cursor)
    return post("/rapor/islem-dokumu", whole_day(command.day))


def read_transactions(reply: ReportReply, command: ListTransactions, _attempt: Attempt) -> Outcome:
    seen: Counter[str] = Counter()
    transactions = []
    for row in rows_of(_rows(reply), _TransactionRow, "the report"):
        name = f"{row.siparis_no}-{row.islem_tipi}"
        seen[name] += 1
        # PayTR names no movement. A day's report grows at its end, so that these names stay.
        transactions.append(_transaction(row, name if seen[name] == 1 else f"{name}-{seen[name]}"))
    shown, cursor = _page(transactions, command.cursor)
    page = TransactionPage(day=command.day, transactions=shown, next_cursor=cursor)
    return Outcome(verdict=Verdict.ACCEPTED, details=page)


def build_payouts(command: ListPayouts, _attempt: Attempt) -> Request:
    if command.cursor == RETURNED:
        return post("/odeme/geri-donen-transfer", whole_day(command.day))
    _place_of(command.cursor)
    return post("/rapor/odeme-detayi", {"date": command.day.isoformat()})


def read_payouts(reply: ReportReply, command: ListPayouts, _attempt: Attempt) -> Outcome:
    if command.cursor == RETURNED:
        returned = rows_of(_rows(reply), _ReturnedRow, "the list")
        page = PayoutPage(day=command.day, payouts=tuple(_came_back(row) for row in returned))
    else:
        payouts = [payout for row in rows_of(_rows(reply), _PayoutRow, "the report") for payout in _paid_out(row)]
        shown, cursor = _page(payouts, command.cursor)
        page = PayoutPage(day=command.day, payouts=shown, next_cursor=cursor or RETURNED)
    return Outcome(verdict=Verdict.ACCEPTED, details=page)


def _rows(reply: ReportReply) -> tuple[Mapping[str, Any], ...]:
    """The rows; `failed` is PayTR's word for a day without any.

    Raises:
        UnusableAnswer: the report was not given, or says that there are rows and shows none.
    """
    match reply.status:
        case "success" if reply.rows:
            return reply.rows
        case "failed" if not reply.rows:
            return ()
        case "error":
            raise UnusableAnswer("PayTR did not give the report", their_code=reply.err_no)
        case _:
            raise UnusableAnswer("status is a word that was never met, or does not fit the rows")


def _transaction(row: _TransactionRow, name: str) -> Transaction:
    amount = from_wire(row.islem_tutari, row.para_birimi, "islem_tutari")
    return Transaction.model_validate(
        {
            "kind": _KINDS.get(row.islem_tipi, "other"),
            "transaction_reference": name,
            "payment_reference": row.siparis_no,
            "our_reference": row.siparis_no,
            "at": read(row.islem_tarihi),
            "amount": amount,
            "fee": _beside(row.kesinti_tutari, amount),
            "net": _beside(row.net_tutar, amount),
            "instalments": int(row.taksit) if row.taksit and row.taksit.isdecimal() else None,
            "state": row.islem_tipi,
        }
    )


def _paid_out(row: _PayoutRow) -> Iterator[Payout]:
    """What went to the merchant for an order, and to a seller."""
    if row.payment is not None or row.amount is None:
        amount = from_wire(row.payment, row.currency, "payment")
        yield Payout(kind="paid_out", payment_reference=row.merchant_oid, amount=amount)
    if row.amount is not None:
        amount = from_wire(row.amount, row.currency, "amount")
        yield Payout(kind="paid_out", payment_reference=row.merchant_oid, amount=amount, state=_TO_SELLER)


def _came_back(row: _ReturnedRow) -> Payout:
    amount = from_wire(row.transfer_amount, row.transfer_currency, "transfer_amount")
    return Payout(kind="returned", payout_reference=row.ref_no, amount=amount, at=read(row.date_detected))


def _beside(told: Any, amount: Money) -> Money | None:
    return None if told is None else Money.from_major(told, amount.currency)


def _page(rows: Sequence[T], cursor: str | None) -> tuple[tuple[T, ...], str | None]:
    """The rows of one page, and the cursor of the next."""
    begin = _place_of(cursor)
    end = begin + _AT_ONCE
    return tuple(rows[begin:end]), str(end) if end < len(rows) else None


def _place_of(cursor: str | None) -> int:
    """At which row of the day a page begins.

    Raises:
        Unsayable: the cursor is none of ours.
    """
    if cursor is None:
        return 0
    if not _PLACE.fullmatch(cursor) or int(cursor) % _AT_ONCE:
        raise Unsayable(Reason.INVALID_REQUEST, "the cursor is no next_cursor of an earlier page")
    return int(cursor)
