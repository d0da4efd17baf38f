"""What stands in the books, as values: payments, refunds, transfers, and every movement of the store's money."""

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Literal, TypeVar

T = TypeVar("T", "BookedPayment", "BookedRefund", "BookedTransfer")

State = Literal["opened", "running", "paid", "failed"]
Kind = Literal["iframe", "eft", "direct", "bkm", "link"]


@dataclass(frozen=True, slots=True)
class BookedPayment:
    """One payment as it stands; its fields are the columns. `amount_minor` was ordered, `paid_minor` was paid."""

    payment_id: int
    merchant_oid: str
    kind: Kind
    state: State
    currency: str
    amount_minor: int
    paid_minor: int
    fee_minor: int
    installment: int
    most_installment: int
    test_mode: int
    email: str
    ok_url: str
    fail_url: str
    card_name: str | None
    utoken: str | None
    ctoken: str | None
    store_card: int
    reason_code: str | None
    page_token: str | None
    bank_token: str | None
    link_id: str | None
    ordered: str | None
    ordered_s: float
    created_ms: int
    decided_ms: int | None
    acknowledged_ms: int | None

    @property
    def payment_type(self) -> str:
        """As callbacks name it."""
        return "eft" if self.kind == "eft" else "card"


@dataclass(frozen=True, slots=True)
class BookedRefund:
    """One refund; PayTR does not deduplicate them."""

    refund_id: int
    payment_id: int
    amount_minor: int
    reference_no: str | None
    created_ms: int


@dataclass(frozen=True, slots=True)
class BookedTransfer:
    """A seller's share of a payment. Of `total_minor`, the store keeps what is not the seller's."""

    transfer_id: int
    trans_id: str
    payment_id: int
    seller_minor: int
    total_minor: int
    name: str
    iban: str
    created_ms: int
    sent_ms: int | None
    returned_ms: int | None

    @property
    def reference(self) -> str:
        """As answers and the list of returned transfers name it."""
        return f"{self.transfer_id}"


@dataclass(frozen=True, slots=True)
class Movement:
    """One change of the store's balance. `reference` is the order, the refund's own number, or the transfer's."""

    kind: Literal["payment", "fee", "refund", "transfer", "returned", "resend"]
    reference: str
    currency: str
    amount_minor: int
    at_ms: int


@dataclass(frozen=True, slots=True)
class Totals:
    """The sums and counts that a hub's own tables are balanced against; sums by currency."""

    counts: Mapping[str, int]
    paid_minor: Mapping[str, int]
    refunded_minor: Mapping[str, int]
    balance_minor: Mapping[str, int]


def all_payments(connection: sqlite3.Connection) -> tuple[BookedPayment, ...]:
    """In the order they were begun."""
    return _rows(connection, BookedPayment, "payment ORDER BY payment_id")


def payments_of(connection: sqlite3.Connection, merchant_oid: str) -> tuple[BookedPayment, ...]:
    """All that were begun under one order number, in order."""
    return _rows(connection, BookedPayment, "payment WHERE merchant_oid = ? ORDER BY payment_id", merchant_oid)


def payment_by(
    connection: sqlite3.Connection, column: Literal["payment_id", "page_token", "bank_token"], value: str | int
) -> BookedPayment | None:
    """The one payment with this id or token."""
    return next(iter(_rows(connection, BookedPayment, f"payment WHERE {column} = ?", value)), None)


def the_payment(connection: sqlite3.Connection, payment_id: int) -> BookedPayment:
    """A payment that must be there."""
    payment = payment_by(connection, "payment_id", payment_id)
    if payment is None:
        raise LookupError(f"payment {payment_id} is not in the books")
    return payment


def paid_under(connection: sqlite3.Connection, merchant_oid: str) -> BookedPayment | None:
    """The last paid one of an order number."""
    return next((p for p in reversed(payments_of(connection, merchant_oid)) if p.state == "paid"), None)


def refunds_of(connection: sqlite3.Connection, payment_id: int) -> tuple[BookedRefund, ...]:
    """In the order they were made."""
    return _rows(connection, BookedRefund, "refund WHERE payment_id = ? ORDER BY refund_id", payment_id)


def all_refunds(connection: sqlite3.Connection) -> tuple[BookedRefund, ...]:
    """In the order they were made."""
    return _rows(connection, BookedRefund, "refund ORDER BY refund_id")


def all_transfers(connection: sqlite3.Connection) -> tuple[BookedTransfer, ...]:
    """In the order they were asked for."""
    return _rows(connection, BookedTransfer, "transfer ORDER BY transfer_id")


def transfer_by(connection: sqlite3.Connection, trans_id: str) -> BookedTransfer | None:
    """The one transfer of a number."""
    return next(iter(_rows(connection, BookedTransfer, "transfer WHERE trans_id = ?", trans_id)), None)


def all_movements(connection: sqlite3.Connection) -> tuple[Movement, ...]:
    """Every change of the store's balance, in order of time."""
    payments = {payment.payment_id: payment for payment in all_payments(connection)}
    found: list[Movement] = []
    for payment in payments.values():
        if payment.state == "paid" and payment.decided_ms is not None:
            oid, currency, at_ms = payment.merchant_oid, payment.currency, payment.decided_ms
            found.append(Movement("payment", oid, currency, payment.paid_minor, at_ms))
            found.append(Movement("fee", oid, currency, -payment.fee_minor, at_ms))
    for refund in all_refunds(connection):
        currency = payments[refund.payment_id].currency
        found.append(Movement("refund", str(refund.refund_id), currency, -refund.amount_minor, refund.created_ms))
    for transfer in all_transfers(connection):
        currency = payments[transfer.payment_id].currency
        if transfer.sent_ms is not None:
            found.append(Movement("transfer", transfer.trans_id, currency, -transfer.seller_minor, transfer.sent_ms))
        if transfer.returned_ms is not None:
            found.append(Movement("returned", transfer.trans_id, currency, transfer.seller_minor, transfer.returned_ms))
    for trans_id, amount_minor, sent_ms in connection.execute(
        "SELECT trans_id, amount_minor, sent_ms FROM resend WHERE sent_ms IS NOT NULL ORDER BY resend_id"
    ):
        found.append(Movement("resend", trans_id, "TL", -amount_minor, sent_ms))
    return tuple(sorted(found, key=lambda movement: movement.at_ms))


def totals_of(payments: Iterable[BookedPayment], movements: Iterable[Movement]) -> Totals:
    """Sums and counts over what the books hold."""
    paid: defaultdict[str, int] = defaultdict(int)
    refunded: defaultdict[str, int] = defaultdict(int)
    balance: defaultdict[str, int] = defaultdict(int)
    for movement in movements:
        balance[movement.currency] += movement.amount_minor
        if movement.kind == "payment":
            paid[movement.currency] += movement.amount_minor
        elif movement.kind == "refund":
            refunded[movement.currency] -= movement.amount_minor
    counts = Counter(str(payment.state) for payment in payments)
    return Totals(dict(counts), dict(paid), dict(refunded), dict(balance))


def _rows(connection: sqlite3.Connection, kind: type[T], source: str, *values: str | int) -> tuple[T, ...]:
    """Rows of one table as values; `source` is the statement from the table's name on."""
    columns = ", ".join(field.name for field in fields(kind))
    statement = f"SELECT {columns} FROM {source}"  # noqa: S608 -- names of our own; every value is a parameter
    return tuple(kind(*row) for row in connection.execute(statement, values))
