"""A marketplace's lines: let a sub-merchant's share go, take that back, change the share. Steps of the books."""

import sqlite3

from infra.sandbox.iyzico.calls import Call, Result
from infra.sandbox.iyzico.errors import Refused
from infra.sandbox.iyzico.fields import identifier, text
from infra.sandbox.iyzico.payment_result import line_result
from infra.sandbox.iyzico.payments import require_payment
from infra.sandbox.iyzico.records import BookedLine, BookedPayment, payment_of_line
from infra.sandbox.iyzico.sub_merchants import details_of
from infra.sandbox.iyzico.validation import read_share


def approve(connection: sqlite3.Connection, call: Call) -> Result:
    """POST /payment/iyzipos/item/approve: once more changes nothing."""
    _, line = _require_share(connection, call)
    if line.approved_ms is None:
        _mark(connection, line, call.now_ms)
    return {"paymentTransactionId": line.payment_transaction_id}


def disapprove(connection: sqlite3.Connection, call: Call) -> Result:
    """POST /payment/iyzipos/item/disapprove: until the line is paid out."""
    _, line = _require_share(connection, call)
    _mark(connection, line, None)
    return {"paymentTransactionId": line.payment_transaction_id}


def change_share(connection: sqlite3.Connection, call: Call) -> Result:
    """PUT /payment/item: until the line is approved."""
    payment, line = _require_share(connection, call)
    key = text(call.body, "subMerchantKey", missing="2001")
    details_of(connection, key)
    if line.approved_ms is not None:
        raise Refused("10012", detail="the line is approved")
    share = read_share(call.body, line.price_minor)
    connection.execute(
        "UPDATE line_share SET sub_merchant_key = ?, amount_minor = ? WHERE line_id = ?",
        (key, share, int(line.payment_transaction_id)),
    )
    changed = require_payment(connection, payment.payment_id, call.now_ms)
    index = payment.lines.index(line)
    return line_result(changed, index, changed.lines[index])


def _require_share(connection: sqlite3.Connection, call: Call) -> tuple[BookedPayment, BookedLine]:
    line_id = identifier(call.body, "paymentTransactionId", missing="5001")
    payment = payment_of_line(connection, line_id, call.now_ms)
    if payment is None:
        raise Refused("5092")
    line = next(line for line in payment.lines if int(line.payment_transaction_id) == int(line_id))
    if line.sub_merchant_key is None:
        raise Refused("5074")
    if payment.state != "charged" or line.paid_out_ms is not None:
        state = payment.state if line.paid_out_ms is None else "paid out"
        raise Refused("10012", detail=f"the line is {state}")
    return payment, line


def _mark(connection: sqlite3.Connection, line: BookedLine, approved_ms: int | None) -> None:
    connection.execute(
        "UPDATE line_share SET approved_ms = ? WHERE line_id = ?", (approved_ms, int(line.payment_transaction_id))
    )
