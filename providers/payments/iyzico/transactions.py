"""The movements of a day: `/v2/reporting/payment/transactions`, page by page. The answer is not signed.

Source: README, "Reports".
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator

from providers.connector import Attempt, Request, Unsayable
from providers.notices import named
from providers.outcome import Outcome, UnusableAnswer
from providers.payments.iyzico.amounts import magnitude
from providers.payments.iyzico.errors import refusal
from providers.payments.iyzico.wire import Envelope, Fields, SignedAmount, Word, get
from schemas.money import Money
from schemas.payments import Reason
from schemas.payments.resources import ListTransactions, Transaction, TransactionPage
from schemas.verdicts import Verdict

_PATH: Final = "/v2/reporting/payment/transactions"
_PAGE: Final = re.compile(r"[1-9][0-9]{0,5}")
_TURKEY: Final = timezone(timedelta(hours=3))
"""Its one zone, without summer time since 2016."""
Kind = Literal["payment", "refund", "cancel", "other"]
_KINDS: Final[Mapping[str, Kind]] = MappingProxyType({"PAYMENT": "payment", "REFUND": "refund", "CANCEL": "cancel"})


def _moment(value: Any) -> Any:
    """Without an offset it is the time in Türkiye. What is no moment is not told: no decision hangs on it."""
    try:
        moment = datetime.fromisoformat(value)
        return (moment if moment.tzinfo is not None else moment.replace(tzinfo=_TURKEY)).astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        return None


class Row(Fields):
    transaction_type: str
    transaction_id: Word
    transaction_date: Annotated[datetime | None, BeforeValidator(_moment)] = None
    transaction_status: Word | None = None
    payment_id: Word | None = None
    conversation_id: Word | None = None
    price: SignedAmount | None = None
    paid_price: SignedAmount | None = None
    transaction_currency: str | None = None
    settlement_currency: str | None = None
    installment: int | None = None
    iyzico_commission: SignedAmount | None = None
    iyzico_fee: SignedAmount | None = None
    merchant_payout_amount: SignedAmount | None = None


class TransactionReport(Envelope):
    transactions: tuple[Row, ...] | None = None
    current_page: int | None = None
    total_page_count: int | None = None


def build_transactions(command: ListTransactions, attempt: Attempt) -> Request:
    return get(
        _PATH,
        transactionDate=command.day.isoformat(),
        page=str(_page(command)),
        conversationId=attempt.reference,
    )


def read_transactions(reply: TransactionReport, command: ListTransactions, _attempt: Attempt) -> Outcome:
    if reply.failed:
        return refusal(reply)
    if reply.transactions is None or reply.total_page_count is None:
        raise UnusableAnswer("transactions or totalPageCount is missing in a success")
    page = _page(command)
    if reply.current_page not in {None, page}:
        raise UnusableAnswer("currentPage is not the one that was asked for")
    told = TransactionPage(
        day=command.day,
        transactions=tuple(_transaction(row) for row in reply.transactions),
        next_cursor=str(page + 1) if page < reply.total_page_count else None,
    )
    return Outcome(verdict=Verdict.ACCEPTED, details=told)


def _page(command: ListTransactions) -> int:
    """Pages count from 1.

    Raises:
        Unsayable: the cursor is none of ours.
    """
    cursor = command.cursor or "1"
    if not _PAGE.fullmatch(cursor):
        raise Unsayable(Reason.INVALID_REQUEST, "the cursor is no next_cursor of an earlier page")
    return int(cursor)


def _transaction(row: Row) -> Transaction:
    currency = row.transaction_currency
    if row.paid_price is None or currency is None:
        raise UnusableAnswer("paidPrice or transactionCurrency of a row is missing")
    kept = [part for part in (row.iyzico_commission, row.iyzico_fee) if part is not None]
    return Transaction(
        kind=_KINDS.get(row.transaction_type, "other"),
        transaction_reference=row.transaction_id,
        payment_reference=row.payment_id,
        # The account may serve other systems too, whose own words say nothing here and must not cost the day's report.
        our_reference=named(row.conversation_id),
        at=row.transaction_date,
        amount=magnitude(row.paid_price, currency),
        price=_told(row.price, currency),
        fee=magnitude(sum(kept, Decimal(0)), currency) if kept else None,
        net=_told(row.merchant_payout_amount, row.settlement_currency or currency),
        instalments=row.installment,
        state=row.transaction_status,
    )


def _told(amount: Decimal | None, currency: str) -> Money | None:
    return None if amount is None else magnitude(amount, currency)
