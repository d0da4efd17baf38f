"""How a provider calls a resource, as what it told of it says."""

from schemas.base import Frozen
from schemas.payments.kept_card import KeptCard
from schemas.payments.resources.cards import CardDeletion
from schemas.payments.resources.links import LinkDetails
from schemas.payments.resources.sub_merchants import SubMerchantDetails
from schemas.payments.resources.subscriptions import PlanDetails, ProductDetails, SubscriptionDetails


def name_in(details: Frozen | None) -> str | None:
    """The provider's own name of the resource; `None` where its answer names none."""
    match details:
        case KeptCard() | CardDeletion():
            return details.card_token
        case ProductDetails():
            return details.product_reference
        case PlanDetails():
            return details.plan_reference
        case SubscriptionDetails():
            return details.subscription_reference
        case SubMerchantDetails():
            return details.merchant_key
        case LinkDetails():
            return details.link_reference
        case _:
            return None
