"""What the sandbox tells an account's endpoint, read by Stripe's own client and by the connector's reader."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio
import stripe
from aiohttp import web
from pydantic import SecretStr

from infra.sandbox.stripe import Account, Webhooks, running_stripe_sandbox
from providers.connection_settings import USUAL
from providers.notices import Call, Notice, Refused
from providers.payments.stripe import CONNECTOR
from tests.receiver import Got, Receiver, receiver
from tests.stripe_shop import BACK, StripeShop, a_stripe_shop, form

OLD, NEW = "whsec_kolajOld0001", "whsec_kolajNew0002"


@dataclass(frozen=True, slots=True)
class Told:
    shop: StripeShop
    called: Receiver

    def about(self, identifier: str, kind: str | None = None) -> list[Got]:
        return [got for got in self.called.got if identifier in got.body.decode() and kind in {None, got.told["type"]}]

    def read(self, got: Got, environment: str = "sandbox") -> Notice | Refused:
        """As the connector reads it, which knows one of the secrets."""
        assert CONNECTOR.webhooks is not None
        keys = ({"webhook_secret": SecretStr(NEW), "secret_key": SecretStr("sk_test_x")},)
        arrived = datetime.fromtimestamp(self.shop.sandbox.clock.now_ms() / 1000, UTC)
        return CONNECTOR.webhooks.read(Call(got.headers, got.body, keys, arrived, USUAL, environment))

    def notice(self, got: Got) -> Notice:
        notice = self.read(got)
        assert isinstance(notice, Notice), notice
        return notice

    def event(self, got: Got, secret: str = OLD) -> stripe.Event:
        return self.shop.client.construct_event(got.body, got.headers["stripe-signature"], secret, tolerance=10**6)


@pytest_asyncio.fixture(scope="module")
async def told() -> AsyncIterator[Told]:
    async with receiver() as called:
        store = Account(webhooks=Webhooks(url=f"{called.url}/stripe", secrets=(OLD, NEW), before_answer=True))
        async with running_stripe_sandbox(store=store) as sandbox, a_stripe_shop(sandbox) as shop:
            yield Told(shop, called)


async def test_a_payment_is_told_in_its_parts(told: Told) -> None:
    paid = await told.shop.paid(metadata={"kolaj_reference": "k1"})
    kinds = [told.event(got).type for got in told.about(paid.id)]
    assert kinds == ["payment_intent.created", "charge.succeeded", "payment_intent.succeeded"]
    refund = await told.shop.client.v1.refunds.create_async({"payment_intent": paid.id})
    assert {told.event(got).type for got in told.about(refund.id)} == {"refund.created"}
    (got,) = told.about(paid.id, "charge.refunded")
    assert told.event(got).data.object["refunded"] is True


async def test_each_live_secret_signs(told: Told) -> None:
    paid = await told.shop.paid()
    got = told.about(paid.id)[-1]
    for secret in (OLD, NEW):
        assert told.event(got, secret).data.object["id"] == paid.id
    with pytest.raises(stripe.SignatureVerificationError):
        told.event(got, "whsec_other")


async def test_an_event_names_the_request_and_its_key(told: Told) -> None:
    answer = await told.shop.post("/v1/customers", "key-of-customer", name="Ayşe")
    (got,) = told.about(answer.json()["id"])
    event = told.event(got)
    assert event.request is not None
    assert (event.request.id, event.request.idempotency_key) == (answer.headers["request-id"], "key-of-customer")
    assert (event.api_version, event.livemode) == ("2026-10-28.endive", False)
    listed = await told.shop.client.v1.events.list_async({"type": "customer.created"})
    assert event.id in [one.id for one in listed.data]


async def test_a_refused_event_comes_again_signed_anew_until_it_is_taken(told: Told) -> None:
    async def refusing(_: web.BaseRequest, __: Got) -> web.StreamResponse:
        return web.Response(status=500)

    taken, told.called.answer = told.called.answer, refusing
    paid = await told.shop.paid()
    told.called.answer = taken
    first = told.about(paid.id, "payment_intent.succeeded")
    await told.shop.sandbox.advance(61)
    second = told.about(paid.id, "payment_intent.succeeded")
    assert (len(first), len(second)) == (1, 2)
    assert second[0].body == second[1].body
    assert second[0].headers["stripe-signature"] != second[1].headers["stripe-signature"]
    await told.shop.sandbox.advance(24 * 3600)
    assert told.about(paid.id, "payment_intent.succeeded") == second


async def test_a_taken_event_may_be_repeated_and_forged(told: Told) -> None:
    await told.shop.order("settings", repeats=1, forge_every=1)
    paid = await told.shop.paid()
    await told.shop.order("settings", repeats=0, forge_every=0)
    await told.shop.sandbox.advance(61)
    forged, real, repeated = told.about(paid.id, "payment_intent.succeeded")
    assert told.event(real).id == told.event(repeated).id
    with pytest.raises(stripe.SignatureVerificationError):
        told.event(forged)


async def test_the_connector_reads_what_is_told(told: Told) -> None:
    held = await told.shop.paid(capture_method="manual", metadata={"kolaj_reference": "k0laj77"})
    await told.shop.client.v1.payment_intents.cancel_async(held.id)
    said = []
    for got in told.about(held.id):
        notice = told.notice(got)
        if got.told["type"].startswith("payment_intent."):
            assert (notice.our_reference, notice.provider_reference) == ("k0laj77", held.id)
            said.append(notice.said)
    assert said == [None, "authorized", "cancelled"]
    assert isinstance(told.read(got, "production"), Refused)


async def test_pages_subscriptions_and_disputes_are_told(told: Told) -> None:
    v1 = told.shop.client.v1
    before = len(told.called.got)
    asked: Any = {"currency": "try", "unit_amount": 500, "recurring": {"interval": "week"}}
    product = await v1.products.create_async({"name": "Coffee"})
    price = await v1.prices.create_async(form(asked, product=product.id))
    page: Any = {
        "mode": "subscription",
        "success_url": BACK,
        "line_items": [{"price": price.id, "quantity": 1}],
        "subscription_data": {"metadata": {"kolaj_reference": "s0laj88"}},
    }
    session = await v1.checkout.sessions.create_async(page)
    await told.shop.walk(str(session.url), action="pay", payment_method="pm_card_visa")
    done = await v1.checkout.sessions.retrieve_async(session.id)
    kinds = [got.told["type"] for got in told.called.got[before:]]
    assert {"checkout.session.completed", "customer.subscription.created", "invoice.paid"} < set(kinds)
    for kind in ("checkout.session.completed", "customer.subscription.created", "invoice.paid"):
        (got,) = [one for one in told.called.got[before:] if one.told["type"] == kind]
        notice = told.notice(got)
        assert (notice.about, notice.provider_reference) == ("resource", done.subscription)
    paid = await told.shop.paid(method="pm_card_createDispute")
    await told.shop.sandbox.advance(2)
    for kind in ("charge.dispute.created", "charge.dispute.funds_withdrawn"):
        (got,) = told.about(paid.id, kind)
        notice = told.notice(got)
        assert (notice.about, notice.provider_reference, notice.said) == ("payment", paid.id, None)


async def test_an_event_can_be_told_at_an_order(told: Told) -> None:
    paid = await told.shop.paid()
    before = len(told.about(paid.id))
    assert (await told.shop.order("webhooks", about=paid.id))["answered"] == 204
    assert len(told.about(paid.id)) == before + 1


async def test_a_payment_that_waits_is_told_when_it_is_decided(told: Told) -> None:
    await told.shop.order("faults", kind="processing_success", path="/v1/payment_intents", seconds=60)
    waiting = await told.shop.paid()
    assert waiting.status == "processing"
    await told.shop.sandbox.advance(61)
    kinds = [got.told["type"] for got in told.about(waiting.id)]
    assert kinds[:2] == ["payment_intent.created", "payment_intent.processing"]
    assert {"charge.succeeded", "payment_intent.succeeded"} < set(kinds)
