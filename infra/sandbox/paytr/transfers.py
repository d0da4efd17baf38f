"""Sellers' shares, those that came back, and sending them again. Amounts are in kuruş, and in lira where listed.

Source: dev.paytr.com, Platform transfer, Returned transfers, Resend; signing from PayTR's Postman collection.
"""

import json
import re
import sqlite3
from typing import Any, Final

from infra.sandbox.paytr.amounts import dotted, read_kurus
from infra.sandbox.paytr.buyer import read_oid
from infra.sandbox.paytr.call import Call, Result
from infra.sandbox.paytr.dates import DAY, MOMENT, read_span, written
from infra.sandbox.paytr.outbox import tell_cashout, tell_transfers
from infra.sandbox.paytr.records import (
    BookedPayment,
    BookedTransfer,
    all_transfers,
    paid_under,
    refunds_of,
    the_payment,
    transfer_by,
)
from infra.sandbox.paytr.refusing import Refused
from infra.sandbox.paytr.store import Store

_TRANS_ID: Final = re.compile(r"[A-Za-z0-9]{1,60}")
_IBAN: Final = re.compile(r"TR[0-9]{24}")
_MOST_DAYS: Final = 31
_ABOVE: Final = "010"


def transfer(connection: sqlite3.Connection, call: Call) -> Result:
    """Send a seller the share of a payment; what is over stays the store's."""
    call.need("platform")
    trans_id = _trans_id(connection, call, strange="096", used="009")
    payment = paid_under(connection, read_oid(call, err_no="005"))
    if payment is None:
        raise Refused("Basarili odeme bulunamadi", err_no="006")
    if call.form["submerchant_amount"] == "0":  # the whole of it is the store's
        seller_minor = 0
    else:
        seller_minor = read_kurus(call.form["submerchant_amount"], "submerchant_amount", err_no="095")
    total_minor = read_kurus(call.form["total_amount"], "total_amount", err_no="099")
    if seller_minor > total_minor:
        raise Refused("platform komisyonu sifirdan az olamaz", err_no="012")
    if total_minor > _untransferred(connection, payment):
        raise Refused("toplam transfer tutari kalan tutardan fazla olamaz", err_no=_ABOVE)
    _check_day(call, payment)
    cursor = connection.execute(
        "INSERT INTO transfer (trans_id, payment_id, seller_minor, total_minor, name, iban, due_ms, created_ms) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            trans_id,
            payment.payment_id,
            seller_minor,
            total_minor,
            call.text("transfer_name", 100, err_no="098"),
            _iban(call.form["transfer_iban"]),
            call.now_ms + round(call.store.transfer_s * 1000),
            call.now_ms,
        ),
    )
    return {
        "status": "success",
        "merchant_amount": dotted(total_minor - seller_minor),
        "submerchant_amount": dotted(seller_minor),
        "trans_id": trans_id,
        "reference": str(cursor.lastrowid),
    }


def returned_transfers(connection: sqlite3.Connection, call: Call) -> Result:
    """What came back within the span; `failed` where nothing did."""
    call.need("platform")
    first_ms, last_ms = read_span(call, MOMENT, _MOST_DAYS)
    rows: list[dict[str, object]] = [
        {
            "ref_no": moved.reference,
            "date_detected": written(moved.returned_ms, DAY),
            "date_reimbursed": written(moved.returned_ms, DAY),
            "transfer_name": moved.name,
            "transfer_iban": moved.iban,
            "transfer_amount": dotted(moved.seller_minor),
            "transfer_currency": the_payment(connection, moved.payment_id).currency,
            "transfer_date": written(moved.sent_ms or moved.created_ms, DAY),
        }
        for moved in all_transfers(connection)
        if moved.returned_ms is not None and first_ms <= moved.returned_ms <= last_ms
    ]
    if not rows:
        return {"status": "failed", "err_msg": "Ilgili tarih araliginda islem bulunamadi"}
    return listed(call.store, rows)


def resend(connection: sqlite3.Connection, call: Call) -> Result:
    """Send money that came back to where it belongs."""
    call.need("platform")
    trans_id = _trans_id(connection, call, strange="202", used="203")
    items = _read_items(call.text("trans_info", 100_000))
    if sum(amount for amount, _, _ in items) > _returned_balance(connection):
        raise Refused("Geri donen odemeler hesabinda yeterli bakiye yok", err_no=_ABOVE)
    due_ms = call.now_ms + round(call.store.resend_s * 1000)
    connection.executemany(
        "INSERT INTO resend (trans_id, position, amount_minor, name, iban, due_ms, created_ms) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        [(trans_id, index, *item, due_ms, call.now_ms) for index, item in enumerate(items)],
    )
    return {"status": "success", "trans_id": trans_id}


def give_back(connection: sqlite3.Connection, trans_id: str, now_ms: int) -> BookedTransfer | None:
    """The seller's bank returns a share that was sent; `None` where there is none to return."""
    connection.execute(
        "UPDATE transfer SET returned_ms = ? WHERE trans_id = ? AND sent_ms IS NOT NULL AND returned_ms IS NULL",
        (now_ms, trans_id),
    )
    moved = transfer_by(connection, trans_id)
    return moved if moved and moved.returned_ms is not None else None


def settle_transfers(connection: sqlite3.Connection, store: Store, now_ms: int) -> None:
    """Carry out what is due, and let the store be told."""
    due = connection.execute(
        "SELECT trans_id FROM transfer WHERE sent_ms IS NULL AND due_ms <= ? ORDER BY transfer_id", (now_ms,)
    ).fetchall()
    if due:
        connection.execute("UPDATE transfer SET sent_ms = ? WHERE sent_ms IS NULL AND due_ms <= ?", (now_ms, now_ms))
        tell_transfers(connection, store, [row[0] for row in due], now_ms)
    again = connection.execute(
        "SELECT DISTINCT trans_id FROM resend WHERE sent_ms IS NULL AND due_ms <= ?", (now_ms,)
    ).fetchall()
    for (trans_id,) in again:
        sent = connection.execute(
            "SELECT amount_minor, name, iban FROM resend WHERE trans_id = ? ORDER BY position", (trans_id,)
        ).fetchall()
        connection.execute("UPDATE resend SET sent_ms = ? WHERE trans_id = ?", (now_ms, trans_id))
        tell_cashout(connection, store, trans_id, sent, now_ms)


def next_transfer_ms(connection: sqlite3.Connection) -> int | None:
    """When the next one is carried out."""
    row = connection.execute(
        "SELECT min(due_ms) FROM (SELECT due_ms FROM transfer WHERE sent_ms IS NULL "
        "UNION ALL SELECT due_ms FROM resend WHERE sent_ms IS NULL)"
    ).fetchone()
    due: int | None = row[0]
    return due


def listed(store: Store, rows: list[dict[str, object]]) -> dict[str, object]:
    """Rows of a report as the store's answers hold them; their place is not documented."""
    if store.numbered_rows:
        return {"status": "success"} | {str(index): row for index, row in enumerate(rows)}
    return {"status": "success", "data": rows}


def _trans_id(connection: sqlite3.Connection, call: Call, *, strange: str, used: str) -> str:
    """A number that was not used before: it guards against sending twice."""
    trans_id = call.form["trans_id"]
    if not _TRANS_ID.fullmatch(trans_id):
        raise Refused("trans_id gecersiz", detail="1-60 harf ve rakam", err_no=strange)
    known = connection.execute(
        "SELECT 1 FROM transfer WHERE trans_id = ? UNION ALL SELECT 1 FROM resend WHERE trans_id = ?",
        (trans_id, trans_id),
    ).fetchone()
    if known:
        raise Refused("trans_id daha once kullanildi", err_no=used)
    return trans_id


def _untransferred(connection: sqlite3.Connection, payment: BookedPayment) -> int:
    moved = sum(t.total_minor for t in all_transfers(connection) if t.payment_id == payment.payment_id)
    return payment.paid_minor - moved - sum(r.amount_minor for r in refunds_of(connection, payment.payment_id))


def _check_day(call: Call, payment: BookedPayment) -> None:
    paid_ms = payment.decided_ms or payment.created_ms
    if call.store.transfers_next_day and written(paid_ms, DAY) == written(call.now_ms, DAY):
        raise Refused("Transfer, odemeyi izleyen gunden once istenemez", err_no="008")


def _iban(text: str) -> str:
    if not _IBAN.fullmatch(text):
        raise Refused("transfer_iban gecersiz", detail="TR ve 24 rakam", err_no="092")
    return text


def _read_items(text: str) -> list[tuple[int, str, str]]:
    try:
        items: Any = json.loads(text)
        read = [
            (read_kurus(str(item["amount"]), "amount"), str(item["receiver"]), _iban(item["iban"])) for item in items
        ]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise Refused("trans_info gecersiz", detail="amount, receiver, iban listesi", err_no="206") from error
    if not read:
        raise Refused("trans_info bos", err_no="205")
    return read


def _returned_balance(connection: sqlite3.Connection) -> int:
    row = connection.execute(
        "SELECT (SELECT coalesce(sum(seller_minor), 0) FROM transfer WHERE returned_ms IS NOT NULL) "
        "- (SELECT coalesce(sum(amount_minor), 0) FROM resend)"
    ).fetchone()
    balance: int = row[0]
    return balance
