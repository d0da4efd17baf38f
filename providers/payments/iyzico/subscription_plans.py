"""Products and their pricing plans: `/v2/subscription/products` and what lies below it.

iyzico allows a name once in an account: by it a product or plan is found again, if it is new.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from providers.connector import Attempt, Request
from providers.outcome import Finding, Outcome, Sighting, UnusableAnswer
from providers.payments.iyzico.amounts import from_wire, to_wire
from providers.payments.iyzico.detail import not_answered
from providers.payments.iyzico.errors import refusal
from providers.payments.iyzico.result import contradiction
from providers.payments.iyzico.subscription_wire import BASE, Moment, is_new
from providers.payments.iyzico.wire import Amount, Envelope, Fields, Word, get, post, segment
from schemas.payments.resources import CreatePlan, CreateProduct, PlanDetails, ProductDetails
from schemas.verdicts import Verdict

_PRODUCTS: Final = f"{BASE}/products"
_PLANS: Final = f"{BASE}/products/{{product}}/pricing-plans"
_LISTED: Final = 100
_INTERVALS: Final[Mapping[str, str]] = MappingProxyType(
    {"day": "DAILY", "week": "WEEKLY", "month": "MONTHLY", "year": "YEARLY"}
)


class NamedFields(Fields):
    """A product or a plan."""

    reference_code: Word | None = None
    name: str | None = None
    created_date: Moment = None
    price: Amount | None = None
    currency_code: str | None = None
    payment_interval: str | None = None
    payment_interval_count: int | None = None


class NamedReply(Envelope):
    data: NamedFields | None = None


class NamedPage(Fields):
    items: tuple[NamedFields, ...] | None = None
    page_count: int | None = None


class NamedList(Envelope):
    data: NamedPage | None = None


def build_product(command: CreateProduct, attempt: Attempt) -> Request:
    fields = {"conversationId": attempt.reference, "name": command.name, "description": command.description}
    return post(_PRODUCTS, fields)


def read_product(reply: NamedReply, command: CreateProduct, attempt: Attempt) -> Outcome:
    if reply.failed:
        return refusal(reply)
    reply.require_echo(attempt.reference)
    return _product(reply.data, command)


def build_product_inquiry(_command: CreateProduct, attempt: Attempt) -> Request:
    return _first_page(_PRODUCTS, _PRODUCTS, attempt)


def read_product_inquiry(reply: NamedList, command: CreateProduct, attempt: Attempt) -> Finding:
    told = _named(reply, command.name, attempt)
    return Finding(Sighting.ABSENT) if told is None else Finding(Sighting.CONCLUDED, _product(told, command))


def build_plan(command: CreatePlan, attempt: Attempt) -> Request:
    return post(
        _PLANS.format(product=segment(command.product_reference)),
        {
            "conversationId": attempt.reference,
            "name": command.name,
            "price": to_wire(command.price),
            "currencyCode": command.price.currency,
            "paymentInterval": _INTERVALS[command.every],
            "paymentIntervalCount": command.every_count,
            "trialPeriodDays": command.trial_days or None,
            "planPaymentType": "RECURRING",
            "recurrenceCount": command.charges,
        },
        template=_PLANS,
    )


def read_plan(reply: NamedReply, command: CreatePlan, attempt: Attempt) -> Outcome:
    if reply.failed:
        return refusal(reply)
    reply.require_echo(attempt.reference)
    return _plan(reply.data, command)


def build_plan_inquiry(command: CreatePlan, attempt: Attempt) -> Request:
    return _first_page(_PLANS.format(product=segment(command.product_reference)), _PLANS, attempt)


def read_plan_inquiry(reply: NamedList, command: CreatePlan, attempt: Attempt) -> Finding:
    told = _named(reply, command.name, attempt)
    return Finding(Sighting.ABSENT) if told is None else Finding(Sighting.CONCLUDED, _plan(told, command))


def _first_page(path: str, template: str, attempt: Attempt) -> Request:
    return get(path, template=template, page="1", count=str(_LISTED), conversationId=attempt.reference)


def _named(reply: NamedList, name: str, attempt: Attempt) -> NamedFields | None:
    """The new one of this name.

    Raises:
        UnusableAnswer: it is no list, there are several, or it may stand on a further page.
    """
    if reply.failed:
        raise not_answered(reply)
    if reply.data is None or reply.data.items is None:
        raise UnusableAnswer("data or items is missing in a success")
    ours = [one for one in reply.data.items if one.name == name and is_new(one.created_date, attempt)]
    if len(ours) > 1:
        raise UnusableAnswer("there are several new ones of this name; which is this one cannot be told")
    if not ours and (reply.data.page_count or 0) > 1:
        raise UnusableAnswer("it is not among the first ones; look it up in iyzico's panel")
    return ours[0] if ours else None


def _product(told: NamedFields | None, command: CreateProduct) -> Outcome:
    reference = _reference(told)
    details = ProductDetails(product_reference=reference, name=command.name)
    return Outcome(verdict=Verdict.ACCEPTED, reference=reference, details=details)


def _plan(told: NamedFields | None, command: CreatePlan) -> Outcome:
    """A plan that takes another sum, or takes it at other times, is not the one that was asked for."""
    reference = _reference(told)
    if told is None:
        raise AssertionError("a plan without data has no reference")
    price = from_wire(told.price, told.currency_code, "price")
    details = PlanDetails(plan_reference=reference, product_reference=command.product_reference, price=price)
    outcome = Outcome(verdict=Verdict.ACCEPTED, reference=reference, details=details)
    asked = (command.price.minor, command.price.currency, _INTERVALS[command.every], command.every_count)
    if (price.minor, price.currency, told.payment_interval, told.payment_interval_count) != asked:
        detail = f"asked for {command.price} each {command.every}, and a plan of other terms stands there; look at it"
        return contradiction(outcome, detail)
    return outcome


def _reference(told: NamedFields | None) -> str:
    if told is None or told.reference_code is None:
        raise UnusableAnswer("data or referenceCode is missing in a success")
    return told.reference_code
