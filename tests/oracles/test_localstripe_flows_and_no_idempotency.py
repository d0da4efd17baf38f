"""localstripe checks flows over several calls at a Stripe that keeps state, and that its signed events are understood.

It cannot check repeated requests (it ignores their keys), parameters of today's interface (a shim drops what it
refuses, see `localstripe_shim.py`), bodies of errors, Stripe's page, prices or disputes.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

import httpx
import pytest_asyncio
from pydantic import SecretStr

from providers.caller import Caller
from providers.connector import Attempt, Integration, Operation
from providers.notices import Call, Notice, Refused
from providers.outcome import Finding, Outcome, ProviderState, Sighting
from providers.payments.stripe import CONNECTOR
from schemas.payments import (
    CancelPayment,
    CapturePayment,
    CompleteThreeDSecure,
    CreatePayment,
    QueryPayment,
    Reason,
    RefundPayment,
    StartThreeDSecure,
    StoredCard,
)
from schemas.payments.resources import (
    CancelSubscription,
    CreateProduct,
    CreateSubscription,
    DeleteCard,
    KeptCards,
    ListCards,
    ListTransactions,
    ProductDetails,
    QuerySubscription,
    SubscriptionDetails,
    TransactionPage,
)
from schemas.payments.vocabulary import Command
from schemas.verdicts import Verdict
from tests.builders import lira
from tests.conformance.samples import a_command, an_integration
from tests.oracles.localstripe_shim import between
from tests.receiver import Receiver, receiver
from tests.stripe_calls import an_attempt, token

KEY: Final = "sk_test_kolaj000000000000000001"
SECRET: Final = "whsec_kolaj_test_secret_0001"
GOOD: Final = token("pm_card_visa")
BAD: Final = token("pm_card_chargeCustomerFail")
ASKS: Final = "4000002500003155"


@dataclass(frozen=True, slots=True)
class Shop:
    """Our caller by way of the shim; `fake` speaks to localstripe itself, for what the connector does not set up."""

    caller: Caller
    integration: Integration
    fake: httpx.AsyncClient
    events: Receiver

    async def does(self, kind: type[Command], attempt: Attempt, **said: Any) -> Outcome:
        operation = _operation(kind)
        prepared = self.caller.prepare(self.integration, operation, a_command(kind, **said), attempt)
        return await self.caller.send(prepared, deadline_s=60)

    async def asks(self, kind: type[Command], attempt: Attempt, **said: Any) -> Finding:
        command = a_command(kind, **said)
        return await self.caller.inquire(self.integration, _operation(kind), command, attempt, deadline_s=60)

    async def sets_up(self, path: str, **fields: Any) -> dict[str, Any]:
        answer = await self.fake.post(path, data=fields)
        assert answer.is_success, answer.text
        made: dict[str, Any] = answer.json()
        return made

    async def a_card(self, number: str = "4242424242424242") -> str:
        card = {"card[number]": number, "card[exp_month]": "12", "card[exp_year]": "2030", "card[cvc]": "123"}
        made: str = (await self.sets_up("/v1/payment_methods", type="card", **card))["id"]
        return made

    async def a_customer(self) -> tuple[str, str]:
        """One with a card."""
        customer: str = (await self.sets_up("/v1/customers", name="a buyer"))["id"]
        card = await self.a_card()
        await self.sets_up(f"/v1/payment_methods/{card}/attach", customer=customer)
        return customer, card


def _operation(kind: type[Command]) -> Operation[Any, Any]:
    operation = CONNECTOR.operation_for(kind)
    assert operation is not None
    return operation


def tried(kind: type[Command], reference: str, amount: str | None = None, **changed: Any) -> Attempt:
    attempt = an_attempt(kind, None if amount is None else lira(amount), **changed)
    return replace(attempt, reference=reference)


@pytest_asyncio.fixture(scope="module")
async def shop(localstripe_url: str) -> AsyncIterator[Shop]:
    async with (
        httpx.AsyncClient(base_url=localstripe_url, auth=(KEY, ""), trust_env=False, timeout=60) as fake,
        httpx.AsyncClient(trust_env=False, timeout=60) as passing,
        receiver() as shim,
        receiver() as events,
        Caller(on_exchange=lambda _: None, on_breaker=lambda _: None) as caller,
    ):
        shim.answer = between(localstripe_url, passing)
        await fake.post("/_config/webhooks/hub", json={"url": f"{events.url}/webhooks/stripe-main", "secret": SECRET})
        integration = an_integration(CONNECTOR, shim.url, secret_key=KEY)
        yield Shop(caller, integration, fake, events)


def _moved(outcome: Outcome) -> tuple[Verdict, str]:
    return outcome.verdict, str(outcome.amount)


async def test_a_payment_is_taken_found_given_back_in_part_and_then_wholly(shop: Shop) -> None:
    taken = await shop.does(CreatePayment, tried(CreatePayment, "k0laj1"), method=GOOD)
    assert (*_moved(taken), taken.state) == (Verdict.ACCEPTED, "12.50 TRY", ProviderState.CAPTURED)
    assert taken.reference is not None
    found = await shop.asks(CreatePayment, tried(CreatePayment, "k0laj1"), method=GOOD)
    assert (found.sighting, found.outcome) == (Sighting.CONCLUDED, taken)
    part = tried(RefundPayment, "k0laj2", "5", at=taken.reference)
    assert _moved(await shop.does(RefundPayment, part)) == (Verdict.ACCEPTED, "5.00 TRY")
    seen = await shop.asks(RefundPayment, part)
    assert (seen.sighting, seen.outcome and str(seen.outcome.amount)) == (Sighting.CONCLUDED, "5.00 TRY")
    assert (await shop.asks(RefundPayment, replace(part, reference="k0laj0"))).sighting is Sighting.ABSENT
    rest = tried(CancelPayment, "k0laj3", "7.50", state="partly_refunded", at=taken.reference)
    assert _moved(await shop.does(CancelPayment, rest)) == (Verdict.ACCEPTED, "7.50 TRY")
    listed = (await shop.does(ListTransactions, tried(ListTransactions, "k0laj4"), day="2026-11-25")).details
    assert isinstance(listed, TransactionPage)
    ours = [one for one in listed.transactions if one.payment_reference == taken.reference]
    assert sorted((one.kind, str(one.amount)) for one in ours) == [
        ("payment", "12.50 TRY"),
        ("refund", "5.00 TRY"),
        ("refund", "7.50 TRY"),
    ]


async def test_a_part_of_a_hold_is_taken(shop: Shop) -> None:
    held = await shop.does(CreatePayment, tried(CreatePayment, "k0laj10"), method=GOOD, capture="manual")
    assert (*_moved(held), held.state) == (Verdict.ACCEPTED, "12.50 TRY", ProviderState.AUTHORIZED)
    part = tried(CapturePayment, "k0laj11", "5", at=held.reference or "")
    assert (await shop.asks(CapturePayment, part)).sighting is Sighting.ABSENT
    assert _moved(await shop.does(CapturePayment, part)) == (Verdict.ACCEPTED, "5.00 TRY")
    standing = await shop.does(QueryPayment, tried(QueryPayment, "k0laj12", at=held.reference or ""))
    assert (standing.state, str(standing.amount)) == (ProviderState.CAPTURED, "5.00 TRY")


async def test_a_hold_is_lifted(shop: Shop) -> None:
    held = await shop.does(CreatePayment, tried(CreatePayment, "k0laj20"), method=GOOD, capture="manual")
    lift = tried(CancelPayment, "k0laj21", "12.50", state="held", at=held.reference or "")
    assert (await shop.asks(CancelPayment, lift)).sighting is Sighting.ABSENT
    lifted = await shop.does(CancelPayment, lift, reason="abandoned")
    assert (*_moved(lifted), lifted.state) == (Verdict.ACCEPTED, "12.50 TRY", ProviderState.CANCELLED)
    assert (await shop.asks(CancelPayment, lift)).sighting is Sighting.CONCLUDED
    standing = await shop.does(QueryPayment, tried(QueryPayment, "k0laj22", at=held.reference or ""))
    assert standing.state is ProviderState.CANCELLED


async def test_a_card_that_is_declined_is_a_refusal_and_is_found_as_one(shop: Shop) -> None:
    refused = await shop.does(CreatePayment, tried(CreatePayment, "k0laj30"), method=BAD)
    assert (refused.verdict, refused.reason) == (Verdict.REFUSED, Reason.DECLINED)
    found = await shop.asks(CreatePayment, tried(CreatePayment, "k0laj30"), method=BAD)
    assert (found.sighting, found.outcome and found.outcome.reason) == (Sighting.CONCLUDED, Reason.DECLINED)


async def test_a_payer_goes_to_the_bank_and_the_payment_goes_on_by_itself(shop: Shop) -> None:
    card = await shop.a_card(ASKS)
    begun = await shop.does(StartThreeDSecure, tried(StartThreeDSecure, "k0laj40"), method=token(card))
    assert (begun.verdict, begun.reason) == (Verdict.PENDING, Reason.ACTION_REQUIRED)
    back = tried(CompleteThreeDSecure, "k0laj41", at=begun.reference or "")
    assert (await shop.does(CompleteThreeDSecure, back)).verdict is Verdict.PENDING
    path = f"/v1/payment_intents/{begun.reference}"
    secret = (await shop.fake.get(path)).json()["client_secret"]
    await shop.sets_up(f"{path}/_authenticate", client_secret=secret, success="true", key="pk_test_12345")
    done = await shop.does(CompleteThreeDSecure, back)
    assert (*_moved(done), done.state) == (Verdict.ACCEPTED, "12.50 TRY", ProviderState.CAPTURED)


async def test_a_payer_whom_the_bank_does_not_let_through_is_refused(shop: Shop) -> None:
    card = await shop.a_card(ASKS)
    begun = await shop.does(StartThreeDSecure, tried(StartThreeDSecure, "k0laj45"), method=token(card))
    path = f"/v1/payment_intents/{begun.reference}"
    secret = (await shop.fake.get(path)).json()["client_secret"]
    await shop.sets_up(f"{path}/_authenticate", client_secret=secret, success="false", key="pk_test_12345")
    back = tried(CompleteThreeDSecure, "k0laj46", at=begun.reference or "")
    refused = await shop.does(CompleteThreeDSecure, back)
    assert (refused.verdict, refused.reason) == (Verdict.REFUSED, Reason.AUTHENTICATION_FAILED)


async def test_a_kept_card_is_listed_paid_with_and_forgotten(shop: Shop) -> None:
    customer, card = await shop.a_customer()
    method = StoredCard(kind="stored_card", card_token=card, customer_key=customer)
    taken = await shop.does(CreatePayment, tried(CreatePayment, "k0laj50"), method=method, without_payer=True)
    assert _moved(taken) == (Verdict.ACCEPTED, "12.50 TRY")

    async def kept() -> list[str]:
        told = (await shop.does(ListCards, tried(ListCards, "k0laj51"), customer_key=customer)).details
        assert isinstance(told, KeptCards)
        return [one.card_token for one in told.cards]

    assert await kept() == [card]
    gone = tried(DeleteCard, "k0laj52")
    assert (await shop.asks(DeleteCard, gone, card_token=card)).sighting is Sighting.ABSENT
    assert (await shop.does(DeleteCard, gone, card_token=card)).verdict is Verdict.ACCEPTED
    assert (await shop.asks(DeleteCard, gone, card_token=card)).sighting is Sighting.CONCLUDED
    assert await kept() == []


async def test_a_product_is_made_and_found_under_our_reference(shop: Shop) -> None:
    attempt = tried(CreateProduct, "k0laj60")
    assert (await shop.asks(CreateProduct, attempt)).sighting is Sighting.ABSENT
    made = (await shop.does(CreateProduct, attempt)).details
    assert isinstance(made, ProductDetails)
    assert made.product_reference == "k0laj60"
    assert (await shop.asks(CreateProduct, attempt)).sighting is Sighting.CONCLUDED


async def test_a_customer_subscribes_and_it_is_cancelled(shop: Shop) -> None:
    customer, card = await shop.a_customer()
    default = {"invoice_settings[default_payment_method]": card}
    await shop.sets_up(f"/v1/customers/{customer}", **default)
    price = {"amount": "1250", "currency": "try", "interval": "month", "product[name]": "Kahve paketi"}
    plan = (await shop.sets_up("/v1/plans", **price))["id"]
    begun = await shop.does(
        CreateSubscription,
        tried(CreateSubscription, "k0laj70"),
        plan_reference=plan,
        customer_reference=customer,
    )
    assert isinstance(begun.details, SubscriptionDetails)
    assert (begun.verdict, begun.details.state) == (Verdict.ACCEPTED, "active")
    known = {"provider_reference": begun.reference}
    standing = await shop.does(QuerySubscription, tried(QuerySubscription, "k0laj71", **known))
    assert isinstance(standing.details, SubscriptionDetails)
    assert (standing.details.state, standing.details.customer_reference) == ("active", customer)
    ended = await shop.does(CancelSubscription, tried(CancelSubscription, "k0laj72", **known))
    assert isinstance(ended.details, SubscriptionDetails)
    assert (ended.verdict, ended.details.state) == (Verdict.ACCEPTED, "cancelled")


async def test_its_signed_events_are_verified_and_name_the_payment(shop: Shop) -> None:
    taken = await shop.does(CreatePayment, tried(CreatePayment, "k0laj80"), method=GOOD)
    refused = await shop.does(CreatePayment, tried(CreatePayment, "k0laj81"), method=BAD)

    def notices() -> dict[str | None, Notice]:
        read = [_read(got.headers, got.body, SECRET) for got in shop.events.got]
        found = {one.our_reference: one for one in read if isinstance(one, Notice)}
        return found if found.keys() >= {"k0laj80", "k0laj81"} else {}

    found = await shop.events.until(notices)
    assert (found["k0laj80"].said, found["k0laj80"].provider_reference) == ("captured", taken.reference)
    assert (found["k0laj81"].said, refused.verdict) == ("failed", Verdict.REFUSED)
    got = shop.events.got[0]
    assert _read(got.headers, got.body, "whsec_of_another") == Refused("wrong")
    assert _read(got.headers, got.body.replace(b"evt_", b"evt-"), SECRET) == Refused("wrong")


def _read(headers: dict[str, str], body: bytes, secret: str) -> Notice | Refused:
    assert CONNECTOR.webhooks is not None
    keys = ({"webhook_secret": SecretStr(secret)},)
    settings = CONNECTOR.settings.model_validate({})
    return CONNECTOR.webhooks.read(Call(headers, body, keys, datetime.now(UTC), settings, "sandbox"))
