"""What iyzico tells of subscriptions: under `data`, status words of its own, moments as milliseconds since 1970.

None of these answers is signed. Source: README, "Subscriptions".
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator

from providers.connector import Attempt
from providers.outcome import Outcome, UnusableAnswer
from providers.payments.iyzico.amounts import from_wire
from providers.payments.iyzico.detail import not_answered
from providers.payments.iyzico.wire import Amount, Envelope, Fields, Word
from schemas.ids import created_at
from schemas.payments.resources import SubscriptionCharge, SubscriptionDetails
from schemas.payments.resources.subscriptions import SubscriptionState
from schemas.verdicts import Verdict

BASE: Final = "/v2/subscription"
_CLOCKS_APART: Final = timedelta(minutes=5)
"""How far the publisher's clock and iyzico's may lie apart."""
_STATES: Final[Mapping[str, SubscriptionState]] = MappingProxyType(
    {
        "ACTIVE": "active",
        "PENDING": "pending",
        "UNPAID": "unpaid",
        "UPGRADED": "upgraded",
        "CANCELED": "cancelled",
        "EXPIRED": "expired",
    }
)
ChargeState = Literal["waiting", "paid", "failed"]
_CHARGES: Final[Mapping[str, ChargeState]] = MappingProxyType(
    {"SUCCESS": "paid", "FAILED": "failed", "WAITING": "waiting", "PROCESSING": "waiting", "QUEUED": "waiting"}
)
"""Charges of any other word are left out: those that an upgrade or a cancel made void, and words never met."""


def _moment(value: Any) -> Any:
    """Milliseconds since 1970, as a number or a text. What is none is not told: no decision hangs on it."""
    text = str(value)
    if isinstance(value, bool) or not (text.isascii() and text.isdigit()):
        return None
    try:
        return datetime.fromtimestamp(int(text) / 1000, UTC)
    except (OverflowError, ValueError, OSError):
        return None


Moment = Annotated[datetime | None, BeforeValidator(_moment)]


class PaymentTry(Fields):
    payment_id: Word | None = None
    payment_status: str | None = None


class OrderFields(Fields):
    reference_code: Word | None = None
    order_status: str | None = None
    price: Amount | None = None
    currency_code: str | None = None
    start_period: Moment = None
    payment_attempts: tuple[PaymentTry, ...] | None = None


class SubscriptionFields(Fields):
    reference_code: Word | None = None
    parent_reference_code: Word | None = None
    customer_reference_code: Word | None = None
    customer_email: str | None = None
    pricing_plan_reference_code: Word | None = None
    subscription_status: str | None = None
    trial_end_date: Moment = None
    created_date: Moment = None
    start_date: Moment = None
    orders: tuple[OrderFields, ...] | None = None


class SubscriptionReply(Envelope):
    data: SubscriptionFields | None = None


class SubscriptionPage(Fields):
    items: tuple[SubscriptionFields, ...] | None = None
    page_count: int | None = None


class SubscriptionList(Envelope):
    data: SubscriptionPage | None = None


def details_of(told: SubscriptionFields | None) -> SubscriptionDetails:
    """The subscription in the hub's words.

    Raises:
        UnusableAnswer: its name or its status is missing, or the status is a word that the documents do not have.
    """
    if told is None or told.reference_code is None:
        raise UnusableAnswer("data or referenceCode is missing in a success")
    state = _STATES.get(told.subscription_status or "")
    if state is None:
        raise UnusableAnswer("subscriptionStatus is missing or a word that iyzico's documents do not have")
    return SubscriptionDetails(
        state=state,
        subscription_reference=told.reference_code,
        customer_reference=told.customer_reference_code,
        plan_reference=told.pricing_plan_reference_code,
        trial_ends_at=told.trial_end_date,
        began_at=told.start_date,
        charges=tuple(charge for order in told.orders or () if (charge := _charge(order)) is not None),
    )


def is_new(made_at: datetime | None, attempt: Attempt) -> bool:
    """Whether a thing was made since the command was, whose id tells when: what is older is none of its making.

    Raises:
        UnusableAnswer: one of the two moments is not told.
    """
    since = created_at(attempt.command_id)
    if made_at is None or since is None:
        raise UnusableAnswer("it is not told when it was made, so that it cannot be told from an older one")
    return made_at >= since - _CLOCKS_APART


def found(details: SubscriptionDetails) -> Outcome:
    return Outcome(verdict=Verdict.ACCEPTED, reference=details.subscription_reference, details=details)


def all_listed(reply: SubscriptionList) -> tuple[SubscriptionFields, ...]:
    """All that were asked for.

    Raises:
        UnusableAnswer: it is no list, or there are more than it shows, so that what is not in it may still be there.
    """
    if reply.failed:
        raise not_answered(reply)
    if reply.data is None or reply.data.items is None:
        raise UnusableAnswer("data or items is missing in a success")
    if (reply.data.page_count or 0) > 1:
        raise UnusableAnswer("there are more subscriptions than one page shows; look them up in iyzico's panel")
    return reply.data.items


def _charge(order: OrderFields) -> SubscriptionCharge | None:
    state = _CHARGES.get(order.order_status or "")
    if state is None or order.reference_code is None:
        return None
    paid = [one.payment_id for one in order.payment_attempts or () if one.payment_status == "SUCCESS"]
    return SubscriptionCharge(
        order_reference=order.reference_code,
        state=state,
        amount=None if order.price is None else from_wire(order.price, order.currency_code, "price of an order"),
        begins_at=order.start_period,
        payment_reference=paid[-1] if paid and state == "paid" else None,
    )
