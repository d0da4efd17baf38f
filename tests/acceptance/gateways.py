"""Gateways as the one scenario meets them: an account of the hub, the sandbox behind it, and the buyer's side."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple
from uuid import UUID

import httpx

from infra.sandbox.iyzico import DEFAULT_KEYS as IYZICO_KEYS
from infra.sandbox.iyzico import WALLET_TOKENS, Notifying, Sandbox, running_sandbox
from infra.sandbox.iyzico.events import MERCHANT
from infra.sandbox.paypal import Callbacks as PaypalCallbacks
from infra.sandbox.paypal import PaypalSandbox, running_paypal_sandbox
from infra.sandbox.paypal import Store as PaypalStore
from infra.sandbox.paytr import Callbacks, PaytrSandbox, running_paytr_sandbox
from infra.sandbox.paytr.store import Store
from infra.sandbox.stripe import Account as StripeAccount
from infra.sandbox.stripe import StripeSandbox, Webhooks, running_stripe_sandbox
from tests.acceptance.shop_day import ShopDay
from tests.hub_environment import Account
from tests.paytr_store import CARD as PAYTR_CARD

BACK = "https://shop.example/back"


class Booked(NamedTuple):
    """What a sandbox's books say of one payment, in minor units: what was taken, and what the shop is left with."""

    taken: int
    left: int


@dataclass(frozen=True)
class Gateway(ABC):
    """`number` is a test card's, put into the hub's vault anew for each command that is paid with it."""

    provider: ClassVar[str]
    currency: ClassVar[str]
    number: ClassVar[str]
    customer: ClassVar[str] = "{ask how the subscription stands/details.customer_reference}"
    """Which result tells of a customer who can be charged again and again."""

    @property
    def integration(self) -> str:
        return f"{self.provider}-shop"

    @property
    @abstractmethod
    def account(self) -> Account:
        """As the hub is told of it."""

    @abstractmethod
    def booked(self, reference: str) -> list[Booked]:
        """Every payment that stands in the books under the provider's own name for it."""

    @abstractmethod
    async def agree(self, pending: Any) -> None:
        """The buyer agrees on the page that a pending result led them to."""

    async def word(self, name: str, day: ShopDay) -> Any:
        """What the scenario calls by a name; `None` where this gateway's shop has no such thing."""
        match name:
            case "card":
                return {"kind": "card_ref", "card_ref": await self._card_ref(day)}
            case "card_ref":
                return await self._card_ref(day)
            case "provider_token":
                return None
            case _:
                return self._plain()[name]

    def _plain(self) -> Mapping[str, str]:
        own = {"gateway": self.provider, "integration": self.integration, "currency": self.currency}
        return {**own, "return_url": BACK, "customer": self.customer}

    async def _card_ref(self, day: ShopDay) -> str:
        card: UUID = await day.card(self.number)
        return str(card)


@dataclass(frozen=True)
class Iyzico(Gateway):
    provider = "iyzico"
    currency = "TRY"
    number = WALLET_TOKENS["card-akbank-credit"]
    sandbox: Sandbox

    @property
    def account(self) -> Account:
        keys = {"api_key": IYZICO_KEYS.api_key, "secret_key": IYZICO_KEYS.secret_key}
        return Account(self.integration, "iyzico", self.sandbox.base_url, keys, {"settings": {"merchant_id": MERCHANT}})

    def booked(self, reference: str) -> list[Booked]:
        entries = [one for one in self.sandbox.books.entries() if one.payment_id == reference]
        return [Booked(one.charged_minor, one.net_minor) for one in entries]

    async def agree(self, pending: Any) -> None:
        said = {"token": pending.performed.provider_reference, "card": "card-akbank-credit"}
        async with httpx.AsyncClient(timeout=60) as buyer:
            told = await buyer.post(self.sandbox.admin_url + "checkout", json=said)
        assert told.status_code == 200, told.text


@dataclass(frozen=True)
class Paytr(Gateway):
    provider = "paytr"
    currency = "TRY"
    number = PAYTR_CARD["card_number"]
    sandbox: PaytrSandbox

    @property
    def account(self) -> Account:
        keys = {name: getattr(self.sandbox, name) for name in ("merchant_id", "merchant_key", "merchant_salt")}
        return Account(self.integration, "paytr", self.sandbox.base_url, keys)

    def booked(self, reference: str) -> list[Booked]:
        entries = [one for one in self.sandbox.books.entries() if one.merchant_oid == reference]
        back = {one.payment_id: 0 for one in entries}
        for refund in self.sandbox.books.refunds():
            if refund.payment_id in back:
                back[refund.payment_id] += refund.amount_minor
        return [Booked(one.paid_minor, one.paid_minor - back[one.payment_id]) for one in entries]

    async def agree(self, pending: Any) -> None:
        raise AssertionError(f"PayTR has no subscriptions, and led a buyer to a page: {pending}")


@dataclass(frozen=True)
class Stripe(Gateway):
    """Card numbers are not given to it: the shop's page has a token of Stripe's script instead."""

    provider = "stripe"
    currency = "EUR"
    number = ""
    # A card that is given on its page for a subscription is that subscription's alone.
    customer = "{store a card/details.customer_key}"
    sandbox: StripeSandbox

    @property
    def account(self) -> Account:
        keys = {"secret_key": self.sandbox.secret_key, "webhook_secret": self.sandbox.webhook_secret}
        return Account(self.integration, "stripe", self.sandbox.base_url, keys)

    async def word(self, name: str, day: ShopDay) -> Any:
        match name:
            case "card":
                return {"kind": "provider_token", "token": await self._made_by_script()}
            case "card_ref":
                return None
            case "provider_token":
                return await self._made_by_script()
            case _:
                return await super().word(name, day)

    def booked(self, reference: str) -> list[Booked]:
        entries = [one for one in self.sandbox.books.entries() if one.payment_id == reference]
        back = sum(
            one.amount_minor
            for one in self.sandbox.books.refunds()
            if one.payment_id == reference and one.state == "succeeded"
        )
        return [Booked(one.received_minor, one.received_minor - back) for one in entries]

    async def _made_by_script(self) -> str:
        """What Stripe's script makes of a card in the buyer's browser."""
        async with httpx.AsyncClient(timeout=60, auth=(self.sandbox.secret_key, "")) as script:
            said = {"type": "card", "card[token]": "tok_visa"}
            made = await script.post(f"{self.sandbox.base_url}/v1/payment_methods", data=said)
        return str(made.json()["id"])

    async def agree(self, pending: Any) -> None:
        async with httpx.AsyncClient(timeout=60) as buyer:
            said = {"action": "pay", "payment_method": "pm_card_visa", "email": "isil@example.com"}
            answer = await buyer.post(pending.next_action.url, data=said)
        assert answer.headers["location"].startswith(BACK), answer.text


@dataclass(frozen=True)
class Paypal(Gateway):
    provider = "paypal"
    currency = "EUR"
    number = "4012000033330026"
    sandbox: PaypalSandbox

    @property
    def account(self) -> Account:
        keys = {name: getattr(self.sandbox, name) for name in ("client_id", "client_secret", "webhook_id")}
        ca_file = {"ca_file": str(self.sandbox.ca_file)}
        return Account(self.integration, "paypal", self.sandbox.base_url, keys, ca_file)

    def booked(self, reference: str) -> list[Booked]:
        moved = [one for one in self.sandbox.books.movements() if one.about == reference]
        taken = sum(one.amount_minor for one in moved if one.kind == "capture")
        back = sum(one.amount_minor for one in moved if one.kind == "refund")
        orders = [one for one in self.sandbox.books.entries() if one.resource_id == reference]
        return [Booked(taken, taken + back) for _ in orders]

    async def agree(self, pending: Any) -> None:
        await self.sandbox.approve(pending.performed.provider_reference)


@asynccontextmanager
async def an_iyzico(hub_url: str) -> AsyncIterator[Gateway]:
    """It tells the hub of everything at once, and twice. `hub_url` is where its gateway takes calls."""
    notifying = Notifying(f"{hub_url}/webhooks/iyzico-shop", delay_s=0, again_s=0.2, repeats=2)
    async with running_sandbox(notifying=notifying) as sandbox:
        yield Iyzico(sandbox)


@asynccontextmanager
async def a_paytr(hub_url: str) -> AsyncIterator[Gateway]:
    store = Store(callbacks=Callbacks(url=f"{hub_url}/webhooks/paytr-shop", first_s=0))
    async with running_paytr_sandbox(store=store) as sandbox:
        yield Paytr(sandbox)


@asynccontextmanager
async def a_stripe(hub_url: str) -> AsyncIterator[Gateway]:
    """It tells the hub of everything before the hub hears how its own request went."""
    store = StripeAccount(webhooks=Webhooks(url=f"{hub_url}/webhooks/stripe-shop", before_answer=True))
    async with running_stripe_sandbox(store=store) as sandbox:
        yield Stripe(sandbox)


@asynccontextmanager
async def a_paypal(hub_url: str) -> AsyncIterator[Gateway]:
    store = PaypalStore(callbacks=PaypalCallbacks(url=f"{hub_url}/webhooks/paypal-shop", first_s=0))
    async with running_paypal_sandbox(store=store) as sandbox:
        yield Paypal(sandbox)
