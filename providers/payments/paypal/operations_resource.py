"""The operations about cards that are kept, plans, subscriptions and reports."""

from typing import Any, Final

from providers.connector import Inquiry, Operation
from providers.payments.paypal import cards, plans, reports, subscriptions
from providers.payments.paypal.subscriptions import Done, RevisionReply, SubscriptionReply
from providers.payments.paypal.timing import ABSENCE_S, BILLING_S, DEADLINE_S, QUESTION_S, VAULT_S
from schemas.payments.resources import (
    ActivateSubscription,
    CancelSubscription,
    CreatePlan,
    CreateProduct,
    CreateSubscription,
    DeleteCard,
    GetBalance,
    ListCards,
    ListTransactions,
    QuerySubscription,
    StoreCard,
    UpgradeSubscription,
)

_CARDS: Final = (
    Operation(
        name="store_card",
        command=StoreCard,
        build=cards.build_store,
        reply=cards.TokenReply,
        read=cards.read_store,
        deadline_s=DEADLINE_S,
        repeatable_for_s=VAULT_S,
        absence_window_s=ABSENCE_S,
    ),
    Operation(
        name="delete_card",
        command=DeleteCard,
        build=cards.build_delete,
        reply=cards.DeletionReply,
        read=cards.read_delete,
        deadline_s=DEADLINE_S,
        inquiry=Inquiry(cards.build_delete_inquiry, cards.TokenList, cards.read_delete_inquiry, QUESTION_S),
        absence_window_s=ABSENCE_S,
        no_content=cards.Deleted(),
    ),
    Operation(
        name="list_cards",
        command=ListCards,
        build=cards.build_list,
        reply=cards.TokenList,
        read=cards.read_list,
        deadline_s=QUESTION_S,
        moves_money=False,
    ),
)
_PLANS: Final = (
    Operation(
        name="create_product",
        command=CreateProduct,
        build=plans.build_product,
        reply=plans.ProductReply,
        read=plans.read_product,
        deadline_s=DEADLINE_S,
        repeatable_for_s=BILLING_S,
        absence_window_s=ABSENCE_S,
    ),
    Operation(
        name="create_plan",
        command=CreatePlan,
        build=plans.build_plan,
        reply=plans.PlanReply,
        read=plans.read_plan,
        deadline_s=DEADLINE_S,
        repeatable_for_s=BILLING_S,
        absence_window_s=ABSENCE_S,
    ),
)
_SUBSCRIPTIONS: Final = (
    Operation(
        name="create_subscription",
        command=CreateSubscription,
        build=subscriptions.build_create,
        reply=SubscriptionReply,
        read=subscriptions.read_create,
        deadline_s=DEADLINE_S,
        repeatable_for_s=BILLING_S,
        absence_window_s=ABSENCE_S,
    ),
    Operation(
        name="activate_subscription",
        command=ActivateSubscription,
        build=subscriptions.build_activate,
        reply=SubscriptionReply,
        read=subscriptions.read_activate,
        deadline_s=DEADLINE_S,
        inquiry=Inquiry(subscriptions.ask, SubscriptionReply, subscriptions.read_activate_inquiry, QUESTION_S),
        absence_window_s=ABSENCE_S,
        no_content=Done(),
    ),
    Operation(
        name="upgrade_subscription",
        command=UpgradeSubscription,
        build=subscriptions.build_upgrade,
        reply=RevisionReply,
        read=subscriptions.read_upgrade,
        deadline_s=DEADLINE_S,
        inquiry=Inquiry(subscriptions.ask, SubscriptionReply, subscriptions.read_upgrade_inquiry, QUESTION_S),
        absence_window_s=ABSENCE_S,
    ),
    Operation(
        name="cancel_subscription",
        command=CancelSubscription,
        build=subscriptions.build_cancel,
        reply=SubscriptionReply,
        read=subscriptions.read_cancel,
        deadline_s=DEADLINE_S,
        inquiry=Inquiry(subscriptions.ask, SubscriptionReply, subscriptions.read_cancel_inquiry, QUESTION_S),
        absence_window_s=ABSENCE_S,
        no_content=Done(),
    ),
    Operation(
        name="query_subscription",
        command=QuerySubscription,
        build=subscriptions.ask,
        reply=SubscriptionReply,
        read=subscriptions.read_query,
        deadline_s=QUESTION_S,
        moves_money=False,
    ),
)
_REPORTS: Final = (
    Operation(
        name="list_transactions",
        command=ListTransactions,
        build=reports.build_transactions,
        reply=reports.TransactionReply,
        read=reports.read_transactions,
        deadline_s=DEADLINE_S,
        moves_money=False,
    ),
    Operation(
        name="get_balance",
        command=GetBalance,
        build=reports.build_balance,
        reply=reports.BalanceReply,
        read=reports.read_balance,
        deadline_s=QUESTION_S,
        moves_money=False,
    ),
)
RESOURCE_OPERATIONS: Final[tuple[Operation[Any, Any], ...]] = (*_CARDS, *_PLANS, *_SUBSCRIPTIONS, *_REPORTS)
