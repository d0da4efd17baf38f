"""What a payer does about an order, a subscription or a setup token: agree, be turned down, or leave.

Source: developer.paypal.com, Standard Checkout; what comes back with the payer is not signed.
"""

import sqlite3
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from infra.sandbox.paypal.call import Call, moment
from infra.sandbox.paypal.fulfilling import fulfil
from infra.sandbox.paypal.instruments import FUNDINGS, Instrument, read_instrument, wallet_of
from infra.sandbox.paypal.naming import new_account_id
from infra.sandbox.paypal.outbox import tell
from infra.sandbox.paypal.records import Kind, Resource, find, save
from infra.sandbox.paypal.refusing import Json
from infra.sandbox.paypal.subscribing import agree_to_subscription
from infra.sandbox.paypal.views import order_body

WAITING: Final = frozenset({"CREATED", "PAYER_ACTION_REQUIRED", "APPROVAL_PENDING"})


def awaited(connection: sqlite3.Connection, thing_id: str) -> Resource | None:
    """The order, subscription or setup token of this id that waits for its payer."""
    kinds: tuple[Kind, ...] = ("order", "subscription", "setup_token")
    for kind in kinds:
        found = find(connection, kind, thing_id)
        if found is not None and not found.body.get("_lapsed"):
            waits = found.status in WAITING or found.body.get("_revision") is not None
            return found if waits else None
    return None


def agree(connection: sqlite3.Connection, call: Call, thing: Resource, funding: str = "balance") -> str:
    """The payer agrees; where their browser goes then, empty for nowhere.

    Raises:
        ValueError: nobody can pay with that.
    """
    if funding not in FUNDINGS:
        raise ValueError(f"funding is one of {', '.join(FUNDINGS)}")
    match thing.kind:
        case "subscription":
            agree_to_subscription(connection, call, thing)
            return _back(thing, "_return_url", {"subscription_id": thing.resource_id, "ba_token": thing.body["_page"]})
        case "setup_token":
            thing.body |= {"status": "APPROVED"}
            save(connection, thing)
            return _back(thing, "_return_url", {"approval_token_id": thing.resource_id})
    payer = _approve_order(connection, call, thing, FUNDINGS[funding])
    return _back(thing, "_return_url", {"token": thing.resource_id} | ({"PayerID": payer} if payer else {}))


def leave(thing: Resource) -> str:
    """The payer leaves the page; where their browser goes."""
    named = "subscription_id" if thing.kind == "subscription" else "token"
    return _back(thing, "_cancel_url", {named: thing.resource_id})


def _approve_order(connection: sqlite3.Connection, call: Call, order: Resource, outcome: str) -> str | None:
    """The payer's id, of a wallet."""
    stored = order.body.get("_instrument")
    known = read_instrument(stored) if stored else None
    payer = None
    if known is not None and known.kind == "card":
        _authenticated(order)
    else:
        payer = new_account_id() if known is None or known.payer is None else str(known.payer["payer_id"])
        _pay_with(order, wallet_of(payer, outcome))
    order.body |= {"status": "APPROVED", "update_time": moment(call.now_ms)}
    save(connection, order)
    body = order_body(connection, call, order)
    tell(connection, call, "CHECKOUT.ORDER.APPROVED", "checkout-order", body)
    if order.body.get("processing_instruction") == "ORDER_COMPLETE_ON_PAYMENT_APPROVAL":
        fulfil(connection, call, order, 201)
    return payer


def _pay_with(order: Resource, wallet: Instrument) -> None:
    order.body |= {
        "_instrument": wallet.stored(),
        "payer": wallet.payer,
        "payment_source": {"paypal": wallet.shown},
    }


def _authenticated(order: Resource) -> None:
    shown: Json = order.body["payment_source"]["card"]
    three_ds = {"authentication_status": "Y", "enrollment_status": "Y"}
    shown["authentication_result"] = {"liability_shift": "POSSIBLE", "three_d_secure": three_ds}


def _back(thing: Resource, name: str, further: dict[str, str]) -> str:
    """The merchant's address with what PayPal adds to it."""
    url = thing.body.get(name) or ""
    if not url:
        return ""
    parts = urlsplit(url)
    query = urlencode([*parse_qsl(parts.query, keep_blank_values=True), *further.items()])
    return urlunsplit(parts._replace(query=query))
