"""Every request that the connector can build, by name; and answers as Stripe would give them."""

import json
from dataclasses import replace
from datetime import date
from typing import Any, Final

from providers.connector import Answer, Attempt, Request
from providers.judging import Asked, judge_finding, judge_outcome
from providers.outcome import Finding, Outcome
from providers.payments.stripe import CONNECTOR
from schemas.money import Money
from schemas.payments import (
    CancelPayment,
    CapturePayment,
    CompleteThreeDSecure,
    CreatePayment,
    HostedPage,
    ProviderToken,
    QueryPayment,
    RefundPayment,
    StartThreeDSecure,
    StoredCard,
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
    ResourceOrder,
    RetrySubscriptionCharge,
    StoreCard,
    UpgradeSubscription,
)
from schemas.payments.vocabulary import Command
from tests.builders import lira, money
from tests.conformance.resource_orders import a_resource
from tests.conformance.samples import COMMAND_ID, NOW, a_command, a_payment, an_integration

REFERENCE: Final = "k0laj0001"
INTENT: Final = "pi_3QKolaj0001"
PAGE: Final = "cs_test_Kolaj0001"
CARD: Final = StoredCard(kind="stored_card", card_token="pm_1QKolaj0001", customer_key="cus_Kolaj0001")
HOSTED: Final = HostedPage(kind="hosted_page", return_url="https://shop.example/back?order=1")
BY_TOKEN: Final[dict[str, Any]] = {"card_ref": None, "provider_token": "pm_1QKolaj0001", "customer_key": None}
BY_TOKEN_OF_CUSTOMER: Final[dict[str, Any]] = {**BY_TOKEN, "customer_key": "cus_Kolaj0001"}
_STATES: Final = {
    CreatePayment: "new",
    StartThreeDSecure: "new",
    CompleteThreeDSecure: "started",
    CapturePayment: "held",
    CancelPayment: "captured",
    RefundPayment: "captured",
    QueryPayment: "captured",
}


def token(value: str) -> ProviderToken:
    return ProviderToken(kind="provider_token", token=value)


def an_attempt(
    kind: type[Command], amount: Money | None = None, *, state: str | None = None, at: str = INTENT, **changed: Any
) -> Attempt:
    """The attempt of a command of one kind: its payment is known to Stripe as `at`, unless it is only begun."""
    if issubclass(kind, ResourceOrder):
        return Attempt(COMMAND_ID, 1, REFERENCE, a_payment(), resource=a_resource(kind, **changed))
    state = state or _STATES[kind]
    known = {} if state == "new" else {"provider_reference": at}
    moved = amount or (None if kind in {QueryPayment, CompleteThreeDSecure} else lira("12.50"))
    return Attempt(COMMAND_ID, 1, REFERENCE, a_payment(state, **known, **changed), moved)


def built(kind: type[Command], attempt: Attempt | None = None, *, inquiry: bool = False, **said: Any) -> Request:
    operation = CONNECTOR.operation_for(kind)
    assert operation is not None
    command = a_command(kind, **said)
    build = operation.build
    if inquiry:
        assert operation.inquiry is not None
        build = operation.inquiry.build
    return build(command, attempt or an_attempt(kind))


def judged(
    kind: type[Command],
    body: Any,
    status: int = 200,
    *,
    attempt: Attempt | None = None,
    headers: dict[str, str] | None = None,
    inquiry: bool = False,
    **said: Any,
) -> Outcome | Finding:
    """What an answer comes to, through the machinery's judgement."""
    operation = CONNECTOR.operation_for(kind)
    assert operation is not None
    tried = attempt or an_attempt(kind)
    asked = Asked(
        integration=an_integration(CONNECTOR),
        operation=operation.name,
        command=a_command(kind, **said),
        attempt=tried,
        request=built(kind, tried, inquiry=inquiry, **said),
        now=NOW,
    )
    answer = Answer(status, {"content-type": "application/json", **(headers or {})}, json.dumps(body).encode(), None)
    if not inquiry:
        return judge_outcome(asked, operation, answer)
    assert operation.inquiry is not None
    return judge_finding(asked, operation.inquiry, answer)


def an_intent(status: str = "succeeded", minor: int = 1250, **changed: Any) -> dict[str, Any]:
    return {
        "id": INTENT,
        "object": "payment_intent",
        "amount": minor,
        "amount_received": minor if status == "succeeded" else 0,
        "amount_capturable": minor if status == "requires_capture" else 0,
        "currency": "try",
        "status": status,
        "metadata": {"kolaj_reference": REFERENCE},
        **changed,
    }


def an_error(code: str | None, kind: str = "invalid_request_error", **more: Any) -> dict[str, Any]:
    return {"error": {"type": kind, "message": "for people", **({} if code is None else {"code": code}), **more}}


def requests() -> dict[str, Request]:
    """Every form of every request."""
    on_page = an_attempt(CancelPayment, state="on_page", at=PAGE)
    asked_at_page = an_attempt(QueryPayment, state="on_page", at=PAGE)
    lost = an_attempt(QueryPayment, state="on_page")
    lost = replace(lost, payment=lost.payment.model_copy(update={"provider_reference": None}))
    subscribed_there = an_attempt(QuerySubscription, provider_reference=PAGE)
    day: dict[str, Any] = {"day": date(2026, 11, 25).isoformat()}
    there: dict[str, Any] = {"customer_reference": None, "return_url": HOSTED.return_url}
    return {
        "create": built(CreatePayment, method=CARD),
        "create by pm": built(CreatePayment, method=token("pm_1QKolaj0001"), capture="manual"),
        "create and keep": built(
            CreatePayment, method=token("pm_1QKolaj0001"), store_card=True, customer_key="cus_Kolaj0001"
        ),
        "create by ctoken": built(CreatePayment, method=token("ctoken_1QKolaj0001")),
        "create without payer": built(CreatePayment, method=CARD, without_payer=True),
        "create, held": built(CreatePayment, method=CARD, capture="manual"),
        "create without payer, held": built(CreatePayment, method=CARD, capture="manual", without_payer=True),
        "create in yen": built(CreatePayment, an_attempt(CreatePayment, money("9899", "JPY")), method=CARD),
        "create in dinars": built(CreatePayment, an_attempt(CreatePayment, money("5.12", "KWD")), method=CARD),
        "create on page for a customer": built(
            CreatePayment, method=HOSTED, store_card=True, customer_key="cus_Kolaj0001"
        ),
        "create on page": built(CreatePayment, method=HOSTED),
        "create on page, held and kept": built(CreatePayment, method=HOSTED, capture="manual", store_card=True),
        "create inquiry": built(CreatePayment, inquiry=True, method=CARD),
        "create on page inquiry": built(CreatePayment, inquiry=True, method=HOSTED),
        "start": built(StartThreeDSecure, method=CARD),
        "start, held and kept": built(
            StartThreeDSecure, method=token("pm_1QKolaj0001"), capture="manual", store_card=True, customer_key="cus_1"
        ),
        "start by ctoken": built(StartThreeDSecure, method=token("ctoken_1QKolaj0001")),
        "start inquiry": built(StartThreeDSecure, inquiry=True, method=CARD),
        "complete": built(CompleteThreeDSecure),
        "capture": built(CapturePayment),
        "capture inquiry": built(CapturePayment, inquiry=True),
        "cancel of hold": built(CancelPayment, an_attempt(CancelPayment, state="held"), reason="abandoned"),
        "cancel of hold inquiry": built(CancelPayment, an_attempt(CancelPayment, state="held"), inquiry=True),
        **{
            f"cancel of hold for {reason}": built(CancelPayment, an_attempt(CancelPayment, state="held"), reason=reason)
            for reason in ("buyer_request", "double_payment", "fraud")
        },
        "cancel of hold without a reason": built(CancelPayment, an_attempt(CancelPayment, state="held"), reason=None),
        "cancel of what waits for its payer": built(CancelPayment, an_attempt(CancelPayment, state="started")),
        "cancel of charge": built(CancelPayment, reason="duplicate"),
        "cancel of charge inquiry": built(CancelPayment, inquiry=True),
        "cancel of page": built(CancelPayment, on_page),
        "cancel of page inquiry": built(CancelPayment, on_page, inquiry=True),
        "refund": built(RefundPayment, reason="fraud"),
        "refund of a part, as the buyer asked": built(
            RefundPayment, an_attempt(RefundPayment, lira("5")), reason="buyer_request"
        ),
        "refund inquiry": built(RefundPayment, inquiry=True),
        "query": built(QueryPayment),
        "query of page": built(QueryPayment, asked_at_page),
        "query without id": built(QueryPayment, lost),
        "store card": built(StoreCard, **BY_TOKEN),
        "store card inquiry": built(StoreCard, inquiry=True, **BY_TOKEN),
        "store card of customer": built(StoreCard, **BY_TOKEN_OF_CUSTOMER),
        "store card of customer inquiry": built(StoreCard, inquiry=True, **BY_TOKEN_OF_CUSTOMER),
        "delete card": built(DeleteCard),
        "delete card inquiry": built(DeleteCard, inquiry=True),
        "list cards": built(ListCards),
        "create product": built(CreateProduct, description="Her ay"),
        "create product, no more than its name": built(CreateProduct),
        "create product inquiry": built(CreateProduct, inquiry=True),
        "create plan": built(CreatePlan, trial_days=14, every_count=3),
        **{f"create plan by the {every}": built(CreatePlan, every=every) for every in ("day", "week", "year")},
        "create plan inquiry": built(CreatePlan, inquiry=True),
        "create subscription": built(CreateSubscription),
        "create subscription inquiry": built(CreateSubscription, inquiry=True),
        "create subscription on page": built(CreateSubscription, **there),
        "create subscription on page inquiry": built(CreateSubscription, inquiry=True, **there),
        "upgrade subscription": built(UpgradeSubscription, with_trial=True, count_anew=True),
        "upgrade subscription, and no more": built(UpgradeSubscription),
        "upgrade subscription inquiry": built(UpgradeSubscription, inquiry=True),
        "cancel subscription": built(CancelSubscription),
        "cancel subscription inquiry": built(CancelSubscription, inquiry=True),
        "retry charge": built(RetrySubscriptionCharge, order_reference="in_1QKolaj0001"),
        "retry charge inquiry": built(RetrySubscriptionCharge, inquiry=True, order_reference="in_1QKolaj0001"),
        "change card": built(ChangeSubscriptionCard),
        "query subscription": built(QuerySubscription),
        "query subscription of page": built(QuerySubscription, subscribed_there),
        "balance": built(GetBalance),
        "transactions": built(ListTransactions, **day),
        "transactions, next page": built(ListTransactions, **day, cursor="txn_1QKolaj0001"),
        "payouts": built(ListPayouts, **day),
        "payouts, next page": built(ListPayouts, **day, cursor="po_1QKolaj0001"),
        "health": CONNECTOR.probe.request,
    }
