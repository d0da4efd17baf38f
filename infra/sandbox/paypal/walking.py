"""The pages that a payer's browser walks: plain forms that work without script."""

import sqlite3
from dataclasses import dataclass
from typing import Final

from infra.sandbox.html import button, choice, field, form, page, paragraph
from infra.sandbox.paypal.approving import agree, awaited, leave
from infra.sandbox.paypal.call import Call
from infra.sandbox.paypal.instruments import BANK_CODE
from infra.sandbox.paypal.records import Resource

PAGES: Final = frozenset({"/checkoutnow", "/webapps/billing/subscriptions", "/agreements/approve"})
_FUNDINGS: Final = (
    ("balance", "PayPal balance"),
    ("echeck", "E-check (decided after days)"),
    ("review", "A payment that PayPal reviews first"),
    ("declined_card", "A card that is declined (choose another one afterwards)"),
    ("declined", "A payment that is declined for good"),
)
_GONE: Final = "There is nothing left to do on this page."


@dataclass(frozen=True, slots=True)
class Page:
    """What the browser shows."""

    html: str


@dataclass(frozen=True, slots=True)
class Leave:
    """Where the browser is sent."""

    url: str


def walk(connection: sqlite3.Connection, call: Call) -> Page | Leave:
    """GET shows the page of what the query names; POST uses it."""
    thing = awaited(connection, call.query.get("token", ""))
    if thing is None:
        return _closed(_GONE)
    if call.method != "POST":
        return _page_of(thing)
    action = call.body.get("action")
    if action == "leave":
        return _sent(leave(thing), "You left. Nothing was paid.")
    if action == "decline":
        return _page_of(thing, "PayPal declined this. Choose another way to pay, or leave.")
    if _of_card(thing) and call.body.get("code") != BANK_CODE:
        return _page_of(thing, "The bank did not take this code.")
    try:
        return _sent(agree(connection, call, thing, call.body.get("funding", "balance")), "Agreed.")
    except ValueError as error:
        return _page_of(thing, str(error))


def _page_of(thing: Resource, problem: str = "") -> Page:
    alert = paragraph(problem, alert=True) if problem else ""
    if _of_card(thing):
        fields = [field("code", f"Code from your bank ({BANK_CODE})", numeric=True)]
        buttons = [button("Confirm", "action", "approve"), button("Cancel and return", "action", "leave")]
        return Page(page("Your bank", _about(thing), alert, form("", *fields, *buttons)))
    fields = [choice("funding", "Pay with", _FUNDINGS)] if thing.kind == "order" else []
    agreed = {"order": "Pay now", "subscription": "Agree & subscribe"}.get(thing.kind, "Agree & continue")
    buttons = [
        button(agreed, "action", "approve"),
        button("Be declined", "action", "decline"),
        button("Cancel and return", "action", "leave"),
    ]
    return Page(page("PayPal", _about(thing), alert, form("", *fields, *buttons)))


def _about(thing: Resource) -> str:
    if thing.kind != "order":
        return paragraph(f"{thing.kind.replace('_', ' ').capitalize()} {thing.resource_id}")
    sums = ", ".join(f"{u['amount']['value']} {u['amount']['currency_code']}" for u in thing.body["purchase_units"])
    return paragraph(f"Amount: {sums}")


def _of_card(thing: Resource) -> bool:
    return thing.kind == "order" and "card" in thing.body.get("payment_source", {})


def _closed(text: str) -> Page:
    return Page(page("PayPal", paragraph(text)))


def _sent(url: str, text: str) -> Page | Leave:
    return Leave(url) if url else _closed(text)
