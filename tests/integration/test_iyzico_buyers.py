"""The iyzico connector with a buyer in between, against the sandbox and its books: the bank's page and iyzico's own."""

from dataclasses import replace
from typing import Any

import aiohttp
import pytest

from infra.sandbox.iyzico import FaultKind
from providers.connector import Attempt
from providers.outcome import Finding, Outcome, ProviderState
from providers.payments.iyzico import CONNECTOR
from schemas.errors import OutcomeUnknown
from schemas.ids import new_id
from schemas.money import Money
from schemas.payments import (
    BankTransfer,
    CardRef,
    CreatePayment,
    HostedPage,
    OpenCommand,
    Payment,
    PaymentMethod,
    Reason,
    ShowPage,
    StoredCard,
    Wallet,
)
from schemas.verdicts import Verdict
from tests import builders
from tests.builders import lira
from tests.conformance.samples import CARD
from tests.integration.test_iyzico_connector import CREDIT, Shop, a_shop

PAID = Money(minor=1250, currency="TRY")
BACK = "https://shop.example/back"
PAGE = HostedPage(kind="hosted_page", return_url=BACK, most_instalments=3)
TRANSFER = BankTransfer(kind="bank_transfer", return_url=BACK)
WALLET = Wallet(kind="wallet", wallet="iyzico", return_url=BACK)


async def ordered(shop: Shop, name: str, **values: Any) -> dict[str, Any]:
    """What a buyer does, or time brings."""
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{shop.sandbox.admin_url}{name}", json=values) as answer,
    ):
        assert answer.status == 200, await answer.text()
        told: dict[str, Any] = await answer.json()
        return told


async def begun(shop: Shop, command: CreatePayment, card: Any = None) -> Outcome:
    """Send a start, and keep of it what the ledger would."""
    attempt = shop.attempt(command, command.paid_price, card)
    outcome = await shop.send(command, attempt)
    if outcome.verdict is Verdict.PENDING:
        opened = OpenCommand(
            command_id=attempt.command_id,
            command_type=command.type,
            verdict="pending",
            amount=command.paid_price,
            reference=attempt.reference,
            order_id=command.order_id,
            capture=command.capture,
        )
        shop.payments[command.payment_id] = Payment(
            payment_id=command.payment_id,
            stage="pending",
            provider_reference=outcome.reference,
            create_reference=attempt.reference,
            currency=command.paid_price.currency,
            open_commands=(opened,),
        )
    return outcome


async def completed(shop: Shop, command: CreatePayment, **returned: str) -> tuple[Outcome, Attempt]:
    completion = builders.a_complete_three_d_secure(command.payment_id, **returned)
    attempt = shop.attempt(completion, command.paid_price)
    return await shop.send(completion, attempt), attempt


async def found(shop: Shop, command: CreatePayment) -> Outcome:
    question = builders.a_query_payment(command.payment_id)
    return await shop.send(question, shop.attempt(question, None))


@pytest.mark.parametrize(
    ("capture", "token"),
    [("auto", "card-akbank-credit"), ("manual", "card-akbank-credit"), ("auto", "card-halkbank-debit")],
)
async def test_a_payer_whom_the_bank_lets_through_pays_once(capture: str, token: str) -> None:
    async with a_shop() as shop:
        card = StoredCard(kind="stored_card", card_token=token, customer_key=CREDIT.customer_key)
        command = builders.a_start_three_d_secure(capture=capture, method=card)
        outcome = await begun(shop, command)
        assert isinstance(outcome.next_action, ShowPage)
        assert (await found(shop, command)).state is ProviderState.PENDING
        back = await ordered(shop, "threeds", paymentId=outcome.reference, answer="confirm")
        assert CONNECTOR.returns is not None
        verdict = CONNECTOR.returns(back["fields"], [shop.integration.credentials])
        assert (verdict.verified, verdict.completes, verdict.reference) == (True, True, outcome.reference)
        assert back["callbackUrl"] == command.return_url
        done, attempt = await completed(shop, command, **back["fields"])
        assert (done.verdict, done.amount, done.reference) == (Verdict.ACCEPTED, PAID, outcome.reference)
        assert done.state is (ProviderState.CAPTURED if capture == "auto" else ProviderState.AUTHORIZED)
        assert done.lines
        again, _ = await completed(shop, command)
        assert (again.verdict, again.their_code) == (Verdict.UNKNOWN, "10203")
        finding = await shop.ask(builders.a_complete_three_d_secure(command.payment_id), attempt)
        assert finding.outcome is not None
        assert (finding.outcome.verdict, finding.outcome.amount) == (Verdict.ACCEPTED, PAID)
        assert shop.booked().paid_minor == 1250


async def test_a_payer_who_gives_up_at_the_bank_pays_nothing() -> None:
    async with a_shop() as shop:
        command = builders.a_start_three_d_secure(method=CREDIT)
        outcome = await begun(shop, command)
        back = await ordered(shop, "threeds", paymentId=outcome.reference, answer="cancel")
        assert CONNECTOR.returns is not None
        verdict = CONNECTOR.returns(back["fields"], [shop.integration.credentials])
        assert (verdict.verified, verdict.completes) == (True, False)
        done, _ = await completed(shop, command)
        assert (done.verdict, done.their_code) == (Verdict.REFUSED, "10012")
        assert (await found(shop, command)).state is ProviderState.FAILED


async def test_a_card_to_keep_is_kept_with_the_completion() -> None:
    async with a_shop() as shop:
        command = builders.a_start_three_d_secure(method=CardRef(kind="card_ref", card_ref=new_id()), store_card=True)
        outcome = await begun(shop, command, CARD)
        assert outcome.reference is not None
        back = await ordered(shop, "threeds", paymentId=outcome.reference, answer="confirm")
        done, _ = await completed(shop, command, **back["fields"])
        assert done.stored_card is not None
        kept = StoredCard(
            kind="stored_card", card_token=done.stored_card.card_token, customer_key=done.stored_card.customer_key
        )
        renewal = builders.a_create_payment(method=kept, without_payer=True)
        paid = await shop.send(renewal, shop.attempt(renewal, renewal.paid_price))
        assert (paid.verdict, paid.stored_card) == (Verdict.ACCEPTED, None)


async def test_a_start_whose_page_is_lost_is_over_and_a_lost_completion_is_found() -> None:
    async with a_shop() as shop:
        command = builders.a_start_three_d_secure(method=CREDIT)
        attempt = shop.attempt(command, command.paid_price)
        shop.fault(FaultKind.RESET_AFTER, "/payment/3dsecure/initialize")
        with pytest.raises(OutcomeUnknown):
            await shop.send(command, attempt)
        lost = await shop.ask(command, attempt)
        assert lost.outcome is not None
        assert (lost.outcome.verdict, lost.outcome.reason) == (Verdict.REFUSED, Reason.PAGE_LOST)
        outcome = await begun(shop, command)
        await ordered(shop, "threeds", paymentId=outcome.reference, answer="confirm")
        completion = builders.a_complete_three_d_secure(command.payment_id)
        attempt = shop.attempt(completion, command.paid_price)
        assert (await shop.ask(completion, attempt)).sighting.value == "absent"
        shop.fault(FaultKind.RESET_AFTER, "/payment/v2/3dsecure/auth")
        with pytest.raises(OutcomeUnknown):
            await shop.send(completion, attempt)
        finding = await shop.ask(completion, attempt)
        assert finding.outcome is not None
        assert finding.outcome.verdict is Verdict.ACCEPTED


@pytest.mark.parametrize("method", [PAGE, WALLET, TRANSFER], ids=lambda method: method.kind)
async def test_a_payment_on_a_page_is_found_refunded_and_cancelled(method: PaymentMethod) -> None:
    async with a_shop() as shop:
        command = builders.a_create_payment(method=method)
        outcome = await begun(shop, command)
        assert outcome.redirect_url is not None
        assert (await found(shop, command)).state is ProviderState.NOT_FOUND
        if method is PAGE:
            await ordered(shop, "checkout", token=outcome.reference, card="card-declined-10051")
            assert (await found(shop, command)).state is ProviderState.PENDING
            await ordered(shop, "checkout", token=outcome.reference, card="card-akbank-credit", store=True)
        elif method is WALLET:
            await ordered(shop, "checkout", token=outcome.reference, pay_with="wallet")
        else:
            await ordered(shop, "checkout", token=outcome.reference, pay_with="transfer")
            assert (await found(shop, command)).state is ProviderState.PENDING
            await ordered(shop, "transfers", token=outcome.reference, arrived=True)
        paid = await found(shop, command)
        assert (paid.state, paid.amount) == (ProviderState.CAPTURED, PAID)
        assert (paid.stored_card is not None) == (method is PAGE)
        shop.know(command, replace(paid, verdict=Verdict.ACCEPTED))
        refund = builders.a_refund_payment(command.payment_id, amount=lira("2.50"))
        given = await shop.send(refund, shop.attempt(refund, lira("2.50")))
        assert (given.verdict, given.amount) == (Verdict.ACCEPTED, Money(minor=250, currency="TRY"))
        line = builders.a_refund_payment(command.payment_id, amount=lira("1.00"), line_id="line-1")
        assert (await shop.send(line, shop.attempt(line, lira("1.00")))).verdict is Verdict.ACCEPTED


async def test_a_lost_page_is_over() -> None:
    async with a_shop() as shop:
        command = builders.a_create_payment(method=PAGE)
        attempt = shop.attempt(command, command.paid_price)
        shop.fault(FaultKind.RESET_AFTER, "/payment/iyzipos/checkoutform/initialize/auth/ecom")
        with pytest.raises(OutcomeUnknown):
            await shop.send(command, attempt)
        lost: Finding = await shop.ask(command, attempt)
        assert lost.outcome is not None
        assert (lost.outcome.verdict, lost.outcome.reason) == (Verdict.REFUSED, Reason.PAGE_LOST)
