"""What is done at Stripe. A request that moves something carries a key under which it may be sent again for a day."""

from collections.abc import Callable
from typing import Any, Final

from providers.connector import Attempt, Inquiry, Operation, Request, Wire
from providers.outcome import Outcome
from providers.payments.stripe import (
    cancel,
    capture,
    create,
    plans,
    query,
    refund,
    reports,
    stored_cards,
    storing_cards,
    subscribing,
    subscription_charge,
    subscription_life,
    three_d_secure,
)
from providers.payments.stripe.subscription import SubscriptionReply
from providers.payments.stripe.wire import IntentReply
from schemas.payments import (
    CancelPayment,
    CapturePayment,
    CompleteThreeDSecure,
    CreatePayment,
    QueryPayment,
    RefundPayment,
    StartThreeDSecure,
)
from schemas.payments.resources import (
    CancelSubscription,
    ChangeSubscriptionCard,
    CreatePlan,
    CreateProduct,
    CreateSubscription,
    DeleteCard,
    GetBalance,
    ListCards,
    ListPayouts,
    ListTransactions,
    QuerySubscription,
    RetrySubscriptionCharge,
    StoreCard,
    UpgradeSubscription,
)
from schemas.payments.vocabulary import Command

DEADLINE_S: Final = 30
"""Stripe publishes no limit; its libraries wait 80 s."""
KEPT_S: Final = 24 * 3600
"""For at least so long Stripe answers a repeated key with the first result."""

Build = Callable[[Any, Attempt], Request]
Read = Callable[..., Outcome]
Found = Inquiry[Any, Any]


def _moves(
    name: str,
    command: type[Command],
    build: Build,
    reply: type[Wire],
    read: Read,
    *,
    inquiry: Found,
    repeatable_for_s: float | None = KEPT_S,
) -> Operation[Any, Any]:
    return Operation(name, command, build, reply, read, DEADLINE_S, inquiry=inquiry, repeatable_for_s=repeatable_for_s)


def _asks(name: str, command: type[Command], build: Build, reply: type[Wire], read: Read) -> Operation[Any, Any]:
    return Operation(name, command, build, reply, read, deadline_s=20, moves_money=False)


_CREATED: Final[Found] = Inquiry(create.build_inquiry, create.CreatedList, create.read_inquiry, limited_as="query")
_PAYMENTS: Final = (
    _moves("create", CreatePayment, create.build_create, create.CreateReply, create.read_create, inquiry=_CREATED),
    _moves(
        "start_three_d_secure",
        StartThreeDSecure,
        three_d_secure.build_start,
        create.CreateReply,
        create.read_create,
        inquiry=_CREATED,
    ),
    _asks(
        "complete_three_d_secure",
        CompleteThreeDSecure,
        three_d_secure.build_complete,
        IntentReply,
        three_d_secure.read_complete,
    ),
    _moves(
        "capture",
        CapturePayment,
        capture.build_capture,
        IntentReply,
        capture.read_capture,
        inquiry=Inquiry(capture.build_inquiry, IntentReply, capture.read_inquiry, limited_as="query"),
    ),
    _moves(
        "cancel",
        CancelPayment,
        cancel.build_cancel,
        cancel.CancelReply,
        cancel.read_cancel,
        inquiry=Inquiry(cancel.build_inquiry, cancel.CancelledList, cancel.read_inquiry, limited_as="query"),
    ),
    _moves(
        "refund",
        RefundPayment,
        refund.build_refund,
        refund.RefundReply,
        refund.read_refund,
        inquiry=Inquiry(refund.build_inquiry, refund.RefundList, refund.read_inquiry),
    ),
    _asks("query", QueryPayment, query.build_query, query.QueryReply, query.read_query),
)
_CARDS: Final = (
    _moves(
        "store_card",
        StoreCard,
        storing_cards.build_store,
        storing_cards.StoringReply,
        storing_cards.read_store,
        inquiry=Inquiry(storing_cards.build_store_inquiry, storing_cards.StoringList, storing_cards.read_store_inquiry),
    ),
    _moves(
        "delete_card",
        DeleteCard,
        stored_cards.build_delete,
        stored_cards.MethodReply,
        stored_cards.read_delete,
        inquiry=Inquiry(stored_cards.build_delete_inquiry, stored_cards.MethodReply, stored_cards.read_delete_inquiry),
    ),
    _asks("list_cards", ListCards, stored_cards.build_list, stored_cards.MethodList, stored_cards.read_list),
)
_SUBSCRIPTIONS: Final = (
    _moves(
        "create_product",
        CreateProduct,
        plans.build_product,
        plans.ProductReply,
        plans.read_product,
        inquiry=Inquiry(plans.build_product_inquiry, plans.ProductReply, plans.read_product_inquiry),
    ),
    _moves(
        "create_plan",
        CreatePlan,
        plans.build_plan,
        plans.PriceReply,
        plans.read_plan,
        inquiry=Inquiry(plans.build_plan_inquiry, plans.PriceList, plans.read_plan_inquiry),
    ),
    _moves(
        "create_subscription",
        CreateSubscription,
        subscribing.build_create,
        subscribing.BegunReply,
        subscribing.read_create,
        inquiry=Inquiry(subscribing.build_inquiry, subscribing.BegunList, subscribing.read_inquiry),
    ),
    _moves(
        "upgrade_subscription",
        UpgradeSubscription,
        subscription_life.build_upgrade,
        SubscriptionReply,
        subscription_life.read_upgrade,
        inquiry=Inquiry(subscription_life.ask_about, SubscriptionReply, subscription_life.read_upgrade_inquiry),
    ),
    _moves(
        "cancel_subscription",
        CancelSubscription,
        subscription_life.build_cancel,
        SubscriptionReply,
        subscription_life.read_cancel,
        inquiry=Inquiry(subscription_life.ask_about, SubscriptionReply, subscription_life.read_cancel_inquiry),
        # A DELETE takes no key.
        repeatable_for_s=None,
    ),
    _moves(
        "retry_subscription_charge",
        RetrySubscriptionCharge,
        subscription_charge.build_retry,
        subscription_charge.InvoiceReply,
        subscription_charge.read_retry,
        inquiry=Inquiry(
            subscription_charge.build_retry_inquiry,
            subscription_charge.InvoiceReply,
            subscription_charge.read_retry_inquiry,
        ),
    ),
    _asks(
        "change_subscription_card",
        ChangeSubscriptionCard,
        subscription_charge.build_change_card,
        subscription_charge.PortalReply,
        subscription_charge.read_change_card,
    ),
    _asks(
        "query_subscription",
        QuerySubscription,
        subscription_life.build_query,
        subscription_life.StandingReply,
        subscription_life.read_query,
    ),
)
_REPORTS: Final = (
    _asks("get_balance", GetBalance, reports.build_balance, reports.BalanceReply, reports.read_balance),
    _asks(
        "list_transactions", ListTransactions, reports.build_transactions, reports.LineList, reports.read_transactions
    ),
    _asks("list_payouts", ListPayouts, reports.build_payouts, reports.PayoutList, reports.read_payouts),
)
OPERATIONS: Final = (*_PAYMENTS, *_CARDS, *_SUBSCRIPTIONS, *_REPORTS)
