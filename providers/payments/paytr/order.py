"""What every way to pay says of order and buyer.

Source: README, "Creating".
"""

import base64
import ipaddress
import json
from collections.abc import Mapping
from typing import Final

from providers.connector import Attempt, Unsayable
from providers.payments.paytr.wire import flag
from schemas.payments import Buyer, CreatePayment, Reason

_NATIONAL: Final = "+90"


def order_fields(command: CreatePayment, attempt: Attempt, amount: str) -> Mapping[str, str]:
    """The fields that are signed everywhere, and the test mode.

    Raises:
        Unsayable: the payment is to be held, or PayTR cannot be told who the buyer is.
    """
    if command.capture != "auto":
        raise Unsayable(Reason.UNSUPPORTED_OPERATION, "PayTR holds no payments; send capture auto")
    return {
        "user_ip": _ip(command.buyer),
        "merchant_oid": attempt.reference,
        "email": _email(command.buyer),
        "payment_amount": amount,
        "test_mode": flag(attempt.account.is_test),
    }


def buyer_fields(command: CreatePayment) -> Mapping[str, str]:
    buyer = command.buyer
    return {
        "user_name": f"{buyer.name} {buyer.surname}",
        "user_address": f"{buyer.address.line}, {buyer.address.city}",
        "user_phone": "" if buyer.phone is None else national(buyer.phone),
    }


def return_fields(url: str) -> Mapping[str, str]:
    """Where the browser goes. Neither address proves anything, so that one serves for both ends."""
    return {"merchant_ok_url": url, "merchant_fail_url": url}


def basket_json(command: CreatePayment) -> str:
    """Each line as name, price and how many; all of it is ASCII, whatever a line is called."""
    return json.dumps([[line.name, f"{line.price.major:.2f}", 1] for line in command.basket])


def basket_base64(command: CreatePayment) -> str:
    return base64.b64encode(basket_json(command).encode()).decode()


def national(phone: str) -> str:
    """A Turkish number as it is dialled there: `+905551112233` to `05551112233`."""
    return "0" + phone.removeprefix(_NATIONAL) if phone.startswith(_NATIONAL) else phone


def _ip(buyer: Buyer) -> str:
    """PayTR compares it with the address that the payment comes from; IPv6 is not taken."""
    try:
        return str(ipaddress.IPv4Address(buyer.ip or ""))
    except ValueError:
        raise Unsayable(
            Reason.INVALID_REQUEST, "PayTR needs the buyer's public IPv4 address; send it in buyer.ip"
        ) from None


def _email(buyer: Buyer) -> str:
    if not buyer.email.isascii():
        raise Unsayable(Reason.INVALID_REQUEST, "PayTR takes an e-mail address of ASCII letters only")
    return buyer.email
