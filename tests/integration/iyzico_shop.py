"""A shop whose iyzico account is a sandbox, called through the whole call machinery; it keeps what the ledger would."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from pydantic import SecretStr

from infra.sandbox.iyzico import WALLET_USER_KEY, BookedPayment, FaultKind, Sandbox, running_sandbox
from infra.sandbox.iyzico.faults import FaultOrder
from providers.caller import Caller
from providers.connector import Attempt, Card, Integration
from providers.exchange import CallerSettings, Exchange
from providers.outcome import Finding, Outcome, ProviderState
from providers.payments.iyzico import CONNECTOR
from providers.reference import reference_for
from providers.retry import RetryPolicy
from schemas.ids import new_id
from schemas.money import Money, Share
from schemas.payments import CreatePayment, Payment, PaymentCommand, StoredCard
from schemas.verdicts import Verdict
from tests import builders
from tests.builders import lira

CREDIT = StoredCard(kind="stored_card", card_token="card-akbank-credit", customer_key=WALLET_USER_KEY)
RATES = {("shop", operation): None for operation in ("create", "query", "refund", "cancel")}


def paid_once(amount: str, *, capture: str = "auto", **changed: Any) -> CreatePayment:
    price = lira(amount)
    given: dict[str, Any] = {"method": CREDIT, "capture": capture, "basket": (builders.a_line(price),), **changed}
    return builders.a_create_payment(price, **given)


def two_lines() -> CreatePayment:
    """Lines of 80 and 20, with 3 of shipping on top."""
    lines = (builders.a_line(lira("80.00"), "mug"), builders.a_line(lira("20.00"), "spoon"))
    return builders.a_create_payment(
        method=CREDIT,
        price=lira("100.00"),
        paid_price=lira("103.00"),
        shipping=Share(minor=300, currency="TRY"),
        basket=lines,
    )


@dataclass
class Shop:
    """One account; it keeps what the ledger would."""

    sandbox: Sandbox
    caller: Caller
    integration: Integration
    exchanges: list[Exchange]
    payments: dict[Any, Payment] = field(default_factory=dict)

    def attempt(self, command: PaymentCommand, amount: Money | None, card: Card | None = None) -> Attempt:
        command_id = new_id()
        payment = self.payments.get(command.payment_id) or Payment(payment_id=command.payment_id)
        reference = reference_for(command_id, "a", 1, CONNECTOR.reference)
        return Attempt(command_id, 1, reference, payment, amount, card)

    async def send(self, command: PaymentCommand, attempt: Attempt, deadline_s: float = 5) -> Outcome:
        operation = CONNECTOR.operation_for(type(command))
        assert operation is not None
        prepared = self.caller.prepare(self.integration, operation, command, attempt)
        async with self.caller.admission(self.integration, operation):
            return await self.caller.send(prepared, deadline_s=deadline_s)

    async def ask(self, command: PaymentCommand, attempt: Attempt) -> Finding:
        operation = CONNECTOR.operation_for(type(command))
        assert operation is not None
        return await self.caller.inquire(self.integration, operation, command, attempt, deadline_s=5)

    async def create(self, command: CreatePayment) -> Payment:
        outcome = await self.send(command, self.attempt(command, command.paid_price))
        assert outcome.verdict is Verdict.ACCEPTED
        return self.know(command, outcome)

    def know(self, command: CreatePayment, outcome: Outcome) -> Payment:
        held = outcome.state is ProviderState.AUTHORIZED
        payment = Payment(
            payment_id=command.payment_id,
            stage="authorized" if held else "captured",
            provider_reference=outcome.reference,
            currency=command.paid_price.currency,
            held=command.paid_price.minor if held else 0,
            captured=0 if held else command.paid_price.minor,
            lines=outcome.lines,
        )
        self.payments[command.payment_id] = payment
        return payment

    def change(self, payment: Payment, **changed: Any) -> None:
        self.payments[payment.payment_id] = payment.model_copy(update=changed)

    def booked(self) -> BookedPayment:
        [entry] = self.sandbox.books.entries()
        return entry

    def fault(self, kind: FaultKind, path: str, **more: Any) -> None:
        self.sandbox.faults.order(FaultOrder(kind=kind, path=path, count=1, **more))


@asynccontextmanager
async def a_shop(*, tls: bool = False, **sandbox: Any) -> AsyncIterator[Shop]:
    exchanges: list[Exchange] = []
    async with running_sandbox(tls=tls, **sandbox) as running:
        settings = CallerSettings(
            ca_file=running.ca_pem_path, rate_limits=RATES, retry=RetryPolicy(tries=1), breaker_threshold=1000
        )
        async with Caller(on_exchange=exchanges.append, on_breaker=lambda _: None, settings=settings) as caller:
            base_url = running.tls_base_url or running.base_url
            keys = {"api_key": SecretStr(running.api_key), "secret_key": SecretStr(running.secret_key)}
            integration = Integration("shop", CONNECTOR, "sandbox", base_url, keys)
            yield Shop(running, caller, integration, exchanges)


CREATES = "/payment/auth"
