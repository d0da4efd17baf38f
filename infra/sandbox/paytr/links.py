"""Payment links. Source: dev.paytr.com, Link API; signing from PayTR's Postman collection. Prices are in kuruş."""

import re
import secrets
import sqlite3
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from infra.sandbox.paytr.amounts import read_kurus
from infra.sandbox.paytr.buyer import read_currency, read_email
from infra.sandbox.paytr.call import Call, Result
from infra.sandbox.paytr.dates import MOMENT, read_moment
from infra.sandbox.paytr.refusing import Json, Refused

_ALPHABET: Final = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_ID_LENGTH: Final = 7
_LEAST_NAME: Final = 4
_CALLBACK_ID: Final = re.compile(r"[A-Za-z0-9]{1,64}")
_CALLBACK_LINK: Final = re.compile(r"https?://[^\s/]+\S*")
_PHONE: Final = re.compile(r"05[0-9]{9}")
# One white pixel: what a QR code says is the address, which stands beside it.
_PIXEL: Final = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mP8/x8AAwMCAO+ip1sAAAAASUVORK5CYII="


@dataclass(frozen=True, slots=True)
class Link:
    """One link as it was created."""

    link_id: str
    name: str
    price_minor: int
    currency: str
    most_installment: int
    max_count: int | None
    expires_ms: int | None
    deleted_ms: int | None


def create_link(connection: sqlite3.Connection, call: Call) -> Result:
    """A page that anybody who has its address can pay at."""
    call.need("link")
    name = call.text("name", 200)
    kind = call.form["link_type"]
    if len(name) < _LEAST_NAME or kind not in {"product", "collection"}:
        raise Refused("name veya link_type gecersiz", detail="name 4-200 karakter; product veya collection")
    if kind == "collection":
        read_email(call)
    else:
        call.number("min_count", 1, 10_000)
    link_id = "".join(secrets.choice(_ALPHABET) for _ in range(_ID_LENGTH))
    callback_link, callback_id = _callback(call)
    connection.execute(
        "INSERT INTO link (link_id, name, price_minor, currency, most_installment, link_type, max_count, "
        "callback_link, callback_id, expires_ms, created_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            link_id,
            name,
            read_kurus(call.text("price", 12), "price"),
            read_currency(call),
            call.number("max_installment", 0, 12) or 12,
            kind,
            call.number("max_count", 1, 10_000, default=0) or None,
            callback_link,
            callback_id,
            _expiry_ms(call),
            call.now_ms,
        ),
    )
    answer: Json = {"status": "success", "id": link_id, "link": f"{call.origin}/link/{link_id}"}
    return answer | ({"base64_qr": _PIXEL} if call.flag("get_qr") else {})


def delete_link(connection: sqlite3.Connection, call: Call) -> Result:
    """Nobody can pay at it from now on."""
    call.need("link")
    cursor = connection.execute(
        "UPDATE link SET deleted_ms = ? WHERE link_id = ? AND deleted_ms IS NULL", (call.now_ms, call.text("id", 64))
    )
    if cursor.rowcount == 0:
        raise Refused("Link bulunamadi")
    return {"status": "success"}


def send_by_sms(connection: sqlite3.Connection, call: Call) -> Result:
    """Counted, and sent to nobody."""
    if not _PHONE.fullmatch(call.form["cell_phone"]):
        raise Refused("cell_phone gecersiz", detail="05 ile baslayan 11 rakam")
    return _send(connection, call)


def send_by_email(connection: sqlite3.Connection, call: Call) -> Result:
    """Counted, and sent to nobody."""
    read_email(call)
    return _send(connection, call)


def find_link(connection: sqlite3.Connection, link_id: str, now_ms: int) -> Link | None:
    """A link that is not deleted and has not expired."""
    row = connection.execute(
        "SELECT link_id, name, price_minor, currency, most_installment, max_count, expires_ms, deleted_ms "
        "FROM link WHERE link_id = ?",
        (link_id,),
    ).fetchone()
    link = Link(*row) if row else None
    if link is None or link.deleted_ms is not None or (link.expires_ms is not None and link.expires_ms <= now_ms):
        return None
    return link


def open_link(connection: sqlite3.Connection, link_id: str, now_ms: int) -> Link | None:
    """A link that can still be paid at: not as often yet as it may be."""
    link = find_link(connection, link_id, now_ms)
    if link is None or link.max_count is None:
        return link
    taken = connection.execute(
        "SELECT count(*) FROM payment WHERE link_id = ? AND state <> 'failed'", (link_id,)
    ).fetchone()[0]
    return link if taken < link.max_count else None


def _send(connection: sqlite3.Connection, call: Call) -> Result:
    call.need("link")
    if find_link(connection, call.form["id"], call.now_ms) is None:
        raise Refused("Link bulunamadi")
    connection.execute("UPDATE link SET messages = messages + 1 WHERE link_id = ?", (call.form["id"],))
    return {"status": "success"}


def _callback(call: Call) -> tuple[str | None, str | None]:
    """Here a port and this machine are taken, which PayTR itself refuses."""
    link, callback_id = call.optional("callback_link", 400), call.optional("callback_id", 64)
    if not link:
        return None, None
    if not _CALLBACK_LINK.fullmatch(link) or not _CALLBACK_ID.fullmatch(callback_id):
        raise Refused("callback_link veya callback_id gecersiz", detail="callback_id 1-64 harf ve rakam")
    return link, callback_id


def _expiry_ms(call: Call) -> int | None:
    text = call.optional("expiry_date", 19)
    return round(_moment(text).timestamp() * 1000) if text else None


def _moment(text: str) -> datetime:
    return read_moment(text, MOMENT, "expiry_date")
