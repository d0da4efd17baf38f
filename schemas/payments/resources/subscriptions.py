"""Subscriptions: products, plans, and what buyers agreed to pay again and again. The provider charges by itself."""

from typing import Annotated, ClassVar, Literal, Self
from uuid import UUID

from pydantic import Field, model_validator

from schemas.base import Frozen, Text, Token
from schemas.envelope import UtcTime
from schemas.money import Money, Price
from schemas.payments.actions import NextAction
from schemas.payments.methods import ReturnUrl
from schemas.payments.parties import Address, Buyer
from schemas.payments.resources.orders import Question, ResourceOrder

SubscriptionState = Literal["active", "pending", "unpaid", "upgraded", "cancelled", "expired"]


class CreateProduct(ResourceOrder):
    """What plans are offered for."""

    type: ClassVar[str] = "payments.create_product.v1"

    name: Text
    description: Text | None = None


class CreatePlan(ResourceOrder):
    """How much is taken, and how often. `product_reference` is the provider's own, of `payments.product_created.v1`."""

    type: ClassVar[str] = "payments.create_plan.v1"

    product_reference: Token
    name: Text
    price: Price
    every: Literal["day", "week", "month", "year"]
    every_count: Annotated[int, Field(ge=1, le=365)] = 1
    """So many days, weeks, months or years lie between two charges."""
    trial_days: Annotated[int, Field(ge=0, le=3650)] = 0
    charges: Annotated[int, Field(ge=1, le=10_000)] | None = None
    """After how many charges it ends; absent: never by itself."""


class CreateSubscription(ResourceOrder):
    """Let a buyer subscribe: with a card of the vault, or on the provider's page (`return_url`)."""

    type: ClassVar[str] = "payments.create_subscription.v1"

    plan_reference: Token
    buyer: Buyer
    billing_address: Address
    shipping_address: Address | None = None
    card_ref: UUID | None = None
    customer_reference: Token | None = None
    """A customer that the provider knows and has a card of."""
    return_url: ReturnUrl | None = None
    begins_active: bool = True

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if sum(way is not None for way in (self.card_ref, self.customer_reference, self.return_url)) != 1:
            raise ValueError("name exactly one of card_ref, customer_reference and return_url")
        return self


class ActivateSubscription(ResourceOrder):
    """Let a subscription begin that was made `pending`."""

    type: ClassVar[str] = "payments.activate_subscription.v1"


class UpgradeSubscription(ResourceOrder):
    """Move it to another plan, now or with the next period."""

    type: ClassVar[str] = "payments.upgrade_subscription.v1"

    plan_reference: Token
    when: Literal["now", "next_period"] = "now"
    with_trial: bool = False
    count_anew: bool = False


class RetrySubscriptionCharge(ResourceOrder):
    """Let the provider try a failed charge again. `order_reference` came with the provider's word of the failure."""

    type: ClassVar[str] = "payments.retry_subscription_charge.v1"

    order_reference: Token


class CancelSubscription(ResourceOrder):
    """End it: nothing is taken any more."""

    type: ClassVar[str] = "payments.cancel_subscription.v1"


class ChangeSubscriptionCard(ResourceOrder):
    """Let the buyer give another card on the provider's page."""

    type: ClassVar[str] = "payments.change_subscription_card.v1"

    return_url: ReturnUrl
    customer_reference: Token


class QuerySubscription(Question):
    """Ask the provider how the subscription stands. It may be asked of a resource that was made before."""

    type: ClassVar[str] = "payments.query_subscription.v1"


class ProductDetails(Frozen):
    """A product, as the provider tells it."""

    product_reference: Token
    name: str | None = None


class PlanDetails(Frozen):
    """A plan, as the provider tells it."""

    plan_reference: Token
    product_reference: Token | None = None
    price: Money | None = None


class SubscriptionCharge(Frozen):
    """One period's charge, as the provider tells it."""

    order_reference: Token
    state: Literal["waiting", "paid", "failed"]
    amount: Money | None = None
    begins_at: UtcTime | None = None
    payment_reference: Token | None = None
    """The provider's own id of the payment that was made."""


class SubscriptionDetails(Frozen):
    """A subscription, as the provider tells it; times are UTC."""

    state: SubscriptionState
    subscription_reference: Token | None = None
    """The provider's own; absent while the buyer has not finished the provider's page."""
    customer_reference: Token | None = None
    plan_reference: Token | None = None
    item_reference: Token | None = None
    """The provider's own id of the line that names the plan, where it has one: a change of the plan names it."""
    trial_ends_at: UtcTime | None = None
    began_at: UtcTime | None = None
    charges: tuple[SubscriptionCharge, ...] = ()
    next_action: NextAction | None = None
