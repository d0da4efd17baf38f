"""`/odeme/iade`: money back, in full or part; each call refunds anew. In lira. Source: dev.paytr.com, Refund."""

import re
import sqlite3
from typing import Final

from infra.sandbox.paytr.amounts import dotted, read_decimal
from infra.sandbox.paytr.buyer import read_oid
from infra.sandbox.paytr.call import Call, Result
from infra.sandbox.paytr.dates import DAY_MS
from infra.sandbox.paytr.records import BookedPayment, paid_under, payments_of, refunds_of
from infra.sandbox.paytr.refusing import Json, Refused

_YEAR_MS: Final = 365 * DAY_MS
_REFERENCE: Final = re.compile(r"[A-Za-z0-9]{1,64}")


def refund(connection: sqlite3.Connection, call: Call) -> Result:
    """Give back what is left, or a part of it."""
    oid = read_oid(call, err_no="002")
    amount_minor = read_decimal(call.text("return_amount", 14, err_no="003"), "return_amount", err_no="003")
    reference = call.form.get("reference_no") or None
    if reference is not None and not _REFERENCE.fullmatch(reference):
        raise Refused("reference_no gecersiz", detail="en fazla 64 harf ve rakam", err_no="001")
    ordered = call.fault.kind.err_no if call.fault else None
    if ordered is not None:
        raise Refused("Iade yapilamadi", err_no=ordered)
    payment = _refundable(connection, call, oid)
    left_minor = payment.paid_minor - sum(done.amount_minor for done in refunds_of(connection, payment.payment_id))
    if amount_minor > left_minor:
        raise Refused("Iade tutari kalan tutardan fazla", err_no="009")
    if call.store.balance_minor is not None:
        if amount_minor > call.store.balance_minor:
            raise Refused("Magaza bakiyesi yetersiz", err_no="010")
        call.store.balance_minor -= amount_minor
    connection.execute(
        "INSERT INTO refund (payment_id, amount_minor, reference_no, created_ms) VALUES (?, ?, ?, ?)",
        (payment.payment_id, amount_minor, reference, call.now_ms),
    )
    answer: Json = {
        "status": "success",
        "is_test": str(payment.test_mode),
        "merchant_oid": oid,
        "return_amount": dotted(amount_minor),
    }
    return answer | ({"reference_no": reference} if reference else {})


def _refundable(connection: sqlite3.Connection, call: Call, oid: str) -> BookedPayment:
    payment = paid_under(connection, oid)
    if payment is None:
        if any(found.state == "running" for found in payments_of(connection, oid)):
            raise Refused("Odeme isleniyor, daha sonra deneyin", err_no="000")
        raise Refused("Basarili odeme bulunamadi", err_no="005")
    if payment.acknowledged_ms is None:
        raise Refused("Odeme bildirimi tamamlanmadi", err_no="007")
    if call.now_ms - (payment.decided_ms or payment.created_ms) > _YEAR_MS:
        raise Refused("Bir yildan eski odeme iade edilemez", err_no="011")
    return payment
