"""`/odeme`: the direct payment, with a card, a stored card or the bank's wallet. Source: dev.paytr.com, Direct API.

Amounts are in lira here, and in kuruş for the wallet.
"""

import re
import sqlite3
from dataclasses import dataclass
from typing import Final

from infra.sandbox.paytr.amounts import read_decimal, read_kurus
from infra.sandbox.paytr.buyer import read_basket, read_currency, read_email, read_ip, read_oid
from infra.sandbox.paytr.call import Call, Result
from infra.sandbox.paytr.cards import BRANDS, CARD_BY_NUMBER, CVV, MOST_INSTALMENTS, Card
from infra.sandbox.paytr.iframe import check_buyer, read_urls
from infra.sandbox.paytr.pages import bank_form, leave_by_form
from infra.sandbox.paytr.paying import PAID, Order, begin, finish, run, wait
from infra.sandbox.paytr.records import BookedPayment, the_payment
from infra.sandbox.paytr.refusing import FAILED_REASONS, Json, Refused
from infra.sandbox.paytr.stored_cards import check_user, stored_card

_MONTH: Final = re.compile(r"0?[1-9]|1[0-2]")
_EPOCH: Final = re.compile(r"[0-9]{1,12}")
_YEAR: Final = re.compile(r"[0-9]{2}")
_BANK_MINUTES: Final = 15
_ACTIVE: Final = "SELECT 1 FROM payment WHERE email = ? AND state = 'running' AND decide_ms IS NOT NULL"


@dataclass(frozen=True, slots=True)
class _Card:
    """`utoken` is the user that a new card is kept for, or whose stored card pays."""

    card: Card
    utoken: str | None
    ctoken: str | None


def direct(connection: sqlite3.Connection, call: Call) -> Result:
    """Pay, or begin to."""
    if call.form.get("payment_type") == "bex":
        return _wallet(connection, call)
    kind = call.text("payment_type", 20)
    if kind not in {"card", "card_points"} or (kind == "card_points" and not call.form.get("ctoken")):
        raise Refused("payment_type gecersiz", detail="card, bex, veya kayitli kart ile card_points")
    call.need("direct")
    order, installment = _order(call), _installment(call)
    silent, non_3d = _is_silent(call), call.flag("non_3d")
    if non_3d:
        call.need("non_3d")
    paid_with = _read_card(connection, call)
    _check_free(connection, call, order)
    payment = run(connection, begin(connection, call.store, order, call.now_ms), paid_with.card, installment)
    connection.execute(
        "UPDATE payment SET utoken = ?, ctoken = ?, store_card = ? WHERE payment_id = ?",
        (paid_with.utoken, paid_with.ctoken, call.flag("store_card"), payment.payment_id),
    )
    payment = the_payment(connection, payment.payment_id)
    if not non_3d:
        return bank_form(call.origin, payment)
    payment = _take(connection, call, payment)
    return _said(payment) if silent else leave_by_form(payment)


def _wallet(connection: sqlite3.Connection, call: Call) -> Result:
    """BKM Express: the buyer is known by the bank's wallet. Its request carries no addresses to return to."""
    call.need("bkm")
    read_ip(call)
    order = Order(
        merchant_oid=read_oid(call),
        kind="bkm",
        amount_minor=read_kurus(call.text("payment_amount", 12), "payment_amount"),
        currency="TL",
        email=read_email(call),
        test_mode=call.flag("test_mode"),
        ok_url=call.optional("merchant_ok_url", 400),
        fail_url=call.optional("merchant_fail_url", 400),
        expires_ms=call.now_ms + _BANK_MINUTES * 60_000,
    )
    payment = run(connection, begin(connection, call.store, order, call.now_ms), None, _installment(call))
    return bank_form(call.origin, payment)


def _order(call: Call) -> Order:
    read_ip(call)
    amount_minor = read_decimal(call.text("payment_amount", 14), "payment_amount")
    read_basket(call.text("user_basket", 100_000))
    check_buyer(call)
    ok_url, fail_url = read_urls(call)
    expiry = call.optional("request_exp_date", 12)
    if expiry and (not _EPOCH.fullmatch(expiry) or int(expiry) * 1000 < call.now_ms):
        raise Refused("request_exp_date gecti")
    return Order(
        merchant_oid=read_oid(call),
        kind="direct",
        amount_minor=amount_minor,
        currency=read_currency(call),
        email=read_email(call),
        test_mode=call.flag("test_mode"),
        ok_url=ok_url,
        fail_url=fail_url,
        ordered=call.fault.kind if call.fault else None,
        ordered_s=call.fault.seconds if call.fault else 0,
        expires_ms=call.now_ms + _BANK_MINUTES * 60_000,
    )


def _installment(call: Call) -> int:
    installment = call.number("installment_count", 0, MOST_INSTALMENTS)
    if installment == 1:
        raise Refused("installment_count gecersiz", detail="0 veya 2-12")
    return installment


def _is_silent(call: Call) -> bool:
    """Does the answer go to a server, not to the buyer's browser?"""
    recurring = call.flag("recurring_payment") or call.flag("recurring")
    if recurring:
        call.need("recurring")
        if not call.flag("non_3d"):
            raise Refused("recurring_payment icin non_3d 1 olmali")
    if call.flag("sync_mode"):
        call.need("sync_mode")
        return True
    return recurring


def _read_card(connection: sqlite3.Connection, call: Call) -> _Card:
    if call.form.get("ctoken"):
        utoken, ctoken = call.text("utoken", 64), call.text("ctoken", 64)
        return _Card(stored_card(connection, utoken, ctoken, call.form.get("cvv", "")), utoken, ctoken)
    call.text("cc_owner", 50)
    if call.flag("store_card"):
        call.need("store_card")
    card = read_card(call)
    if call.number("installment_count", 0, MOST_INSTALMENTS) and call.text("card_type", 20) not in BRANDS:
        raise Refused("card_type gecersiz", detail=", ".join(BRANDS))
    known = call.optional("utoken", 64) or None
    if known is not None:
        check_user(connection, known)
    return _Card(card, known, None)


def read_card(call: Call) -> Card:
    """The test card that was typed in.

    Raises:
        Refused: a field of it cannot be, or it is none of the public test cards.
    """
    number = call.text("card_number", 19).replace(" ", "")
    year = call.text("expiry_year", 4)[-2:]
    if not _MONTH.fullmatch(call.text("expiry_month", 2)) or not _YEAR.fullmatch(year):
        raise Refused("Son kullanma tarihi gecersiz")
    card = CARD_BY_NUMBER.get(number)
    if card is None or call.text("cvv", 4) != CVV:
        raise Refused("Kart bilgileri hatali", detail="yalniz test kartlari")
    return card


def _check_free(connection: sqlite3.Connection, call: Call, order: Order) -> None:
    busy = call.fault is not None and call.fault.kind == "busy"
    if busy or connection.execute(_ACTIVE, (order.email,)).fetchone():
        raise Refused("Musterinin devam eden baska bir islemi var", try_again=True)


def _take(connection: sqlite3.Connection, call: Call, payment: BookedPayment) -> BookedPayment:
    if call.flag("non3d_test_failed") and payment.test_mode:
        return finish(connection, call.store, payment, "0", call.now_ms)
    kind = call.fault.kind if call.fault else None
    if call.fault and kind in {"wait_success", "wait_failed"}:
        outcome = PAID if kind == "wait_success" else "0"
        wait(connection, payment, outcome, call.now_ms + round(call.fault.seconds * 1000))
        return the_payment(connection, payment.payment_id)
    reason = kind.reason_code if kind else None
    return finish(connection, call.store, payment, reason or PAID, call.now_ms)


def _said(payment: BookedPayment) -> Json:
    """The answer to a server."""
    kept: Json = {"utoken": payment.utoken, "ctoken": payment.ctoken} if payment.store_card and payment.ctoken else {}
    match payment.state:
        case "paid":
            return {"status": "success", **kept}
        case "running":
            return {"status": "wait_callback"}
        case _:
            reason = FAILED_REASONS[payment.reason_code or "0"]
            return {"status": "failed", "msg": reason, "try_again": False}
