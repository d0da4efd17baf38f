"""`/odeme/durum-sorgu`: how an order stands. Source: dev.paytr.com, Status; names in `returns` as seen in use."""

import sqlite3

from infra.sandbox.paytr.amounts import dotted, with_comma
from infra.sandbox.paytr.buyer import read_oid
from infra.sandbox.paytr.call import Call, Result
from infra.sandbox.paytr.cards import CARD_BY_NAME
from infra.sandbox.paytr.dates import DOTTED_MOMENT, MOMENT, written
from infra.sandbox.paytr.records import BookedPayment, BookedRefund, all_transfers, paid_under, refunds_of
from infra.sandbox.paytr.refusing import Json, Refused
from infra.sandbox.paytr.store import Store


def status(connection: sqlite3.Connection, call: Call) -> Result:
    """Amounts are texts, in lira. Whatever is not paid is 004: failed, left, running and never seen look alike."""
    payment = paid_under(connection, read_oid(call, err_no="002"))
    if payment is None:
        raise Refused("Islem veya basarili odeme bulunamadi", err_no="004")
    answer = _described(call.store, payment)
    answer["returns"] = [_returned(call.store, done) for done in refunds_of(connection, payment.payment_id)]
    shares = [moved for moved in all_transfers(connection) if moved.payment_id == payment.payment_id]
    if shares:
        answer["submerchant_payments"] = [
            {"trans_id": moved.trans_id, "amount": amount_text(call.store, moved.seller_minor)} for moved in shares
        ]
    return answer


def amount_text(store: Store, minor: int) -> str:
    """An amount as the store's answers write it."""
    return with_comma(minor) if store.comma_decimals else dotted(minor)


def _described(store: Store, payment: BookedPayment) -> Json:
    card = CARD_BY_NAME.get(payment.card_name or "")
    decided_ms = payment.decided_ms or payment.created_ms
    return {
        "status": "success",
        "payment_amount": amount_text(store, payment.amount_minor),
        "payment_total": amount_text(store, payment.paid_minor),
        "payment_date": written(decided_ms, MOMENT),
        "currency": payment.currency,
        "net_tutar": amount_text(store, payment.paid_minor - payment.fee_minor),
        "kesinti_tutari": amount_text(store, payment.fee_minor),
        "taksit": str(payment.installment),
        "kart_marka": card.brand if card else "",
        "masked_pan": card.masked if card else "",
        "odeme_tipi": "EFT" if payment.kind == "eft" else "KART",
        "test_mode": str(payment.test_mode),
        "auth_code": str(payment.payment_id)[-6:],
        "auth_date": written(decided_ms, DOTTED_MOMENT),
    }


def _returned(store: Store, done: BookedRefund) -> Json:
    at = written(done.created_ms, MOMENT)
    return {
        "return_amount": amount_text(store, done.amount_minor),
        "return_date": at,
        "return_type": "iade",
        "date_completed": at,
        "return_auth_code": str(done.refund_id)[-6:],
        "return_ref_num": str(done.refund_id),
        "reference_no": done.reference_no,
        "return_source": "api",
    }
