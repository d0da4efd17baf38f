"""The vault: setup tokens that a payer agrees to, and payment tokens that are paid with.

Source: the published OpenAPI files, Payment Method Tokens v3.
"""

import sqlite3
from typing import Any, Final

from infra.sandbox.paypal.call import Answer, Call, shown
from infra.sandbox.paypal.instruments import TAKEN, Instrument, read_card, read_instrument, wallet_of
from infra.sandbox.paypal.naming import new_account_id, new_id
from infra.sandbox.paypal.paging import page_of
from infra.sandbox.paypal.records import Resource, children, delete, find, insert, save
from infra.sandbox.paypal.refusing import Json, invalid, not_found, unprocessable
from infra.sandbox.paypal.vaulting import new_token, tell_token, token_body

_USUAL_PAGE: Final = 5
_MOST_A_PAGE: Final = 20
_SETUP: Final = "/v3/vault/setup-tokens"
_SOURCE: Final = "/payment_source"


def create_setup_token(connection: sqlite3.Connection, call: Call) -> Answer:
    """A card is agreed to at once; a wallet once its payer was on the page."""
    call.need("vault")
    kind, source = _source(call.body)
    token_id = new_id()
    customer = _customer(call.body) or new_id(10)
    context: Json = source.get("experience_context") or {}
    body: Json = {"id": token_id, "customer": {"id": customer}}
    if kind == "card":
        instrument = read_card(source, f"{_SOURCE}/card")
        shown_card = {name: value for name, value in instrument.shown.items() if name != "type"}
        body |= {"status": "APPROVED", "payment_source": {"card": shown_card}}
    else:
        instrument = wallet_of(new_account_id(), TAKEN)
        body |= {"status": "PAYER_ACTION_REQUIRED", "payment_source": {"paypal": {}}}
    body |= {
        "_instrument": instrument.stored(),
        "_return_url": str(context.get("return_url") or ""),
        "_cancel_url": str(context.get("cancel_url") or ""),
    }
    token = insert(connection, Resource(token_id, "setup_token", customer, body, None, call.now_ms))
    return Answer(201, setup_view(connection, call, token), ("setup_token", token_id))


def get_setup_token(connection: sqlite3.Connection, call: Call) -> Answer:
    token = find(connection, "setup_token", call.names["id"])
    if token is None:
        raise not_found()
    return Answer(200, setup_view(connection, call, token))


def create_payment_token(connection: sqlite3.Connection, call: Call) -> Answer:
    """From a setup token that was agreed to, or from the card itself."""
    call.need("vault")
    kind, source = _source(call.body)
    customer = _customer(call.body)
    if kind == "token":
        instrument, customer = _exchanged(connection, source)
    elif kind == "card":
        instrument = read_card(source, f"{_SOURCE}/card")
        if instrument.outcome != TAKEN:
            raise unprocessable("PAYMENT_SOURCE_DECLINED_BY_PROCESSOR")
    else:
        raise invalid("NOT_SUPPORTED", f"{_SOURCE}/{kind}", "A wallet is kept by way of a setup token.")
    token = new_token(connection, instrument, customer or new_id(10), call.now_ms)
    tell_token(connection, call, token, "CREATED")
    return Answer(201, token_body(call, token), ("payment_token", token.resource_id))


def get_payment_token(connection: sqlite3.Connection, call: Call) -> Answer:
    return Answer(200, token_body(call, _token(connection, call)))


def list_payment_tokens(connection: sqlite3.Connection, call: Call) -> Answer:
    customer = call.query.get("customer_id")
    if not customer:
        raise invalid("MISSING_REQUIRED_PARAMETER", "customer_id")
    page = page_of(call, children(connection, "payment_token", customer), usual=_USUAL_PAGE, most=_MOST_A_PAGE)
    body: Json = {
        "customer": {"id": customer},
        "payment_tokens": [token_body(call, token) for token in page.shown],
        "links": page.links(call),
    }
    if call.query.get("total_required") == "true":
        # The published schema has no list without a page.
        body |= {"total_items": page.total_items, "total_pages": max(1, page.total_pages)}
    return Answer(200, body)


def delete_payment_token(connection: sqlite3.Connection, call: Call) -> Answer:
    token = _token(connection, call)
    delete(connection, token)
    tell_token(connection, call, token, "DELETED")
    return Answer(204)


def setup_view(_connection: sqlite3.Connection, call: Call, token: Resource) -> Json:
    links = [call.link("self", f"{_SETUP}/{token.resource_id}")]
    if token.status == "PAYER_ACTION_REQUIRED":
        links.append(call.page_link("approve", f"/agreements/approve?token={token.resource_id}"))
    elif token.status == "APPROVED":
        links.append(call.link("confirm", "/v3/vault/payment-tokens", "POST"))
    return {**shown(token.body), "links": links}


def token_view(_connection: sqlite3.Connection, call: Call, token: Resource) -> Json:
    return token_body(call, token)


def _exchanged(connection: sqlite3.Connection, source: Json) -> tuple[Instrument, str | None]:
    setup = find(connection, "setup_token", str(source.get("id")))
    if setup is None:
        raise not_found()
    if setup.status != "APPROVED":
        raise unprocessable("TOKEN_NOT_APPROVED", "The payer has not agreed, or it was exchanged before.")
    setup.body["status"] = "VAULTED"
    save(connection, setup)
    instrument = read_instrument(setup.body["_instrument"])
    if instrument.outcome != TAKEN:
        raise unprocessable("PAYMENT_SOURCE_DECLINED_BY_PROCESSOR")
    return instrument, setup.parent


def _source(body: Any) -> tuple[str, Json]:
    given = body.get("payment_source") if isinstance(body, dict) else None
    if not isinstance(given, dict) or len(given) != 1:
        raise invalid("MISSING_REQUIRED_PARAMETER", _SOURCE)
    ((kind, source),) = given.items()
    if kind not in {"card", "paypal", "token"} or not isinstance(source, dict):
        raise invalid("NOT_SUPPORTED", f"{_SOURCE}/{kind}", "The sandbox keeps cards and wallets alone.")
    return kind, source


def _customer(body: Json) -> str | None:
    customer = body.get("customer") or {}
    found: str | None = customer.get("id")
    return found


def _token(connection: sqlite3.Connection, call: Call) -> Resource:
    token = find(connection, "payment_token", call.names["id"])
    if token is None:
        raise not_found()
    return token
