"""Results of commands about resources: exactly one for each, on the events topic, keyed like the command.

An accepted one has a type of its own and carries in `details` what the provider told; `refused`, `pending` and
`unknown` serve all of them. The record's `ce_id` is `uuid5(command_id, "result")`, as for payments.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, ClassVar, Final, Literal
from uuid import UUID

from pydantic import Field

from schemas.base import Fact, Token
from schemas.envelope import UtcTime
from schemas.payments.actions import NextAction
from schemas.payments.kept_card import KeptCard
from schemas.payments.look_ups import CardBin, InstalmentTable
from schemas.payments.reasons import Reason
from schemas.payments.resources.cards import CardDeletion, DeleteCard, KeptCards, ListCards, StoreCard
from schemas.payments.resources.links import CreateLink, DeleteLink, LinkDetails, SendLink
from schemas.payments.resources.notices import TakeResourceNotice
from schemas.payments.resources.orders import ResourceOrder
from schemas.payments.resources.reports import (
    Balance,
    GetBalance,
    GetInstalments,
    ListPayouts,
    ListTransactions,
    LookUpCard,
    PayoutPage,
    TransactionPage,
)
from schemas.payments.resources.sub_merchants import (
    QuerySubMerchant,
    RegisterSubMerchant,
    SubMerchantDetails,
    UpdateSubMerchant,
)
from schemas.payments.resources.subscriptions import (
    ActivateSubscription,
    CancelSubscription,
    ChangeSubscriptionCard,
    CreatePlan,
    CreateProduct,
    CreateSubscription,
    PlanDetails,
    ProductDetails,
    QuerySubscription,
    RetrySubscriptionCharge,
    SubscriptionDetails,
    UpgradeSubscription,
)
from schemas.payments.results import Performed
from schemas.routing import Routed
from schemas.verdicts import FailureClass

Kind = Literal["card", "product", "plan", "subscription", "sub_merchant", "link", "question"]


class ResourceResult(Fact):
    """What every result about a resource says."""

    kind: ClassVar[Kind] = "question"

    resource_id: UUID
    command_id: UUID
    command_type: str
    concluded_at: UtcTime
    performed: Performed | None = None
    """`provider_reference` in it is the provider's own id of the resource."""
    attempts: Annotated[int, Field(ge=0)] = 0
    routing: Routed | None = None

    @property
    def key(self) -> str:
        return str(self.resource_id)


class ResourceAccepted(ResourceResult):
    """The provider did it, or answered."""

    verdict: Literal["accepted"] = "accepted"


class CardStored(ResourceAccepted):
    """The provider keeps the card."""

    type: ClassVar[str] = "payments.card_stored.v1"
    kind: ClassVar[Kind] = "card"
    details: KeptCard


class CardDeleted(ResourceAccepted):
    """The provider keeps the card no longer."""

    type: ClassVar[str] = "payments.card_deleted.v1"
    kind: ClassVar[Kind] = "card"
    details: CardDeletion


class CardsListed(ResourceAccepted):
    """The cards that the provider keeps for a buyer."""

    type: ClassVar[str] = "payments.cards_listed.v1"
    details: KeptCards


class ProductCreated(ResourceAccepted):
    """Plans can be offered for the product."""

    type: ClassVar[str] = "payments.product_created.v1"
    kind: ClassVar[Kind] = "product"
    details: ProductDetails


class PlanCreated(ResourceAccepted):
    """Buyers can subscribe to the plan."""

    type: ClassVar[str] = "payments.plan_created.v1"
    kind: ClassVar[Kind] = "plan"
    details: PlanDetails


class _OfSubscription(ResourceAccepted):
    kind: ClassVar[Kind] = "subscription"
    details: SubscriptionDetails


class SubscriptionCreated(_OfSubscription):
    """The buyer subscribed, or may do so on the provider's page."""

    type: ClassVar[str] = "payments.subscription_created.v1"


class SubscriptionChanged(_OfSubscription):
    """It was activated, upgraded, tried again, cancelled, or its card changes."""

    type: ClassVar[str] = "payments.subscription_changed.v1"


class SubscriptionQueried(_OfSubscription):
    """How it stands at the provider, because somebody asked, or because the provider called."""

    type: ClassVar[str] = "payments.subscription_queried.v1"

    event_id: Token | None = None
    event_type: Token | None = None


class _OfSubMerchant(ResourceAccepted):
    kind: ClassVar[Kind] = "sub_merchant"
    details: SubMerchantDetails


class SubMerchantRegistered(_OfSubMerchant):
    """The sub-merchant is known to the provider."""

    type: ClassVar[str] = "payments.sub_merchant_registered.v1"


class SubMerchantUpdated(_OfSubMerchant):
    """The provider knows the sub-merchant as told anew."""

    type: ClassVar[str] = "payments.sub_merchant_updated.v1"


class SubMerchantQueried(_OfSubMerchant):
    """Under which key the provider knows the sub-merchant."""

    type: ClassVar[str] = "payments.sub_merchant_queried.v1"


class _OfLink(ResourceAccepted):
    kind: ClassVar[Kind] = "link"
    details: LinkDetails


class LinkCreated(_OfLink):
    """The link can be paid on."""

    type: ClassVar[str] = "payments.link_created.v1"


class LinkDeleted(_OfLink):
    """The link cannot be paid on any more."""

    type: ClassVar[str] = "payments.link_deleted.v1"


class LinkSent(_OfLink):
    """The provider sends the link to the payer."""

    type: ClassVar[str] = "payments.link_sent.v1"


class TransactionsListed(ResourceAccepted):
    """A page of the provider's movements of one day."""

    type: ClassVar[str] = "payments.transactions_listed.v1"
    details: TransactionPage


class PayoutsListed(ResourceAccepted):
    """A page of the provider's payouts of one day."""

    type: ClassVar[str] = "payments.payouts_listed.v1"
    details: PayoutPage


class BalanceTold(ResourceAccepted):
    """How much of our money lies at the provider."""

    type: ClassVar[str] = "payments.balance_told.v1"
    details: Balance


class InstalmentsTold(ResourceAccepted):
    """What the price costs in instalments."""

    type: ClassVar[str] = "payments.instalments_told.v1"
    details: InstalmentTable


class CardLookedUp(ResourceAccepted):
    """Whose card the first digits name."""

    type: ClassVar[str] = "payments.card_looked_up.v1"
    details: CardBin


class ResourceRefused(ResourceResult):
    """It was certainly not performed."""

    type: ClassVar[str] = "payments.resource_refused.v1"

    verdict: Literal["refused"] = "refused"
    reason: Reason
    failure: FailureClass
    detail: str
    """A sentence for people that says what to do."""
    provider_code: str | None = None
    provider_group: str | None = None


class ResourcePending(ResourceResult):
    """The provider took it and has not decided, or the buyer has to do something first."""

    type: ClassVar[str] = "payments.resource_pending.v1"

    verdict: Literal["pending"] = "pending"
    reason: Reason
    next_action: NextAction | None = None
    provider_code: str | None = None


class ResourceUnknown(ResourceResult):
    """It was sent, and nobody can say whether it was performed."""

    type: ClassVar[str] = "payments.resource_unknown.v1"

    verdict: Literal["unknown"] = "unknown"
    reason: Reason
    detail: str
    references: tuple[str, ...] = ()
    """Every reference that we sent for it."""
    first_sent_at: UtcTime | None = None
    provider_code: str | None = None


ACCEPTED: Final[Mapping[type[ResourceOrder], type[ResourceAccepted]]] = MappingProxyType(
    {
        StoreCard: CardStored,
        DeleteCard: CardDeleted,
        ListCards: CardsListed,
        CreateProduct: ProductCreated,
        CreatePlan: PlanCreated,
        CreateSubscription: SubscriptionCreated,
        ActivateSubscription: SubscriptionChanged,
        UpgradeSubscription: SubscriptionChanged,
        RetrySubscriptionCharge: SubscriptionChanged,
        CancelSubscription: SubscriptionChanged,
        ChangeSubscriptionCard: SubscriptionChanged,
        QuerySubscription: SubscriptionQueried,
        TakeResourceNotice: SubscriptionQueried,
        RegisterSubMerchant: SubMerchantRegistered,
        UpdateSubMerchant: SubMerchantUpdated,
        QuerySubMerchant: SubMerchantQueried,
        CreateLink: LinkCreated,
        DeleteLink: LinkDeleted,
        SendLink: LinkSent,
        ListTransactions: TransactionsListed,
        ListPayouts: PayoutsListed,
        GetBalance: BalanceTold,
        GetInstalments: InstalmentsTold,
        LookUpCard: CardLookedUp,
    }
)
"""What an accepted command ends as. `details` there is the class that a connector's read function gives."""
ResourceEnding = ResourceAccepted | ResourceRefused | ResourcePending | ResourceUnknown
RESOURCE_RESULTS: Final[tuple[type[ResourceEnding], ...]] = (
    *dict.fromkeys(ACCEPTED.values()),
    ResourceRefused,
    ResourcePending,
    ResourceUnknown,
)
