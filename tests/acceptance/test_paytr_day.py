"""A shop's day at PayTR through the whole hub: a worker, a gateway that is called back, and PayTR's sandbox."""

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import httpx
import pytest
import pytest_asyncio

from infra.integration_settings import credential_prefix
from infra.local import LocalStack
from infra.local.process import free_ports
from infra.sandbox.paytr import DEFAULT_KEYS, BookedPayment, Callbacks, running_paytr_sandbox
from schemas.ids import new_id
from schemas.payments import (
    CardRef,
    CommandPending,
    HostedPage,
    PaymentCreated,
    PaymentNoticed,
    PaymentQueried,
    PaymentRefunded,
    ShareTransferred,
    ShowFrame,
    ShowPage,
    StoredCard,
)
from schemas.payments.resources import (
    CreateLink,
    DeleteCard,
    DeleteLink,
    GetInstalments,
    ListCards,
    ListTransactions,
    LookUpCard,
)
from schemas.webhooks import WebhookHandled, WebhookReceived
from tests.acceptance.shop_day import ShopDay
from tests.api_server import running_api
from tests.builders import (
    a_create_payment,
    a_query_payment,
    a_refund_payment,
    a_start_three_d_secure,
    a_transfer_share,
    lira,
)
from tests.hub import running_hub
from tests.paytr_store import CARD, PaytrStore, a_store, the_form
from tests.resource_builders import a_resource_command

INTEGRATION: Final = "paytr-test"
PUBLIC: Final = "https://hub.example"
"""Where browsers find the gateway; the shopper of these tests knows that it is on this machine."""
SHOP: Final = "https://shop.example"
KEPT: Final = StoredCard(kind="stored_card", card_token="sandboxvisa", customer_key="sandboxwallet")


@dataclass(frozen=True)
class Day(ShopDay):
    """With its buyer's browser."""

    store: PaytrStore

    async def handled(self, reference: str, nth: int) -> list[str]:
        """How the first n calls that name this reference ended."""

        def told() -> list[str]:
            calls = {
                one.event_id
                for one in self.hub.webhooks
                if isinstance(one, WebhookReceived) and one.our_reference == reference
            }
            ends = [one for one in self.hub.webhooks if isinstance(one, WebhookHandled) and one.event_id in calls]
            return [str(one.outcome) for one in ends] if len(ends) >= nth else []

        return await self.hub.until(told)

    def booked(self, reference: str | None) -> BookedPayment:
        """The one payment of an order number in PayTR's books."""
        (one,) = [entry for entry in self.store.sandbox.books.entries() if entry.merchant_oid == reference]
        return one

    async def total(self, payment_id: UUID) -> tuple[str, int, int]:
        """State, captured and refunded, as the hub's tables have them."""
        await self.hub.projected()
        async with self.hub.database() as database:
            row = await database.fetchrow("select * from payment_totals where payment_id = $1", payment_id)
        return row["state"], row["captured"], row["refunded"]

    async def through_the_bank(self, **said: Any) -> tuple[CommandPending, str]:
        """A payment with 3-D Secure that its payer walked: its start, and where the bank's page sent the browser."""
        card = await self.card(CARD["card_number"])
        start = a_start_three_d_secure(
            integration_id=INTEGRATION, method=CardRef(kind="card_ref", card_ref=card), **said
        )
        pending = await self.does(start)
        assert isinstance(pending.next_action, ShowPage), pending
        action, fields = the_form(pending.next_action.html)
        _, shown = await self.store.submit(action, action="pay", code="123456", **fields)
        return pending, the_form(shown)[0]

    async def page(self, amount: str = "34.56") -> tuple[CommandPending, str]:
        """A payment whose buyer has PayTR's page before them, and that page's address."""
        method = HostedPage(kind="hosted_page", return_url=f"{SHOP}/done")
        pending = await self.does(a_create_payment(lira(amount), integration_id=INTEGRATION, method=method))
        assert isinstance(pending, CommandPending), pending
        assert isinstance(pending.next_action, ShowFrame), pending
        return pending, pending.next_action.url


def called(result: Any) -> str:
    """What the order of a payment is called at PayTR."""
    assert result.performed is not None
    assert result.performed.our_reference is not None
    return str(result.performed.our_reference)


def the_settings(base_url: str, called_at: str) -> dict[str, str]:
    own = {"link_callback_url": called_at}
    entry = {"id": INTEGRATION, "provider": "paytr", "base_url": base_url, "settings": own}
    keys = {name: getattr(DEFAULT_KEYS, name) for name in ("merchant_id", "merchant_key", "merchant_salt")}
    return {
        "KOLAJ_INTEGRATIONS": json.dumps([entry]),
        "KOLAJ_PUBLIC_URL": PUBLIC,
        "KOLAJ_RETURN_ORIGINS": SHOP,
        **{credential_prefix(INTEGRATION) + name.upper(): value for name, value in keys.items()},
    }


@pytest_asyncio.fixture(scope="module")
async def running(stack: LocalStack, database_url: str, topic_prefix: str) -> AsyncIterator[Day]:
    (port,) = free_ports(1)
    settings = partial(the_settings, called_at=f"http://127.0.0.1:{port}/webhooks/{INTEGRATION}")
    async with (
        running_paytr_sandbox() as sandbox,
        a_store(sandbox) as store,
        running_hub(stack.bootstrap, database_url, topic_prefix, overrides=settings(sandbox.base_url)) as hub,
        running_api(hub.settings, port=port) as api,
    ):
        yield Day(hub, api, INTEGRATION, store)


@pytest.fixture
def day(running: Day) -> Iterator[Day]:
    """PayTR calls as soon as there is something to tell, and waits for the answer before it sends a browser on."""
    url = f"{running.api.url}/webhooks/{INTEGRATION}"
    running.store.sandbox.store.callbacks = Callbacks(url=url, first_s=0, before_return=True)
    yield running
    running.store.sandbox.store.repeated_oid = "refused"
    running.store.sandbox.faults.clear()


async def test_a_page_paid_in_instalments_is_booked_and_given_back_to_the_kurus(day: Day) -> None:
    pending, url = await day.page()
    await day.store.pay_on_page(url, installment_count="3")
    noticed = await day.noticed(pending.payment_id)
    booked = day.booked(called(pending))
    surcharge = booked.paid_minor - 3456
    assert surcharge > 0
    assert (noticed.said, noticed.changed, noticed.settles, noticed.contradicts) == (
        "captured",
        "captured",
        True,
        False,
    )
    assert noticed.paid_price is not None
    assert noticed.instalment_surcharge is not None
    assert (noticed.paid_price.minor, noticed.instalment_surcharge.minor) == (booked.paid_minor, surcharge)
    assert await day.total(pending.payment_id) == ("captured", booked.paid_minor, 0)

    part = await day.does(a_refund_payment(pending.payment_id, lira("10.00")))
    assert isinstance(part, PaymentRefunded), part
    rest = await day.does(a_refund_payment(pending.payment_id))
    assert isinstance(rest, PaymentRefunded), rest
    assert (rest.amount.minor, rest.refunded_total.minor) == (booked.paid_minor - 1000, booked.paid_minor)
    assert await day.total(pending.payment_id) == ("refunded", booked.paid_minor, booked.paid_minor)
    back = [one for one in day.store.sandbox.books.refunds() if one.payment_id == booked.payment_id]
    assert [one.amount_minor for one in back] == [1000, booked.paid_minor - 1000]


async def test_a_buyer_who_cancels_ends_the_payment_and_money_that_comes_all_the_same_is_told(day: Day) -> None:
    pending, url = await day.page()
    await day.store.submit(url, action="cancel")
    failed = await day.noticed(pending.payment_id)
    assert (failed.said, failed.provider_state, failed.changed, failed.settles) == ("failed", "failed", "failed", True)
    assert (await day.store.status(called(pending)))["err_no"] == "004"
    assert (await day.total(pending.payment_id))[0] == "failed"

    day.store.sandbox.store.repeated_oid = "charged"
    await day.store.pay(merchant_oid=called(pending))
    late = await day.noticed(pending.payment_id, 2)
    assert (late.said, late.changed, late.contradicts, late.settles) == ("captured", "captured", True, False)
    assert await day.total(pending.payment_id) == ("captured", 3456, 0)
    back = await day.does(a_refund_payment(pending.payment_id))
    assert isinstance(back, PaymentRefunded), back


async def test_a_payer_walks_through_the_bank_and_the_hub_back_to_the_shop(day: Day) -> None:
    payment_id = new_id()
    async with day.api.client() as shop:
        wanted = {"to": f"{SHOP}/done", "integration_id": INTEGRATION}
        told = await shop.post(f"/v1/payments/{payment_id}/return-address", json=wanted)
    address = told.json()["address"]
    pending, leads_to = await day.through_the_bank(payment_id=payment_id, return_url=address)
    assert leads_to == address
    noticed = await day.noticed(payment_id)
    assert (noticed.changed, noticed.settles, noticed.contradicts) == ("captured", True, False)
    assert day.booked(called(pending)).state == "paid"
    async with httpx.AsyncClient(timeout=60) as shopper:
        onward = await shopper.post(leads_to.replace(PUBLIC, day.api.url))
    assert onward.status_code == 303, onward.text
    query = parse_qs(urlsplit(onward.headers["location"]).query)
    assert query == {"payment_id": [str(payment_id)], "state": ["captured"]}


async def test_a_card_kept_while_paying_pays_again_without_its_payer_and_is_forgotten(day: Day) -> None:
    pending, _ = await day.through_the_bank(store_card=True, return_url=f"{SHOP}/done")
    key = (await day.noticed(pending.payment_id)).customer_key
    assert key == day.booked(called(pending)).utoken
    (card,) = (await day.asks(ListCards, customer_key=key)).cards
    method = StoredCard(kind="stored_card", card_token=card.card_token, customer_key=key)

    renewal = a_create_payment(lira("20.00"), integration_id=INTEGRATION, method=method, without_payer=True)
    renewed = await day.does(renewal)
    assert isinstance(renewed, PaymentCreated), renewed
    noticed = await day.noticed(renewal.payment_id)
    assert (noticed.said, noticed.changed, noticed.contradicts) == ("captured", None, False)
    assert day.booked(called(renewed)).paid_minor == 2000

    gone = await day.asks(DeleteCard, card_token=card.card_token, customer_key=key)
    assert gone.card_token == card.card_token
    left = await day.does(a_resource_command(ListCards, customer_key=key, integration_id=INTEGRATION))
    assert left.verdict == "refused"


async def test_a_share_a_link_and_the_days_books(day: Day) -> None:
    sale = a_create_payment(lira("34.56"), integration_id=INTEGRATION, method=KEPT)
    created = await day.does(sale)
    assert isinstance(created, PaymentCreated), created
    shared = await day.does(a_transfer_share(sale.payment_id, lira("10.00")))
    assert isinstance(shared, ShareTransferred), shared
    await day.store.sandbox.advance(10)
    (moved,) = day.store.sandbox.books.transfers()
    assert (moved.trans_id, moved.seller_minor) == (shared.transfer_reference, 1000)
    noticed = await day.noticed(sale.payment_id, 2)
    assert (noticed.said, noticed.provider_state, noticed.changed) == (None, "captured", None)
    assert not noticed.contradicts

    link = a_resource_command(CreateLink, integration_id=INTEGRATION, price=lira("249.90"))
    made = await day.does(link)
    assert made.details.url is not None
    page, _ = await day.store.submit(made.details.url, action="pay", email="alici@example.com")
    await day.store.pay_on_page(str(page))
    assert await day.handled(called(made), 1) == ["processed"]
    gone = await day.does(a_resource_command(DeleteLink, link.resource_id))
    assert gone.details.link_reference == made.details.link_reference

    today = (datetime.now(UTC) + timedelta(seconds=10)).astimezone(timezone(timedelta(hours=3))).date()
    listed = await day.asks(ListTransactions, day=today)
    ours = [one for one in listed.transactions if one.our_reference == called(created)]
    assert [(one.kind, one.amount.minor) for one in ours] == [("payment", 3456)]
    assert [one.kind for one in listed.transactions if one.amount.minor == 24990] == ["payment"], "the link's"
    table = await day.asks(GetInstalments, price=lira("100.00"))
    assert {offer.number for plan in table.plans for offer in plan.offers} >= {1, 3}
    assert (await day.asks(LookUpCard, bin_number="43550843")).association == "VISA"


async def test_calls_that_come_twice_late_forged_and_out_of_order_change_nothing(day: Day) -> None:
    day.store.sandbox.store.callbacks = Callbacks(
        url=f"{day.api.url}/webhooks/{INTEGRATION}", first_s=600, again_s=60, repeats=2
    )
    (first, one_page), (second, other_page) = await day.page("20.00"), await day.page("30.00")
    for url in (one_page, other_page):
        await day.store.pay_on_page(url)
    asked = await day.does(a_query_payment(first.payment_id))
    assert isinstance(asked, PaymentQueried), asked
    assert (asked.changed, asked.settles) == ("captured", True)

    forged = await day.store.order("callbacks", merchant_oid=called(first), forged=True)
    assert forged["answered"].startswith("HTTP 401")
    for pending in (second, first):
        assert (await day.store.order("callbacks", merchant_oid=called(pending)))["answered"] == "OK"
    noticed = await day.noticed(second.payment_id)
    assert (noticed.changed, noticed.contradicts) == ("captured", False)
    refunded = await day.does(a_refund_payment(first.payment_id))
    assert isinstance(refunded, PaymentRefunded), refunded
    for _ in range(2):
        await day.store.sandbox.advance(601)
    for pending in (first, second):
        assert "repeated" in await day.handled(called(pending), 3)
    late = [one for one in day.hub.events if isinstance(one, PaymentNoticed) and one.payment_id == first.payment_id]
    assert [(one.changed, one.contradicts) for one in late] == [(None, False)]
    assert await day.total(first.payment_id) == ("refunded", 2000, 2000)
    assert await day.total(second.payment_id) == ("captured", 3000, 0)


async def test_a_refund_whose_answer_was_lost_is_made_once(day: Day) -> None:
    sale = a_create_payment(lira("34.56"), integration_id=INTEGRATION, method=KEPT)
    created = await day.does(sale)
    await day.store.order("faults", kind="reset_after", path="/odeme/iade")
    refunded = await day.does(a_refund_payment(sale.payment_id, lira("5.00")))
    assert isinstance(refunded, PaymentRefunded), refunded
    assert refunded.attempts == 1
    booked = day.booked(called(created)).payment_id
    assert [one.amount_minor for one in day.store.sandbox.books.refunds() if one.payment_id == booked] == [500]


async def test_the_days_books_are_equal(day: Day) -> None:
    await day.hub.caught_up()
    await day.hub.projected()
    async with day.hub.database() as database:
        row = await database.fetchrow("select sum(captured) as paid, sum(refunded) as back from payment_totals")
    books = day.store.sandbox.books
    # What is paid on a link is an order of PayTR's own, and no payment of the hub.
    assert row["paid"] == sum(one.paid_minor for one in books.entries() if one.kind != "link")
    assert row["back"] == sum(one.amount_minor for one in books.refunds())
    assert day.hub.dead == []
