"""What the store is to be told: rows of the books, with their forms and hashes. No sending here.

Source: dev.paytr.com, Callback; Platform transfer result; Returned transfers, result.
"""

import json
import random
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from infra.sandbox.paytr.amounts import dotted
from infra.sandbox.paytr.records import BookedPayment
from infra.sandbox.paytr.refusing import FAILED_REASONS
from infra.sandbox.paytr.signing import cashout_hash, payment_hash, transfers_hash
from infra.sandbox.paytr.store import Store

_LONGEST_ANSWER: Final = 200


@dataclass(frozen=True, slots=True)
class Notice:
    """One notice that is due."""

    callback_id: int
    subject: str
    url: str
    form: dict[str, str]


def tell_payment(
    connection: sqlite3.Connection, store: Store, payment: BookedPayment, now_ms: int, *, status: str | None = None
) -> None:
    """Tell how a payment stands. An `info` about a bank transfer waits for no acknowledgement of the payment."""
    said = status or ("success" if payment.state == "paid" else "failed")
    link = _link_of(connection, payment)
    url = link[0] if link else (None if payment.kind == "link" else store.callbacks.url)
    if url is None or (link and said != "success"):
        if said != "info":
            acknowledge(connection, payment.payment_id, now_ms)
        return
    form = _payment_form(store, payment, said) | ({"callback_id": link[1]} if link else {})
    form["hash"] = payment_hash(store.keys, form)
    waits = None if said == "info" else payment.payment_id
    _put(connection, store, payment.merchant_oid, url=url, form=form, now_ms=now_ms, payment_id=waits)


def tell_transfers(connection: sqlite3.Connection, store: Store, trans_ids: Sequence[str], now_ms: int) -> None:
    """Tell that shares of sellers were sent."""
    listed = json.dumps(list(trans_ids))
    form = {
        "trans_ids": listed.replace('"', '\\"') if store.escaped_trans_ids else listed,
        "hash": transfers_hash(store.keys, listed),
    }
    _put(connection, store, trans_ids[0], url=_transfers_url(store), form=form, now_ms=now_ms)


def tell_cashout(
    connection: sqlite3.Connection, store: Store, trans_id: str, sent: Sequence[tuple[int, str, str]], now_ms: int
) -> None:
    """Tell that returned money was sent again; `sent` are amount, receiver and IBAN."""
    total = sum(amount for amount, _, _ in sent)
    # Amounts stand as JSON numbers in lira: they are written as text, since no float may come near money.
    rows = ",".join(
        f'{{"amount":{dotted(amount)},"receiver":{json.dumps(name)},"iban":{json.dumps(iban)},"result":"success"}}'
        for amount, name, iban in sent
    )
    form = {
        "mode": "cashout",
        "merchant_id": store.keys.merchant_id,
        "trans_id": trans_id,
        "processed_result": f"[{rows}]",
        "success_total": dotted(total),
        "failed_total": "0",
        "transfer_total": dotted(total),
        "hash": cashout_hash(store.keys, trans_id),
    }
    _put(connection, store, trans_id, url=_transfers_url(store), form=form, now_ms=now_ms)


def take_due(connection: sqlite3.Connection, store: Store, now_ms: int) -> list[Notice]:
    """What is to be sent now; each is due again after `again_s`, unless it is acknowledged meanwhile."""
    rows = connection.execute(
        "SELECT callback_id, subject, url, form FROM callback WHERE due_ms <= ? ORDER BY due_ms, callback_id", (now_ms,)
    ).fetchall()
    again_ms = now_ms + round(store.callbacks.again_s * 1000)
    connection.executemany("UPDATE callback SET due_ms = ? WHERE callback_id = ?", [(again_ms, row[0]) for row in rows])
    return [_notice(row) for row in rows]


def last_told(connection: sqlite3.Connection, subject: str) -> Notice | None:
    """The last notice about an order or transfer, whether acknowledged or not."""
    row = connection.execute(
        "SELECT callback_id, subject, url, form FROM callback WHERE subject = ? ORDER BY callback_id DESC", (subject,)
    ).fetchone()
    return _notice(row) if row else None


def note_attempt(
    connection: sqlite3.Connection, notice: Notice, status: int | None, answered: str, now_ms: int, *, forged: bool
) -> None:
    """Keep what came back; exactly `OK` with 200 acknowledges what was not forged."""
    connection.execute(
        "INSERT INTO attempt (callback_id, forged, status, answered, sent_ms) VALUES (?, ?, ?, ?, ?)",
        (notice.callback_id, forged, status, answered[:_LONGEST_ANSWER], now_ms),
    )
    if forged or answered != "OK":
        return
    connection.execute(
        "UPDATE callback SET acknowledged_ms = coalesce(acknowledged_ms, ?), repeats_left = repeats_left - 1, "
        "due_ms = CASE WHEN repeats_left > 0 THEN due_ms END WHERE callback_id = ?",
        (now_ms, notice.callback_id),
    )
    row = connection.execute("SELECT payment_id FROM callback WHERE callback_id = ?", (notice.callback_id,)).fetchone()
    if row[0] is not None:
        acknowledge(connection, row[0], now_ms)


def acknowledge(connection: sqlite3.Connection, payment_id: int, now_ms: int) -> None:
    """The store knows of the payment: its money may move on. The first time counts."""
    connection.execute(
        "UPDATE payment SET acknowledged_ms = coalesce(acknowledged_ms, ?) WHERE payment_id = ?", (now_ms, payment_id)
    )


def all_notices(connection: sqlite3.Connection) -> list[dict[str, object]]:
    """Every notice with what came back, for a person to read."""
    attempts: dict[int, list[dict[str, object]]] = {}
    for callback_id, forged, status, answered, sent_ms in connection.execute(
        "SELECT callback_id, forged, status, answered, sent_ms FROM attempt ORDER BY attempt_id"
    ):
        attempt = {"forged": bool(forged), "status": status, "answered": answered, "sent_ms": sent_ms}
        attempts.setdefault(callback_id, []).append(attempt)
    return [
        {
            "subject": subject,
            "form": json.loads(form),
            "due_ms": due_ms,
            "acknowledged_ms": acknowledged_ms,
            "attempts": attempts.get(callback_id, []),
        }
        for callback_id, subject, form, due_ms, acknowledged_ms in connection.execute(
            "SELECT callback_id, subject, form, due_ms, acknowledged_ms FROM callback ORDER BY callback_id"
        )
    ]


def _notice(row: tuple[int, str, str, str]) -> Notice:
    return Notice(row[0], row[1], row[2], json.loads(row[3]))


def _payment_form(store: Store, payment: BookedPayment, said: str) -> dict[str, str]:
    form = {
        "merchant_oid": payment.merchant_oid,
        "status": said,
        "payment_type": payment.payment_type,
        "test_mode": str(payment.test_mode),
    }
    if said == "success":
        form |= {
            "total_amount": str(payment.paid_minor),
            "payment_amount": str(payment.amount_minor),
            "currency": payment.currency,
            "installment_count": str(max(1, payment.installment)),
            "merchant_id": store.keys.merchant_id,
        }
        return form | ({"utoken": payment.utoken} if payment.store_card and payment.utoken else {})
    if said == "info":
        return form | {"bank": "akbank"}
    code = payment.reason_code or "0"
    ordered = payment.kind in {"iframe", "eft"} and store.iframe_failed_total
    return form | {
        "total_amount": str(payment.amount_minor if ordered else 0),
        "failed_reason_code": code,
        "failed_reason_msg": FAILED_REASONS[code],
    }


def _link_of(connection: sqlite3.Connection, payment: BookedPayment) -> tuple[str, str] | None:
    """Where a link's payments are told, and under which id."""
    row = connection.execute(
        "SELECT callback_link, callback_id FROM link WHERE link_id = ? AND callback_link IS NOT NULL",
        (payment.link_id,),
    ).fetchone()
    return (row[0], row[1]) if row else None


def _transfers_url(store: Store) -> str | None:
    return store.callbacks.transfers_url or store.callbacks.url


def _put(
    connection: sqlite3.Connection,
    store: Store,
    subject: str,
    *,
    url: str | None,
    form: dict[str, str],
    now_ms: int,
    payment_id: int | None = None,
) -> None:
    if url is None:
        return
    how = store.callbacks
    first_s = 0 if how.before_return else how.first_s
    chance = random.Random(form["hash"])  # noqa: S311 -- repeatable on purpose, nothing is secret
    due_ms = now_ms + round((first_s + chance.uniform(0, how.spread_s)) * 1000)
    connection.execute(
        "INSERT INTO callback (subject, payment_id, url, form, repeats_left, due_ms, created_ms) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        (subject, payment_id, url, json.dumps(form), how.repeats, due_ms, now_ms),
    )
