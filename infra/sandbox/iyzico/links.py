"""Payment links: made, listed, changed and deleted by the merchant, opened by a buyer. Steps of the books.

Each opening begins a hosted page of its own; what was paid on it has the link's token as its basketId.
"""

import secrets
import sqlite3
from dataclasses import asdict
from typing import Final

from infra.sandbox.iyzico.amounts import CURRENCIES, eight_decimals, read_price, two_decimals
from infra.sandbox.iyzico.calls import Call, Result
from infra.sandbox.iyzico.errors import Refused
from infra.sandbox.iyzico.fields import one_of, text
from infra.sandbox.iyzico.hosted import open_checkout
from infra.sandbox.iyzico.paging import paged
from infra.sandbox.iyzico.validation import NO_CARD, Item, Order

_STATUSES: Final = frozenset({"ACTIVE", "PASSIVE"})
_TOKEN_BYTES: Final = 5
_COLUMNS: Final = "token, name, description, price_minor, currency, status"

_Row = tuple[str, str, str, int, str, str]


def create(connection: sqlite3.Connection, call: Call) -> Result:
    """POST /v2/iyzilink/products, and /v2/iyzilink/fast-link/products, where the description is the name."""
    description = text(call.body, "description")
    name = description if call.body.get("name") is None else text(call.body, "name")
    price = read_price(call.body.get("price"), "price")
    currency = _currency(call)
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    connection.execute(
        "INSERT INTO link (token, name, description, price_minor, currency, status, created_ms) "
        "VALUES (?, ?, ?, ?, ?, 'ACTIVE', ?)",
        (token, name, description, price, currency, call.now_ms),
    )
    return {"data": _addresses(call, token)}


def list_links(connection: sqlite3.Connection, call: Call) -> Result:
    """GET /v2/iyzilink/products/."""
    rows = connection.execute(f"SELECT {_COLUMNS} FROM link ORDER BY rowid").fetchall()  # noqa: S608 -- fixed names
    shown = [_shown(connection, call, row) for row in rows]
    return {"data": {"listingReviewed": True} | paged(shown, call.query)}


def get(connection: sqlite3.Connection, call: Call) -> Result:
    """GET /v2/iyzilink/products/{link}."""
    return {"data": _shown(connection, call, _link(connection, call.names["link"]))}


def update(connection: sqlite3.Connection, call: Call) -> Result:
    """PUT /v2/iyzilink/products/{link}."""
    token = _link(connection, call.names["link"])[0]
    connection.execute(
        "UPDATE link SET name = ?, description = ?, price_minor = ?, currency = ? WHERE token = ?",
        (
            text(call.body, "name"),
            text(call.body, "description"),
            read_price(call.body.get("price"), "price"),
            _currency(call),
            token,
        ),
    )
    return {"data": _addresses(call, token)}


def set_status(connection: sqlite3.Connection, call: Call) -> Result:
    """PATCH /v2/iyzilink/products/{link}/status/{status}: a PASSIVE one cannot be opened."""
    token = _link(connection, call.names["link"])[0]
    status = one_of(call.names, "status", _STATUSES, None)
    connection.execute("UPDATE link SET status = ? WHERE token = ?", (status, token))
    return {}


def delete(connection: sqlite3.Connection, call: Call) -> Result:
    """DELETE /v2/iyzilink/products/{link}."""
    connection.execute("DELETE FROM link WHERE token = ?", (_link(connection, call.names["link"])[0],))
    return {}


def open_link(connection: sqlite3.Connection, call: Call, token: str) -> str:
    """A buyer opens a link: the token of the hosted page that begins.

    Raises:
        Refused: 11 for a link that is not there, or is PASSIVE.
    """
    known, name, _, price, currency, status = _link(connection, token)
    if status != "ACTIVE":
        raise Refused("11", detail="the link is PASSIVE")
    order = Order(None, known, currency, price, price, 1, (Item(name, price),), NO_CARD, "")
    terms = {
        "order": asdict(order),
        "installments": [1],
        "user_key": None,
        "force_three_ds": False,
        "debit_allowed": True,
        "member": None,
    }
    return open_checkout(connection, call, "auth", terms, f"/pages/link/{known}/thanks")


def _link(connection: sqlite3.Connection, token: str) -> _Row:
    row: _Row | None = connection.execute(f"SELECT {_COLUMNS} FROM link WHERE token = ?", (token,)).fetchone()  # noqa: S608 -- fixed names
    if row is None:
        raise Refused("11", detail="there is no link with this token")
    return row


def _shown(connection: sqlite3.Connection, call: Call, row: _Row) -> dict[str, object]:
    token, name, description, price, currency, status = row
    (sold,) = connection.execute(
        "SELECT count(*) FROM payment WHERE basket_id = ? AND captured_minor > 0", (token,)
    ).fetchone()
    return _addresses(call, token) | {
        "name": name,
        "description": description,
        "price": eight_decimals(two_decimals(price)),
        "currencyCode": currency,
        "productType": "IYZILINK",
        "productStatus": status,
        "soldCount": sold,
    }


def _addresses(call: Call, token: str) -> dict[str, object]:
    return {
        "token": token,
        "url": f"{call.origin}/pages/link/{token}",
        "imageUrl": f"{call.origin}/pages/link/{token}/image",
    }


def _currency(call: Call) -> str:
    name = "currencyCode" if call.body.get("currency") is None else "currency"
    return one_of(call.body, name, CURRENCIES, "TRY")
