"""Cancel a payment, refund one line, refund by amount. Every function is one step of the books.

A cancel or refund carries a conversationId of its own, which the reporting call shows again.
"""

import sqlite3

from infra.sandbox.iyzico.amounts import read_price, two_decimals
from infra.sandbox.iyzico.calls import Call, Result
from infra.sandbox.iyzico.errors import Refused
from infra.sandbox.iyzico.fields import Json, identifier, optional_text
from infra.sandbox.iyzico.payment_result import auth_code, host_reference, shown_paid_minor
from infra.sandbox.iyzico.payments import check_currency, is_reversible, require_payment
from infra.sandbox.iyzico.records import BookedLine, BookedPayment, payment_of_line


def cancel(connection: sqlite3.Connection, call: Call) -> Result:
    """POST /payment/cancel: the whole payment, or the whole hold; refused once anything was refunded."""
    payment = require_payment(connection, identifier(call.body, "paymentId"), call.now_ms)
    known = {"paymentId": payment.payment_id}
    if not is_reversible(payment):
        raise Refused("10220", extra=known)
    if payment.state not in ("held", "charged"):
        raise Refused("10012", detail=f"the payment is {payment.state}", extra=known)
    if payment.refunded_minor:
        raise Refused("10012", detail="the payment was refunded in part or whole", extra=known)
    amount = shown_paid_minor(payment)
    connection.execute(
        "UPDATE payment SET cancelled_ms = ? WHERE payment_id = ?", (call.now_ms, int(payment.payment_id))
    )
    reversal_id = _insert(connection, payment, call, "cancel", amount)
    return _reply(payment, amount) | {"cancelHostReference": f"bank-cancel-{reversal_id}"}


def refund_line(connection: sqlite3.Connection, call: Call) -> Result:
    """POST /payment/refund: up to what is left of one line's paidPrice."""
    line_id = identifier(call.body, "paymentTransactionId", missing="5001")
    amount = read_price(call.body.get("price"), "price")
    payment = payment_of_line(connection, line_id, call.now_ms)
    if payment is None:
        raise Refused("5092", extra={"price": two_decimals(amount), "retryable": False})
    _check_refundable(payment, amount, call.body)
    line = next(line for line in payment.lines if int(line.payment_transaction_id) == int(line_id))
    reversal_id = _refund(connection, payment, (line,), call, amount)
    return _refund_reply(payment, amount, reversal_id) | {"paymentTransactionId": line.payment_transaction_id}


def refund_amount(connection: sqlite3.Connection, call: Call) -> Result:
    """POST /v2/payment/refund: up to what is left of the payment; lines are used up in their order."""
    payment = require_payment(connection, identifier(call.body, "paymentId"), call.now_ms)
    amount = read_price(call.body.get("price"), "price")
    _check_refundable(payment, amount, call.body)
    reversal_id = _refund(connection, payment, payment.lines, call, amount)
    return _refund_reply(payment, amount, reversal_id)


def _check_refundable(payment: BookedPayment, amount: int, body: Json) -> None:
    if not is_reversible(payment):
        raise Refused("10220", extra=_refused_refund(payment, amount))
    if payment.state != "charged":
        raise Refused("10012", detail=f"the payment is {payment.state}", extra=_refused_refund(payment, amount))
    check_currency(body, payment)


def _refund(
    connection: sqlite3.Connection, payment: BookedPayment, lines: tuple[BookedLine, ...], call: Call, amount: int
) -> int:
    left = sum(line.paid_minor - line.refunded_minor for line in lines)
    if amount > left:
        raise Refused("10232", detail="price is above what is left", extra=_refused_refund(payment, amount))
    reversal_id = _insert(connection, payment, call, "refund", amount)
    for line in lines:
        share = min(amount, line.paid_minor - line.refunded_minor)
        if share:
            connection.execute(
                "INSERT INTO reversal_part (reversal_id, line_id, amount_minor) VALUES (?, ?, ?)",
                (reversal_id, int(line.payment_transaction_id), share),
            )
        amount -= share
    return reversal_id


def _insert(connection: sqlite3.Connection, payment: BookedPayment, call: Call, kind: str, amount: int) -> int:
    reversal_id = connection.execute(
        "INSERT INTO reversal (payment_id, kind, conversation_id, amount_minor, created_ms) VALUES (?, ?, ?, ?, ?)",
        (int(payment.payment_id), kind, optional_text(call.body, "conversationId"), amount, call.now_ms),
    ).lastrowid
    if reversal_id is None:
        raise RuntimeError("SQLite gave no id for the reversal row")
    return reversal_id


def _refused_refund(payment: BookedPayment, amount: int) -> dict[str, object]:
    return {"paymentId": payment.payment_id, "price": two_decimals(amount), "retryable": False}


def _refund_reply(payment: BookedPayment, amount: int, reversal_id: int) -> dict[str, object]:
    return _reply(payment, amount) | {"refundHostReference": f"bank-refund-{reversal_id}", "retryable": False}


def _reply(payment: BookedPayment, amount: int) -> dict[str, object]:
    return {
        "paymentId": payment.payment_id,
        "price": two_decimals(amount),
        "currency": payment.currency,
        "authCode": auth_code(payment),
        "hostReference": host_reference(payment),
    }
