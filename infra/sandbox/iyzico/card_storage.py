"""Stored cards, and the well-known wallet that names every public card without its number.

Tokens are letters only, so that none can be taken for a card number. Only the public card's name is kept.
"""

import secrets
import sqlite3
import string
from collections.abc import Mapping

from infra.sandbox.iyzico.cards import BANK_CODES, CARD_BY_NAME, CARD_BY_NUMBER, CARDS, WALLET_USER_KEY, Card
from infra.sandbox.iyzico.errors import Refused
from infra.sandbox.iyzico.fields import optional_text, section, text
from infra.sandbox.iyzico.validation import check_email, check_raw_card

_TOKEN_LENGTH = 32


def seed_wallet(connection: sqlite3.Connection) -> None:
    """Put one token for each public card under the user key `sandbox-wallet`; again and again to the same effect."""
    connection.executemany(
        "INSERT OR IGNORE INTO stored_card (card_token, card_user_key, card_name, card_alias) VALUES (?, ?, ?, ?)",
        [(card.name, WALLET_USER_KEY, card.name, card.name) for card in CARDS],
    )


def add_card(connection: sqlite3.Connection, body: Mapping[str, object], now_ms: int) -> dict[str, object]:
    """POST /cardstorage/card: for a new user by email, or for a known one by cardUserKey."""
    user_key = optional_text(body, "cardUserKey")
    email = check_email(body) if user_key is None or body.get("email") is not None else None
    raw = section(body, "card")
    card = CARD_BY_NUMBER.get(check_raw_card(raw, now_ms))
    if card is None:
        raise Refused("10213", detail="only the public test cards are accepted")
    alias = optional_text(raw, "cardAlias", at_most=100, too_long="21")
    external_id = optional_text(body, "externalId")
    user_key, token = store_card(connection, card, user_key=user_key, alias=alias, email=email, external_id=external_id)
    known = {"externalId": external_id, "email": email, "cardUserKey": user_key}
    return known | _described(token, alias, card)


def list_cards(connection: sqlite3.Connection, body: Mapping[str, object]) -> dict[str, object]:
    """POST /cardstorage/cards."""
    user_key = text(body, "cardUserKey", missing="3001")
    require_user(connection, user_key)
    cards = [_described(token, alias, card) for token, alias, card in cards_of(connection, user_key)]
    return {
        "cardUserKey": user_key,
        "cardDetails": [{name: value for name, value in card.items() if value is not None} for card in cards],
    }


def delete_card(connection: sqlite3.Connection, body: Mapping[str, object]) -> dict[str, object]:
    """DELETE /cardstorage/card. The user stays known after the last card is gone."""
    user_key = text(body, "cardUserKey", missing="3001")
    token = text(body, "cardToken", missing="3002")
    stored_card(connection, user_key, token)
    connection.execute("DELETE FROM stored_card WHERE card_token = ?", (token,))
    return {}


def stored_card(connection: sqlite3.Connection, user_key: str, token: str) -> Card:
    """The public card behind a token of this user; 3005 or 3006 when there is none."""
    require_user(connection, user_key)
    row = connection.execute(
        "SELECT card_name FROM stored_card WHERE card_token = ? AND card_user_key = ?", (token, user_key)
    ).fetchone()
    if row is None:
        raise Refused("3006")
    return CARD_BY_NAME[row[0]]


def store_card(
    connection: sqlite3.Connection,
    card: Card,
    *,
    user_key: str | None,
    alias: str | None,
    email: str | None,
    external_id: str | None,
) -> tuple[str, str]:
    """Keep a card under a known user key, or a new one; returns user key and token."""
    if user_key is None:
        user_key = _new_token()
        connection.execute(
            "INSERT INTO card_user (card_user_key, email, external_id) VALUES (?, ?, ?)", (user_key, email, external_id)
        )
    else:
        require_user(connection, user_key)
    token = _new_token()
    connection.execute(
        "INSERT INTO stored_card (card_token, card_user_key, card_name, card_alias) VALUES (?, ?, ?, ?)",
        (token, user_key, card.name, alias),
    )
    return user_key, token


def require_user(connection: sqlite3.Connection, user_key: str) -> None:
    """3005 when nobody has this key."""
    if user_key == WALLET_USER_KEY:
        return
    if connection.execute("SELECT 1 FROM card_user WHERE card_user_key = ?", (user_key,)).fetchone() is None:
        raise Refused("3005")


def cards_of(connection: sqlite3.Connection, user_key: str) -> list[tuple[str, str | None, Card]]:
    """Token, alias and card of all that a user has stored, in the order they were."""
    rows = connection.execute(
        "SELECT card_token, card_alias, card_name FROM stored_card WHERE card_user_key = ? ORDER BY rowid", (user_key,)
    )
    return [(token, alias, CARD_BY_NAME[name]) for token, alias, name in rows]


def _described(token: str, alias: str | None, card: Card) -> dict[str, object]:
    return {
        "cardToken": token,
        "cardAlias": alias,
        "binNumber": card.bin_number,
        "lastFourDigits": card.last_four,
        **card.described(),
        "cardBankCode": BANK_CODES[card.bank] if card.bank else None,
        "cardBankName": card.bank,
    }


def _new_token() -> str:
    return "".join(secrets.choice(string.ascii_letters) for _ in range(_TOKEN_LENGTH))
