"""The PayTR connector through the whole call machinery, against the sandbox and its books."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest_asyncio
from pydantic import SecretStr

from infra.sandbox.paytr import WALLET_UTOKEN, Callbacks, PaytrSandbox, Store, running_paytr_sandbox
from providers.caller import Caller
from providers.configured import configured
from providers.connector import Attempt, Card, Integration, LiveCredentials
from providers.exchange import CallerSettings, Exchange
from providers.notices import Call, Notice
from providers.outcome import Finding, Outcome, ProviderState, Sighting
from providers.payments.paytr import CONNECTOR
from providers.payments.paytr.settings import PaytrSettings
from providers.reference import reference_for
from providers.retry import RetryPolicy
from schemas.errors import OutcomeUnknown
from schemas.ids import new_id
from schemas.money import Money, Price
from schemas.payments import (
    BankTransfer,
    CancelPayment,
    CardRef,
    CreatePayment,
    HostedPage,
    Payment,
    QueryPayment,
    Reason,
    RefundPayment,
    ShowFrame,
    ShowPage,
    StoredCard,
    TransferMoney,
    TransferShare,
)
from schemas.payments.look_ups import BinLookUp, CardBin, InstalmentLookUp, InstalmentTable
from schemas.payments.resources import (
    CreateLink,
    DeleteCard,
    DeleteLink,
    KeptCards,
    LinkDetails,
    ListCards,
    ListPayouts,
    ListTransactions,
    PayoutPage,
    Resource,
    SendLink,
    TransactionPage,
)
from schemas.payments.vocabulary import Command
from schemas.verdicts import Verdict
from tests.builders import a_create_payment, a_line, a_start_three_d_secure, lira
from tests.paytr_store import PaytrStore, a_store, acknowledged, the_form
from tests.receiver import Receiver, receiver

BACK = "https://shop.example/back"
KEPT = StoredCard(kind="stored_card", card_token="sandboxvisa", customer_key=WALLET_UTOKEN)
NEW = CardRef(kind="card_ref", card_ref=UUID("019abc00-0000-7000-8000-000000000001"))
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
CARD = Card(
    number=SecretStr("4355084355084358"),
    holder=SecretStr("AYSE YILMAZ"),
    expiry_month=SecretStr("12"),
    expiry_year=SecretStr("2030"),
    verification_code=SecretStr("000"),
)


@dataclass
class Shop:
    """One account; its tests keep what the ledger would."""

    sandbox: PaytrSandbox
    store: PaytrStore
    called: Receiver
    caller: Caller
    integration: Integration
    exchanges: list[Exchange]

    async def send(self, command: Command, attempt: Attempt) -> Outcome:
        operation = CONNECTOR.operation_for(type(command))
        assert operation is not None
        prepared = self.caller.prepare(self.integration, operation, command, attempt)
        return await self.caller.send(prepared, deadline_s=30)

    async def ask(self, command: Command, attempt: Attempt) -> Finding:
        operation = CONNECTOR.operation_for(type(command))
        assert operation is not None
        return await self.caller.inquire(self.integration, operation, command, attempt, deadline_s=30)

    async def paid(self, amount: str = "12.50", **changed: Any) -> Payment:
        command = a_create_payment(lira(amount), **{"method": KEPT, **changed})
        attempt = an_attempt(of=command)
        outcome = await self.send(command, attempt)
        assert outcome.verdict is Verdict.ACCEPTED
        await self.sandbox.advance()
        return known(attempt, command)

    async def state_of(self, payment: Payment) -> Outcome:
        return await self.send(QueryPayment(payment_id=payment.payment_id), an_attempt(payment))

    def notices(self, reference: str) -> list[Notice]:
        """What was told of an order, as the webhook reads it."""
        assert CONNECTOR.webhooks is not None
        found = []
        for got in self.called.got:
            if reference.encode() in got.body:
                keys = (self.integration.credentials,)
                call = Call(got.headers, got.body, keys, NOW, self.integration.settings, "sandbox")
                notice = CONNECTOR.webhooks.read(call)
                assert isinstance(notice, Notice), notice
                found.append(notice)
        return found


def an_attempt(payment: Payment | None = None, *, of: CreatePayment | None = None, **more: Any) -> Attempt:
    command_id = new_id()
    about = payment or Payment(payment_id=new_id() if of is None else of.payment_id)
    attempt = Attempt(command_id, 1, reference_for(command_id, "a", 1, CONNECTOR.reference), about)
    return replace(attempt, **({} if of is None else {"amount": of.paid_price}) | more)


def known(attempt: Attempt, command: CreatePayment) -> Payment:
    return Payment(
        payment_id=command.payment_id,
        stage="captured",
        provider_reference=attempt.reference,
        create_reference=attempt.reference,
        currency=command.paid_price.currency,
        captured=command.paid_price.minor,
    )


def a_resource(**changed: Any) -> Resource:
    return Resource(resource_id=new_id(), **changed)


@pytest_asyncio.fixture(scope="module")
async def shop() -> AsyncIterator[Shop]:
    exchanges: list[Exchange] = []
    settings = CallerSettings(retry=RetryPolicy(tries=1), breaker_threshold=1000)
    async with receiver() as called:
        called.answer = acknowledged
        callbacks = Callbacks(url=f"{called.url}/paytr", first_s=0, before_return=True)
        async with (
            running_paytr_sandbox(store=Store(callbacks=callbacks)) as sandbox,
            a_store(sandbox) as store,
            Caller(on_exchange=exchanges.append, on_breaker=lambda _: None, settings=settings) as caller,
        ):
            keys = {name: SecretStr(getattr(sandbox, name)) for name in CONNECTOR.credentials}
            about = PaytrSettings(base_url=sandbox.base_url, link_callback_url=f"{called.url}/links")
            integration = configured("shop", CONNECTOR, "sandbox", about, LiveCredentials(keys))
            yield Shop(sandbox, store, called, caller, integration, exchanges)


async def test_the_keys_are_found_good(shop: Shop) -> None:
    assert (await shop.caller.probe(shop.integration)).status == "healthy"
    wrong = {**shop.integration.credentials, "merchant_salt": SecretStr("sandbox-another")}
    assert (await shop.caller.probe(replace(shop.integration, credentials=wrong))).cause == "wrong_key"


async def test_a_card_is_charged_once_and_its_inquiry_finds_it(shop: Shop) -> None:
    command = a_create_payment(lira("34.56"), method=NEW, store_card=True)
    attempt = an_attempt(of=command, card=CARD)
    outcome = await shop.send(command, attempt)
    assert (outcome.verdict, outcome.amount) == (Verdict.ACCEPTED, lira("34.56").with_minor(3456))
    assert outcome.stored_card is not None
    found = await shop.ask(command, attempt)
    assert (found.sighting, found.outcome is not None and found.outcome.amount) == (
        Sighting.CONCLUDED,
        Money(minor=3456, currency="TRY"),
    )
    assert (await shop.ask(command, an_attempt(of=command))).sighting is Sighting.ABSENT
    assert [notice.said for notice in shop.notices(attempt.reference)] == ["captured"]
    kept = StoredCard(kind="stored_card", **outcome.stored_card.model_dump(include={"card_token", "customer_key"}))
    await shop.paid(method=kept, without_payer=True)


async def test_a_payer_pays_on_the_page_in_the_frame(shop: Shop) -> None:
    command = a_create_payment(lira("34.56"), method=HostedPage(kind="hosted_page", return_url=BACK))
    attempt = an_attempt(of=command)
    outcome = await shop.send(command, attempt)
    assert isinstance(outcome.next_action, ShowFrame)
    payment = known(attempt, command)
    assert (await shop.state_of(payment)).state is ProviderState.NOT_FOUND
    leaves, _ = await shop.store.pay_on_page(outcome.next_action.url, installment_count="3")
    assert leaves == BACK
    (notice,) = shop.notices(attempt.reference)
    assert (notice.said, notice.our_reference) == ("captured", attempt.reference)
    state = await shop.state_of(payment)
    assert state.state is ProviderState.CAPTURED
    assert state.amount is not None
    assert state.surcharge is not None
    assert state.amount.minor - state.surcharge.minor == 3456
    assert (state.card is not None and state.card.last_four, state.fee is None) == ("4358", False)


async def test_a_bank_transfer_has_a_page_of_its_own(shop: Shop) -> None:
    command = a_create_payment(method=BankTransfer(kind="bank_transfer", return_url=BACK, bank="isbank"))
    outcome = await shop.send(command, an_attempt(of=command))
    assert isinstance(outcome.next_action, TransferMoney)
    async with shop.store.session.get(outcome.next_action.url) as answer:
        assert "Havale / EFT" in await answer.text()


async def test_the_payers_bank_lets_a_payment_through(shop: Shop) -> None:
    command = a_start_three_d_secure(lira("20.00"), method=NEW, return_url=BACK)
    attempt = an_attempt(of=command, card=CARD)
    outcome = await shop.send(command, attempt)
    assert (outcome.verdict, outcome.reason) == (Verdict.PENDING, Reason.ACTION_REQUIRED)
    assert isinstance(outcome.next_action, ShowPage)
    page = outcome.next_action.html.encode()
    assert shop.exchanges[-1].response_text == f"(a page of {len(page)} bytes, which may hold what a payer entered)"
    assert (await shop.ask(command, attempt)).sighting is Sighting.ABSENT
    action, fields = the_form(outcome.next_action.html)
    leaves, shown = await shop.store.submit(action, action="pay", code="123456", **fields)
    assert leaves == BACK or BACK in shown
    found = await shop.ask(command, attempt)
    assert (found.sighting, found.outcome is not None and found.outcome.verdict) == (
        Sighting.CONCLUDED,
        Verdict.ACCEPTED,
    )


async def test_refunds_part_by_part_and_then_the_rest_by_a_cancel(shop: Shop) -> None:
    payment = await shop.paid("34.56")
    part = RefundPayment(payment_id=payment.payment_id, amount=lira("10.00"))
    attempt = an_attempt(payment, amount=part.amount)
    assert (await shop.send(part, attempt)).amount == Money(minor=1000, currency="TRY")
    assert (await shop.ask(part, attempt)).sighting is Sighting.CONCLUDED
    assert (await shop.ask(part, an_attempt(payment, amount=part.amount))).sighting is Sighting.ABSENT
    left = payment.model_copy(update={"refunded": 1000})
    rest = CancelPayment(payment_id=payment.payment_id)
    done = await shop.send(rest, an_attempt(left))
    assert (done.verdict, done.amount) == (Verdict.ACCEPTED, Money(minor=2456, currency="TRY"))
    again = await shop.send(part, an_attempt(payment, amount=part.amount))
    assert (again.verdict, again.reason, again.their_code) == (Verdict.REFUSED, Reason.AMOUNT_EXCEEDS_CAPTURED, "009")
    assert "34.56" in (await shop.state_of(payment)).detail


async def test_a_refund_whose_answer_was_lost_is_found_and_not_made_again(shop: Shop) -> None:
    payment = await shop.paid()
    part = RefundPayment(payment_id=payment.payment_id, amount=lira("5.00"))
    attempt = an_attempt(payment, amount=part.amount)
    await shop.store.order("faults", kind="reset_after", path="/odeme/iade", count=1)
    try:
        await shop.send(part, attempt)
    except OutcomeUnknown:
        found = await shop.ask(part, attempt)
    assert (found.sighting, found.outcome is not None and found.outcome.amount) == (
        Sighting.CONCLUDED,
        Money(minor=500, currency="TRY"),
    )


async def test_an_undecided_payment_is_pending_and_told_of_later(shop: Shop) -> None:
    line = a_line(lira("12.50"), name="fault-wait_success-60s-mug")
    command = a_create_payment(method=KEPT, basket=(line,), buyer=a_create_payment().buyer)
    attempt = an_attempt(of=command)
    outcome = await shop.send(command, attempt)
    assert (outcome.verdict, outcome.reason) == (Verdict.PENDING, Reason.UNDER_REVIEW)
    busy = await shop.send(command, an_attempt(of=command))
    assert (busy.verdict, busy.reason) == (Verdict.REFUSED, Reason.INVALID_STATE)
    await shop.sandbox.advance(61)
    assert (await shop.ask(command, attempt)).sighting is Sighting.CONCLUDED
    assert [notice.said for notice in shop.notices(attempt.reference)] == ["captured"]


async def test_a_seller_has_a_share_once_and_hears_of_it(shop: Shop) -> None:
    payment = await shop.paid("34.56")
    share = TransferShare(
        payment_id=payment.payment_id,
        amount=Price(minor=1000, currency="TRY"),
        recipient_name="Ayşe Yılmaz",
        recipient_iban="TR330006100519786457841326",
    )
    attempt = an_attempt(payment, amount=share.amount)
    assert (await shop.send(share, attempt)).verdict is Verdict.ACCEPTED
    assert (await shop.ask(share, attempt)).sighting is Sighting.CONCLUDED
    assert (await shop.ask(share, an_attempt(payment, amount=share.amount))).sighting is Sighting.ABSENT
    await shop.sandbox.advance(10)
    (notice,) = shop.notices(attempt.reference)
    assert (notice.event_type, notice.our_reference, notice.said) == ("transfers", attempt.reference, None)


async def test_cards_are_listed_and_forgotten(shop: Shop) -> None:
    command = a_create_payment(method=NEW, store_card=True)
    kept = (await shop.send(command, an_attempt(of=command, card=CARD))).stored_card
    assert kept is not None
    listing = ListCards(resource_id=new_id(), customer_key=kept.customer_key or "")
    cards = (await shop.send(listing, an_attempt(resource=a_resource()))).details
    assert isinstance(cards, KeptCards)
    assert [(card.card_token, card.bank, card.code_needed) for card in cards.cards] == [
        (kept.card_token, "Akbank", False)
    ]
    delete = DeleteCard(resource_id=new_id(), card_token=kept.card_token, customer_key=kept.customer_key)
    assert (await shop.ask(delete, an_attempt(resource=a_resource()))).sighting is Sighting.ABSENT
    assert (await shop.send(delete, an_attempt(resource=a_resource()))).verdict is Verdict.ACCEPTED
    assert (await shop.send(delete, an_attempt(resource=a_resource()))).verdict is Verdict.REFUSED


async def test_a_link_is_made_sent_paid_told_and_deleted(shop: Shop) -> None:
    make = CreateLink(resource_id=new_id(), name="Özel Tişört", price=lira("14.45"))
    attempt = an_attempt(resource=a_resource())
    made = (await shop.send(make, attempt)).details
    assert isinstance(made, LinkDetails)
    page, _ = await shop.store.submit(str(made.url), action="pay", email="alici@example.com")
    await shop.store.pay_on_page(str(page))
    await shop.sandbox.advance()
    (notice,) = shop.notices(attempt.reference)
    assert (notice.about, notice.our_reference, notice.said) == ("resource", attempt.reference, "captured")
    about = a_resource(provider_reference=made.link_reference)
    for command in (
        SendLink(resource_id=new_id(), to_phone="+905551234567"),
        SendLink(resource_id=new_id(), to_email="alici@example.com"),
        DeleteLink(resource_id=new_id()),
    ):
        assert (await shop.send(command, an_attempt(resource=about))).verdict is Verdict.ACCEPTED
    gone = await shop.send(DeleteLink(resource_id=new_id()), an_attempt(resource=about))
    assert gone.verdict is Verdict.REFUSED


async def test_a_day_is_listed(shop: Shop) -> None:
    payment = await shop.paid("10.00")
    part = RefundPayment(payment_id=payment.payment_id, amount=lira("4.00"))
    await shop.send(part, an_attempt(payment, amount=part.amount))
    told = await shop.store.status(payment.create_reference or "")
    today = date.fromisoformat(re.split("[ T]", told["payment_date"])[0])
    for numbered in (True, False):
        await shop.store.order("settings", numbered_rows=numbered)
        listing = ListTransactions(resource_id=new_id(), day=today)
        page = (await shop.send(listing, an_attempt(resource=a_resource()))).details
        assert isinstance(page, TransactionPage)
        ours = [one for one in page.transactions if one.our_reference == payment.create_reference]
        assert [(one.kind, one.amount.minor) for one in ours] == [("payment", 1000), ("refund", 400)]
    for cursor in (None, "returned"):
        payouts = ListPayouts(resource_id=new_id(), day=today, cursor=cursor)
        assert isinstance((await shop.send(payouts, an_attempt(resource=a_resource()))).details, PayoutPage)


async def test_cards_and_instalments_are_looked_up(shop: Shop) -> None:
    card = await shop.caller.read(shop.integration, "bin", BinLookUp(bin_number="43550843"))
    assert isinstance(card, CardBin)
    assert (card.association, card.family, card.bank_code) == ("VISA", "axess", 46)
    rates = await shop.caller.read(shop.integration, "instalments", InstalmentLookUp(price=lira("100.00")))
    assert isinstance(rates, InstalmentTable)
    axess = next(plan for plan in rates.plans if plan.family == "axess")
    assert [offer.number for offer in axess.offers] == [*range(1, 13)]
    assert [offer.total.minor for offer in axess.offers] == sorted(offer.total.minor for offer in axess.offers)
