"""What the buyer does on a hosted page, in the books. Parts of steps, no steps themselves."""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from infra.sandbox.iyzico.amounts import two_decimals
from infra.sandbox.iyzico.bank_page import BankPage, open_bank_page
from infra.sandbox.iyzico.bins import total_with_surcharge
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
    with_stored_card,
)
from infra.sandbox.iyzico.calls import Call, review_from
from infra.sandbox.iyzico.errors import Refused
from infra.sandbox.iyzico.hosted import Checkout, require_checkout
from infra.sandbox.iyzico.payments import require_payment
from infra.sandbox.iyzico.records import BookedPayment, Means
from infra.sandbox.iyzico.three_ds import take
from infra.sandbox.iyzico.validation import CardUse, Order

_CARD_EVENTS: Final[Mapping[tuple[bool, bool], str]] = {
    # A wallet's page or the checkout form; with 3-D Secure or without.
    (False, False): "CHECKOUT_FORM_AUTH",
    (False, True): "CHECKOUT_FORM_AUTH",
    (True, False): "PWI_TKN_AUTH",
    (True, True): "PWI_TKN_THREEDS_AUTH",
}


@dataclass(frozen=True, slots=True)
class CardChoice:
    """A card that was typed or chosen on the page, and the number of instalments."""

    use: CardUse
    installment: int = 1


def pay_by_card(
    connection: sqlite3.Connection, call: Call, checkout: Checkout, choice: CardChoice
) -> tuple[BookedPayment, str | None]:
    """The payment and, when the buyer has to go on to the bank, the key of the bank's page.

    Raises:
        Refused: what is wrong with the card or the choice; nothing was booked, and the buyer may try again.
    """
    if paid := _paid_before(connection, call, checkout):
        return paid, None
    order = _chosen(checkout, choice)
    card = card_for(connection, order.card)
    check_card_currency(card, order)
    if card.kind == "DEBIT_CARD" and not checkout.terms["debit_allowed"]:
        raise Refused("10201")
    kind: Kind = "preauth" if checkout.kind == "preauth" else "auth"
    if checkout.terms["force_three_ds"] and card.starts_three_ds:
        course = Course("INIT_THREEDS", three_ds=True, token=checkout.token)
        payment_id = open_payment(connection, call, order, card=card, kind=kind, course=course)
        key = open_bank_page(
            connection, payment_id, order, card, callback_url=checkout.callback_url, review=checkout.review
        )
        return _attempted(connection, call, checkout, payment_id), key
    refused = Refused("10220") if checkout.terms["force_three_ds"] else bank_refusal(card, order.installment)
    if refused is None and order.card.register:
        order = with_stored_card(connection, order, card)
    course = Course(token=checkout.token)
    review = review_from(checkout.review, call.now_ms)
    payment_id = open_payment(
        connection, replace(call, review=review), order, card=card, kind=kind, refused=refused, course=course
    )
    payment = _attempted(connection, call, checkout, payment_id)
    call.events.extend(payment_events(_CARD_EVENTS[checkout.kind == "wallet", False], payment, review, call.now_ms))
    return payment, None


def pay_without_card(connection: sqlite3.Connection, call: Call, checkout: Checkout, means: Means) -> BookedPayment:
    """A bank transfer is announced and still to come; a wallet's balance pays at once."""
    if paid := _paid_before(connection, call, checkout):
        return paid
    if checkout.kind == "preauth" or (means == "wallet") != (checkout.kind == "wallet"):
        raise Refused("11", detail=f"this page cannot be paid by {means}")
    course = Course("INIT_BANK_TRANSFER" if means == "bank_transfer" else None, means=means, token=checkout.token)
    payment_id = open_payment(connection, call, checkout.order, card=None, kind="auth", course=course)
    payment = _attempted(connection, call, checkout, payment_id)
    event = "BANK_TRANSFER_AUTH" if means == "bank_transfer" else "BALANCE"
    call.events.extend(payment_events(event, payment, None, call.now_ms))
    return payment


def take_verified(connection: sqlite3.Connection, call: Call, payment: BookedPayment, page: BankPage) -> None:
    """A hosted page completes by itself what its buyer verified at the bank."""
    checkout = require_checkout(connection, str(payment.token))
    if payment.stage == "CALLBACK_THREEDS":
        if checkout.payment_id == payment.payment_id:
            take(connection, call, payment, page)
        else:  # the buyer began once more in another window: only the last attempt may pay
            decline(connection, payment, Refused("10012"))
    decided = require_payment(connection, payment.payment_id, call.now_ms)
    review = review_from(page.review, call.now_ms)
    call.events.extend(payment_events(_CARD_EVENTS[checkout.kind == "wallet", True], decided, review, call.now_ms))


def transfer_arrived(connection: sqlite3.Connection, call: Call, token: str, *, arrived: bool) -> BookedPayment:
    """The announced transfer came, or will not come any more.

    Raises:
        Refused: 5124 (unknown token), 10012 (no transfer is awaited there).
    """
    checkout = require_checkout(connection, token)
    payment = require_payment(connection, checkout.payment_id or "", call.now_ms)
    if payment.stage != "INIT_BANK_TRANSFER":
        raise Refused("10012", detail="no bank transfer is awaited")
    if arrived:
        approve(connection, payment, call.now_ms)
    else:
        decline(connection, payment, Refused("10220"))
    decided = require_payment(connection, payment.payment_id, call.now_ms)
    call.events.extend(payment_events("BANK_TRANSFER_AUTH", decided, None, call.now_ms))
    return decided


def _chosen(checkout: Checkout, choice: CardChoice) -> Order:
    if choice.installment not in checkout.terms["installments"]:
        raise Refused("10222", detail="not among enabledInstallments")
    order = checkout.order
    total = total_with_surcharge(choice.installment, two_decimals(order.paid_minor))
    return replace(order, card=choice.use, installment=choice.installment, paid_minor=int(total.scaleb(2)))


def _paid_before(connection: sqlite3.Connection, call: Call, checkout: Checkout) -> BookedPayment | None:
    if checkout.payment_id is not None:
        payment = require_payment(connection, checkout.payment_id, call.now_ms)
        if payment.status in ("SUCCESS", "INIT_BANK_TRANSFER"):
            return payment
    if checkout.expired(call.now_ms):
        raise Refused("5124", detail="the page has expired")
    return None


def _attempted(connection: sqlite3.Connection, call: Call, checkout: Checkout, payment_id: int) -> BookedPayment:
    connection.execute("UPDATE checkout SET payment_id = ? WHERE token = ?", (payment_id, checkout.token))
    return require_payment(connection, str(payment_id), call.now_ms)
