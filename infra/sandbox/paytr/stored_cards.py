"""Cards that PayTR keeps for a buyer. Source: dev.paytr.com, Card storage; signing from its Postman collection."""

import sqlite3
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from infra.sandbox.paytr.call import Call, Result
from infra.sandbox.paytr.cards import CARD_BY_NAME, CARDS, CVV, WALLET_UTOKEN, Card
from infra.sandbox.paytr.refusing import Json, Refused

_INITIALS: Final[Mapping[str, str]] = MappingProxyType({"VISA": "4", "MASTERCARD": "5", "TROY": "9"})
_LONGEST: Final = 64


def seed_wallet(connection: sqlite3.Connection) -> None:
    """Give the well-known user one stored card of each kind, so that a data file needs no card number."""
    connection.executemany(
        "INSERT OR IGNORE INTO stored_card (ctoken, utoken, card_name, require_cvv) VALUES (?, ?, ?, 0)",
        [(card.name, WALLET_UTOKEN, card.name) for card in CARDS],
    )


def stored_card(connection: sqlite3.Connection, utoken: str, ctoken: str, cvv: str) -> Card:
    """The card behind two tokens.

    Raises:
        Refused: there is none, or it wants a CVV that was not sent.
    """
    row = connection.execute(
        "SELECT card_name, require_cvv FROM stored_card WHERE utoken = ? AND ctoken = ?", (utoken, ctoken)
    ).fetchone()
    if row is None:
        raise Refused("Kayitli kart bulunamadi")
    if row[1] and cvv != CVV:
        raise Refused("Bu kart icin cvv gerekli")
    return CARD_BY_NAME[row[0]]


def check_user(connection: sqlite3.Connection, utoken: str) -> None:
    """A user is known by PayTR's own token, for whom it keeps a card already.

    Raises:
        Refused: PayTR never gave this token, or keeps no card for it any more.
    """
    if not connection.execute("SELECT 1 FROM stored_card WHERE utoken = ?", (utoken,)).fetchone():
        raise Refused("utoken bulunamadi")


def list_cards(connection: sqlite3.Connection, call: Call) -> Result:
    """A bare list, without a status."""
    call.need("store_card")
    rows = connection.execute(
        "SELECT ctoken, card_name, require_cvv FROM stored_card WHERE utoken = ? ORDER BY rowid",
        (call.text("utoken", _LONGEST),),
    ).fetchall()
    if not rows:
        raise Refused("Kullaniciya ait kart bulunamadi")
    return [_described(ctoken, CARD_BY_NAME[name], require_cvv) for ctoken, name, require_cvv in rows]


def delete_card(connection: sqlite3.Connection, call: Call) -> Result:
    """Forget one card."""
    call.need("store_card")
    cursor = connection.execute(
        "DELETE FROM stored_card WHERE utoken = ? AND ctoken = ?",
        (call.text("utoken", _LONGEST), call.text("ctoken", _LONGEST)),
    )
    if cursor.rowcount == 0:
        raise Refused("Kart bulunamadi")
    return {"status": "success"}


def _described(ctoken: str, card: Card, require_cvv: int) -> Json:
    return {
        "ctoken": ctoken,
        "last_4": card.last_four,
        "require_cvv": str(require_cvv),
        "month": "12",
        "year": "30",
        "c_bank": card.bank,
        "c_name": "TEST KARTI",
        "c_brand": card.brand,
        "c_type": "credit",
        "businessCard": "n",
        "initial": _INITIALS[card.schema],
        "schema": card.schema,
    }
