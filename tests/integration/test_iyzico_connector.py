"""The iyzico connector through the whole call machinery, against the sandbox and its books."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from pydantic import SecretStr

from infra.sandbox.clock import SandboxClock
from infra.sandbox.iyzico import WALLET_USER_KEY, BookedPayment, Books, FaultKind, Sandbox, running_sandbox
from infra.sandbox.iyzico.faults import FaultOrder
from providers.caller import Caller
from providers.connector import Attempt, Card, Integration
from providers.exchange import CallerSettings, Exchange
from providers.outcome import Finding, Outcome, ProviderState, Sighting
from providers.payments.iyzico import CONNECTOR
from providers.reference import reference_for
from providers.retry import RetryPolicy
from schemas.errors import NotSent, OutcomeUnknown, Throttled
from schemas.ids import new_id
from schemas.money import Money, Price, Share
from schemas.payments import CardRef, CreatePayment, Payment, PaymentCommand, Reason, StoredCard
from schemas.payments.payment import LineRefund
from schemas.verdicts import FailureClass, Verdict
from tests import builders
from tests.builders import lira, money

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


async def test_a_charge_is_in_the_books_once_and_read_in_full() -> None:
    async with a_shop(tls=True) as shop:
        command = two_lines()
        attempt = shop.attempt(command, command.paid_price)
        outcome = await shop.send(command, attempt)
        booked = shop.booked()
    assert (outcome.verdict, outcome.state) == (Verdict.ACCEPTED, ProviderState.CAPTURED)
    assert outcome.reference == booked.payment_id
    assert (booked.conversation_id, booked.basket_id) == (attempt.reference, "order-1001")
    assert (booked.price_minor, booked.captured_minor) == (10000, 10300)
    assert outcome.amount is not None
    assert outcome.amount.minor == 10300
    assert [line.line_id for line in outcome.lines] == ["mug", "spoon"]
    assert sum(line.paid.minor for line in outcome.lines) == 10300
    assert outcome.fee is not None
    assert outcome.card is not None
    assert (outcome.card.bin_number, outcome.card.last_four) == ("55260800", "0006")


async def test_a_raw_card_in_a_foreign_currency() -> None:
    card = Card(*map(SecretStr, ("5400010000000004", "JANE DOE", "12", "2031", "123")))
    method = CardRef(kind="card_ref", card_ref=new_id())
    async with a_shop() as shop:
        command = builders.a_create_payment(money("45.67", "EUR"), method=method)
        outcome = await shop.send(command, shop.attempt(command, command.paid_price, card))
        assert (outcome.verdict, shop.booked().currency) == (Verdict.ACCEPTED, "EUR")
        assert "5400010000000004" not in shop.exchanges[0].request_text


@pytest.mark.parametrize(
    ("card", "reason", "failure"),
    [
        ("4111111111111129", Reason.INSUFFICIENT_FUNDS, FailureClass.DECLINED),
        ("4125111111111115", Reason.EXPIRED_CARD, FailureClass.DECLINED),
        ("4126111111111114", Reason.STOLEN_CARD, FailureClass.DECLINED),
        ("4122111111111118", Reason.CONFIGURATION, FailureClass.CONFIGURATION),
    ],
)
async def test_a_decline_and_what_an_inquiry_says_of_it(card: str, reason: Reason, failure: FailureClass) -> None:
    raw = Card(*map(SecretStr, (card, "JANE DOE", "12", "2031", "123")))
    method = CardRef(kind="card_ref", card_ref=new_id())
    async with a_shop() as shop:
        command = builders.a_create_payment(method=method)
        attempt = shop.attempt(command, command.paid_price, raw)
        outcome = await shop.send(command, attempt)
        finding = await shop.ask(command, replace(attempt, card=None))
    assert (outcome.verdict, outcome.reason, outcome.failure) == (Verdict.REFUSED, reason, failure)
    assert finding.outcome is not None
    assert (finding.outcome.verdict, finding.outcome.reason) == (Verdict.REFUSED, reason)


@pytest.mark.parametrize("failure_status", [200, 400])
async def test_a_refusal_is_read_whatever_its_status(failure_status: int) -> None:
    async with a_shop(failure_status=failure_status) as shop:
        command = paid_once("10.00", method=StoredCard(kind="stored_card", card_token="none", customer_key="none"))
        outcome = await shop.send(command, shop.attempt(command, command.paid_price))
    assert (outcome.verdict, outcome.failure, outcome.their_code) == (Verdict.REFUSED, FailureClass.INVALID, "3005")


async def test_a_hold_is_captured_in_part_and_the_rest_is_let_go() -> None:
    async with a_shop() as shop:
        payment = await shop.create(paid_once("100.00", capture="manual"))
        assert (payment.stage, shop.booked().captured_minor) == ("authorized", 0)
        command = builders.a_capture_payment(payment.payment_id, lira("60.00"))
        outcome = await shop.send(command, shop.attempt(command, lira("60.00")))
        assert outcome.verdict is Verdict.ACCEPTED
        assert shop.booked().captured_minor == 6000
        again = await shop.send(command, shop.attempt(command, lira("60.00")))
    assert (again.verdict, again.reason, again.their_code) == (Verdict.REFUSED, Reason.NOT_AUTHORIZED, "5082")


@pytest.mark.parametrize("capture", ["auto", "manual"])
async def test_a_cancel_undoes_a_charge_or_a_hold(capture: str) -> None:
    async with a_shop() as shop:
        payment = await shop.create(paid_once("80.00", capture=capture))
        command = builders.a_cancel_payment(payment.payment_id, reason="the buyer asked for it")
        attempt = shop.attempt(command, lira("80.00"))
        before = await shop.ask(command, attempt)
        outcome = await shop.send(command, attempt)
        after = await shop.ask(command, attempt)
        assert shop.booked().cancelled
    assert before.sighting is Sighting.ABSENT
    assert (outcome.verdict, outcome.amount) == (Verdict.ACCEPTED, lira("80.00"))
    assert after.sighting is Sighting.CONCLUDED


async def test_a_cancel_after_a_partial_refund_gives_back_the_rest() -> None:
    """Paid 80, refunded 30, cancelled: 50 goes back."""
    async with a_shop() as shop:
        payment = await shop.create(paid_once("80.00"))
        refund = builders.a_refund_payment(payment.payment_id, lira("30.00"))
        assert (await shop.send(refund, shop.attempt(refund, lira("30.00")))).verdict is Verdict.ACCEPTED
        shop.change(payment, refunded=3000)
        cancel = builders.a_cancel_payment(payment.payment_id)
        attempt = shop.attempt(cancel, lira("50.00"))
        outcome = await shop.send(cancel, attempt)
        finding = await shop.ask(cancel, attempt)
        assert (outcome.verdict, shop.booked().refunded_minor) == (Verdict.ACCEPTED, 8000)
    assert finding.outcome is not None
    assert (finding.outcome.verdict, finding.outcome.amount) == (
        Verdict.ACCEPTED,
        Money(minor=5000, currency="TRY"),
    )


async def test_refunds_by_line_and_by_amount_and_one_too_much() -> None:
    async with a_shop() as shop:
        payment = await shop.create(two_lines())
        by_line = builders.a_refund_payment(payment.payment_id, lira("5.25"), line_id="spoon")
        assert (await shop.send(by_line, shop.attempt(by_line, lira("5.25")))).verdict is Verdict.ACCEPTED
        shop.change(payment, refunded=525, line_refunds=(LineRefund(line_id="spoon", minor=525),))
        by_amount = builders.a_refund_payment(payment.payment_id, lira("90.00"))
        attempt = shop.attempt(by_amount, lira("90.00"))
        assert (await shop.send(by_amount, attempt)).verdict is Verdict.ACCEPTED
        # It was spread over both lines, and the report shows each part under one reference.
        finding = await shop.ask(by_amount, attempt)
        too_much = builders.a_refund_payment(payment.payment_id, lira("50.00"))
        refused = await shop.send(too_much, shop.attempt(too_much, lira("50.00")))
        assert shop.booked().refunded_minor == 9525
    assert finding.outcome is not None
    assert finding.outcome.verdict is Verdict.ACCEPTED
    assert (refused.verdict, refused.reason) == (Verdict.REFUSED, Reason.INVALID_AMOUNT)


async def test_queries_by_their_id_and_by_our_reference() -> None:
    async with a_shop() as shop:
        command = paid_once("12.50", capture="manual")
        attempt = shop.attempt(command, command.paid_price)
        shop.know(command, await shop.send(command, attempt))
        query = builders.a_query_payment(command.payment_id)
        by_id = await shop.send(query, shop.attempt(query, None))
        shop.payments[command.payment_id] = Payment(
            payment_id=command.payment_id, create_reference=attempt.reference, stage="unsettled"
        )
        by_reference = await shop.send(query, shop.attempt(query, None))
        shop.payments[command.payment_id] = Payment(
            payment_id=command.payment_id, create_reference="neverseen", stage="unsettled"
        )
        unseen = await shop.send(query, shop.attempt(query, None))
    assert (by_id.state, by_id.reference) == (ProviderState.AUTHORIZED, by_reference.reference)
    assert by_reference.state is ProviderState.AUTHORIZED
    assert (unseen.verdict, unseen.state) == (Verdict.ACCEPTED, ProviderState.NOT_FOUND)


CREATES = "/payment/auth"
LOST = {
    "never": FaultKind.NEVER,
    "500": FaultKind.ERROR_AFTER,
    "reset": FaultKind.RESET_AFTER,
    "garbage": FaultKind.GARBAGE,
    "truncated": FaultKind.TRUNCATED,
    "empty": FaultKind.EMPTY,
}


@pytest.mark.parametrize("how", LOST)
async def test_a_charge_whose_answer_is_lost_is_found_by_asking_and_never_twice(how: str) -> None:
    async with a_shop() as shop:
        shop.fault(LOST[how], CREATES)
        command = paid_once("12.50")
        attempt = shop.attempt(command, command.paid_price)
        with pytest.raises(OutcomeUnknown):
            await shop.send(command, attempt, deadline_s=0.3)
        finding = await shop.ask(command, attempt)
        assert shop.booked().captured_minor == 1250
    assert (finding.sighting, finding.outcome and finding.outcome.verdict) == (Sighting.CONCLUDED, Verdict.ACCEPTED)
    assert [exchange.outcome for exchange in shop.exchanges] == ["unknown", "found"]


async def test_a_bank_that_was_silent_is_unknown_and_the_inquiry_knows_more() -> None:
    async with a_shop() as shop:
        shop.fault(FaultKind.BANK_TIMEOUT, CREATES)
        command = paid_once("12.50")
        attempt = shop.attempt(command, command.paid_price)
        outcome = await shop.send(command, attempt)
        finding = await shop.ask(command, attempt)
    assert (outcome.verdict, outcome.their_code) == (Verdict.UNKNOWN, "10219")
    assert finding.sighting is Sighting.CONCLUDED


@pytest.mark.parametrize("kind", [FaultKind.ERROR_BEFORE, FaultKind.RESET_BEFORE])
async def test_what_was_never_performed_is_absent(kind: FaultKind) -> None:
    async with a_shop() as shop:
        shop.fault(kind, CREATES)
        command = paid_once("12.50")
        attempt = shop.attempt(command, command.paid_price)
        with pytest.raises(OutcomeUnknown):
            await shop.send(command, attempt)
        assert (await shop.ask(command, attempt)).sighting is Sighting.ABSENT
        assert shop.sandbox.books.entries() == ()


@pytest.mark.parametrize("kind", [FaultKind.TOO_MANY, FaultKind.LIMIT])
async def test_a_limit_is_throttled_and_nothing_was_performed(kind: FaultKind) -> None:
    async with a_shop() as shop:
        shop.fault(kind, CREATES)
        command = paid_once("12.50")
        with pytest.raises(Throttled):
            await shop.send(command, shop.attempt(command, command.paid_price))
        assert shop.sandbox.books.entries() == ()


Later = Callable[[Payment], tuple[PaymentCommand, Money]]
LATER: dict[str, tuple[str, str, Later]] = {
    "capture": ("/payment/postauth", "manual", lambda p: (builders.a_capture_payment(p.payment_id), lira("12.50"))),
    "cancel": ("/payment/cancel", "auto", lambda p: (builders.a_cancel_payment(p.payment_id), lira("12.50"))),
    "refund": ("/v2/payment/refund", "auto", lambda p: (builders.a_refund_payment(p.payment_id), lira("5.00"))),
    "refund of a line": (
        "/payment/refund",
        "auto",
        lambda p: (builders.a_refund_payment(p.payment_id, line_id="line-1"), lira("5.00")),
    ),
}


@pytest.mark.parametrize("what", LATER)
async def test_a_later_operation_whose_answer_is_lost_is_found_by_asking(what: str) -> None:
    path, capture, make = LATER[what]
    async with a_shop() as shop:
        payment = await shop.create(paid_once("12.50", capture=capture))
        command, amount = make(payment)
        attempt = shop.attempt(command, amount)
        assert (await shop.ask(command, attempt)).sighting is Sighting.ABSENT
        shop.fault(FaultKind.NEVER, path)
        with pytest.raises(OutcomeUnknown) as unknown:
            await shop.send(command, attempt, deadline_s=0.3)
        assert unknown.value.reason == "timeout"
        finding = await shop.ask(command, attempt)
    assert finding.sighting is Sighting.CONCLUDED
    assert finding.outcome is not None
    assert finding.outcome.verdict is Verdict.ACCEPTED
    assert finding.outcome.amount is not None
    assert finding.outcome.amount.minor == amount.minor


@pytest.mark.parametrize(
    ("kind", "state"),
    [(FaultKind.REVIEW_APPROVE, ProviderState.CAPTURED), (FaultKind.REVIEW_REJECT, ProviderState.FAILED)],
)
async def test_a_payment_under_review_is_pending_and_a_query_tells_the_end(
    kind: FaultKind, state: ProviderState
) -> None:
    now_ms = [SandboxClock().now_ms()]
    with Books(now_ms=lambda: now_ms[0]) as books:
        async with a_shop(books=books) as shop:
            shop.fault(kind, CREATES, seconds=60)
            command = paid_once("12.50")
            outcome = await shop.send(command, shop.attempt(command, command.paid_price))
            assert (outcome.verdict, outcome.reason) == (Verdict.PENDING, Reason.UNDER_REVIEW)
            shop.know(command, outcome)
            query = builders.a_query_payment(command.payment_id)
            assert (await shop.send(query, shop.attempt(query, None))).state is ProviderState.PENDING
            now_ms[0] += 61_000
            assert (await shop.send(query, shop.attempt(query, None))).state is state


async def test_wrong_keys_are_a_matter_of_configuration() -> None:
    async with a_shop() as shop:
        keys = {**shop.integration.credentials, "secret_key": SecretStr("sandbox-of-somebody-else")}
        shop.integration = replace(shop.integration, credentials=keys)
        command = paid_once("12.50")
        outcome = await shop.send(command, shop.attempt(command, command.paid_price))
        health = await shop.caller.probe(shop.integration)
    assert (outcome.verdict, outcome.reason, outcome.failure) == (
        Verdict.REFUSED,
        Reason.INVALID_CREDENTIALS,
        FailureClass.CONFIGURATION,
    )
    assert (health.status, "1000" in (health.sentence or "")) == ("unhealthy", True)


async def test_the_health_check_is_well_and_signed() -> None:
    async with a_shop() as shop:
        assert (await shop.caller.probe(shop.integration)).status == "healthy"


async def test_without_its_authority_the_sandboxs_certificate_is_refused_before_anything_leaves() -> None:
    async with (
        running_sandbox(tls=True) as sandbox,
        Caller(on_exchange=lambda _: None, on_breaker=lambda _: None) as caller,
    ):
        keys = {"api_key": SecretStr(sandbox.api_key), "secret_key": SecretStr(sandbox.secret_key)}
        integration = Integration("shop", CONNECTOR, "sandbox", sandbox.tls_base_url or "", keys)
        command = paid_once("12.50")
        operation = CONNECTOR.operation_for(CreatePayment)
        assert operation is not None
        attempt = Attempt(new_id(), 1, "k0laj0001", Payment(payment_id=command.payment_id), command.paid_price)
        with pytest.raises(NotSent):
            await caller.send(caller.prepare(integration, operation, command, attempt), deadline_s=2)
        assert sandbox.books.entries() == ()


@pytest.mark.parametrize("minor", [1, 10, 100, 1250, 99_999_999])
async def test_amounts_of_every_size_arrive_as_they_were_meant(minor: int) -> None:
    async with a_shop() as shop:
        price = Price(minor=minor, currency="TRY")
        await shop.create(builders.a_create_payment(price, method=CREDIT))
        assert shop.booked().captured_minor == minor
