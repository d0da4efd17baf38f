"""`/odeme/api/get-token`: a page for a payment by card or by bank transfer. Source: dev.paytr.com, iFrame API."""

import re
import sqlite3
from typing import Final

from infra.sandbox.paytr.amounts import read_kurus
from infra.sandbox.paytr.buyer import (
    decode_basket,
    read_basket,
    read_currency,
    read_email,
    read_ip,
    read_oid,
)
from infra.sandbox.paytr.call import Call
from infra.sandbox.paytr.cards import MOST_INSTALMENTS
from infra.sandbox.paytr.paying import Order, begin
from infra.sandbox.paytr.refusing import Json, Refused

LEAST_MINOR: Final = 100
_URL: Final = re.compile(r"https?://\S+")
_LONGEST_URL: Final = 400
_TIMEOUT_MIN: Final = 30
BANKS: Final = frozenset(
    {"isbank", "akbank", "denizbank", "finansbank", "halkbank", "ptt", "teb", "vakifbank", "yapikredi", "ziraat"}
)


def get_token(connection: sqlite3.Connection, call: Call) -> Json:
    """The token of a page that the buyer is shown."""
    order = _eft_order(call) if call.form.get("payment_type") == "eft" else _card_order(call)
    return {"status": "success", "token": begin(connection, call.store, order, call.now_ms).page_token}


def read_urls(call: Call) -> tuple[str, str]:
    """Where the buyer's browser goes afterwards.

    Raises:
        Refused: one is missing or no web address.
    """
    for name in ("merchant_ok_url", "merchant_fail_url"):
        if not _URL.fullmatch(call.text(name, _LONGEST_URL)):
            raise Refused(f"{name} gecersiz", detail="http veya https adresi")
    return call.form["merchant_ok_url"], call.form["merchant_fail_url"]


def check_buyer(call: Call) -> None:
    """The buyer's own fields.

    Raises:
        Refused: one is missing or too long.
    """
    for name, longest in (("user_name", 60), ("user_address", 400), ("user_phone", 20)):
        call.text(name, longest)


def _card_order(call: Call) -> Order:
    read_ip(call)
    amount_minor = _amount(call)
    read_basket(decode_basket(call.form["user_basket"]))
    check_buyer(call)
    ok_url, fail_url = read_urls(call)
    single = call.flag("no_installment")
    most = call.number("max_installment", 0, MOST_INSTALMENTS) or MOST_INSTALMENTS
    return Order(
        merchant_oid=read_oid(call),
        kind="iframe",
        amount_minor=amount_minor,
        currency=read_currency(call),
        email=read_email(call),
        test_mode=call.flag("test_mode"),
        ok_url=ok_url,
        fail_url=fail_url,
        most_installment=1 if single else most,
        ordered=call.fault.kind if call.fault else None,
        ordered_s=call.fault.seconds if call.fault else 0,
        expires_ms=_expires_ms(call),
    )


def _eft_order(call: Call) -> Order:
    call.need("eft")
    read_ip(call)
    bank = call.form.get("bank") or None
    if bank is not None and bank not in BANKS:
        raise Refused("bank gecersiz", detail=", ".join(sorted(BANKS)))
    for name, longest in (("user_name", 60), ("user_phone", 20), ("tc_no_last5", 5)):
        call.optional(name, longest)
    return Order(
        merchant_oid=read_oid(call),
        kind="eft",
        amount_minor=_amount(call),
        currency="TL",
        email=read_email(call),
        test_mode=call.flag("test_mode"),
        ok_url=call.optional("merchant_ok_url", _LONGEST_URL),
        fail_url=call.optional("merchant_fail_url", _LONGEST_URL),
        ordered=call.fault.kind if call.fault else None,
        ordered_s=call.fault.seconds if call.fault else 0,
        expires_ms=_expires_ms(call),
    )


def _amount(call: Call) -> int:
    amount_minor = read_kurus(call.text("payment_amount", 12), "payment_amount")
    if amount_minor < LEAST_MINOR:
        raise Refused("payment_amount gecersiz", detail="en az 1.00")
    return amount_minor


def _expires_ms(call: Call) -> int:
    return call.now_ms + call.number("timeout_limit", 1, 10_000, default=_TIMEOUT_MIN) * 60_000
