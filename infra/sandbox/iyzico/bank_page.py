"""The bank's page of 3-D Secure in the books: what it asks, and what the buyer's answer makes of the payment."""

import json
import secrets
import sqlite3
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Final, Literal

from infra.sandbox.iyzico.booking import decline, payment_events, reach
from infra.sandbox.iyzico.calls import Call, LaterReview
from infra.sandbox.iyzico.cards import CARD_BY_NAME, Card
from infra.sandbox.iyzico.errors import Refused
from infra.sandbox.iyzico.html import leading_form
from infra.sandbox.iyzico.payments import require_payment
from infra.sandbox.iyzico.records import BookedPayment
from infra.sandbox.iyzico.signing import THREE_DS_RETURN_ORDER, sign_values
from infra.sandbox.iyzico.validation import Order

SMS_CODE: Final = "123456"

_ATTEMPTS: Final = 3
_CANCELLED: Final = 0
_COLUMNS: Final = "page_key, payment_id, callback_url, conversation_data, wrong_codes, keep_card, review"


@dataclass(frozen=True, slots=True)
class KeptCard:
    """How the card is to be stored once it has paid."""

    user_key: str | None
    alias: str | None
    email: str


@dataclass(frozen=True, slots=True)
class BankPage:
    """One page, for one payment."""

    key: str
    payment_id: str
    callback_url: str
    conversation_data: str
    wrong_codes: int
    keep: KeptCard | None
    review: LaterReview | None


@dataclass(frozen=True, slots=True)
class Return:
    """The form that the buyer's browser posts to the merchant, across sites and without the merchant's cookies."""

    url: str
    fields: Mapping[str, str]


def open_bank_page(
    connection: sqlite3.Connection,
    payment_id: int,
    order: Order,
    card: Card,
    *,
    callback_url: str,
    review: LaterReview | None,
) -> str:
    """The key of a page for a payment that was begun.

    Banks differ in what they send along. Here Visa's carry conversationData and the others carry none.
    """
    key = secrets.token_hex(16)
    data = secrets.token_urlsafe(24) if card.association == "VISA" else ""
    keep = KeptCard(order.card.user_key, order.card.alias, order.email) if order.card.register else None
    connection.execute(
        "INSERT INTO bank_page (page_key, payment_id, callback_url, conversation_data, keep_card, review) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        (
            key,
            payment_id,
            callback_url,
            data,
            json.dumps(asdict(keep)) if keep else None,
            json.dumps(review) if review else None,
        ),
    )
    return key


def way_to_the_bank(origin: str, key: str) -> str:
    """The page that the merchant shows unchanged, and that leads on to the bank's."""
    return leading_form(f"{origin}/pages/bank/{key}", {}, "Continue to your bank")


def bank_page(connection: sqlite3.Connection, key: str) -> BankPage | None:
    """The page with this key."""
    return _page(connection.execute(f"SELECT {_COLUMNS} FROM bank_page WHERE page_key = ?", (key,)).fetchone())  # noqa: S608 -- fixed names


def bank_page_of(connection: sqlite3.Connection, payment_id: str) -> BankPage | None:
    """The page for this payment."""
    found = connection.execute(f"SELECT {_COLUMNS} FROM bank_page WHERE payment_id = ?", (payment_id,)).fetchone()  # noqa: S608 -- fixed names
    return _page(found)


def answer_bank(
    connection: sqlite3.Connection, call: Call, page: BankPage, answer: Literal["confirm", "cancel"], code: str
) -> BookedPayment:
    """What the buyer did on the page. A wrong code leaves it open twice; once answered, it stays as answered."""
    payment = require_payment(connection, page.payment_id, call.now_ms)
    if payment.stage != "INIT_THREEDS":
        return payment
    if answer == "cancel":
        md_status = _CANCELLED
    elif code != SMS_CODE and page.wrong_codes + 1 < _ATTEMPTS:
        connection.execute("UPDATE bank_page SET wrong_codes = wrong_codes + 1 WHERE page_key = ?", (page.key,))
        return payment
    else:
        md_status = CARD_BY_NAME[payment.card_name].md_status if code == SMS_CODE else _CANCELLED
    connection.execute("UPDATE course SET md_status = ? WHERE payment_id = ?", (md_status, int(payment.payment_id)))
    if md_status == 1:
        reach(connection, payment, "CALLBACK_THREEDS")
    else:
        decline(connection, payment, Refused("10220"))
    answered = require_payment(connection, page.payment_id, call.now_ms)
    if answered.token is None:
        call.events.extend(payment_events("THREE_DS_CALLBACK", answered, None, call.now_ms))
    return answered


def return_of(payment: BookedPayment, page: BankPage, secret_key: str) -> Return:
    """The signed form for a page that was answered. It is the same each time, as when a browser sends it again."""
    fields = {
        "status": "success" if payment.md_status == 1 else "failure",
        "paymentId": payment.payment_id,
        "conversationData": page.conversation_data,
        "conversationId": payment.conversation_id or "",
        "mdStatus": str(payment.md_status),
    }
    fields["signature"] = sign_values(secret_key, tuple(fields[name] for name in THREE_DS_RETURN_ORDER))
    return Return(page.callback_url, fields)


def _page(row: tuple[str, int, str, str, int, str | None, str | None] | None) -> BankPage | None:
    if row is None:
        return None
    key, payment_id, callback_url, data, wrong_codes, keep, review = row
    kept = KeptCard(**json.loads(keep)) if keep else None
    later = json.loads(review) if review else None
    return BankPage(key, str(payment_id), callback_url, data, wrong_codes, kept, tuple(later) if later else None)
