"""What subscriptions are of: products, and plans, which are prices at Stripe.

Both carry the attempt's reference as a name of their own, by which they are found again.
Source: README, "Subscriptions".
"""

from typing import Any, Final

from pydantic import StrictInt

from providers.connector import Attempt, Request, Unsayable
from providers.outcome import Finding, Outcome, Sighting, UnusableAnswer
from providers.payments.stripe.amounts import currency_to_wire, from_wire, to_wire
from providers.payments.stripe.errors import not_answered, raise_error, refusal
from providers.payments.stripe.wire import REFERENCE, Fields, Reply, get, id_of, post, segment, the_one
from schemas.payments import Reason
from schemas.payments.resources import CreatePlan, CreateProduct, PlanDetails, ProductDetails
from schemas.verdicts import Verdict

_PRODUCTS: Final = "/v1/products"
_PRICES: Final = "/v1/prices"
_MISSING: Final = "resource_missing"


class ProductReply(Fields, Reply):
    """A product, or an error in its place."""

    name: str | None = None


class PriceFields(Fields):
    product: Any = None
    unit_amount: StrictInt | None = None
    currency: str | None = None


class PriceReply(PriceFields, Reply):
    """A price, or an error in its place."""


class PriceList(Reply):
    object: str | None = None
    data: tuple[PriceFields, ...] | None = None


def build_product(command: CreateProduct, attempt: Attempt) -> Request:
    fields = {
        "id": attempt.reference,
        "name": command.name,
        "description": command.description,
        f"metadata[{REFERENCE}]": attempt.reference,
    }
    return post(_PRODUCTS, _PRODUCTS, fields, attempt.reference)


def read_product(reply: ProductReply, _command: CreateProduct, attempt: Attempt) -> Outcome:
    if reply.error is not None:
        return refusal(reply.error, reply.http)
    return _product(reply, attempt)


def build_product_inquiry(_command: CreateProduct, attempt: Attempt) -> Request:
    return get(f"{_PRODUCTS}/{segment(attempt.reference)}", "/v1/products/{product}")


def read_product_inquiry(reply: ProductReply, _command: CreateProduct, attempt: Attempt) -> Finding:
    if reply.error is not None and reply.error.code == _MISSING:
        return Finding(Sighting.ABSENT)
    if reply.error is not None:
        raise not_answered(reply.error, reply.http)
    return Finding(Sighting.CONCLUDED, _product(reply, attempt))


def build_plan(command: CreatePlan, attempt: Attempt) -> Request:
    if command.charges is not None:
        detail = "Stripe's plans do not end by themselves; leave charges out, and cancel the subscription"
        raise Unsayable(Reason.INVALID_REQUEST, detail)
    fields = {
        "product": command.product_reference,
        "nickname": command.name,
        "currency": currency_to_wire(command.price),
        "unit_amount": to_wire(command.price),
        "recurring[interval]": command.every,
        "recurring[interval_count]": str(command.every_count),
        "recurring[trial_period_days]": str(command.trial_days) if command.trial_days else None,
        "lookup_key": attempt.reference,
        f"metadata[{REFERENCE}]": attempt.reference,
    }
    return post(_PRICES, _PRICES, fields, attempt.reference)


def read_plan(reply: PriceReply, command: CreatePlan, attempt: Attempt) -> Outcome:
    if reply.error is not None:
        return refusal(reply.error, reply.http)
    return _plan(reply, command, attempt)


def build_plan_inquiry(_command: CreatePlan, attempt: Attempt) -> Request:
    return get(_PRICES, _PRICES, (("lookup_keys[0]", attempt.reference),))


def read_plan_inquiry(reply: PriceList, command: CreatePlan, attempt: Attempt) -> Finding:
    raise_error(reply)
    if reply.object != "list" or reply.data is None:
        raise UnusableAnswer("the answer is no list of prices")
    found = the_one(reply.data, attempt.reference)
    return Finding(Sighting.ABSENT) if found is None else Finding(Sighting.CONCLUDED, _plan(found, command, attempt))


def _product(product: ProductReply, attempt: Attempt) -> Outcome:
    reference = product.require("product", attempt.reference)
    return Outcome(
        verdict=Verdict.ACCEPTED,
        reference=reference,
        details=ProductDetails(product_reference=reference, name=product.name),
    )


def _plan(price: PriceFields, command: CreatePlan, attempt: Attempt) -> Outcome:
    """Raises: UnusableAnswer: it is another price than was asked for."""
    reference = price.require("price")
    price.require_echo(attempt.reference)
    told = from_wire(price.unit_amount, price.currency, "unit_amount")
    if (told.minor, told.currency) != (command.price.minor, command.price.currency):
        raise UnusableAnswer("unit_amount is not the price that was sent")
    details = PlanDetails(plan_reference=reference, product_reference=id_of(price.product), price=told)
    return Outcome(verdict=Verdict.ACCEPTED, reference=reference, details=details)
