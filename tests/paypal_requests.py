"""Every request that PayPal's connector can build, by name."""

from dataclasses import replace
from typing import Any, Final, Literal

from providers.connector import Attempt, Request
from providers.payments.paypal import CONNECTOR
from schemas.money import Price
from schemas.payments import (
    CancelPayment,
    CapturePayment,
    CompleteThreeDSecure,
    CreatePayment,
    HostedPage,
    LineReference,
    QueryPayment,
    RefundPayment,
    StartThreeDSecure,
    StoredCard,
    Wallet,
)
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
    ResourceOrder,
    StoreCard,
    UpgradeSubscription,
)
from schemas.payments.vocabulary import Command
from tests import builders
from tests.builders import money
from tests.conformance.read_samples import a_question
from tests.conformance.resource_orders import a_resource
from tests.conformance.samples import CARD, COMMAND_ID, PAYMENT_ID, a_command, a_payment, an_attempt, with_a_card

REFERENCE: Final = "k0laj0001"
ORDER: Final = "5O190127TN364715T"
MOVEMENT: Final = "0VF52814937998046"
SUBSCRIPTION: Final = "I-BW452GLLEP1G"
TOKEN: Final = "8kk8451t"
BACK: Final = "https://shop.example/back"
PRICE: Final = Price(minor=1099, currency="EUR")
WALLET: Final = Wallet(kind="wallet", wallet="paypal", return_url=BACK)
PAGE: Final = HostedPage(kind="hosted_page", return_url=BACK)
KEPT: Final = StoredCard(kind="stored_card", card_token=TOKEN)
KEPT_WALLET: Final = StoredCard(kind="stored_card", card_token=f"paypal:{TOKEN}")


def built(command: Command, attempt: Attempt | None = None, *, inquiry: bool = False) -> Request:
    operation = CONNECTOR.operation_for(type(command))
    assert operation is not None
    if not inquiry:
        return operation.build(command, attempt or an_attempt(reference=REFERENCE))
    assert operation.inquiry is not None
    return operation.inquiry.build(command, attempt or an_attempt(reference=REFERENCE))


def a_create(**changed: Any) -> CreatePayment:
    return builders.a_create_payment(PRICE, **({"payment_id": PAYMENT_ID, "method": WALLET} | changed))


def a_start(**changed: Any) -> StartThreeDSecure:
    return builders.a_start_three_d_secure(PRICE, **({"payment_id": PAYMENT_ID, "method": KEPT} | changed))


def known(state: str, line: Literal["authorization", "capture"] | None = None, **changed: Any) -> Attempt:
    """An attempt at a payment that goes by `ORDER`, and moves money by `MOVEMENT` where it has a line."""
    lines = (
        () if line is None else (LineReference(line_id=line, provider_reference=MOVEMENT, paid=money("12.50", "EUR")),)
    )
    payment = a_payment(state, provider_reference=ORDER, lines=lines, currency="EUR")
    return Attempt(COMMAND_ID, 1, REFERENCE, payment.model_copy(update=changed))


def waiting(capture: str) -> Attempt:
    """An attempt at a payment that waits for its payer."""
    attempt = known("started")
    begun = attempt.payment.open_commands[0].model_copy(update={"capture": capture})
    return replace(attempt, payment=attempt.payment.model_copy(update={"open_commands": (begun,)}))


def about(kind: type[ResourceOrder], **changed: Any) -> Attempt:
    return an_attempt(reference=REFERENCE, resource=a_resource(kind, **changed))


def _payments() -> dict[str, Request]:
    carded = replace(an_attempt(reference=REFERENCE), card=CARD)
    a_card = with_a_card()
    kept_card = a_card.model_copy(update={"store_card": True, "customer_key": "buyer7"})
    at_home = a_card.model_copy(update={"billing_address": builders.an_address(country="DE")})
    held, captured = known("held", "authorization"), known("captured", "capture")
    return {
        "create with the wallet": built(a_create()),
        "create with the wallet, held": built(a_create(capture="manual")),
        "create with the wallet, kept": built(a_create(store_card=True)),
        "create with the wallet, kept for a customer": built(a_create(store_card=True, customer_key="buyer7")),
        "create with an address": built(a_create(shipping_address=builders.an_address(country="DE"))),
        "create on page": built(a_create(method=PAGE)),
        "create on page, kept": built(a_create(method=PAGE, store_card=True)),
        "create with a kept card": built(a_create(method=KEPT)),
        "create with a kept card, without payer": built(a_create(method=KEPT, without_payer=True)),
        "create with a kept wallet": built(a_create(method=KEPT_WALLET)),
        "create with a card": built(a_card, carded),
        "create with a card, kept": built(kept_card, carded),
        "create with a card and where it lives": built(at_home, carded),
        "create in yen": built(builders.a_create_payment(Price(minor=9899, currency="JPY"), method=WALLET)),
        "start": built(a_start()),
        "start, held": built(a_start(capture="manual")),
        "start with a kept wallet": built(a_start(method=KEPT_WALLET)),
        "complete": built(a_command(CompleteThreeDSecure), waiting("auto")),
        "complete a hold": built(a_command(CompleteThreeDSecure), waiting("manual")),
        "complete inquiry": built(a_command(CompleteThreeDSecure), waiting("auto"), inquiry=True),
        "capture": built(a_command(CapturePayment), held),
        "capture of a part": built(a_command(CapturePayment), replace(held, amount=money("5", "EUR"))),
        "capture inquiry": built(a_command(CapturePayment), held, inquiry=True),
        "cancel of a hold": built(a_command(CancelPayment), held),
        "cancel of a capture": built(a_command(CancelPayment), captured),
        "cancel inquiry": built(a_command(CancelPayment), held, inquiry=True),
        "refund": built(a_command(RefundPayment), captured),
        "refund with a long note": built(a_command(RefundPayment, reason="Işıl " * 100), captured),
        "refund inquiry": built(a_command(RefundPayment), captured, inquiry=True),
        "query": built(a_command(QueryPayment), captured),
    }


def _resources() -> dict[str, Request]:
    carded = replace(about(StoreCard), card=CARD)
    subscribed: dict[str, Any] = {"provider_reference": SUBSCRIPTION}
    there: dict[str, Any] = {"customer_reference": None, "return_url": BACK}
    eur: dict[str, Any] = {"price": {"minor": 1250, "currency": "EUR"}}
    return {
        "store card": built(a_command(StoreCard), carded),
        "store card of nobody": built(a_command(StoreCard, customer_key=None), carded),
        "delete card": built(a_command(DeleteCard, card_token=TOKEN), about(DeleteCard)),
        "delete wallet": built(a_command(DeleteCard, card_token=f"paypal:{TOKEN}"), about(DeleteCard)),
        "delete card inquiry": built(a_command(DeleteCard, card_token=TOKEN), about(DeleteCard), inquiry=True),
        "list cards": built(a_command(ListCards)),
        "create product": built(a_command(CreateProduct)),
        "create product with a description": built(a_command(CreateProduct, description="Her ay taze kahve")),
        "create plan": built(a_command(CreatePlan, **eur)),
        "create plan with a trial and an end": built(a_command(CreatePlan, **eur, trial_days=14, charges=12)),
        **{f"create plan by the {every}": built(a_command(CreatePlan, **eur, every=every)) for every in _EVERY},
        "create subscription": built(a_command(CreateSubscription, **there)),
        "create subscription that begins later": built(a_command(CreateSubscription, **there, begins_active=False)),
        "activate subscription": built(
            a_command(ActivateSubscription), about(ActivateSubscription, **subscribed, stage="active")
        ),
        "activate subscription inquiry": built(
            a_command(ActivateSubscription), about(ActivateSubscription, **subscribed), inquiry=True
        ),
        "upgrade subscription": built(
            a_command(UpgradeSubscription, when="next_period"), about(UpgradeSubscription, **subscribed)
        ),
        "upgrade subscription inquiry": built(
            a_command(UpgradeSubscription, when="next_period"), about(UpgradeSubscription, **subscribed), inquiry=True
        ),
        "cancel subscription": built(a_command(CancelSubscription), about(CancelSubscription, **subscribed)),
        "cancel subscription inquiry": built(
            a_command(CancelSubscription), about(CancelSubscription, **subscribed), inquiry=True
        ),
        "query subscription": built(a_command(QuerySubscription), about(QuerySubscription, **subscribed)),
        "list transactions": built(a_command(ListTransactions)),
        "list transactions, next page": built(a_command(ListTransactions, cursor="3")),
        "balance": built(a_command(GetBalance)),
    }


_EVERY: Final = ("day", "week", "year")


def requests() -> dict[str, Request]:
    """Every form of every request; also those that the machinery makes by itself."""
    assert CONNECTOR.token is not None
    asked = {f"read {read.name}": read.build(a_question(CONNECTOR, read)) for read in CONNECTOR.reads}
    return {
        **_payments(),
        **_resources(),
        **asked,
        "health": CONNECTOR.probe.request,
        "token": CONNECTOR.token.request,
    }
