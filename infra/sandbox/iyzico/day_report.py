"""A day's transactions, by page or from the last one on. Each function is a step of the books."""

import re
import sqlite3
from collections.abc import Iterator
from datetime import date
from typing import Final

from infra.sandbox.iyzico.amounts import eight_decimals, two_decimals
from infra.sandbox.iyzico.calls import Call, Result
from infra.sandbox.iyzico.errors import Refused
from infra.sandbox.iyzico.fields import one_of, text
from infra.sandbox.iyzico.paging import read_page_number
from infra.sandbox.iyzico.payment_result import auth_code, host_reference, in_istanbul, line_result, phase
from infra.sandbox.iyzico.records import BookedLine, BookedPayment, BookedReversal, all_payments

PAGE_ROWS: Final = 50

_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DONE: Final = 1

Row = dict[str, object]


def transactions(connection: sqlite3.Connection, call: Call) -> Result:
    """GET /v2/reporting/payment/transactions: pages are counted from 1; beyond the last one they are empty."""
    page = read_page_number(call.query, "page")
    rows = _rows_of_day(connection, call)
    first = (page - 1) * PAGE_ROWS
    return {
        "transactions": rows[first : first + PAGE_ROWS],
        "currentPage": page,
        "totalPageCount": -(-len(rows) // PAGE_ROWS),
    }


def scroll(connection: sqlite3.Connection, call: Call) -> Result:
    """GET /v2/reporting/payment/scroll-transactions: what follows `lastId` in the wanted order; all without it."""
    order = one_of(call.query, "documentScrollVoSortingOrder", frozenset({"ASC", "DESC"}), "ASC")
    rows = _rows_of_day(connection, call)
    if order == "DESC":
        rows.reverse()
    last = call.query.get("lastId")
    if last:
        seen = next((index for index, row in enumerate(rows) if str(row["transactionId"]) == last), None)
        if seen is None:
            raise Refused("11", detail="lastId names no transaction of this day")
        rows = rows[seen + 1 :]
    return {"transactions": rows[:PAGE_ROWS]}


def _rows_of_day(connection: sqlite3.Connection, call: Call) -> list[Row]:
    day = text(call.query, "transactionDate", missing="7")
    try:
        wanted = date.fromisoformat(day) if _DAY.fullmatch(day) else None
    except ValueError:
        wanted = None
    if wanted is None:
        raise Refused("7", detail="transactionDate must be like 2026-11-30")
    made = (row for payment in all_payments(connection, call.now_ms) for row in _rows(payment))
    found = sorted((row for row in made if in_istanbul(row[0]).date() == wanted), key=lambda row: row[0])
    return [row for _, row in found]


def _rows(payment: BookedPayment) -> Iterator[tuple[int, Row]]:
    if payment.state in ("declined", "rejected", "started"):
        return
    for index, line in enumerate(payment.lines):
        yield payment.captured_ms or payment.created_ms, _payment_row(payment, index, line)
    for reversal in payment.reversals:
        if reversal.kind == "cancel":
            yield reversal.created_ms, _cancel_row(payment, reversal)
        for line_id, amount, part_id in reversal.parts:
            line = next(line for line in payment.lines if line.payment_transaction_id == line_id)
            yield reversal.created_ms, _refund_row(payment, reversal, line, amount, part_id)


def _payment_row(payment: BookedPayment, index: int, line: BookedLine) -> Row:
    result = line_result(payment, index, line)
    return _row(
        payment,
        "PAYMENT",
        line.payment_transaction_id,
        payment.captured_ms or payment.created_ms,
        conversation_id=payment.conversation_id,
        paymentTxId=int(line.payment_transaction_id),
        price=eight_decimals(two_decimals(line.price_minor)),
        paidPrice=eight_decimals(two_decimals(line.paid_minor)),
        iyzicoCommission=result["iyziCommissionRateAmount"],
        iyzicoFee=result["iyziCommissionFee"],
        merchantPayoutAmount=result["merchantPayoutAmount"],
        subMerchantPayoutAmount=result.get("subMerchantPayoutAmount"),
    )


def _cancel_row(payment: BookedPayment, reversal: BookedReversal) -> Row:
    amount = eight_decimals(two_decimals(reversal.amount_minor))
    return _row(
        payment,
        "CANCEL",
        reversal.reversal_id,
        reversal.created_ms,
        conversation_id=reversal.conversation_id,
        price=amount,
        paidPrice=amount,
    )


def _refund_row(payment: BookedPayment, reversal: BookedReversal, line: BookedLine, amount: int, part_id: str) -> Row:
    given_back = eight_decimals(two_decimals(amount))
    settled = line.paid_out_ms is not None and line.paid_out_ms <= reversal.created_ms
    return _row(
        payment,
        "REFUND",
        part_id,
        reversal.created_ms,
        conversation_id=reversal.conversation_id,
        paymentTxId=int(line.payment_transaction_id),
        afterSettlement=int(settled),
        price=given_back,
        paidPrice=given_back,
    )


def _row(
    payment: BookedPayment, kind: str, number: str, at_ms: int, *, conversation_id: str | None, **own: object
) -> Row:
    row: Row = {
        "transactionType": kind,
        "transactionId": int(number),
        "transactionDate": in_istanbul(at_ms).isoformat(" "),
        "transactionStatus": _DONE,
        "afterSettlement": 0,
        "paymentId": int(payment.payment_id),
        "conversationId": conversation_id,
        "paymentPhase": phase(payment),
        "transactionCurrency": payment.currency,
        "installment": payment.installment,
        "threeDS": int(payment.three_ds),
        "settlementCurrency": payment.currency,
        "connectorType": "sandbox",
        "posOrderId": f"pos-{payment.payment_id}",
        "authCode": auth_code(payment),
        "hostReference": host_reference(payment),
        "basketId": payment.basket_id,
        "parity": 1,
    }
    return {name: value for name, value in (row | own).items() if value is not None}
