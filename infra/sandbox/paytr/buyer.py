"""The fields about order and buyer that all payments share, checked as PayTR does."""

import base64
import ipaddress
import json
import re
from typing import Any, Final

from infra.sandbox.paytr.amounts import CURRENCIES
from infra.sandbox.paytr.call import Call
from infra.sandbox.paytr.faults import Fault, marked_fault
from infra.sandbox.paytr.refusing import Refused

_OID: Final = re.compile(r"[A-Za-z0-9]{1,64}")
_EMAIL: Final = re.compile(r"[!-?A-~]+@[!-?A-~]+\.[!-?A-~]+")
_LONGEST_EMAIL: Final = 100
_LINE: Final = 3


def read_oid(call: Call, *, err_no: str | None = None) -> str:
    """The order's number.

    Raises:
        Refused: it is missing, too long, or holds anything but letters and digits.
    """
    oid = call.form.get("merchant_oid", "")
    if not _OID.fullmatch(oid):
        raise Refused("merchant_oid gecersiz", detail="1-64 karakter, yalniz harf ve rakam", err_no=err_no)
    return oid


def read_email(call: Call) -> str:
    """The buyer's address.

    Raises:
        Refused: it is missing, too long, or holds Turkish letters.
    """
    email = call.form.get("email", "")
    if len(email) > _LONGEST_EMAIL or not _EMAIL.fullmatch(email):
        raise Refused("email gecersiz", detail="en fazla 100 karakter, Turkce karakter olmadan")
    return email


def read_ip(call: Call) -> str:
    """The buyer's public address.

    Raises:
        Refused: it is missing, no IPv4 address, or the server's own.
    """
    text = call.form.get("user_ip", "")
    try:
        address = ipaddress.IPv4Address(text)
    except ValueError as error:
        raise Refused("user_ip gecersiz", detail="musterinin dis IPv4 adresi") from error
    if address.is_loopback or address.is_unspecified:
        raise Refused("user_ip gecersiz", detail="sunucunun degil musterinin adresi")
    return text


def read_currency(call: Call, *, default: str = "TL") -> str:
    """TL, whether it was sent as TL or TRY, or one of the others.

    Raises:
        Refused: it is no currency that PayTR takes.
    """
    currency = CURRENCIES.get(call.form.get("currency") or default)
    if currency is None:
        raise Refused("currency gecersiz", detail=", ".join(CURRENCIES))
    return currency


def read_basket(text: str) -> list[Any]:
    """The lines of a basket: name, price as text, quantity.

    Raises:
        Refused: it is no JSON list of such lines.
    """
    try:
        lines = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Refused("user_basket gecersiz", detail="JSON degil") from error
    if not isinstance(lines, list) or not lines or not all(isinstance(x, list) and len(x) == _LINE for x in lines):
        raise Refused("user_basket gecersiz", detail="[[ad, fiyat, adet], ...] olmali")
    return lines


def decode_basket(text: str) -> str:
    """The JSON inside an iFrame's basket.

    Raises:
        Refused: it is no base64 of text.
    """
    try:
        return base64.b64decode(text, validate=True).decode()
    except ValueError as error:
        raise Refused("user_basket gecersiz", detail="base64 degil") from error


def fault_of_basket(path: str, form: dict[str, str]) -> tuple[str, Fault] | None:
    """The name of the basket's first line and the fault that it orders.

    Raises:
        ValueError: it names a kind that does not exist.
    """
    text = form.get("user_basket", "")
    if path not in {"/odeme", "/odeme/api/get-token"} or not text:
        return None
    try:
        name = str(read_basket(text if path == "/odeme" else decode_basket(text))[0][0])
    except Refused:
        return None  # whoever reads the request will say so
    fault = marked_fault(name)
    return (name, fault) if fault else None
