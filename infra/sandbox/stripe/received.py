"""A request as it arrived: whose it is, in which version, and with which parameters."""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from infra.sandbox.stripe.account import VERSION, Account
from infra.sandbox.stripe.form import Nested, read_form
from infra.sandbox.stripe.refusing import Refused

_VERSION: Final = re.compile(r"20[0-9]{2}-[0-9]{2}-[0-9]{2}(?:\.[a-z]+)?")
_FORM: Final = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Received:
    """A request as it arrived; names of headers are in lower case. `origin` is where it was sent to."""

    method: str
    path: str
    query: str
    origin: str
    headers: Mapping[str, str]
    body: bytes


def account_of(received: Received, known: Account) -> str:
    """Raises: Refused: there is no key, or it is nobody's."""
    scheme, _, given = received.headers.get("authorization", "").partition(" ")
    if scheme == "Basic":
        given = _user(given)
    account = known.keys.get(given)
    if account is None:
        message = f"Invalid API Key provided: {given[:8]}***" if given else "You did not provide an API key."
        raise Refused(message, status=HTTPStatus.UNAUTHORIZED, executed=False)
    return account


def require_version(received: Received) -> None:
    """Raises: Refused: the version is none."""
    version = received.headers.get("stripe-version")
    if version is not None and not _VERSION.fullmatch(version):
        raise Refused(f"Invalid Stripe API version: {version}; this sandbox answers in {VERSION}.", executed=False)


def parameters_of(received: Received) -> Nested:
    """Raises: Refused: they are no form."""
    if received.method != "POST":
        return read_form(received.query)
    kind = received.headers.get("content-type", _FORM).partition(";")[0]
    if received.body and kind != _FORM:
        raise Refused(f"Invalid content type: send {_FORM}.", executed=False)
    return read_form(received.body.decode("utf-8", "replace"))


def _user(given: str) -> str:
    try:
        return base64.b64decode(given, validate=True).decode().partition(":")[0]
    except (binascii.Error, UnicodeDecodeError):
        return ""
