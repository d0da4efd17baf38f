"""The operations about cards that are kept, subscriptions, sub-merchants, shares of lines, and reports.

Nothing here is deduplicated by iyzico: what changes something there is sent once, and asked about afterwards.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from providers.connector import Attempt, Inquiry, Operation, RateLimit, Request, Wire
from providers.outcome import Finding, Outcome
from providers.payments.iyzico import (
    approval,
    payouts,
    stored_cards,
    sub_merchants,
    subscribing,
    subscription_life,
    subscription_page,
    subscription_plans,
    transactions,
)
from providers.payments.iyzico.subscription_wire import SubscriptionList, SubscriptionReply
from providers.payments.iyzico.timing import ABSENCE_S, DEADLINE_S
from providers.payments.iyzico.wire import Envelope, PaymentReply
from schemas.payments import ApproveLine
from schemas.payments.resources import (
    ActivateSubscription,
    CancelSubscription,
    ChangeSubscriptionCard,
    CreatePlan,
    CreateProduct,
    CreateSubscription,
    DeleteCard,
    ListCards,
    ListPayouts,
    ListTransactions,
    QuerySubMerchant,
    QuerySubscription,
    RegisterSubMerchant,
    RetrySubscriptionCharge,
    StoreCard,
    UpdateSubMerchant,
    UpgradeSubscription,
)
from schemas.payments.vocabulary import Command

Build = Callable[[Any, Attempt], Request]
Found = Inquiry[Any, Any]


def _moves(
    name: str, command: type[Command], build: Build, reply: type[Wire], read: Callable[..., Outcome], *, inquiry: Found
) -> Operation[Any, Any]:
    return Operation(name, command, build, reply, read, DEADLINE_S, inquiry=inquiry, absence_window_s=ABSENCE_S)


def _asks(
    name: str, command: type[Command], build: Build, reply: type[Wire], read: Callable[..., Outcome]
) -> Operation[Any, Any]:
    return Operation(name, command, build, reply, read, deadline_s=15, moves_money=False)


def _asked(read: Callable[..., Finding]) -> Found:
    """How a subscription stands, seen as an order's outcome."""
    return Inquiry(subscription_life.ask, SubscriptionReply, read)


_CARDS: Final = (
    _moves(
        "store_card",
        StoreCard,
        stored_cards.build_store,
        stored_cards.StoredReply,
        stored_cards.read_store,
        inquiry=Inquiry(stored_cards.build_store_inquiry, stored_cards.CardList, stored_cards.read_store_inquiry),
    ),
    _moves(
        "delete_card",
        DeleteCard,
        stored_cards.build_delete,
        Envelope,
        stored_cards.read_delete,
        inquiry=Inquiry(stored_cards.build_delete_inquiry, stored_cards.CardList, stored_cards.read_delete_inquiry),
    ),
    _asks("list_cards", ListCards, stored_cards.build_list, stored_cards.CardList, stored_cards.read_list),
)
_PLANS: Final = (
    _moves(
        "create_product",
        CreateProduct,
        subscription_plans.build_product,
        subscription_plans.NamedReply,
        subscription_plans.read_product,
        inquiry=Inquiry(
            subscription_plans.build_product_inquiry,
            subscription_plans.NamedList,
            subscription_plans.read_product_inquiry,
        ),
    ),
    _moves(
        "create_plan",
        CreatePlan,
        subscription_plans.build_plan,
        subscription_plans.NamedReply,
        subscription_plans.read_plan,
        inquiry=Inquiry(
            subscription_plans.build_plan_inquiry, subscription_plans.NamedList, subscription_plans.read_plan_inquiry
        ),
    ),
)
_SUBSCRIPTIONS: Final = (
    _moves(
        "create_subscription",
        CreateSubscription,
        subscribing.build_create,
        subscribing.BegunReply,
        subscribing.read_create,
        inquiry=Inquiry(subscribing.build_inquiry, SubscriptionList, subscribing.read_inquiry),
    ),
    _moves(
        "activate_subscription",
        ActivateSubscription,
        subscription_life.build_activate,
        SubscriptionReply,
        subscription_life.read_activate,
        inquiry=_asked(subscription_life.read_activate_inquiry),
    ),
    _moves(
        "upgrade_subscription",
        UpgradeSubscription,
        subscription_life.build_upgrade,
        SubscriptionReply,
        subscription_life.read_upgrade,
        inquiry=Inquiry(
            subscription_life.build_upgrade_inquiry, SubscriptionList, subscription_life.read_upgrade_inquiry
        ),
    ),
    _moves(
        "retry_subscription_charge",
        RetrySubscriptionCharge,
        subscription_life.build_retry,
        SubscriptionReply,
        subscription_life.read_retry,
        inquiry=_asked(subscription_life.read_retry_inquiry),
    ),
    _moves(
        "cancel_subscription",
        CancelSubscription,
        subscription_life.build_cancel,
        SubscriptionReply,
        subscription_life.read_cancel,
        inquiry=_asked(subscription_life.read_cancel_inquiry),
    ),
    _asks(
        "change_subscription_card",
        ChangeSubscriptionCard,
        subscription_page.build_change_card,
        subscription_page.FormReply,
        subscription_page.read_change_card,
    ),
    _asks(
        "query_subscription",
        QuerySubscription,
        subscription_life.build_query,
        SubscriptionReply,
        subscription_life.read_query,
    ),
)
_MARKETPLACE: Final = (
    _moves(
        "register_sub_merchant",
        RegisterSubMerchant,
        sub_merchants.build_register,
        sub_merchants.SubMerchantReply,
        sub_merchants.read_register,
        inquiry=Inquiry(
            sub_merchants.build_detail,
            sub_merchants.SubMerchantReply,
            sub_merchants.read_register_inquiry,
            limited_as="query_sub_merchant",
        ),
    ),
    _moves(
        "update_sub_merchant",
        UpdateSubMerchant,
        sub_merchants.build_update,
        sub_merchants.SubMerchantReply,
        sub_merchants.read_update,
        inquiry=Inquiry(
            sub_merchants.build_detail,
            sub_merchants.SubMerchantReply,
            sub_merchants.read_update_inquiry,
            limited_as="query_sub_merchant",
        ),
    ),
    _asks(
        "query_sub_merchant",
        QuerySubMerchant,
        sub_merchants.build_detail,
        sub_merchants.SubMerchantReply,
        sub_merchants.read_query,
    ),
    _moves(
        "approve_line",
        ApproveLine,
        approval.build_approval,
        approval.ApprovalReply,
        approval.read_approval,
        inquiry=Inquiry(approval.build_inquiry, PaymentReply, approval.read_inquiry, limited_as="query"),
    ),
)
_REPORTS: Final = (
    _asks(
        "list_transactions",
        ListTransactions,
        transactions.build_transactions,
        transactions.TransactionReport,
        transactions.read_transactions,
    ),
    _asks("list_payouts", ListPayouts, payouts.build_payouts, payouts.PayoutReport, payouts.read_payouts),
)
RESOURCE_OPERATIONS: Final = (*_CARDS, *_PLANS, *_SUBSCRIPTIONS, *_MARKETPLACE, *_REPORTS)
RESOURCE_LIMITS: Final[Mapping[str, RateLimit]] = MappingProxyType(
    {
        name: RateLimit(100, 60)
        for name in ("approve_line", "register_sub_merchant", "update_sub_merchant", "query_sub_merchant")
    }
)
"""The one of their two language versions that lists them; approvals alone may be ten times as many."""
RESOURCE_PERSONAL: Final = frozenset(
    {
        "contactSurname",
        "customer",
        "customerEmail",
        "customerGsmNumber",
        "externalId",
        "iban",
        "legalCompanyTitle",
        "taxNumber",
        "taxOffice",
    }
)
