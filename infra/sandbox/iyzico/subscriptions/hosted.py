"""Hosted pages on which a buyer subscribes, or changes the card. Every operation is a step of the books."""

import sqlite3

from infra.sandbox.iyzico.booking import bank_refusal, card_for
from infra.sandbox.iyzico.calls import Call, Result
from infra.sandbox.iyzico.errors import Refused
from infra.sandbox.iyzico.fields import optional_text, section, text
from infra.sandbox.iyzico.hosted import EXPIRES_S, Checkout, form_content, open_checkout, require_checkout
from infra.sandbox.iyzico.subscriptions.customers import read_customer
from infra.sandbox.iyzico.subscriptions.records import customer_of, plan_of, subscription_of
from infra.sandbox.iyzico.subscriptions.starting import Start, begin, known_or_new, read_wanted
from infra.sandbox.iyzico.validation import CardUse, read_callback_url


def start_form(connection: sqlite3.Connection, call: Call) -> Result:
    """POST /checkoutform/initialize."""
    plan, status = read_wanted(connection, call.body)
    terms = {
        "plan": plan.reference,
        "status": status,
        "customer": read_customer(section(call.body, "customer")),
        "conversation_id": optional_text(call.body, "conversationId", at_most=255, too_long="20"),
    }
    return _started(call, open_checkout(connection, call, "subscription", terms, read_callback_url(call.body)))


def form_result(connection: sqlite3.Connection, call: Call) -> Result:
    """GET /checkoutform/{token}: as for payments, 5087 while nobody has subscribed, 5124 once it is too late."""
    checkout = require_checkout(connection, call.names["token"])
    if checkout.kind != "subscription":
        raise Refused("5124")
    if checkout.result is None:
        raise Refused("5124" if checkout.expired(call.now_ms) else "5087")
    begun = subscription_of(connection, checkout.result)
    return {"data": begun.shown(plan_of(connection, begun.plan))}


def start_card_update(connection: sqlite3.Connection, call: Call) -> Result:
    """POST /card-update/checkoutform/initialize: for one subscription when it is named, else for all of a customer."""
    customer = customer_of(connection, text(call.body, "customerReferenceCode"))
    return _start_update(connection, call, customer.reference, optional_text(call.body, "subscriptionReferenceCode"))


def start_subscription_card_update(connection: sqlite3.Connection, call: Call) -> Result:
    """POST /card-update/checkoutform/initialize/with-subscription."""
    reference = text(call.body, "subscriptionReferenceCode")
    return _start_update(connection, call, subscription_of(connection, reference).customer, reference)


def submit_card(connection: sqlite3.Connection, call: Call, checkout: Checkout, use: CardUse) -> None:
    """The buyer gave a card on one of these pages.

    Raises:
        Refused: what is wrong with the card, or what its bank says; the buyer may try again.
    """
    if checkout.result is not None:
        return
    if checkout.expired(call.now_ms):
        raise Refused("5124", detail="the page has expired")
    card = card_for(connection, use)
    done = (
        _change_card(connection, checkout, card.name, bank_refusal(card, 1))
        if checkout.kind == "card_update"
        else _subscribe(connection, call, checkout, card.name)
    )
    connection.execute("UPDATE checkout SET result = ? WHERE token = ?", (done, checkout.token))


def _subscribe(connection: sqlite3.Connection, call: Call, checkout: Checkout, card_name: str) -> str:
    terms = checkout.terms
    plan = plan_of(connection, terms["plan"])
    customer = known_or_new(connection, terms["customer"], call.now_ms)
    begun = begin(connection, call, Start(plan, customer, card_name, terms["status"], terms["conversation_id"]))
    if isinstance(begun, Refused):
        raise begun
    return begun.reference


def _change_card(connection: sqlite3.Connection, checkout: Checkout, card_name: str, refused: Refused | None) -> str:
    if refused is not None:
        raise refused
    customer, subscription = checkout.terms["customer"], checkout.terms["subscription"]
    if subscription is None:
        connection.execute("UPDATE customer SET card_name = ? WHERE reference = ?", (card_name, customer))
        connection.execute("UPDATE subscription SET card_name = ? WHERE customer = ?", (card_name, customer))
    else:
        connection.execute("UPDATE subscription SET card_name = ? WHERE reference = ?", (card_name, subscription))
    return str(subscription or customer)


def _start_update(connection: sqlite3.Connection, call: Call, customer: str, subscription: str | None) -> Result:
    if subscription is not None and subscription_of(connection, subscription).customer != customer:
        raise Refused("11", detail="the subscription is another customer's")
    terms = {"customer": customer, "subscription": subscription}
    return _started(call, open_checkout(connection, call, "card_update", terms, read_callback_url(call.body)))


def _started(call: Call, token: str) -> Result:
    return {"token": token, "checkoutFormContent": form_content(call, token), "tokenExpireTime": EXPIRES_S}
