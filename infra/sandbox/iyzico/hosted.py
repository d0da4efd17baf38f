"""Hosted pages as the merchant sees them: start, and result by token. Every function is a step of the books."""

import json
import sqlite3
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from html import escape
from typing import Any, Final, Literal

from infra.sandbox.iyzico.calls import Call, LaterReview, Result
from infra.sandbox.iyzico.card_storage import require_user
from infra.sandbox.iyzico.errors import Refused
from infra.sandbox.iyzico.fields import Json, optional_text, section, text
from infra.sandbox.iyzico.payments import payment_with_status, require_payment
from infra.sandbox.iyzico.sub_merchants import check_sub_merchants
from infra.sandbox.iyzico.validation import (
    INSTALLMENTS,
    CardUse,
    Item,
    Order,
    read_callback_url,
    read_order_without_card,
)

EXPIRES_S: Final = 1800

CheckoutKind = Literal["auth", "preauth", "wallet", "subscription", "card_update"]


@dataclass(frozen=True, slots=True)
class Checkout:
    """A started page. `terms` are what its kind needs; `payment_id` is that of the last attempt to pay."""

    token: str
    kind: CheckoutKind
    callback_url: str
    terms: Mapping[str, Any]
    created_ms: int
    payment_id: str | None
    result: str | None

    @property
    def order(self) -> Order:
        """What is paid on the page, for the kinds where anything is."""
        values = dict(self.terms["order"])
        values["items"] = tuple(Item(*item) for item in values["items"])
        return Order(**(values | {"card": CardUse(**values["card"])}))

    @property
    def review(self) -> LaterReview | None:
        """The review ordered for what is paid on the page."""
        later = self.terms.get("review")
        return (later[0], later[1]) if later else None

    def expired(self, now_ms: int) -> bool:
        return now_ms - self.created_ms > EXPIRES_S * 1000


def start(connection: sqlite3.Connection, call: Call) -> Result:
    """POST /payment/iyzipos/checkoutform/initialize/auth/ecom."""
    return _start_form(connection, call, "auth")


def start_hold(connection: sqlite3.Connection, call: Call) -> Result:
    """POST /payment/iyzipos/checkoutform/initialize/preauth/ecom."""
    return _start_form(connection, call, "preauth")


def start_wallet(connection: sqlite3.Connection, call: Call) -> Result:
    """POST /payment/pay-with-iyzico/initialize: here basketId and the buyer's ip are mandatory."""
    text(call.body, "basketId")
    buyer = section(call.body, "buyer")
    text(buyer, "ip")
    member = {"memberEmail": buyer.get("email"), "memberGsmNumber": buyer.get("gsmNumber")}
    token = _start_payment(connection, call, "wallet", member=member)
    return {"token": token, "tokenExpireTime": EXPIRES_S, "payWithIyzicoPageUrl": page_url(call, token)}


def result(connection: sqlite3.Connection, call: Call) -> Result:
    """POST /payment/iyzipos/checkoutform/auth/ecom/detail, for wallets too.

    While nobody has paid, the payment is not found (5087); once it is too late to pay, the token is not (5124).
    """
    checkout = require_checkout(connection, text(call.body, "token", missing="5132"))
    if checkout.payment_id is None:
        raise Refused("5124" if checkout.expired(call.now_ms) else "5087")
    payment = require_payment(connection, checkout.payment_id, call.now_ms)
    member = checkout.terms.get("member") or {}
    known = {"token": checkout.token, "callbackUrl": checkout.callback_url}
    return payment_with_status(payment, str(call.body.get("locale"))) | known | member


def require_checkout(connection: sqlite3.Connection, token: str) -> Checkout:
    """The page of a token, or 5124."""
    row = connection.execute(
        "SELECT token, kind, callback_url, terms, created_ms, payment_id, result FROM checkout WHERE token = ?",
        (token,),
    ).fetchone()
    if row is None:
        raise Refused("5124")
    known, kind, callback_url, terms, created_ms, payment_id, outcome = row
    paid = None if payment_id is None else str(payment_id)
    return Checkout(known, kind, callback_url, json.loads(terms), created_ms, paid, outcome)


def open_checkout(
    connection: sqlite3.Connection, call: Call, kind: CheckoutKind, terms: Mapping[str, object], callback_url: str
) -> str:
    """The token of a new page."""
    token = str(uuid.uuid4())
    connection.execute(
        "INSERT INTO checkout (token, kind, callback_url, terms, created_ms) VALUES (?, ?, ?, ?, ?)",
        (token, kind, callback_url, json.dumps(terms), call.now_ms),
    )
    return token


def page_url(call: Call, token: str) -> str:
    return f"{call.origin}/pages/checkout/{token}"


def form_content(call: Call, token: str) -> str:
    """What the merchant puts into a page of its own: the form in a frame."""
    source = escape(page_url(call, token))
    return f'<div id="iyzipay-checkout-form" class="responsive"><iframe src="{source}" title="Payment"></iframe></div>'


def _start_form(connection: sqlite3.Connection, call: Call, kind: Literal["auth", "preauth"]) -> Result:
    token = _start_payment(connection, call, kind, member=None)
    return {
        "token": token,
        "checkoutFormContent": form_content(call, token),
        "tokenExpireTime": EXPIRES_S,
        "paymentPageUrl": page_url(call, token),
    }


def _start_payment(
    connection: sqlite3.Connection, call: Call, kind: CheckoutKind, *, member: Mapping[str, object] | None
) -> str:
    order = read_order_without_card(call.body)
    check_sub_merchants(connection, order.items)
    text(call.body, "currency")
    user_key = optional_text(call.body, "cardUserKey")
    if user_key is not None:
        require_user(connection, user_key)
    terms = {
        "order": asdict(order),
        "installments": _read_enabled(call.body),
        "user_key": user_key,
        "force_three_ds": _flag(call.body, "forceThreeDS", default=False),
        "debit_allowed": _flag(call.body, "debitCardAllowed", default=True),
        "member": member,
        "review": call.review.later(call.now_ms) if call.review else None,
    }
    return open_checkout(connection, call, kind, terms, read_callback_url(call.body))


def _read_enabled(body: Json) -> list[int]:
    value = body.get("enabledInstallments")
    if value is None:
        return sorted(INSTALLMENTS)
    numbers = (
        [int(one) if isinstance(one, str) and one.isascii() and one.isdecimal() else one for one in value]
        if (isinstance(value, list))
        else None
    )
    if not numbers or any(isinstance(one, bool) or one not in INSTALLMENTS for one in numbers):
        raise Refused("11", detail=f"enabledInstallments must be a list of {sorted(INSTALLMENTS)}")
    return sorted({1, *numbers})


def _flag(body: Json, name: str, *, default: bool) -> bool:
    value = body.get(name)
    if value is None:
        return default
    if value not in (0, 1, "0", "1", True, False):
        raise Refused("11", detail=f"{name} must be 0 or 1")
    return value in (1, "1", True)
