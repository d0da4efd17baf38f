"""A payment's life at a small PayPal over loopback: the payer's page, a lost answer, a refund; and each moved once."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from pydantic import SecretStr

from providers.caller import Caller
from providers.connector import Attempt, Integration
from providers.outcome import Finding, Outcome, ProviderState, Sighting
from providers.payments.paypal import CONNECTOR
from schemas.errors import OutcomeUnknown
from schemas.money import Money
from schemas.payments import (
    CreatePayment,
    OpenCommand,
    Payment,
    Wallet,
)
from tests import builders
from tests.conformance.far_side import far_side
from tests.conformance.samples import COMMAND_ID, PAYMENT_ID
from tests.small_paypal import SmallPayPal

PRICE = builders.money("10.99", "EUR")
WALLET = Wallet(kind="wallet", wallet="paypal", return_url="https://shop.example/back")


@dataclass
class Shop:
    paypal: SmallPayPal
    caller: Caller
    account: Integration
    payment: Payment = field(default_factory=lambda: Payment(payment_id=PAYMENT_ID))
    steps: int = 0

    async def does(self, command: Any, amount: Money | None = None) -> Outcome:
        """One command; an answer that is lost is asked about, and where nothing was found it is sent once more."""
        operation = CONNECTOR.operation_for(type(command))
        assert operation is not None
        self.steps += 1
        attempt = Attempt(COMMAND_ID, 1, f"k0laj{self.steps}", self.payment, amount)
        prepared = self.caller.prepare(self.account, operation, command, attempt)
        try:
            return await self.caller.send(prepared, deadline_s=5)
        except OutcomeUnknown:
            if operation.inquiry is None:
                return await self.caller.send(prepared, deadline_s=5)
        finding: Finding = await self.caller.inquire(self.account, operation, command, attempt, deadline_s=5)
        assert finding.sighting is Sighting.CONCLUDED
        assert finding.outcome is not None
        return finding.outcome

    async def sends_to_the_page(self, capture: Any = "auto") -> Outcome:
        begun = await self.does(builders.a_create_payment(PRICE, method=WALLET, capture=capture), PRICE)
        waiting = OpenCommand(
            command_id=COMMAND_ID, command_type=CreatePayment.type, verdict="pending", capture=capture
        )
        self.payment = self.payment.model_copy(
            update={"stage": "pending", "provider_reference": begun.reference, "open_commands": (waiting,)}
        )
        return begun

    def knows(self, outcome: Outcome, **totals: Any) -> None:
        self.payment = self.payment.model_copy(
            update={"open_commands": (), "lines": outcome.lines, "currency": "EUR", **totals}
        )


@asynccontextmanager
async def a_shop() -> AsyncIterator[Shop]:
    paypal = SmallPayPal()
    async with (
        far_side(paypal.answer) as far,
        Caller(on_exchange=lambda _: None, on_breaker=lambda _: None) as caller,
    ):
        keys = {name: SecretStr(f"{name}-0001") for name in CONNECTOR.credentials}
        yield Shop(paypal, caller, Integration("p", CONNECTOR, "sandbox", far.base_url, keys))


async def test_a_payment_is_taken_once_the_payer_agreed_and_given_back_by_its_capture() -> None:
    async with a_shop() as shop:
        begun = await shop.sends_to_the_page()
        assert begun.redirect_url == "https://www.sandbox.paypal.com/checkoutnow?token=O1"
        complete = builders.a_complete_three_d_secure(token="O1")
        assert (await shop.does(complete, PRICE)).their_code == "ORDER_NOT_APPROVED"
        shop.paypal.agreed = True
        taken = await shop.does(complete, PRICE)
        assert (taken.state, taken.amount) == (ProviderState.CAPTURED, Money(minor=1099, currency="EUR"))
        shop.knows(taken, stage="captured", captured=1099)
        part = builders.money("4.00", "EUR")
        given_back = await shop.does(builders.a_refund_payment(amount=part), part)
        assert given_back.amount == Money(minor=400, currency="EUR")
        assert shop.paypal.moved == ["capture", "refund"]


async def test_whichever_answer_is_lost_the_money_moves_once_and_the_truth_is_found() -> None:
    async with a_shop() as shop:
        shop.paypal.agreed = True
        shop.paypal.loses = ["orders", "authorize", "capture", "refund"]
        await shop.sends_to_the_page("manual")
        held = await shop.does(builders.a_complete_three_d_secure(), PRICE)
        assert held.state is ProviderState.AUTHORIZED
        shop.knows(held, stage="authorized", held=1099)
        part = builders.money("4.00", "EUR")
        taken = await shop.does(builders.a_capture_payment(amount=part), part)
        shop.knows(taken, stage="captured", held=0, captured=400)
        assert (await shop.does(builders.a_cancel_payment(), part)).amount == Money(minor=400, currency="EUR")
        assert shop.paypal.moved == ["authorize", "capture", "refund"]
        assert shop.paypal.loses == []
        assert (await shop.does(builders.a_query_payment())).amount == Money(minor=400, currency="EUR")


async def test_a_hold_is_lifted_once_though_nobody_heard_of_it() -> None:
    async with a_shop() as shop:
        shop.paypal.agreed, shop.paypal.loses = True, ["void"]
        await shop.sends_to_the_page("manual")
        shop.knows(await shop.does(builders.a_complete_three_d_secure(), PRICE), stage="authorized", held=1099)
        lifted = await shop.does(builders.a_cancel_payment(), PRICE)
        assert lifted.amount == Money(minor=1099, currency="EUR")
        assert shop.paypal.moved == ["authorize", "void"]
        assert (await shop.does(builders.a_query_payment())).state is ProviderState.CANCELLED
