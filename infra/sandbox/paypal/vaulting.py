"""Keeping an instrument: a payment token of the vault, and its customer."""

import sqlite3

from infra.sandbox.paypal.call import Call, shown
from infra.sandbox.paypal.instruments import CARDS, Instrument, wallet_of
from infra.sandbox.paypal.naming import new_id
from infra.sandbox.paypal.outbox import tell
from infra.sandbox.paypal.records import Resource, find, insert
from infra.sandbox.paypal.refusing import Json

WALLET_CUSTOMER = "sandboxwallet"
"""Its tokens are there from the start, so that a data file needs no card number."""
_PAYER = "SANDB2XPAYERA"
_SEEDED = {
    "sandboxvisa": "4012000033330026",
    "sandboxmastercard": "2223000048400011",
    "sandboxasksbank": "4868719460707704",
    "sandboxnofunds": "4000000000000002",
}


def keep_instrument(connection: sqlite3.Connection, call: Call, instrument: Instrument, customer: str | None) -> Json:
    """Put it into the vault; what an order's answer shows of that."""
    token = new_token(connection, instrument, customer or new_id(10), call.now_ms)
    tell_token(connection, call, token, "CREATED")
    return {
        "id": token.resource_id,
        "status": "VAULTED",
        "customer": {"id": token.parent},
        "links": token_links(call, token),
    }


def new_token(
    connection: sqlite3.Connection, instrument: Instrument, customer: str, now_ms: int, *, token_id: str = ""
) -> Resource:
    token_id = token_id or new_id().lower()
    source = {instrument.kind: _vaulted(instrument)}
    body = {
        "id": token_id,
        "customer": {"id": customer},
        "payment_source": source,
        "_instrument": instrument.stored(),
    }
    return insert(connection, Resource(token_id, "payment_token", customer, body, None, now_ms))


def token_body(call: Call, token: Resource) -> Json:
    return {**shown(token.body), "links": token_links(call, token)}


def token_links(call: Call, token: Resource) -> list[Json]:
    path = f"/v3/vault/payment-tokens/{token.resource_id}"
    return [call.link("self", path), call.link("delete", path, "DELETE")]


def tell_token(connection: sqlite3.Connection, call: Call, token: Resource, what: str) -> None:
    kind = f"VAULT.PAYMENT-TOKEN.{what}"
    tell(connection, call, kind, "payment_token", token_body(call, token))


def seed_vault(connection: sqlite3.Connection, now_ms: int) -> None:
    """The tokens of the customer that is there from the start."""
    for token_id, number in _SEEDED.items():
        if find(connection, "payment_token", token_id) is None:
            card = next(card for card in CARDS if card.number == number)
            about: Json = {"last_digits": card.last_digits, "brand": card.brand, "type": card.type}
            instrument = Instrument("card", card.outcome, {**about, "expiry": "2035-12"}, asks_payer=card.asks_payer)
            new_token(connection, instrument, WALLET_CUSTOMER, now_ms, token_id=token_id)
    if find(connection, "payment_token", "sandboxpaypal") is None:
        new_token(connection, wallet_of(_PAYER, "taken"), WALLET_CUSTOMER, now_ms, token_id="sandboxpaypal")  # noqa: S106 -- a name


def _vaulted(instrument: Instrument) -> Json:
    """As the vault shows it; a wallet's owner by the name that the vault has for it."""
    if instrument.kind == "card":
        return {name: value for name, value in instrument.shown.items() if name != "type"}
    payer = instrument.payer or {}
    return {"email_address": payer["email_address"], "payer_id": payer["payer_id"], "name": payer["name"]}
