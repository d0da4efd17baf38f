"""Valid things about resources for tests: cards, subscriptions, sub-merchants, links, and questions."""

from datetime import date
from typing import Any
from uuid import UUID

from schemas.ids import new_id
from schemas.money import Money
from schemas.payments import Reason
from schemas.payments.look_ups import CardBin, InstalmentOffer, InstalmentPlan, InstalmentTable
from schemas.payments.resources import (
    ACCEPTED,
    ActivateSubscription,
    Balance,
    CancelSubscription,
    CardDeletion,
    ChangeSubscriptionCard,
    CreateLink,
    CreatePlan,
    CreateProduct,
    CreateSubscription,
    DeleteCard,
    DeleteLink,
    GetBalance,
    GetInstalments,
    KeptCard,
    KeptCards,
    LinkDetails,
    ListCards,
    ListPayouts,
    ListTransactions,
    LookUpCard,
    PayoutPage,
    PlanDetails,
    ProductDetails,
    QuerySubMerchant,
    QuerySubscription,
    RegisterSubMerchant,
    Resource,
    ResourceAccepted,
    ResourceLateOutcome,
    ResourceOrder,
    ResourcePending,
    ResourceRefused,
    ResourceResultDivergence,
    ResourceUnknown,
    RetrySubscriptionCharge,
    SendLink,
    StoreCard,
    SubMerchantDetails,
    SubscriptionDetails,
    TakeResourceNotice,
    TransactionPage,
    UpdateSubMerchant,
    UpgradeSubscription,
)
from schemas.verdicts import FailureClass, Verdict
from tests.builders import NOON, a_buyer, an_address, lira, performed

DAY = date(2026, 11, 25)
_SUB_MERCHANT: dict[str, Any] = {
    "legal_form": "company",
    "name": "Çağrı Kupa",
    "email": "kupa@example.com",
    "phone": "+905350000000",
    "address": "Bağdat Cad. 42/7",
    "iban": "TR330006100519786457841326",
    "tax_office": "Kadıköy",
    "company_title": "Çağrı Kupa A.Ş.",
}
GIVEN: dict[type[ResourceOrder], dict[str, Any]] = {
    StoreCard: {"buyer_id": "buyer-7", "email": "isil@example.com", "card_ref": UUID(int=7)},
    DeleteCard: {},
    ListCards: {"customer_key": "wallet-1"},
    CreateProduct: {"name": "Coffee"},
    CreatePlan: {"product_reference": "product-1", "name": "Monthly", "price": lira("249.90"), "every": "month"},
    CreateSubscription: {
        "plan_reference": "plan-1",
        "card_ref": UUID(int=8),
        "buyer": a_buyer(),
        "billing_address": an_address(),
    },
    ActivateSubscription: {},
    UpgradeSubscription: {"plan_reference": "plan-2"},
    RetrySubscriptionCharge: {"order_reference": "order-1"},
    CancelSubscription: {},
    ChangeSubscriptionCard: {"return_url": "https://shop.example/changed", "customer_reference": "customer-1"},
    QuerySubscription: {},
    TakeResourceNotice: {"event_id": "event-1", "event_type": "subscription.order.success"},
    RegisterSubMerchant: _SUB_MERCHANT,
    UpdateSubMerchant: _SUB_MERCHANT,
    QuerySubMerchant: {},
    CreateLink: {"name": "Kupa", "price": lira("249.90")},
    DeleteLink: {},
    SendLink: {"to_email": "isil@example.com"},
    ListTransactions: {"day": DAY},
    ListPayouts: {"day": DAY},
    GetBalance: {},
    GetInstalments: {"price": lira("100.00")},
    LookUpCard: {"bin_number": "552608"},
}
"""What each command needs beside its resource."""

_SUBSCRIPTION = SubscriptionDetails(
    state="active", subscription_reference="subscription-1", customer_reference="customer-1"
)
_MONEY = Money(minor=10_000, currency="TRY")
_OFFER = InstalmentOffer(number=1, each=_MONEY, total=_MONEY)
DETAILS: dict[type[ResourceOrder], Any] = {
    StoreCard: KeptCard(card_token="token-1", customer_key="wallet-1"),
    DeleteCard: CardDeletion(card_token="token-1"),
    ListCards: KeptCards(customer_key="wallet-1"),
    CreateProduct: ProductDetails(product_reference="product-1"),
    CreatePlan: PlanDetails(plan_reference="plan-1"),
    RegisterSubMerchant: SubMerchantDetails(merchant_key="merchant-1"),
    UpdateSubMerchant: SubMerchantDetails(merchant_key="merchant-1"),
    QuerySubMerchant: SubMerchantDetails(merchant_key="merchant-1"),
    CreateLink: LinkDetails(link_reference="link-1"),
    DeleteLink: LinkDetails(link_reference="link-1"),
    SendLink: LinkDetails(link_reference="link-1"),
    ListTransactions: TransactionPage(day=DAY),
    ListPayouts: PayoutPage(day=DAY),
    GetBalance: Balance(available=(_MONEY,)),
    GetInstalments: InstalmentTable(price=_MONEY, plans=(InstalmentPlan(offers=(_OFFER,)),)),
    LookUpCard: CardBin(bin_number="552608"),
    **dict.fromkeys(
        (
            CreateSubscription,
            ActivateSubscription,
            UpgradeSubscription,
            RetrySubscriptionCharge,
            CancelSubscription,
            ChangeSubscriptionCard,
            QuerySubscription,
            TakeResourceNotice,
        ),
        _SUBSCRIPTION,
    ),
}
"""What a provider tells of each command that it accepted."""


def a_resource_command(kind: type[ResourceOrder], resource_id: UUID | None = None, **changed: Any) -> ResourceOrder:
    return kind(resource_id=resource_id or new_id(), **(GIVEN[kind] | changed))


def a_resource(stage: str = "active", **changed: Any) -> Resource:
    given: dict[str, Any] = {"resource_id": new_id(), "stage": stage}
    if stage != "new":
        given |= {"integration_id": "iyzico-main", "provider": "iyzico", "provider_reference": "subscription-1"}
    return Resource(**(given | changed))


def _result(kind: type[ResourceOrder], changed: dict[str, Any]) -> dict[str, Any]:
    given: dict[str, Any] = {
        "resource_id": new_id(),
        "command_id": new_id(),
        "command_type": kind.type,
        "concluded_at": NOON,
        "performed": performed(provider_reference="subscription-1"),
        "attempts": 1,
    }
    return given | changed


def an_accepted(kind: type[ResourceOrder], **changed: Any) -> ResourceAccepted:
    return ACCEPTED[kind](**({"details": DETAILS[kind]} | _result(kind, changed)))


def a_resource_refused(kind: type[ResourceOrder] = StoreCard, **changed: Any) -> ResourceRefused:
    own = {"reason": Reason.DECLINED, "failure": FailureClass.DECLINED, "detail": "The bank said no."}
    return ResourceRefused(**(own | _result(kind, changed)))


def a_resource_pending(kind: type[ResourceOrder] = CreateSubscription, **changed: Any) -> ResourcePending:
    return ResourcePending(**({"reason": Reason.ACTION_REQUIRED} | _result(kind, changed)))


def a_resource_unknown(kind: type[ResourceOrder] = StoreCard, **changed: Any) -> ResourceUnknown:
    own = {"reason": Reason.OUTCOME_UNKNOWN, "detail": "Nobody knows.", "references": ("a1b2c3d4",)}
    return ResourceUnknown(**(own | _result(kind, changed)))


def a_resource_late_outcome(**changed: Any) -> ResourceLateOutcome:
    command_id = new_id()
    given: dict[str, Any] = {
        "resource_id": new_id(),
        "command_id": command_id,
        "caused_by": command_id,
        "verdict": Verdict.ACCEPTED,
        "observed_at": NOON,
        "epoch": 4,
        "performed": performed(),
    }
    return ResourceLateOutcome(**(given | changed))


def a_resource_result_divergence(**changed: Any) -> ResourceResultDivergence:
    command_id = new_id()
    given: dict[str, Any] = {
        "resource_id": new_id(),
        "command_id": command_id,
        "caused_by": command_id,
        "observed_at": NOON,
        "kept_digest": "ab" * 32,
        "other_digest": "cd" * 32,
    }
    return ResourceResultDivergence(**(given | changed))
