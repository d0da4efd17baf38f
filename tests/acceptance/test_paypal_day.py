"""A shop's day at PayPal through the whole hub: a worker, a gateway that is called, and PayPal's sandbox."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import httpx
import pytest
import pytest_asyncio

from infra.local import LocalStack
from infra.local.process import free_ports
from infra.sandbox.paypal import Callbacks, PaypalSandbox, Store, running_paypal_sandbox
from schemas.ids import new_id
from schemas.money import Price
from schemas.payments import (
    CardRef,
    CommandPending,
    PaymentCreated,
    PaymentRefunded,
    ThreeDSecureCompleted,
    Wallet,
)
from tests.acceptance.shop_day import ShopDay
from tests.api_server import running_api
from tests.builders import a_complete_three_d_secure, a_create_payment, a_refund_payment
from tests.hub import running_hub
from tests.hub_environment import Account, accounts

INTEGRATION: Final = "paypal-test"
PUBLIC: Final = "https://hub.example"
"""Where browsers find the gateway; the shopper of these tests knows that it is on this machine."""
SHOP: Final = "https://shop.example"
PRICE: Final = Price(minor=3456, currency="EUR")
VISA: Final = "4012000033330026"


@dataclass(frozen=True)
class Day(ShopDay):
    """With PayPal's side of it."""

    sandbox: PaypalSandbox

    async def led_to_paypal(self, payment_id: UUID | None = None, back: str = f"{SHOP}/done") -> CommandPending:
        """A payment by wallet, whose payer has PayPal's page before them."""
        method = Wallet(kind="wallet", wallet="paypal", return_url=back)
        said = {"payment_id": payment_id or new_id(), "integration_id": self.integration, "method": method}
        pending = await self.does(a_create_payment(PRICE, **said))
        assert isinstance(pending, CommandPending), pending
        return pending

    async def pays_by_card(self) -> Any:
        method = CardRef(kind="card_ref", card_ref=await self.card(VISA))
        return await self.does(a_create_payment(PRICE, integration_id=self.integration, method=method))

    def names(self, result: Any) -> tuple[str, str]:
        """What PayPal calls the payment's order, and what we call the attempt."""
        return str(result.performed.provider_reference), str(result.performed.our_reference)

    async def approves(self, pending: CommandPending) -> str:
        """The payer agrees on PayPal's page; where that sends the browser."""
        return await self.sandbox.approve(self.names(pending)[0])

    def moved(self, result: Any) -> list[tuple[str, int]]:
        """What the books say was taken and given back for a payment's order, fees apart."""
        order = result.performed.provider_reference
        moved = [one for one in self.sandbox.books.movements() if one.about == order and one.kind != "fee"]
        return [(one.kind, one.amount_minor) for one in moved]

    async def total(self, payment_id: UUID) -> tuple[str, int, int]:
        """State, captured and refunded, as the hub's tables have them."""
        await self.hub.projected()
        async with self.hub.database() as database:
            row = await database.fetchrow("select * from payment_totals where payment_id = $1", payment_id)
        return row["state"], row["captured"], row["refunded"]

    async def order(self, page: str, **values: Any) -> Any:
        """An order to the sandbox itself."""
        async with httpx.AsyncClient(timeout=60) as client:
            told = await client.post(self.sandbox.admin_url + page, json=values)
        assert told.status_code == httpx.codes.OK, told.text
        return told.json()


@pytest_asyncio.fixture(scope="module")
async def running(stack: LocalStack, database_url: str, topic_prefix: str) -> AsyncIterator[Day]:
    (port,) = free_ports(1)
    store = Store(callbacks=Callbacks(url=f"http://127.0.0.1:{port}/webhooks/{INTEGRATION}", first_s=0))
    async with running_paypal_sandbox(store=store) as sandbox:
        keys = {name: getattr(sandbox, name) for name in ("client_id", "client_secret", "webhook_id")}
        account = Account(INTEGRATION, "paypal", sandbox.base_url, keys, {"ca_file": str(sandbox.ca_file)})
        settings = accounts(account) | {"KOLAJ_PUBLIC_URL": PUBLIC, "KOLAJ_RETURN_ORIGINS": SHOP}
        async with (
            running_hub(stack.bootstrap, database_url, topic_prefix, overrides=settings) as hub,
            running_api(hub.settings, port=port) as api,
        ):
            yield Day(hub, api, INTEGRATION, sandbox)


@pytest.fixture
def day(running: Day) -> Iterator[Day]:
    yield running
    running.sandbox.faults.clear()


async def test_a_payer_agrees_at_paypal_and_comes_back_through_the_hub_to_the_shop(day: Day) -> None:
    payment_id = new_id()
    async with day.api.client() as shop:
        wanted = {"to": f"{SHOP}/done", "integration_id": INTEGRATION}
        told = await shop.post(f"/v1/payments/{payment_id}/return-address", json=wanted)
    pending = await day.led_to_paypal(payment_id, told.json()["address"])
    leads_to = await day.approves(pending)
    assert day.moved(pending) == [], "the payer's yes moves nothing"
    await day.hub.projected()  # the payer is slower than the tables
    async with httpx.AsyncClient(timeout=60) as shopper:
        onward = await shopper.get(leads_to.replace(PUBLIC, day.api.url))
    assert onward.status_code == httpx.codes.SEE_OTHER, onward.text
    query = parse_qs(urlsplit(onward.headers["location"]).query)
    assert query == {"payment_id": [str(payment_id)], "state": ["captured"]}
    assert day.moved(pending) == [("capture", PRICE.minor)]
    assert await day.total(payment_id) == ("captured", PRICE.minor, 0)


async def test_a_completion_whose_answer_is_lost_takes_the_money_once(day: Day) -> None:
    pending = await day.led_to_paypal()
    await day.approves(pending)
    await day.order("faults", kind="reset_after", path="/v2/checkout/orders/{id}/capture")
    completed = await day.does(a_complete_three_d_secure(pending.payment_id))
    assert isinstance(completed, ThreeDSecureCompleted), completed
    assert day.moved(pending) == [("capture", PRICE.minor)]
    assert await day.total(pending.payment_id) == ("captured", PRICE.minor, 0)


async def test_a_forged_body_under_a_genuine_signature_changes_nothing(day: Day) -> None:
    created = await day.pays_by_card()
    order, _ = day.names(created)
    heard = [await day.noticed(created.payment_id, nth) for nth in (1, 2)]
    much = {"currency_code": "EUR", "value": "99999.00"}
    about = {
        "id": "MADEUP",
        "status": "COMPLETED",
        "amount": much,
        "supplementary_data": {"related_ids": {"order_id": order}},
    }
    for event_type in ("PAYMENT.CAPTURE.REFUNDED", "PAYMENT.CAPTURE.COMPLETED"):
        told = await day.order("events", about=order, change={"event_type": event_type, "resource": about})
        assert told["answered"] == [httpx.codes.OK], "the signature fits: it covers no more than a sum of the body"
        heard.append(await day.noticed(created.payment_id, len(heard) + 1))
    assert [(one.changed, one.amount, one.contradicts) for one in heard] == [(None, None, False)] * 4
    assert day.moved(created) == [("capture", PRICE.minor)]
    assert await day.total(created.payment_id) == ("captured", PRICE.minor, 0)


async def test_a_token_that_is_revoked_in_the_middle_is_replaced_and_nothing_is_done_twice(day: Day) -> None:
    created = await day.pays_by_card()
    assert isinstance(created, PaymentCreated), created
    assert (await day.order("tokens"))["revoked"] > 0
    refunded = await day.does(a_refund_payment(created.payment_id, Price(minor=500, currency="EUR")))
    assert isinstance(refunded, PaymentRefunded), refunded
    assert day.moved(created) == [("capture", PRICE.minor), ("refund", -500)]


async def test_the_days_books_are_equal(day: Day) -> None:
    await day.hub.caught_up()
    await day.hub.projected()
    async with day.hub.database() as database:
        row = await database.fetchrow("select sum(captured) as paid, sum(refunded) as back from payment_totals")
    books = day.sandbox.books.totals()
    assert (row["paid"], row["back"]) == (books.captured_minor["EUR"], books.refunded_minor["EUR"])
    assert books.charged_more_than_once == ()
    assert day.hub.dead == []
