"""What the iFrame and the direct payment are sent alike about an order that a card pays."""

import re
from typing import Final

from infra.sandbox.paytr.buyer import read_currency, read_email, read_oid
from infra.sandbox.paytr.call import Call
from infra.sandbox.paytr.paying import Order
from infra.sandbox.paytr.records import Kind
from infra.sandbox.paytr.refusing import Refused

LONGEST_URL: Final = 400
_URL: Final = re.compile(r"https?://\S+")


def card_order(call: Call, kind: Kind, amount_minor: int, urls: tuple[str, str]) -> Order:
    """An order that never expires and allows all instalments; `urls` are those of success and failure.

    Raises:
        Refused: a field is missing or wrong.
    """
    return Order(
        merchant_oid=read_oid(call),
        kind=kind,
        amount_minor=amount_minor,
        currency=read_currency(call),
        email=read_email(call),
        test_mode=call.flag("test_mode"),
        ok_url=urls[0],
        fail_url=urls[1],
        ordered=call.fault.kind if call.fault else None,
        ordered_s=call.fault.seconds if call.fault else 0,
    )


def read_urls(call: Call) -> tuple[str, str]:
    """Where the buyer's browser goes afterwards.

    Raises:
        Refused: one is missing or no web address.
    """
    for name in ("merchant_ok_url", "merchant_fail_url"):
        if not _URL.fullmatch(call.text(name, LONGEST_URL)):
            raise Refused(f"{name} gecersiz", detail="http veya https adresi")
    return call.form["merchant_ok_url"], call.form["merchant_fail_url"]


def check_buyer(call: Call) -> None:
    """The buyer's own fields.

    Raises:
        Refused: one is missing or too long.
    """
    for name, longest in (("user_name", 60), ("user_address", 400), ("user_phone", 20)):
        call.text(name, longest)
