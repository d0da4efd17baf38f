"""A shop's day at Stripe through the whole hub: a worker, a gateway that is called, and Stripe's sandbox."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import httpx
import pytest
import pytest_asyncio

from infra.local import LocalStack
from infra.local.process import free_ports
from infra.sandbox.stripe import Account as Settable
from infra.sandbox.stripe import BookedPayment, StripeSandbox, Webhooks, running_stripe_sandbox
from schemas.ids import new_id
from schemas.money import Price
from schemas.payments import (
    CommandPending,
    CommandRefused,
    CommandUnknown,
    PaymentCreated,
    PaymentRefunded,
    ProviderToken,
    Redirect,
    StoredCard,
    ThreeDSecureCompleted,
)
from schemas.payments.resources import StoreCard
from tests.acceptance.shop_day import ShopDay
from tests.api_server import running_api
from tests.builders import (
    a_complete_three_d_secure,
    a_create_payment,
    a_refund_payment,
    a_start_three_d_secure,
)
from tests.hub import running_hub
from tests.hub_environment import Account, accounts

INTEGRATION: Final = "stripe-test"
PUBLIC: Final = "https://hub.example"
"""Where browsers find the gateway; the shopper of these tests knows that it is on this machine."""
SHOP: Final = "https://shop.example"
PRICE: Final = Price(minor=3456, currency="EUR")


def a_token(name: str) -> ProviderToken:
    """One of Stripe's own test cards, as its script hands it to the shop's page."""
    return ProviderToken(kind="provider_token", token=f"pm_card_{name}")


@dataclass(frozen=True)
class Day(ShopDay):
    """With Stripe's side of it."""

    sandbox: StripeSandbox

    async def pays(self, card: str, **said: Any) -> Any:
        given = {"integration_id": self.integration, "method": a_token(card), **said}
        return await self.does(a_create_payment(PRICE, **given))

    def booked(self, result: Any) -> list[BookedPayment]:
        """Every payment intent that was made for a creation's one reference."""
        reference = result.performed.our_reference
        return [one for one in self.sandbox.books.entries() if one.metadata.get("kolaj_reference") == reference]

    async def total(self, payment_id: UUID) -> tuple[str, int, int]:
        """State, captured and refunded, as the hub's tables have them."""
        await self.hub.projected()
        async with self.hub.database() as database:
            row = await database.fetchrow("select * from payment_totals where payment_id = $1", payment_id)
        return row["state"], row["captured"], row["refunded"]

    async def order(self, page: str, **values: Any) -> None:
        async with httpx.AsyncClient(timeout=60) as client:
            told = await client.post(self.sandbox.admin_url + page, json=values)
        assert told.status_code == httpx.codes.OK, told.text

    async def at_the_bank(self, pending: CommandPending, action: str) -> str:
        """What the payer does on the bank's page, and where that sends the browser."""
        assert isinstance(pending.next_action, Redirect), pending
        async with httpx.AsyncClient(timeout=60) as browser:
            shown = await browser.get(pending.next_action.url)
            assert shown.status_code == httpx.codes.OK, shown.text
            answer = await browser.post(pending.next_action.url, data={"action": action})
        return answer.headers["location"]


@pytest_asyncio.fixture(scope="module")
async def running(stack: LocalStack, database_url: str, topic_prefix: str) -> AsyncIterator[Day]:
    (port,) = free_ports(1)
    store = Settable(webhooks=Webhooks(url=f"http://127.0.0.1:{port}/webhooks/{INTEGRATION}"))
    async with running_stripe_sandbox(store=store) as sandbox:
        keys = {"secret_key": sandbox.secret_key, "webhook_secret": sandbox.webhook_secret}
        account = Account(INTEGRATION, "stripe", sandbox.base_url, keys)
        settings = accounts(account) | {
            "KOLAJ_PUBLIC_URL": PUBLIC,
            "KOLAJ_RETURN_ORIGINS": SHOP,
            "KOLAJ_UNKNOWN_AFTER_S": "6",
        }
        async with (
            running_hub(stack.bootstrap, database_url, topic_prefix, overrides=settings) as hub,
            running_api(hub.settings, port=port) as api,
        ):
            yield Day(hub, api, INTEGRATION, sandbox)


@pytest.fixture
def day(running: Day) -> Iterator[Day]:
    """Stripe calls as soon as there is something to tell, and hears the answer before it gives its own."""
    store = running.sandbox.account
    store.webhooks = replace(store.webhooks, before_answer=True, first_s=0)
    yield running
    running.sandbox.faults.clear()


async def test_a_payer_walks_through_the_bank_and_the_hub_back_to_the_shop(day: Day) -> None:
    payment_id = new_id()
    async with day.api.client() as shop:
        wanted = {"to": f"{SHOP}/done", "integration_id": INTEGRATION}
        told = await shop.post(f"/v1/payments/{payment_id}/return-address", json=wanted)
    said = {"integration_id": INTEGRATION, "method": a_token("threeDSecure2Required"), "payment_id": payment_id}
    pending = await day.does(a_start_three_d_secure(PRICE, return_url=told.json()["address"], **said))
    leads_to = await day.at_the_bank(pending, "succeed")
    async with httpx.AsyncClient(timeout=60) as shopper:
        onward = await shopper.get(leads_to.replace(PUBLIC, day.api.url))
    assert onward.status_code == httpx.codes.SEE_OTHER, onward.text
    query = parse_qs(urlsplit(onward.headers["location"]).query)
    assert query == {"payment_id": [str(payment_id)], "state": ["captured"]}
    assert [one.received_minor for one in day.booked(pending)] == [PRICE.minor]
    assert await day.total(payment_id) == ("captured", PRICE.minor, 0)


async def test_a_payer_whom_the_bank_does_not_let_through_is_not_charged(day: Day) -> None:
    said = {"integration_id": INTEGRATION, "method": a_token("authenticationRequired")}
    pending = await day.does(a_start_three_d_secure(PRICE, return_url=f"{SHOP}/done", **said))
    await day.at_the_bank(pending, "fail")
    done = await day.does(a_complete_three_d_secure(pending.payment_id))
    assert not isinstance(done, ThreeDSecureCompleted), done
    assert [one.received_minor for one in day.booked(pending)] == [0]
    assert (await day.total(pending.payment_id))[:2] == ("failed", 0)


async def test_calls_that_come_before_the_result_change_nothing_that_the_result_does_not_say(day: Day) -> None:
    created = await day.pays("visa")
    assert isinstance(created, PaymentCreated), created
    for nth in (1, 2):  # of the charge, and of the intent
        noticed = await day.noticed(created.payment_id, nth)
        assert (noticed.changed, noticed.contradicts) == (None, False), noticed
    assert await day.total(created.payment_id) == ("captured", PRICE.minor, 0)


async def test_a_charge_whose_answer_is_lost_is_made_once(day: Day) -> None:
    await day.order("faults", kind="reset_after", path="/v1/payment_intents")
    created = await day.pays("visa")
    assert isinstance(created, PaymentCreated), created
    assert [one.received_minor for one in day.booked(created)] == [PRICE.minor]
    await day.order("faults", kind="reset_after", path="/v1/refunds")
    refunded = await day.does(a_refund_payment(created.payment_id, Price(minor=500, currency="EUR")))
    assert isinstance(refunded, PaymentRefunded), refunded
    assert [one.amount_minor for one in day.sandbox.books.refunds()] == [500]


async def test_a_failure_that_stripe_keeps_with_the_key_ends_as_unknown(day: Day) -> None:
    created = await day.pays("visa")
    await day.order("faults", kind="api_error_before", path="/v1/refunds")
    unknown = await day.does(a_refund_payment(created.payment_id, Price(minor=700, currency="EUR")))
    assert isinstance(unknown, CommandUnknown), unknown
    assert await day.total(created.payment_id) == ("unsettled", PRICE.minor, 0)


async def test_a_card_is_kept_by_a_test_card_that_stripe_copies(day: Day) -> None:
    kept = await day.asks(StoreCard, provider_token="pm_card_visa", card_ref=None)  # Stripe's test card
    assert kept.card_token != "pm_card_visa"
    created = await day.does(
        a_create_payment(
            PRICE,
            integration_id=INTEGRATION,
            method=StoredCard(kind="stored_card", card_token=kept.card_token, customer_key=kept.customer_key),
        )
    )
    assert isinstance(created, PaymentCreated), created


async def test_a_decline_is_an_answer_in_the_hubs_own_words(day: Day) -> None:
    refused = await day.pays("chargeDeclinedInsufficientFunds")
    assert isinstance(refused, CommandRefused), refused
    assert (refused.reason, refused.failure) == ("insufficient_funds", "declined")
    assert [one.received_minor for one in day.booked(refused)] == [0]


async def test_the_days_books_are_equal(day: Day) -> None:
    await day.sandbox.advance(3600)
    await day.hub.caught_up()
    await day.hub.projected()
    async with day.hub.database() as database:
        row = await database.fetchrow("select sum(captured) as paid, sum(refunded) as back from payment_totals")
    books = day.sandbox.books.totals()
    assert row["paid"] == books.paid_minor["eur"]
    assert row["back"] == books.refunded_minor.get("eur", 0)
    assert day.hub.dead == []
