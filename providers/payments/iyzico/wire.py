"""The shapes of iyzico's bodies: how requests are written, and the fields that are read of answers."""

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from providers.connector import Request, Wire
from providers.outcome import UnusableAnswer
from providers.reading import is_sane

_AMOUNT: Final = re.compile(r"[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_HEADERS: Final = (
    ("Accept", "application/json"),
    ("Content-Type", "application/json"),
    ("x-iyzi-client-version", "kolaj-hub"),
)


def post(path: str, fields: Mapping[str, Any]) -> Request:
    """A request with its exact bytes. All of it is ASCII: no charset on the way can change what was signed."""
    body = json.dumps({"locale": "en", **_without_absent(fields)}, separators=(",", ":")).encode()
    return Request("POST", path, body, headers=_HEADERS, template=path)


def get(path: str, **query: str) -> Request:
    return Request("GET", path, query=tuple(query.items()), headers=_HEADERS[:1] + _HEADERS[2:], template=path)


def _without_absent(node: Any) -> Any:
    if isinstance(node, Mapping):
        return {name: _without_absent(child) for name, child in node.items() if child is not None}
    if isinstance(node, list):
        return [_without_absent(child) for child in node]
    return node


def _text(value: Any) -> Any:
    """Identifiers and codes come as texts or as whole numbers."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _amount(value: Any) -> Any:
    """Amounts come as numbers or as texts; never as anything else."""
    if isinstance(value, str) and _AMOUNT.fullmatch(value):
        value = Decimal(value)
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError("not an amount")  # noqa: TRY004 - pydantic turns only this class into an error of the field
    number = Decimal(value)
    if not is_sane(number) or number < 0:
        raise ValueError("not an amount")
    return number


Word = Annotated[str, BeforeValidator(_text)]
Amount = Annotated[Decimal, BeforeValidator(_amount)]


class Fields(Wire):
    model_config = ConfigDict(alias_generator=to_camel)


class Envelope(Fields):
    """What every answer says. `status` is the call's, not the payment's."""

    status: str
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
    paid_price: Amount | None = None
    iyzi_commission_fee: Amount | None = None
    iyzi_commission_rate_amount: Amount | None = None


class PaymentReply(Envelope):
    payment_status: str | None = None
    fraud_status: Word | None = None
    phase: str | None = None
    paid_price: Amount | None = None
    currency: str | None = None
    item_transactions: tuple[Item, ...] | None = None
    card_type: str | None = None
    card_association: str | None = None
    card_family: str | None = None
    bin_number: Word | None = None
    last_four_digits: Word | None = None
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
    """Of a look-up. `system_time` is their clock, in milliseconds since 1970."""

    token: str | None = None
    system_time: Word | None = None


class MovedReply(Envelope):
    """Of a refund or a cancel."""

    price: Amount | None = None
    currency: str | None = None
