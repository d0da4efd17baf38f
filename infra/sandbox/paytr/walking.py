"""What the buyer does on the pages: steps of the books, answered by the next page or by leaving for the store."""

import secrets
import sqlite3
from typing import Final

from infra.sandbox.paytr.buyer import read_email
from infra.sandbox.paytr.call import Call, Leave, Page, Result
from infra.sandbox.paytr.cards import BKM_USERS, MOST_INSTALMENTS, SECURE_CODE
from infra.sandbox.paytr.direct import read_card
from infra.sandbox.paytr.iframe import BANKS
from infra.sandbox.paytr.links import find_link, open_link
from infra.sandbox.paytr.outbox import tell_payment
from infra.sandbox.paytr.pages import bank_page, card_page, closed_page, eft_page, leave_by_form, link_page
from infra.sandbox.paytr.paying import LEFT, Order, begin, finish, finish_as_ordered, run, wait
from infra.sandbox.paytr.records import BookedPayment, payment_by
from infra.sandbox.paytr.refusing import FAILED_REASONS, Refused

_WRONG_CODE: Final = "2"
_NO_INSTALMENTS: Final = "8"
_PAGE_MINUTES: Final = 30
_GONE: Final = "Bu sayfa geçerli değil."


def show_card_page(connection: sqlite3.Connection, call: Call) -> Result:
    """GET of the iFrame's page."""
    payment = _open(connection, call.page, {"iframe", "link"})
    return card_page(payment) if payment else closed_page(_GONE)


def use_card_page(connection: sqlite3.Connection, call: Call) -> Result:
    """POST of the iFrame's page: on to the bank, or back to the store."""
    payment = _open(connection, call.page, {"iframe", "link"})
    if payment is None:
        return closed_page(_GONE)
    if call.form.get("action") == "cancel":
        return _back(finish(connection, call.store, payment, LEFT, call.now_ms))
    try:
        call.text("cc_owner", 50)
        card = read_card(call)
        installment = call.number("installment_count", 0, MOST_INSTALMENTS, default=0)
    except Refused as refused:
        return card_page(payment, refused.message)
    if installment > max(1, payment.most_installment) or (installment and payment.currency != "TL"):
        return card_page(payment, FAILED_REASONS[_NO_INSTALMENTS])
    payment = run(connection, payment, card, installment)
    return Leave(f"{call.origin}/odeme/3d/{payment.bank_token}")


def show_bank_page(connection: sqlite3.Connection, call: Call) -> Result:
    """GET of the bank's page."""
    payment = _running(connection, call.page)
    return bank_page(payment) if payment else closed_page(_GONE)


def use_bank_page(connection: sqlite3.Connection, call: Call) -> Result:
    """POST of the bank's page: the payment is decided, and the browser goes back to the store."""
    payment = _running(connection, call.page)
    if payment is None:
        return closed_page(_GONE)
    if call.form.get("action") == "cancel":
        return _back(finish(connection, call.store, payment, LEFT, call.now_ms))
    if payment.kind == "bkm" and call.form.get("user") not in BKM_USERS:
        return bank_page(payment, "Kullanıcı bulunamadı")
    if call.form.get("code") != SECURE_CODE:
        return _back(finish(connection, call.store, payment, _WRONG_CODE, call.now_ms))
    return _back(finish_as_ordered(connection, call.store, payment, call.now_ms))


def show_eft_page(connection: sqlite3.Connection, call: Call) -> Result:
    """GET of the transfer's page."""
    payment = _open(connection, call.page, {"eft"})
    return eft_page(payment, BANKS) if payment else closed_page(_GONE)


def use_eft_page(connection: sqlite3.Connection, call: Call) -> Result:
    """POST of the transfer's page: the store hears `info`, and after a while what the bank says."""
    payment = _open(connection, call.page, {"eft"})
    if payment is None:
        return closed_page(_GONE)
    if call.form.get("action") == "cancel":
        return _back(finish(connection, call.store, payment, LEFT, call.now_ms))
    outcome = call.form.get("outcome", "paid")
    if outcome != "paid" and outcome not in FAILED_REASONS:
        return eft_page(payment, BANKS, "Sonuç geçersiz")
    run(connection, payment, None, 0)
    wait(connection, payment, outcome, call.now_ms + round(call.store.eft_s * 1000))
    tell_payment(connection, call.store, payment, call.now_ms, status="info")
    return _back(payment)


def show_link_page(connection: sqlite3.Connection, call: Call) -> Result:
    """GET of a link."""
    link = find_link(connection, call.page, call.now_ms)
    return link_page(link.name, link.price_minor, link.currency) if link else closed_page(_GONE)


def use_link_page(connection: sqlite3.Connection, call: Call) -> Result:
    """POST of a link: a payment of its own, and on to its card page."""
    link = open_link(connection, call.page, call.now_ms)
    if link is None:
        return closed_page(_GONE)
    if call.form.get("action") == "cancel":
        return closed_page("Ödemeden vazgeçildi.")
    try:
        email = read_email(call)
    except Refused as refused:
        return link_page(link.name, link.price_minor, link.currency, refused.message)
    order = Order(
        merchant_oid=f"LNK{secrets.token_hex(8)}",
        kind="link",
        amount_minor=link.price_minor,
        currency=link.currency,
        email=email,
        test_mode=call.store.test_store,
        most_installment=link.most_installment,
        link_id=link.link_id,
        expires_ms=call.now_ms + _PAGE_MINUTES * 60_000,
    )
    return Leave(f"{call.origin}/odeme/guvenli/{begin(connection, call.store, order, call.now_ms).page_token}")


def _open(connection: sqlite3.Connection, token: str, kinds: set[str]) -> BookedPayment | None:
    payment = payment_by(connection, "page_token", token)
    return payment if payment and payment.state == "opened" and payment.kind in kinds else None


def _running(connection: sqlite3.Connection, token: str) -> BookedPayment | None:
    payment = payment_by(connection, "bank_token", token)
    row = connection.execute("SELECT 1 FROM payment WHERE bank_token = ? AND decide_ms IS NULL", (token,)).fetchone()
    return payment if payment and payment.state == "running" and row else None


def _back(payment: BookedPayment) -> Page | Leave:
    """To the store: by a form where the store began with a form, by a redirect from PayTR's own page.

    An undecided payment goes where a paid one goes: the store shows it as being confirmed.
    """
    if payment.kind in {"direct", "bkm"}:
        return leave_by_form(payment)
    url = payment.fail_url if payment.state == "failed" else payment.ok_url
    if not url:
        return closed_page("Ödeme alınamadı." if payment.state == "failed" else "Ödeme alındı.")
    return Leave(url, merchant_oid=payment.merchant_oid)
