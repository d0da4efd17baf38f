"""An account at the PayPal sandbox, called through the whole call machinery; its tests keep what the ledger would."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import httpx
from pydantic import SecretStr

from infra.sandbox.paypal import Callbacks, PaypalSandbox, Store, running_paypal_sandbox
from providers.caller import Caller
from providers.configured import configured
from providers.connection_settings import ConnectionSettings
from providers.connector import Attempt, Integration, LiveCredentials
from providers.exchange import CallerSettings, Exchange
from providers.notices import Call, Fetched, Notice, Refused
from providers.outcome import Finding, Outcome, ProviderState
from providers.payments.paypal import CONNECTOR
from providers.reference import reference_for
from providers.retry import RetryPolicy
from schemas.ids import new_id
from schemas.money import Money, Price
from schemas.payments import CreatePayment, OpenCommand, Payment
from schemas.payments.vocabulary import Command
from tests.receiver import Got, Receiver, receiver

BACK = "https://shop.example/back"


@dataclass
class PaypalShop:
    sandbox: PaypalSandbox
    called: Receiver
    caller: Caller
    integration: Integration
    exchanges: list[Exchange]
    browser: httpx.AsyncClient

    async def send(self, command: Command, attempt: Attempt, *, deadline_s: float = 30) -> Outcome:
        operation = CONNECTOR.operation_for(type(command))
        assert operation is not None
        prepared = self.caller.prepare(self.integration, operation, command, attempt)
        return await self.caller.send(prepared, deadline_s=deadline_s)

    async def ask(self, command: Command, attempt: Attempt) -> Finding:
        operation = CONNECTOR.operation_for(type(command))
        assert operation is not None
        return await self.caller.inquire(self.integration, operation, command, attempt, deadline_s=30)

    async def order(self, page: str, **values: Any) -> dict[str, Any]:
        """One of the sandbox's own orders."""
        answer = await self.browser.post(self.sandbox.admin_url + page, json=values)
        assert answer.status_code == httpx.codes.OK, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def read(self, got: Got) -> Notice | Refused:
        """What a call tells, with the certificate that lies where the sandbox said."""
        place = self.sandbox.performer.place
        assert CONNECTOR.webhooks is not None
        fetched = Fetched(place.api + place.signer.path, place.signer.pem, self.sandbox.ca_file.read_bytes())
        keys = (self.integration.credentials,)
        now = datetime.now(UTC)
        settings = self.integration.settings
        return CONNECTOR.webhooks.read(Call(got.headers, got.body, keys, now, settings, "sandbox", fetched))

    def notices(self) -> list[Notice]:
        """All calls so far, of which none may be refused."""
        found = [self.read(got) for got in self.called.got]
        assert not [notice for notice in found if isinstance(notice, Refused)]
        return [notice for notice in found if isinstance(notice, Notice)]


def euro(amount: str) -> Price:
    return Price.from_major(Decimal(amount), "EUR")


def an_attempt(payment: Payment | None = None, *, of: CreatePayment | None = None, **more: Any) -> Attempt:
    command_id = new_id()
    about = payment or Payment(payment_id=new_id() if of is None else of.payment_id)
    attempt = Attempt(command_id, 1, reference_for(command_id, "a", 1, CONNECTOR.reference), about)
    return replace(attempt, **({} if of is None else {"amount": of.paid_price}) | more)


def begun(command: CreatePayment, attempt: Attempt, outcome: Outcome) -> Payment:
    """The payment while it waits for its payer."""
    opened = OpenCommand(
        command_id=attempt.command_id,
        command_type=command.type,
        verdict="pending",
        amount=Money(minor=command.paid_price.minor, currency=command.paid_price.currency),
        reference=attempt.reference,
        capture=command.capture,
    )
    return Payment(
        payment_id=command.payment_id,
        provider_reference=outcome.reference,
        create_reference=attempt.reference,
        currency=command.paid_price.currency,
        open_commands=(opened,),
    )


@asynccontextmanager
async def a_paypal_shop(*, tries: int = 2, **callbacks: Any) -> AsyncIterator[PaypalShop]:
    exchanges: list[Exchange] = []
    settings = CallerSettings(retry=RetryPolicy(tries=tries), breaker_threshold=1000)
    async with receiver() as called:
        store = Store(callbacks=Callbacks(url=f"{called.url}/paypal", **{"first_s": 0, **callbacks}))
        async with (
            running_paypal_sandbox(store=store) as sandbox,
            Caller(on_exchange=exchanges.append, on_breaker=lambda _: None, settings=settings) as caller,
            httpx.AsyncClient(verify=ssl.create_default_context(cafile=str(sandbox.ca_file))) as browser,
        ):
            keys = {name: SecretStr(getattr(sandbox, name)) for name in CONNECTOR.credentials}
            about = ConnectionSettings(base_url=sandbox.base_url)
            integration = configured("shop", CONNECTOR, "sandbox", about, LiveCredentials(keys))
            yield PaypalShop(sandbox, called, caller, integration, exchanges, browser)


def paid(command: CreatePayment, attempt: Attempt, outcome: Outcome) -> Payment:
    """The payment once it was taken or held."""
    moved = 0 if outcome.amount is None else outcome.amount.minor
    held = outcome.state is ProviderState.AUTHORIZED
    return Payment(
        payment_id=command.payment_id,
        stage="authorized" if held else "captured",
        provider_reference=outcome.reference,
        create_reference=attempt.reference,
        currency=command.paid_price.currency,
        held=moved if held else 0,
        captured=0 if held else moved,
        lines=outcome.lines,
    )
