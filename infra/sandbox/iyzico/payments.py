"""Charge, hold, capture, and look up one payment. Every function is one step of the books.

iyzico keeps no idempotency: a second `/payment/auth` under the same conversationId charges again.
"""

import sqlite3
from dataclasses import dataclass, replace
from typing import Literal

from infra.sandbox.iyzico.amounts import CURRENCIES, read_price, spread
from infra.sandbox.iyzico.card_storage import store_card, stored_card
from infra.sandbox.iyzico.cards import CARD_BY_NAME, CARD_BY_NUMBER, Card
from infra.sandbox.iyzico.errors import Refused
from infra.sandbox.iyzico.fields import Json, identifier, one_of, optional_text
from infra.sandbox.iyzico.payment_result import payment_result
from infra.sandbox.iyzico.records import BookedPayment, payment_by_id, payments_by_conversation
from infra.sandbox.iyzico.validation import Order, read_order


@dataclass(frozen=True, slots=True)
class Review:
    """A fraud review: status 0 now, `verdict` (1 or -1) from `due_ms` on."""

    verdict: int
    due_ms: int


@dataclass(frozen=True, slots=True)
class Call:
    """One request: its JSON object, its query, the time, and a review ordered for it."""

    body: Json
    query: Json
    now_ms: int
    review: Review | None = None


# A refusal that is returned, not raised, is answered after its record is committed.
Result = dict[str, object] | Refused


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
    if payment.state != "held" or not card_of(payment).reversible:
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
    stopped = payment.state in ("declined", "rejected")
    result = payment_result(payment) | {"paymentStatus": "FAILURE" if stopped else "SUCCESS"}
    if payment.error_code is not None:
        declined = Refused(payment.error_code, group=payment.error_group)
        result |= {
            "errorCode": declined.code,
            "errorGroup": declined.group,
            "errorMessage": declined.message(str(call.body.get("locale"))),
        }
    return result


def require_payment(connection: sqlite3.Connection, payment_id: str, now_ms: int) -> BookedPayment:
    """The payment, or 5087."""
    payment = payment_by_id(connection, payment_id, now_ms)
    if payment is None:
        raise Refused("5087")
    return payment


def card_of(payment: BookedPayment) -> Card:
    """The public card a payment was made with."""
    return CARD_BY_NAME[payment.card_name]


def check_currency(body: Json, payment: BookedPayment) -> None:
    """A currency that is sent along must be the payment's own."""
    if one_of(body, "currency", CURRENCIES, payment.currency) != payment.currency:
        raise Refused("11", detail=f"currency differs from the payment's {payment.currency}")


def _create(connection: sqlite3.Connection, call: Call, kind: Literal["auth", "preauth"]) -> Result:
    order = read_order(call.body, call.now_ms)
    card = _card_for(connection, order)
    if order.currency != "TRY" and not card.foreign:
        raise Refused("5184", detail="currency")
    refused = _bank_refusal(card, order)
    if refused is None and order.card.register:
        order = _with_stored_card(connection, order, card)
    payment_id = _insert(connection, call, order, card=card, kind=kind, refused=refused)
    if refused is not None:
        return refused
    return payment_result(require_payment(connection, str(payment_id), call.now_ms))


def _card_for(connection: sqlite3.Connection, order: Order) -> Card:
    use = order.card
    if use.number is None:
        return stored_card(connection, str(use.user_key), str(use.token))
    card = CARD_BY_NUMBER.get(use.number)
    if card is None:
        raise Refused("10213", detail="only the public test cards are accepted")
    return card


def _bank_refusal(card: Card, order: Order) -> Refused | None:
    if card.error_code is not None:
        return Refused(card.error_code, group=card.error_group)
    if order.installment > 1 and card.kind == "DEBIT_CARD":
        return Refused("10218")
    if order.installment > 1 and card.foreign:
        return Refused("10222")
    return None


def _with_stored_card(connection: sqlite3.Connection, order: Order, card: Card) -> Order:
    user_key, token = store_card(
        connection, card, user_key=order.card.user_key, alias=order.card.alias, email=order.email, external_id=None
    )
    return replace(order, card=replace(order.card, user_key=user_key, token=token))


def _insert(
    connection: sqlite3.Connection,
    call: Call,
    order: Order,
    *,
    card: Card,
    kind: Literal["auth", "preauth"],
    refused: Refused | None,
) -> int:
    taken = kind == "auth" and refused is None
    review = call.review if refused is None else None
    stored = order.card if order.card.register and refused is None else None
    payment = connection.execute(
        "INSERT INTO payment (conversation_id, basket_id, kind, currency, price_minor, paid_minor, captured_minor, "
        "captured_ms, error_code, error_group, installment, fraud_status, fraud_next, fraud_due_ms, card_name, "
        "card_user_key, card_token, created_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            order.conversation_id,
            order.basket_id,
            kind,
            order.currency,
            order.price_minor,
            order.paid_minor,
            order.paid_minor if taken else 0,
            call.now_ms if taken else None,
            refused.code if refused else None,
            refused.group if refused else None,
            order.installment,
            0 if review else 1,
            review.verdict if review else None,
            review.due_ms if review else None,
            card.name,
            stored.user_key if stored else None,
            stored.token if stored else None,
            call.now_ms,
        ),
    ).lastrowid
    if payment is None:
        raise RuntimeError("SQLite gave no id for the payment row")
    shares = spread(order.paid_minor, [price for _, price in order.items])
    connection.executemany(
        "INSERT INTO line (payment_id, item_id, price_minor, paid_minor) VALUES (?, ?, ?, ?)",
        [(payment, item_id, price, paid) for (item_id, price), paid in zip(order.items, shares, strict=True)],
    )
    return payment
