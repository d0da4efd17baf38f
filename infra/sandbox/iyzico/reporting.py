"""GET /v2/reporting/payment/details: the one place where refunds and cancels can be seen. A step of the books."""

import sqlite3

from infra.sandbox.iyzico.amounts import eight_decimals, two_decimals
from infra.sandbox.iyzico.calls import Call, Result
from infra.sandbox.iyzico.fields import identifier
from infra.sandbox.iyzico.payment_result import auth_code, host_reference, in_istanbul, phase, shown_paid_minor
from infra.sandbox.iyzico.records import BookedLine, BookedPayment, payment_by_id, payments_by_conversation

_DONE, _FAILED, _AT_THE_BANK = 1, 2, 3


def payment_details(connection: sqlite3.Connection, call: Call) -> Result:
    """By paymentId or paymentConversationId; nothing found is a success with an empty list."""
    payments: tuple[BookedPayment, ...]
    if call.query.get("paymentId"):
        found = payment_by_id(connection, call.query["paymentId"], call.now_ms)
        payments = (found,) if found else ()
    else:
        conversation_id = identifier(call.query, "paymentConversationId")
        payments = payments_by_conversation(connection, conversation_id, call.now_ms)
    return {"payments": [_row(payment) for payment in payments]}


def _row(payment: BookedPayment) -> dict[str, object]:
    stopped = payment.state in ("declined", "rejected", "started")
    row: dict[str, object] = {
        "paymentId": payment.payment_id,
        "paymentConversationId": payment.conversation_id,
        "paymentStatus": _status(payment),
        "paymentRefundStatus": _refund_status(payment),
        "price": two_decimals(payment.price_minor),
        "paidPrice": eight_decimals(two_decimals(shown_paid_minor(payment))),
        "currency": payment.currency,
        "installment": payment.installment,
        "basketId": payment.basket_id,
        "fraudStatus": payment.fraud_status,
        "threeDS": payment.three_ds,
        "phase": phase(payment),
        "authCode": None if stopped else auth_code(payment),
        "hostReference": None if stopped else host_reference(payment),
        "createdDate": in_istanbul(payment.created_ms).isoformat(),
        "cancels": [
            {
                "refundId": int(reversal.reversal_id),
                "cancelConversationId": reversal.conversation_id,
                "refundPrice": two_decimals(reversal.amount_minor),
                "refundStatus": _DONE,
                "createdDate": in_istanbul(reversal.created_ms).isoformat(),
            }
            for reversal in payment.reversals
            if reversal.kind == "cancel"
        ],
        "itemTransactions": [_line(payment, line) for line in payment.lines],
    }
    return {name: value for name, value in row.items() if value is not None}


def _status(payment: BookedPayment) -> int:
    if payment.status == "SUCCESS":
        return _DONE
    return _AT_THE_BANK if payment.stage == "CALLBACK_THREEDS" else _FAILED


def _line(payment: BookedPayment, line: BookedLine) -> dict[str, object]:
    return {
        "itemId": line.item_id,
        "paymentTransactionId": line.payment_transaction_id,
        "price": two_decimals(line.price_minor),
        "paidPrice": two_decimals(line.paid_minor),
        "refunds": [
            {
                "refundTxId": int(part_id),
                "refundConversationId": reversal.conversation_id,
                "refundPrice": eight_decimals(two_decimals(amount)),
                "refundStatus": _DONE,
                "isAfterSettlement": line.paid_out_ms is not None and line.paid_out_ms <= reversal.created_ms,
                "createdDate": in_istanbul(reversal.created_ms).isoformat(),
            }
            for reversal in payment.reversals
            for line_id, amount, part_id in reversal.parts
            if line_id == line.payment_transaction_id
        ],
    }


def _refund_status(payment: BookedPayment) -> str:
    if payment.cancelled:
        return "TOTALLY_REFUNDED"
    if not payment.refunded_minor:
        return "NOT_REFUNDED"
    return "PARTIALLY_REFUNDED" if payment.net_minor else "TOTALLY_REFUNDED"
