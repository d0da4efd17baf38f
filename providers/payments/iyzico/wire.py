"""The shapes of iyzico's bodies: how requests are written, and the fields that are read of answers."""

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Final, Literal
from urllib.parse import quote

from pydantic import BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from providers.connector import Request, Unsayable, Wire
from providers.outcome import UnusableAnswer
from providers.reading import is_sane
from schemas.payments import Reason

_AMOUNT: Final = re.compile(r"[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_HEADERS: Final = (
    ("Accept", "application/json"),
    ("Content-Type", "application/json"),
    ("x-iyzi-client-version", "kolaj-hub"),
)


def post(path: str, fields: Mapping[str, Any], template: str | None = None) -> Request:
    return with_body("POST", path, fields, template)


def with_body(
    method: Literal["POST", "PUT", "DELETE"], path: str, fields: Mapping[str, Any], template: str | None = None
) -> Request:
    """A request with its exact bytes. All of it is ASCII: no charset on the way can change what was signed."""
    body = json.dumps({"locale": "en", **_without_absent(fields)}, separators=(",", ":")).encode()
    return Request(method, path, body, headers=_HEADERS, template=template or path)


def get(path: str, *, template: str | None = None, **query: str) -> Request:
    headers = _HEADERS[:1] + _HEADERS[2:]
    return Request("GET", path, query=tuple(query.items()), headers=headers, template=template or path)


def segment(name: str) -> str:
    """One of their names as a piece of a path: encoded, so that it stays one piece and begins no query.

    Raises:
        Unsayable: it would lead to another path however it is written.
    """
    if name in {"", ".", ".."}:
        raise Unsayable(Reason.INVALID_REQUEST, "it is no name that iyzico gives; send the one of its result")
    return quote(name, safe="")


def _without_absent(node: Any) -> Any:
    if isinstance(node, Mapping):
        return {name: _without_absent(child) for name, child in node.items() if child is not None}
    if isinstance(node, list):
        return [_without_absent(child) for child in node]
    return node


def _text(value: Any) -> Any:
    """Identifiers and codes come as texts or as whole numbers."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _signed_amount(value: Any) -> Any:
    """Amounts come as numbers or as texts; never as anything else."""
    if isinstance(value, str) and _AMOUNT.fullmatch(value.removeprefix("-")):
        value = Decimal(value)
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError("not an amount")  # noqa: TRY004 - pydantic turns only this class into an error of the field
    number = Decimal(value)
    if not is_sane(number):
        raise ValueError("not an amount")
    return number


def _amount(value: Any) -> Any:
    number = _signed_amount(value)
    if number < 0:
        raise ValueError("not an amount")
    return number


def _code(value: Any) -> Any:
    """Numbers that come as numbers or as texts of digits."""
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else value


Code = Annotated[int, BeforeValidator(_code)]


Word = Annotated[str, BeforeValidator(_text)]
Amount = Annotated[Decimal, BeforeValidator(_amount)]
SignedAmount = Annotated[Decimal, BeforeValidator(_signed_amount)]
"""Of a report, where what goes back may stand below zero."""


class Fields(Wire):
    model_config = ConfigDict(alias_generator=to_camel)


class Envelope(Fields):
    """What every answer says. `status` is the call's, not the payment's; `system_time` their clock, in milliseconds."""

    status: str
    system_time: Word | None = None
    error_code: Word | None = None
    error_group: str | None = None
    conversation_id: Word | None = None
    payment_id: Word | None = None

    @property
    def failed(self) -> bool:
        """Whether the call failed.

        Raises:
            UnusableAnswer: `status` is a word that the documents do not have.
        """
        if self.status not in {"success", "failure"}:
            raise UnusableAnswer("status is neither success nor failure")
        return self.status == "failure"

    def require_whole(self) -> None:
        """Check a success that says nothing but that it is one.

        Raises:
            UnusableAnswer: it is less than they always say.
        """
        if self.system_time is None:
            raise UnusableAnswer("a success without its systemTime, which they always tell")

    def require_echo(self, reference: str) -> None:
        """Check that the answer belongs to our request.

        Raises:
            UnusableAnswer: it names another conversation.
        """
        if self.conversation_id not in {None, reference}:
            raise UnusableAnswer("conversationId is not the one that was sent")


class Item(Fields):
    item_id: Word | None = None
    payment_transaction_id: Word | None = None
    transaction_status: Word | None = None
    paid_price: Amount | None = None
    iyzi_commission_fee: Amount | None = None
    iyzi_commission_rate_amount: Amount | None = None


class ShownCard(Fields):
    """What they tell of a card."""

    card_type: str | None = None
    card_association: str | None = None
    card_family: str | None = None
    bin_number: Word | None = None
    last_four_digits: Word | None = None


class PaymentReply(ShownCard, Envelope):
    payment_status: str | None = None
    fraud_status: Word | None = None
    phase: str | None = None
    paid_price: Amount | None = None
    currency: str | None = None
    installment: Code | None = None
    item_transactions: tuple[Item, ...] | None = None
    iyzi_commission_fee: Amount | None = None
    iyzi_commission_rate_amount: Amount | None = None
    card_user_key: str | None = None
    card_token: str | None = None
    md_status: Word | None = None


class PageReply(PaymentReply):
    """Of a payment, or of the start of a page on which it is made."""

    token: str | None = None
    payment_page_url: str | None = None
    pay_with_iyzico_page_url: str | None = None


class ThreeDSecureReply(Envelope):
    three_ds_html_content: str | None = Field(default=None, alias="threeDSHtmlContent")


class StandingReply(PaymentReply):
    """Of a look-up."""

    token: str | None = None


class MovedReply(Envelope):
    """Of a refund or a cancel."""

    price: Amount | None = None
    currency: str | None = None
