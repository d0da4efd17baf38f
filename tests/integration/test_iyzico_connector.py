"""The iyzico connector through the whole call machinery, against the sandbox and its books."""

from dataclasses import replace

import pytest
from pydantic import SecretStr

from infra.sandbox.clock import SandboxClock
from infra.sandbox.iyzico import Books, FaultKind, running_sandbox
from providers.caller import Caller
from providers.connector import Attempt, Card, Integration
from providers.outcome import ProviderState, Sighting
from providers.payments.iyzico import CONNECTOR
from schemas.errors import NotSent
from schemas.ids import new_id
from schemas.money import Money, Price
from schemas.payments import CardRef, CreatePayment, Payment, Reason, StoredCard
from schemas.payments.payment import LineRefund
from schemas.verdicts import FailureClass, Verdict
from tests import builders
from tests.builders import lira, money
from tests.integration.iyzico_shop import CREATES, CREDIT, a_shop, paid_once, two_lines


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
