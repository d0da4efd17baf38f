"""3-D Secure as the merchant sees it: start, and complete after the bank's page. Every function is a step of the books.

No money moves at the start. It moves at the completion, once, and only after the bank's page ended in mdStatus 1.
"""

import base64
import sqlite3
from dataclasses import replace

from infra.sandbox.iyzico.amounts import read_price
from infra.sandbox.iyzico.bank_page import BankPage, bank_page_of, open_bank_page, way_to_the_bank
from infra.sandbox.iyzico.booking import (
    Course,
    Kind,
    approve,
    bank_refusal,
    card_for,
    check_card_currency,
    decline,
    open_payment,
    payment_events,
)
from infra.sandbox.iyzico.calls import Call, Result, review_from
from infra.sandbox.iyzico.card_storage import store_card
from infra.sandbox.iyzico.cards import CARD_BY_NAME
from infra.sandbox.iyzico.errors import Refused
from infra.sandbox.iyzico.fields import identifier, text
from infra.sandbox.iyzico.payment_result import payment_result
from infra.sandbox.iyzico.payments import check_currency, require_payment
from infra.sandbox.iyzico.records import BookedPayment
from infra.sandbox.iyzico.validation import read_callback_url, read_order

VERIFIED = 1


def start(connection: sqlite3.Connection, call: Call) -> Result:
    """POST /payment/3dsecure/initialize."""
    return _start(connection, call, "auth")


def start_hold(connection: sqlite3.Connection, call: Call) -> Result:
    """POST /payment/3dsecure/initialize/preauth."""
    return _start(connection, call, "preauth")


def complete(connection: sqlite3.Connection, call: Call) -> Result:
    """POST /payment/3dsecure/auth: conversationData is wanted when the return carried it."""
    payment, page = _require_verified(connection, call)
    if page.conversation_data and call.body.get("conversationData") != page.conversation_data:
        raise Refused("11", detail="conversationData is not what the return carried", extra=_known(payment))
    return take(connection, call, payment, page)


def complete_compared(connection: sqlite3.Connection, call: Call) -> Result:
    """POST /payment/v2/3dsecure/auth: amount, basket and currency must be those of the start."""
    payment, page = _require_verified(connection, call)
    if read_price(call.body.get("paidPrice"), "paidPrice") != payment.paid_minor:
        raise Refused("10232", detail="paidPrice differs from the start", extra=_known(payment))
    if text(call.body, "basketId") != payment.basket_id:
        raise Refused("11", detail="basketId differs from the start", extra=_known(payment))
    text(call.body, "currency")
    check_currency(call.body, payment)
    return take(connection, call, payment, page)


def take(connection: sqlite3.Connection, call: Call, payment: BookedPayment, page: BankPage) -> Result:
    """Put a verified payment to the card's bank."""
    card = CARD_BY_NAME[payment.card_name]
    refused = bank_refusal(card, payment.installment)
    if refused is not None:
        decline(connection, payment, refused)
    else:
        approve(connection, payment, call.now_ms)
        _keep_card(connection, payment, page)
    review = call.review or review_from(page.review, call.now_ms)
    if review is not None and refused is None:
        connection.execute(
            "UPDATE payment SET fraud_status = 0, fraud_next = ?, fraud_due_ms = ? WHERE payment_id = ?",
            (review.verdict, review.due_ms, int(payment.payment_id)),
        )
    decided = require_payment(connection, payment.payment_id, call.now_ms)
    if payment.token is None:
        call.events.extend(payment_events("THREE_DS_AUTH", decided, review, call.now_ms))
    return refused or payment_result(decided)


def _start(connection: sqlite3.Connection, call: Call, kind: Kind) -> Result:
    order = read_order(call.body, call.now_ms)
    callback_url = read_callback_url(call.body)
    card = card_for(connection, order.card)
    check_card_currency(card, order)
    refused = None if card.starts_three_ds else Refused("10220", detail="3-D Secure cannot be started")
    course = Course("INIT_THREEDS", three_ds=True)
    unreviewed = replace(call, review=None)  # a review begins once there is money to look at
    payment_id = open_payment(connection, unreviewed, order, card=card, kind=kind, refused=refused, course=course)
    if refused is not None:
        return refused
    page_key = open_bank_page(
        connection,
        payment_id,
        order,
        card,
        callback_url=callback_url,
        review=call.review.later(call.now_ms) if call.review else None,
    )
    content = way_to_the_bank(call.origin, page_key)
    return {
        "paymentId": str(payment_id),
        "threeDSHtmlContent": base64.b64encode(content.encode()).decode(),
    }


def _require_verified(connection: sqlite3.Connection, call: Call) -> tuple[BookedPayment, BankPage]:
    payment = require_payment(connection, identifier(call.body, "paymentId"), call.now_ms)
    page = bank_page_of(connection, payment.payment_id)
    if page is None:
        raise Refused("10012", detail="the payment was not started with 3-D Secure", extra=_known(payment))
    if payment.stage == "INIT_THREEDS":
        raise Refused("10012", detail="the buyer has not returned from the bank", extra=_known(payment))
    if payment.md_status != VERIFIED:
        raise Refused("10012", detail=f"the bank's page ended in mdStatus {payment.md_status}", extra=_known(payment))
    if payment.stage is None:
        raise Refused("10203", detail="the payment was completed before", extra=_known(payment))
    return payment, page


def _keep_card(connection: sqlite3.Connection, payment: BookedPayment, page: BankPage) -> None:
    if page.keep is None:
        return
    user_key, token = store_card(
        connection,
        CARD_BY_NAME[payment.card_name],
        user_key=page.keep.user_key,
        alias=page.keep.alias,
        email=page.keep.email,
        external_id=None,
    )
    connection.execute(
        "UPDATE payment SET card_user_key = ?, card_token = ? WHERE payment_id = ?",
        (user_key, token, int(payment.payment_id)),
    )


def _known(payment: BookedPayment) -> dict[str, object]:
    return {"paymentId": payment.payment_id}
