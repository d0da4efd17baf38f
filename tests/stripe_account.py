"""An account at Stripe's sandbox, called by the connector through the whole call machinery."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest
from pydantic import SecretStr

from infra.sandbox.stripe import running_stripe_sandbox
from providers.caller import Caller
from providers.configured import configured
from providers.connection_settings import ConnectionSettings
from providers.connector import Attempt, Integration, LiveCredentials
from providers.exchange import CallerSettings
from providers.outcome import Finding, Outcome, Sighting
from providers.payments.stripe import CONNECTOR
from providers.reference import reference_for
from providers.retry import RetryPolicy
from schemas.errors import OutcomeUnknown
from schemas.ids import new_id
from schemas.payments import (
    CreatePayment,
    Payment,
    ProviderToken,
    QueryPayment,
)
from schemas.payments.resources import (
    Resource,
    SubscriptionDetails,
)
from schemas.payments.vocabulary import Command
from schemas.verdicts import Verdict
from tests.builders import a_create_payment, lira
from tests.stripe_shop import StripeShop, a_stripe_shop

BACK = "https://shop.example/back"
INTENTS = "/v1/payment_intents"
DAY_S = 24 * 3600


@dataclass(frozen=True, slots=True)
class Account:
    """One account; its tests keep what the ledger would."""

    shop: StripeShop
    caller: Caller
    integration: Integration

    async def send(self, command: Command, attempt: Attempt, *, deadline_s: float = 30) -> Outcome:
        operation = CONNECTOR.operation_for(type(command))
        assert operation is not None
        prepared = self.caller.prepare(self.integration, operation, command, attempt)
        return await self.caller.send(prepared, deadline_s=deadline_s)

    async def ask(self, command: Command, attempt: Attempt) -> Finding:
        operation = CONNECTOR.operation_for(type(command))
        assert operation is not None
        return await self.caller.inquire(self.integration, operation, command, attempt, deadline_s=30)

    async def lost(self, command: Command, attempt: Attempt, at: str, kind: str = "reset_after") -> Outcome:
        """Sent, its answer lost, asked about, and sent again under its key: the truth, once."""
        await self.shop.order("faults", kind=kind, path=at)
        with pytest.raises(OutcomeUnknown):
            await self.send(command, attempt, deadline_s=1 if kind == "never" else 30)
        found = await self.ask(command, attempt)
        assert (found.sighting, found.outcome is None) == (Sighting.CONCLUDED, False)
        assert found.outcome is not None
        again = await self.send(command, attempt)
        assert (again.verdict, again.reference, again.amount) == (
            found.outcome.verdict,
            found.outcome.reference,
            found.outcome.amount,
        )
        return found.outcome

    async def paid(self, amount: str = "12.50", **changed: Any) -> Payment:
        command = a_payment_of(amount, **changed)
        outcome = await self.send(command, an_attempt(of=command))
        assert outcome.verdict is Verdict.ACCEPTED, outcome
        return known(outcome, command)

    async def state_of(self, payment: Payment) -> Outcome:
        return await self.send(QueryPayment(payment_id=payment.payment_id), an_attempt(payment))

    def made(self) -> int:
        return len(self.shop.sandbox.books.entries())

    async def customer(self, method: str = "pm_card_visa") -> str:
        asked: Any = {"payment_method": method, "invoice_settings": {"default_payment_method": method}}
        return (await self.shop.client.v1.customers.create_async(asked)).id


def token(name: str) -> ProviderToken:
    return ProviderToken(kind="provider_token", token=name)


def a_payment_of(amount: str = "12.50", **changed: Any) -> CreatePayment:
    return a_create_payment(lira(amount), **{"method": token("pm_card_visa"), **changed})


def an_attempt(payment: Payment | None = None, *, of: CreatePayment | None = None, **more: Any) -> Attempt:
    command_id = new_id()
    about = payment or Payment(payment_id=new_id() if of is None else of.payment_id)
    attempt = Attempt(command_id, 1, reference_for(command_id, "a", 1, CONNECTOR.reference), about)
    return replace(attempt, **({} if of is None else {"amount": of.paid_price}) | more)


def known(outcome: Outcome, command: CreatePayment) -> Payment:
    held = command.capture == "manual"
    return Payment(
        payment_id=command.payment_id,
        stage="authorized" if held else "captured",
        provider_reference=outcome.reference,
        currency=command.paid_price.currency,
        held=command.paid_price.minor if held else 0,
        captured=0 if held else command.paid_price.minor,
    )


def of(**changed: Any) -> dict[str, Any]:
    """An attempt about a resource."""
    return {"resource": Resource(resource_id=new_id(), **changed)}


def told(outcome: Outcome) -> SubscriptionDetails:
    assert isinstance(outcome.details, SubscriptionDetails)
    return outcome.details


@asynccontextmanager
async def an_account() -> AsyncIterator[Account]:
    settings = CallerSettings(retry=RetryPolicy(tries=1), breaker_threshold=1000)
    async with (
        running_stripe_sandbox() as sandbox,
        a_stripe_shop(sandbox) as shop,
        Caller(on_exchange=lambda _: None, on_breaker=lambda _: None, settings=settings) as caller,
    ):
        keys = {name: SecretStr(getattr(sandbox, name)) for name in CONNECTOR.credentials}
        about = ConnectionSettings(base_url=sandbox.base_url)
        yield Account(shop, caller, configured("shop", CONNECTOR, "sandbox", about, LiveCredentials(keys)))
