"""How a payment comes to its end, whichever way it was begun: paid, failed, or undecided for a while."""

import secrets
import sqlite3
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from infra.sandbox.paytr.amounts import grossed_up, share
from infra.sandbox.paytr.cards import BRANDS, CARD_BY_NAME, Card, ratio
from infra.sandbox.paytr.outbox import tell_payment
from infra.sandbox.paytr.records import BookedPayment, Kind, payments_of, the_payment
from infra.sandbox.paytr.refusing import Refused
from infra.sandbox.paytr.store import Store

PAID: Final = "paid"
LEFT: Final = "6"
_ABSENT: Final = "none"


@dataclass(frozen=True, slots=True)
class Order:
    """What every payment begins with, however it is paid."""

    merchant_oid: str
    kind: Kind
    amount_minor: int
    currency: str
    email: str
    test_mode: bool
    ok_url: str = ""
    fail_url: str = ""
    most_installment: int = 12
    link_id: str | None = None
    ordered: str | None = None
    ordered_s: float = 0
    expires_ms: int | None = None


def begin(connection: sqlite3.Connection, store: Store, order: Order, now_ms: int) -> BookedPayment:
    """Book a payment that is opened and has a page.

    Raises:
        Refused: the order number was used before, and the store's setting refuses that.
    """
    if store.repeated_oid == "refused" and payments_of(connection, order.merchant_oid):
        raise Refused("merchant_oid daha once kullanildi", detail="her deneme icin yeni bir numara gonderin")
    cursor = connection.execute(
        "INSERT INTO payment (merchant_oid, kind, state, currency, amount_minor, most_installment, test_mode, email, "
        "ok_url, fail_url, page_token, link_id, ordered, ordered_s, expires_ms, created_ms) "
        "VALUES (?, ?, 'opened', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            order.merchant_oid,
            order.kind,
            order.currency,
            order.amount_minor,
            order.most_installment,
            order.test_mode or store.test_store,
            order.email,
            order.ok_url,
            order.fail_url,
            secrets.token_hex(24),
            order.link_id,
            order.ordered,
            order.ordered_s,
            order.expires_ms,
            now_ms,
        ),
    )
    return the_payment(connection, cursor.lastrowid or 0)


def run(connection: sqlite3.Connection, payment: BookedPayment, card: Card | None, installment: int) -> BookedPayment:
    """The buyer has chosen how to pay: the payment runs, and the bank has a page for it."""
    connection.execute(
        "UPDATE payment SET state = 'running', card_name = ?, installment = ?, bank_token = ? WHERE payment_id = ?",
        (card.name if card else None, installment, secrets.token_hex(24), payment.payment_id),
    )
    return the_payment(connection, payment.payment_id)


def wait(connection: sqlite3.Connection, payment: BookedPayment, outcome: str, due_ms: int) -> None:
    """Leave the payment undecided until `due_ms`."""
    connection.execute(
        "UPDATE payment SET state = 'running', decide_ms = ?, decide_as = ?, expires_ms = NULL WHERE payment_id = ?",
        (due_ms, outcome, payment.payment_id),
    )


def finish(
    connection: sqlite3.Connection, store: Store, payment: BookedPayment, outcome: str, now_ms: int
) -> BookedPayment:
    """Decide a payment, and let the store be told. `outcome` is `paid` or a reason code; what is decided stays so."""
    if payment.state in {"paid", "failed"}:
        return payment
    if outcome == PAID:
        _book_paid(connection, payment, now_ms)
        if payment.store_card:
            _keep_card(connection, payment)
    else:
        connection.execute(
            "UPDATE payment SET state = 'failed', reason_code = ?, decided_ms = ? WHERE payment_id = ?",
            (outcome, now_ms, payment.payment_id),
        )
    decided = the_payment(connection, payment.payment_id)
    tell_payment(connection, store, decided, now_ms)
    return decided


def finish_as_ordered(
    connection: sqlite3.Connection, store: Store, payment: BookedPayment, now_ms: int
) -> BookedPayment:
    """The bank has approved: paid, unless a fault was ordered with the payment's creation."""
    ordered = payment.ordered or _ABSENT
    if ordered.startswith("wait_"):
        outcome = PAID if ordered == "wait_success" else "0"
        wait(connection, payment, outcome, now_ms + round(payment.ordered_s * 1000))
        return the_payment(connection, payment.payment_id)
    declined = ordered.removeprefix("decline_") if ordered.startswith("decline_") else None
    return finish(connection, store, payment, declined or PAID, now_ms)


def settle_due(connection: sqlite3.Connection, store: Store, now_ms: int) -> None:
    """Decide the payments whose time has come: undecided ones, and those whose buyer never came back."""
    for payment_id, outcome in connection.execute(
        "SELECT payment_id, decide_as FROM payment WHERE state = 'running' AND decide_ms IS NOT NULL "
        "AND decide_ms <= ? ORDER BY decide_ms",
        (now_ms,),
    ).fetchall():
        finish(connection, store, the_payment(connection, payment_id), outcome, now_ms)
    for (payment_id,) in connection.execute(
        "SELECT payment_id FROM payment WHERE state IN ('opened', 'running') AND expires_ms IS NOT NULL "
        "AND expires_ms <= ? ORDER BY expires_ms",
        (now_ms,),
    ).fetchall():
        finish(connection, store, the_payment(connection, payment_id), LEFT, now_ms)


def next_decision_ms(connection: sqlite3.Connection) -> int | None:
    """When the next payment is decided by time alone."""
    row = connection.execute(
        "SELECT min(due) FROM (SELECT decide_ms AS due FROM payment WHERE state = 'running' AND decide_ms IS NOT NULL "
        "UNION ALL SELECT expires_ms FROM payment WHERE state IN ('opened', 'running') AND expires_ms IS NOT NULL)"
    ).fetchone()
    due: int | None = row[0]
    return due


def total_of(payment: BookedPayment) -> int:
    """What the buyer pays: on PayTR's own pages the price of instalments comes on top of the order's amount."""
    if payment.installment <= 1 or payment.kind not in {"iframe", "link"}:
        return payment.amount_minor
    return grossed_up(payment.amount_minor, _ratio(payment))


def _ratio(payment: BookedPayment) -> Decimal:
    card = CARD_BY_NAME.get(payment.card_name or "")
    return ratio(card.brand, payment.installment) if card else ratio(BRANDS[0], 0)


def _book_paid(connection: sqlite3.Connection, payment: BookedPayment, now_ms: int) -> None:
    total = total_of(payment)
    fee = share(total, _ratio(payment))
    connection.execute(
        "UPDATE payment SET state = 'paid', paid_minor = ?, fee_minor = ?, decided_ms = ? WHERE payment_id = ?",
        (total, fee, now_ms, payment.payment_id),
    )


def _keep_card(connection: sqlite3.Connection, payment: BookedPayment) -> None:
    utoken, ctoken = payment.utoken or secrets.token_hex(16), secrets.token_hex(16)
    connection.execute(
        "INSERT INTO stored_card (ctoken, utoken, card_name, require_cvv) VALUES (?, ?, ?, 0)",
        (ctoken, utoken, payment.card_name),
    )
    connection.execute(
        "UPDATE payment SET utoken = ?, ctoken = ? WHERE payment_id = ?", (utoken, ctoken, payment.payment_id)
    )
