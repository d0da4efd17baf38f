"""Products and plans: `/v1/catalogs/products`, `/v1/billing/plans`.

Source: README, "Subscriptions".
"""

from typing import Any, Final

from providers.connector import Attempt, Request, Wire
from providers.notices import named
from providers.outcome import Outcome, UnusableAnswer
from providers.payments.paypal.amounts import Amount, moved, to_wire
from providers.payments.paypal.errors import refusal
from providers.payments.paypal.wire import Reply, post
from schemas.money import Money
from schemas.payments.resources import CreatePlan, CreateProduct, PlanDetails, ProductDetails
from schemas.verdicts import Verdict

_PRODUCTS: Final = "/v1/catalogs/products"
_PLANS: Final = "/v1/billing/plans"
_UNITS: Final = {"day": "DAY", "week": "WEEK", "month": "MONTH", "year": "YEAR"}


class ProductReply(Reply):
    id: str | None = None


class Pricing(Wire):
    fixed_price: Amount | None = None


class Cycle(Wire):
    tenure_type: str | None = None
    pricing_scheme: Pricing | None = None


class PlanReply(Reply):
    id: str | None = None
    product_id: str | None = None
    status: str | None = None
    billing_cycles: tuple[Cycle, ...] | None = None


def build_product(command: CreateProduct, attempt: Attempt) -> Request:
    body = {"name": command.name, "description": command.description, "type": "SERVICE"}
    return post(_PRODUCTS, body, key=attempt.reference)


def read_product(reply: ProductReply, _command: CreateProduct, _attempt: Attempt) -> Outcome:
    if reply.failed:
        return refusal(reply)
    product = named(reply.id)
    if product is None:
        raise UnusableAnswer("id is missing in a success, or is none")
    return Outcome(
        verdict=Verdict.ACCEPTED,
        reference=product,
        details=ProductDetails(product_reference=product, name=reply.name),
    )


def build_plan(command: CreatePlan, attempt: Attempt) -> Request:
    """A free trial is a cycle of its own before the others; without `charges` the plan goes on for ever (0)."""
    body = {
        "product_id": command.product_reference,
        "name": command.name,
        "status": "ACTIVE",
        "billing_cycles": [*_trial(command), _regular(command)],
        "payment_preferences": {"auto_bill_outstanding": True},
    }
    return post(_PLANS, body, key=attempt.reference)


def read_plan(reply: PlanReply, command: CreatePlan, _attempt: Attempt) -> Outcome:
    """Raises `UnusableAnswer` where it is not the plan that was ordered, or takes no subscriptions yet."""
    if reply.failed:
        return refusal(reply)
    plan = named(reply.id)
    if plan is None or reply.status != "ACTIVE":
        raise UnusableAnswer("id is missing in a success, or the plan is not active")
    if reply.product_id not in {None, command.product_reference}:
        raise UnusableAnswer("product_id is not the one that was sent")
    price = _price(reply)
    if (price.minor, price.currency) != (command.price.minor, command.price.currency):
        raise UnusableAnswer("fixed_price is not the one that was sent")
    details = PlanDetails(plan_reference=plan, product_reference=command.product_reference, price=price)
    return Outcome(verdict=Verdict.ACCEPTED, reference=plan, details=details)


def _trial(command: CreatePlan) -> list[dict[str, Any]]:
    if not command.trial_days:
        return []
    frequency = {"interval_unit": "DAY", "interval_count": command.trial_days}
    return [{"frequency": frequency, "tenure_type": "TRIAL", "sequence": 1, "total_cycles": 1}]


def _regular(command: CreatePlan) -> dict[str, Any]:
    return {
        "frequency": {"interval_unit": _UNITS[command.every], "interval_count": command.every_count},
        "tenure_type": "REGULAR",
        "sequence": 2 if command.trial_days else 1,
        "total_cycles": command.charges or 0,
        "pricing_scheme": {"fixed_price": to_wire(command.price)},
    }


def _price(reply: PlanReply) -> Money:
    regular = [cycle for cycle in reply.billing_cycles or () if cycle.tenure_type == "REGULAR"]
    if len(regular) != 1 or regular[0].pricing_scheme is None:
        raise UnusableAnswer("there is not exactly one regular cycle with a price")
    return moved(regular[0].pricing_scheme.fixed_price, "fixed_price")
