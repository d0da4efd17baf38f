"""PayPal's own books: `/v1/reporting/transactions` and `/v1/reporting/balances`.

Source: README, "Reports".
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal

from pydantic import StrictInt

from providers.connector import Attempt, Request, Unsayable, Wire
from providers.notices import named
from providers.outcome import Outcome, UnusableAnswer
from providers.payments.paypal.amounts import Amount, from_wire
from providers.payments.paypal.errors import refusal
from providers.payments.paypal.moments import moment
from providers.payments.paypal.wire import Reply, get
from schemas.money import Money
from schemas.payments import Reason
from schemas.payments.resources import Balance, GetBalance, ListTransactions, Transaction, TransactionPage
from schemas.verdicts import Verdict

Kind = Literal["payment", "refund", "cancel", "chargeback", "fee", "transfer", "other"]

_TRANSACTIONS: Final = "/v1/reporting/transactions"
_BALANCES: Final = "/v1/reporting/balances"
_PAGE_SIZE: Final = 500
_MOST_DIGITS: Final = 6
_KINDS: Final[Mapping[str, Kind]] = MappingProxyType(
    {
        "T1107": "refund",
        "T1106": "chargeback",
        "T1201": "chargeback",
        "T01": "fee",
        "T03": "transfer",
        "T04": "transfer",
        "T06": "transfer",
        "T17": "transfer",
        "T20": "transfer",
    }
)
"""By the whole code, else by its group."""
_PAYMENTS: Final = "T00"
_OUT: Final = frozenset({"refund", "chargeback"})
_OF_A_PAYMENT: Final = frozenset({"ODR", "TXN"})


class Info(Wire):
    transaction_id: str | None = None
    paypal_reference_id: str | None = None
    paypal_reference_id_type: str | None = None
    transaction_event_code: str | None = None
    transaction_initiation_date: str | None = None
    transaction_amount: Amount | None = None
    fee_amount: Amount | None = None
    transaction_status: str | None = None
    custom_field: str | None = None


class Detail(Wire):
    transaction_info: Info | None = None


class TransactionReply(Reply):
    transaction_details: tuple[Detail, ...] | None = None
    page: StrictInt | None = None
    total_pages: StrictInt | None = None


class CurrencyBalance(Wire):
    available_balance: Amount | None = None
    withheld_balance: Amount | None = None


class BalanceReply(Reply):
    balances: tuple[CurrencyBalance, ...] | None = None


def build_transactions(command: ListTransactions, _attempt: Attempt) -> Request:
    """One day by UTC; the cursor is the number of the next page."""
    query = (
        ("start_date", f"{command.day.isoformat()}T00:00:00Z"),
        ("end_date", f"{command.day.isoformat()}T23:59:59Z"),
        ("fields", "transaction_info"),
        ("balance_affecting_records_only", "Y"),
        ("page_size", str(_PAGE_SIZE)),
        ("page", str(_page_of(command))),
    )
    return get(_TRANSACTIONS, query=query)


def read_transactions(reply: TransactionReply, command: ListTransactions, _attempt: Attempt) -> Outcome:
    """Raises `UnusableAnswer` where it is another page, or a movement has no id or amount: a gap would not be seen."""
    if reply.failed:
        return refusal(reply)
    page = _page_of(command)
    if reply.transaction_details is None or reply.total_pages is None or reply.page not in {None, page}:
        raise UnusableAnswer("transaction_details or total_pages is missing, or page is not the one that was asked for")
    found = tuple(_movement(detail.transaction_info) for detail in reply.transaction_details)
    further = str(page + 1) if page < reply.total_pages else None
    return Outcome(
        verdict=Verdict.ACCEPTED,
        details=TransactionPage(day=command.day, transactions=found, next_cursor=further),
    )


def build_balance(_command: GetBalance, _attempt: Attempt) -> Request:
    return get(_BALANCES)


def read_balance(reply: BalanceReply, _command: GetBalance, _attempt: Attempt) -> Outcome:
    if reply.failed:
        return refusal(reply)
    if not reply.balances:
        raise UnusableAnswer("balances is missing in a success, or empty")
    available = tuple(from_wire(one.available_balance, "available_balance") for one in reply.balances)
    withheld = [one.withheld_balance for one in reply.balances if one.withheld_balance is not None]
    pending = tuple(from_wire(one, "withheld_balance") for one in withheld)
    return Outcome(verdict=Verdict.ACCEPTED, details=Balance(available=available, pending=pending))


def _page_of(command: ListTransactions) -> int:
    cursor = command.cursor or "1"
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) <= _MOST_DIGITS and int(cursor)):
        raise Unsayable(Reason.INVALID_REQUEST, "cursor is none of PayPal's pages; send next_cursor of the page before")
    return int(cursor)


def _movement(info: Info | None) -> Transaction:
    reference = None if info is None else named(info.transaction_id)
    if info is None or reference is None:
        raise UnusableAnswer("a movement has no transaction_id")
    signed = from_wire(info.transaction_amount, "transaction_amount")
    fee = None if info.fee_amount is None else from_wire(info.fee_amount, "fee_amount")
    same = fee is not None and fee.currency == signed.currency
    about = info.paypal_reference_id if info.paypal_reference_id_type in _OF_A_PAYMENT else None
    return Transaction(
        kind=_kind(info.transaction_event_code or "", signed),
        transaction_reference=reference,
        payment_reference=named(about),
        our_reference=named(info.custom_field),
        at=moment(info.transaction_initiation_date),
        amount=signed.with_minor(abs(signed.minor)),
        fee=None if fee is None else fee.with_minor(abs(fee.minor)),
        net=signed.with_minor(abs(signed.minor + fee.minor)) if fee is not None and same else None,
        state=info.transaction_status,
    )


def _kind(code: str, signed: Money) -> Kind:
    """Of payments only those to us, of refunds and chargebacks those by us; the hub has no word for the other way."""
    if code.startswith(_PAYMENTS):
        return "payment" if signed.minor >= 0 else "other"
    kind = _KINDS.get(code) or _KINDS.get(code[:3], "other")
    return "other" if kind in _OUT and signed.minor > 0 else kind
