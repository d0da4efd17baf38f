"""Payouts to banks, what bounces of them, and money between merchant and sub-merchant. In the books, like all money."""

import sqlite3
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Final, Literal

from infra.sandbox.iyzico.amounts import CURRENCIES, eight_decimals, read_price, two_decimals
from infra.sandbox.iyzico.calls import Call, Result
from infra.sandbox.iyzico.errors import Refused
from infra.sandbox.iyzico.fields import one_of, optional_text, text
from infra.sandbox.iyzico.movements import BookedMovement, all_movements
from infra.sandbox.iyzico.payment_result import in_istanbul, line_result
from infra.sandbox.iyzico.records import BookedPayment, all_payments
from infra.sandbox.iyzico.sub_merchants import details_of

_CENT: Final = Decimal("0.01")
_SHOWN_OF_BOUNCED: Final = {
    "iban": "iban",
    "contactName": "contactName",
    "contactSurname": "contactSurname",
    "legalCompanyTitle": "legalCompanyTitle",
    "marketplaceSubmerchantType": "subMerchantType",
}


def completed(connection: sqlite3.Connection, call: Call) -> Result:
    """POST /reporting/settlement/payoutcompleted: the payouts of one day."""
    return {"payoutCompletedTransactions": [_paid_out(one) for one in _of_day(connection, call, "payout")]}


def bounced(connection: sqlite3.Connection, call: Call) -> Result:
    """POST /reporting/settlement/bounced: the transfers that a bank sent back on one day."""
    rows = []
    for one in _of_day(connection, call, "bounced"):
        details = details_of(connection, str(one.sub_merchant_key))
        shown = {name: details.get(kept) for name, kept in _SHOWN_OF_BOUNCED.items()}
        rows.append({"subMerchantKey": one.sub_merchant_key} | {n: v for n, v in shown.items() if v is not None})
    return {"bouncedRows": rows}


def send(connection: sqlite3.Connection, call: Call) -> Result:
    """POST /crossbooking/send: from the merchant to a sub-merchant."""
    return _move(connection, call, "to_sub_merchant")


def receive(connection: sqlite3.Connection, call: Call) -> Result:
    """POST /crossbooking/receive: from a sub-merchant to the merchant."""
    return _move(connection, call, "from_sub_merchant")


def pay_out(connection: sqlite3.Connection, call: Call) -> int:
    """Pay out every approved line that was not paid out before; returns their number.

    Refunds up to now are taken from the merchant's part first. Source of the order: none is published.
    """
    paid = 0
    for payment in all_payments(connection, call.now_ms):
        if payment.state != "charged":
            continue
        for index, line in enumerate(payment.lines):
            if line.approved and line.paid_out_ms is None and line.refunded_minor < line.paid_minor:
                _pay_line(connection, call, payment, index)
                paid += 1
    return paid


def bounce(connection: sqlite3.Connection, call: Call, key: str) -> int:
    """A bank sends back what was paid out to this sub-merchant; returns the amount in minor units."""
    details_of(connection, key)
    total = sum(
        one.amount_minor * {"payout": 1, "bounced": -1}.get(one.kind, 0)
        for one in all_movements(connection)
        if one.sub_merchant_key == key
    )
    if not total:
        raise Refused("10012", detail="nothing was paid out to this sub-merchant")
    _insert(connection, call, "bounced", total, "TRY", key=key)
    return total


def _pay_line(connection: sqlite3.Connection, call: Call, payment: BookedPayment, index: int) -> None:
    line = payment.lines[index]
    own = Decimal(str(line_result(payment, index, line)["merchantPayoutAmount"]))
    merchant = int(own.quantize(_CENT, ROUND_HALF_UP).scaleb(2)) - line.refunded_minor
    share = line.sub_merchant_minor + min(0, merchant)
    line_id = int(line.payment_transaction_id)
    _insert(connection, call, "payout", max(0, merchant), payment.currency, key=None, line_id=line_id)
    if line.sub_merchant_key is not None and share > 0:
        _insert(connection, call, "payout", share, payment.currency, key=line.sub_merchant_key, line_id=line_id)


def _move(connection: sqlite3.Connection, call: Call, kind: Literal["to_sub_merchant", "from_sub_merchant"]) -> Result:
    key = text(call.body, "subMerchantKey", missing="2001")
    details_of(connection, key)
    amount = read_price(call.body.get("price"), "price")
    currency = one_of(call.body, "currency", CURRENCIES, "TRY")
    _insert(connection, call, kind, amount, currency, key=key)
    return {}


def _insert(
    connection: sqlite3.Connection,
    call: Call,
    kind: str,
    amount: int,
    currency: str,
    *,
    key: str | None,
    line_id: int | None = None,
) -> None:
    connection.execute(
        "INSERT INTO movement (kind, line_id, sub_merchant_key, amount_minor, currency, conversation_id, created_ms) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        (kind, line_id, key, amount, currency, optional_text(call.body, "conversationId"), call.now_ms),
    )


def _of_day(connection: sqlite3.Connection, call: Call, kind: str) -> list[BookedMovement]:
    try:
        day = datetime.strptime(text(call.body, "date", missing="7"), "%Y-%m-%d %H:%M:%S").date()  # noqa: DTZ007 -- Türkiye's wall clock
    except ValueError as error:
        raise Refused("7", detail="date must be like 2026-11-30 00:00:00") from error
    return [one for one in all_movements(connection) if one.kind == kind and in_istanbul(one.created_ms).date() == day]


def _paid_out(one: BookedMovement) -> dict[str, object]:
    row = {
        "paymentTransactionId": one.payment_transaction_id,
        "payoutAmount": eight_decimals(two_decimals(one.amount_minor)),
        "payoutType": "MERCHANT_PAYOUT" if one.sub_merchant_key is None else "SUB_MERCHANT_PAYOUT",
        "subMerchantKey": one.sub_merchant_key,
        "currency": one.currency,
    }
    return {name: value for name, value in row.items() if value is not None}
