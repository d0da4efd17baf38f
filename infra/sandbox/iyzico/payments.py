"""Charge, hold, capture, and look up one payment. Every function is one step of the books.

iyzico keeps no idempotency: a second `/payment/auth` under the same conversationId charges again.
"""

import sqlite3

from infra.sandbox.iyzico.amounts import CURRENCIES, read_price, spread
from infra.sandbox.iyzico.booking import (
    Kind,
    bank_refusal,
    card_for,
    check_card_currency,
    open_payment,
    payment_events,
    with_stored_card,
)
from infra.sandbox.iyzico.calls import Call, Result
from infra.sandbox.iyzico.cards import CARD_BY_NAME
from infra.sandbox.iyzico.errors import Refused
from infra.sandbox.iyzico.fields import Json, identifier, one_of, optional_text
from infra.sandbox.iyzico.payment_result import payment_result
from infra.sandbox.iyzico.records import BookedPayment, payment_by_id, payments_by_conversation
from infra.sandbox.iyzico.validation import read_order


def charge(connection: sqlite3.Connection, call: Call) -> Result:
    """POST /payment/auth."""
    return _create(connection, call, "auth")


def hold(connection: sqlite3.Connection, call: Call) -> Result:
    """POST /payment/preauth."""
    return _create(connection, call, "preauth")


def capture(connection: sqlite3.Connection, call: Call) -> Result:
    """POST /payment/postauth: once, up to the amount held; what is not captured is released."""
    payment = require_payment(connection, identifier(call.body, "paymentId"), call.now_ms)
    amount = read_price(call.body.get("paidPrice"), "paidPrice")
    known = {"paymentId": payment.payment_id}
    if payment.state != "held" or not is_reversible(payment):
        raise Refused("5082", extra=known)
    check_currency(call.body, payment)
    if amount > payment.paid_minor:
        raise Refused("10232", detail="paidPrice is above the amount held", extra=known)
    connection.execute(
        "UPDATE payment SET captured_minor = ?, captured_ms = ?, capture_conversation_id = ? WHERE payment_id = ?",
        (amount, call.now_ms, optional_text(call.body, "conversationId"), int(payment.payment_id)),
    )
    shares = spread(amount, [line.price_minor for line in payment.lines])
    connection.executemany(
        "UPDATE line SET paid_minor = ? WHERE line_id = ?",
        [(share, int(line.payment_transaction_id)) for share, line in zip(shares, payment.lines, strict=True)],
    )
    return payment_result(require_payment(connection, payment.payment_id, call.now_ms))


def detail(connection: sqlite3.Connection, call: Call) -> Result:
    """POST /payment/detail, by paymentId or paymentConversationId; of several in a conversation, the last one."""
    if call.body.get("paymentId"):
        payment = require_payment(connection, identifier(call.body, "paymentId"), call.now_ms)
    else:
        conversation_id = identifier(call.body, "paymentConversationId")
        found = payments_by_conversation(connection, conversation_id, call.now_ms)
        if not found:
            raise Refused("5087")
        payment = found[-1]
    return payment_with_status(payment, str(call.body.get("locale")))


def payment_with_status(payment: BookedPayment, locale: str) -> dict[str, object]:
    """The payment result with the payment's own status beside that of the call, and why it failed."""
    result = payment_result(payment) | {"paymentStatus": payment.status}
    if payment.error_code is not None:
        declined = Refused(payment.error_code, group=payment.error_group)
        result |= {
            "errorCode": declined.code,
            "errorGroup": declined.group,
            "errorMessage": declined.message(locale),
        }
    return result


def require_payment(connection: sqlite3.Connection, payment_id: str, now_ms: int) -> BookedPayment:
    """The payment, or 5087."""
    payment = payment_by_id(connection, payment_id, now_ms)
    if payment is None:
        raise Refused("5087")
    return payment


def is_reversible(payment: BookedPayment) -> bool:
    """One of the public cards pays, and can then neither be captured, cancelled nor refunded."""
    card = CARD_BY_NAME.get(payment.card_name)
    return card is None or card.reversible


def check_currency(body: Json, payment: BookedPayment) -> None:
    """A currency that is sent along must be the payment's own."""
    if one_of(body, "currency", CURRENCIES, payment.currency) != payment.currency:
        raise Refused("11", detail=f"currency differs from the payment's {payment.currency}")


def _create(connection: sqlite3.Connection, call: Call, kind: Kind) -> Result:
    order = read_order(call.body, call.now_ms)
    card = card_for(connection, order.card)
    check_card_currency(card, order)
    refused = bank_refusal(card, order.installment)
    if refused is None and order.card.register:
        order = with_stored_card(connection, order, card)
    payment_id = open_payment(connection, call, order, card=card, kind=kind, refused=refused)
    payment = require_payment(connection, str(payment_id), call.now_ms)
    call.events.extend(payment_events("API_AUTH", payment, call.review, call.now_ms))
    return refused or payment_result(payment)
