"""Putting a payment into the books, and deciding one that was begun there. Parts of steps, no steps themselves."""

import sqlite3
from dataclasses import dataclass, replace
from typing import Literal

from infra.sandbox.iyzico.amounts import spread
from infra.sandbox.iyzico.calls import Call, Review
from infra.sandbox.iyzico.card_storage import store_card, stored_card
from infra.sandbox.iyzico.cards import CARD_BY_NUMBER, Card
from infra.sandbox.iyzico.errors import Refused
from infra.sandbox.iyzico.events import PaymentEvent
from infra.sandbox.iyzico.records import BookedPayment, Means, Stage
from infra.sandbox.iyzico.sub_merchants import check_sub_merchants
from infra.sandbox.iyzico.validation import CardUse, Order

Kind = Literal["auth", "preauth"]


@dataclass(frozen=True, slots=True)
class Course:
    """How a payment goes that is not decided at once, or not paid by a card."""

    stage: Stage | None = None
    three_ds: bool = False
    means: Means = "card"
    token: str | None = None


AT_ONCE = Course()


def card_for(connection: sqlite3.Connection, use: CardUse) -> Card:
    """The public card that was typed or is stored; 10213, 3005 or 3006 when there is none."""
    if use.number is None:
        return stored_card(connection, str(use.user_key), str(use.token))
    card = CARD_BY_NUMBER.get(use.number)
    if card is None:
        raise Refused("10213", detail="only the public test cards are accepted")
    return card


def check_card_currency(card: Card, order: Order) -> None:
    """5184 for a domestic card and a foreign currency."""
    if order.currency != "TRY" and not card.foreign:
        raise Refused("5184", detail="currency")


def bank_refusal(card: Card, installment: int) -> Refused | None:
    """What the card's bank says to a payment, None when it approves."""
    if card.error_code is not None:
        return Refused(card.error_code, group=card.error_group)
    if installment > 1 and card.kind == "DEBIT_CARD":
        return Refused("10218")
    if installment > 1 and card.foreign:
        return Refused("10222")
    return None


def with_stored_card(connection: sqlite3.Connection, order: Order, card: Card) -> Order:
    """The order after its card was stored, as the buyer wished."""
    user_key, token = store_card(
        connection, card, user_key=order.card.user_key, alias=order.card.alias, email=order.email, external_id=None
    )
    return replace(order, card=replace(order.card, user_key=user_key, token=token))


def open_payment(
    connection: sqlite3.Connection,
    call: Call,
    order: Order,
    *,
    card: Card | None,
    kind: Kind,
    refused: Refused | None = None,
    course: Course = AT_ONCE,
) -> int:
    """Write a payment with its lines: charged or held at once, declined, or begun in the stage of its course."""
    check_sub_merchants(connection, order.items)
    taken = kind == "auth" and refused is None and course.stage is None
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
            card.name if card else "",
            stored.user_key if stored and stored.token else None,
            stored.token if stored else None,
            call.now_ms,
        ),
    ).lastrowid
    if payment is None:
        raise RuntimeError("SQLite gave no id for the payment row")
    if course != AT_ONCE:
        connection.execute(
            "INSERT INTO course (payment_id, stage, three_ds, means, token) VALUES (?, ?, ?, ?, ?)",
            (payment, None if refused else course.stage, course.three_ds, course.means, course.token),
        )
    shares = spread(order.paid_minor, [item.price_minor for item in order.items])
    for item, paid in zip(order.items, shares, strict=True):
        line = connection.execute(
            "INSERT INTO line (payment_id, item_id, price_minor, paid_minor) VALUES (?, ?, ?, ?)",
            (payment, item.item_id, item.price_minor, paid),
        ).lastrowid
        if item.sub_merchant_key is not None:
            connection.execute(
                "INSERT INTO line_share (line_id, sub_merchant_key, amount_minor) VALUES (?, ?, ?)",
                (line, item.sub_merchant_key, item.sub_merchant_minor),
            )
    return payment


def reach(connection: sqlite3.Connection, payment: BookedPayment, stage: Stage | None) -> None:
    """Let a begun payment come to its next stage, or (None) to its decision."""
    connection.execute("UPDATE course SET stage = ? WHERE payment_id = ?", (stage, int(payment.payment_id)))


def approve(connection: sqlite3.Connection, payment: BookedPayment, now_ms: int) -> None:
    """The money of a begun payment is taken, or held if it is a pre-authorisation."""
    reach(connection, payment, None)
    if payment.kind == "auth":
        connection.execute(
            "UPDATE payment SET captured_minor = paid_minor, captured_ms = ? WHERE payment_id = ?",
            (now_ms, int(payment.payment_id)),
        )


def decline(connection: sqlite3.Connection, payment: BookedPayment, refused: Refused) -> None:
    """A begun payment ends without money."""
    reach(connection, payment, None)
    connection.execute(
        "UPDATE payment SET error_code = ?, error_group = ? WHERE payment_id = ?",
        (refused.code, refused.group, int(payment.payment_id)),
    )


def payment_events(kind: str, payment: BookedPayment, review: Review | None, now_ms: int) -> list[PaymentEvent]:
    """What the merchant is told about a payment now, and once more when its review has ended."""
    event = PaymentEvent(kind, payment.payment_id, payment.conversation_id, payment.status, payment.token)
    if review is None or payment.status == "FAILURE":
        return [event]
    verdict = "SUCCESS" if review.verdict > 0 else "FAILURE"
    return [event, replace(event, status=verdict, after_ms=max(0, review.due_ms - now_ms))]
