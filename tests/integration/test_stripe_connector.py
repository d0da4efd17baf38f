"""The Stripe connector through the whole call machinery, against the sandbox and its books."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio
from pydantic import SecretStr

from infra.sandbox.stripe import running_stripe_sandbox
from providers.caller import Caller
from providers.configured import configured
from providers.connection_settings import ConnectionSettings
from providers.connector import Attempt, Integration, LiveCredentials
from providers.exchange import CallerSettings
from providers.outcome import Finding, Outcome, ProviderState, Sighting
from providers.payments.stripe import CONNECTOR
from providers.reference import reference_for
from providers.retry import RetryPolicy
from schemas.errors import OutcomeUnknown, Throttled
from schemas.ids import new_id
from schemas.money import Money
from schemas.payments import (
    CancelPayment,
    CapturePayment,
    CompleteThreeDSecure,
    CreatePayment,
    HostedPage,
    Payment,
    ProviderToken,
    QueryPayment,
    Reason,
    RefundPayment,
    StoredCard,
)
from schemas.payments.resources import (
    Balance,
    CancelSubscription,
    ChangeSubscriptionCard,
    CreatePlan,
    CreateProduct,
    CreateSubscription,
    DeleteCard,
    GetBalance,
    KeptCards,
    ListCards,
    ListPayouts,
    ListTransactions,
    PayoutPage,
    PlanDetails,
    QuerySubscription,
    Resource,
    RetrySubscriptionCharge,
    SubscriptionDetails,
    TransactionPage,
    UpgradeSubscription,
)
from schemas.payments.vocabulary import Command
from schemas.verdicts import Verdict
from tests.builders import a_buyer, a_create_payment, a_start_three_d_secure, an_address, lira, money
from tests.stripe_calls import requests
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


@pytest_asyncio.fixture(scope="module")
async def account() -> AsyncIterator[Account]:
    settings = CallerSettings(retry=RetryPolicy(tries=1), breaker_threshold=1000)
    async with (
        running_stripe_sandbox() as sandbox,
        a_stripe_shop(sandbox) as shop,
        Caller(on_exchange=lambda _: None, on_breaker=lambda _: None, settings=settings) as caller,
    ):
        keys = {name: SecretStr(getattr(sandbox, name)) for name in CONNECTOR.credentials}
        about = ConnectionSettings(base_url=sandbox.base_url)
        yield Account(shop, caller, configured("shop", CONNECTOR, "sandbox", about, LiveCredentials(keys)))


async def test_a_key_is_probed(account: Account) -> None:
    assert (await account.caller.probe(account.integration)).status == "healthy"
    wrong = {**account.integration.credentials, "secret_key": SecretStr("sk_test_other")}
    assert (await account.caller.probe(replace(account.integration, credentials=wrong))).cause == "wrong_key"


@pytest.mark.parametrize("kind", ["reset_after", "never", "500_after", "truncated", "empty", "garbage"])
async def test_a_charge_whose_answer_was_lost_is_made_once(account: Account, kind: str) -> None:
    before = account.made()
    command = a_payment_of("34.56")
    outcome = await account.lost(command, an_attempt(of=command), INTENTS, kind)
    assert (outcome.verdict, outcome.amount) == (Verdict.ACCEPTED, Money(minor=3456, currency="TRY"))
    assert account.made() == before + 1


async def test_what_was_never_sent_through_is_absent_and_sent_again(account: Account) -> None:
    before = account.made()
    command = a_payment_of()
    attempt = an_attempt(of=command)
    await account.shop.order("faults", kind="reset_before", path=INTENTS)
    with pytest.raises(OutcomeUnknown):
        await account.send(command, attempt)
    assert (await account.ask(command, attempt)).sighting is Sighting.ABSENT
    assert (await account.send(command, attempt)).verdict is Verdict.ACCEPTED
    assert account.made() == before + 1


async def test_a_charge_that_is_made_late_is_made_once(account: Account) -> None:
    before = account.made()
    command = a_payment_of()
    attempt = an_attempt(of=command)
    await account.shop.order("faults", kind="perform_late", path=INTENTS, seconds=3600)
    with pytest.raises(OutcomeUnknown):
        await account.send(command, attempt, deadline_s=1)
    assert (await account.ask(command, attempt)).sighting is Sighting.ABSENT
    with pytest.raises(OutcomeUnknown) as in_use:
        await account.send(command, attempt)
    assert "409" in str(in_use.value)
    await account.shop.sandbox.advance(3601)
    async with asyncio.timeout(60):
        while (found := await account.ask(command, attempt)).sighting is not Sighting.CONCLUDED:
            pass
    assert found.outcome is not None
    assert found.outcome.verdict is Verdict.ACCEPTED
    assert account.made() == before + 1


async def test_every_request_that_can_be_built_is_understood(account: Account) -> None:
    strange = {}
    for name, request in requests().items():
        sent = await account.shop.http.request(
            request.method,
            request.path,
            params=request.query,
            content=request.body,
            headers={header: value for header, value in request.headers if header != "Idempotency-Key"},
        )
        told = sent.json().get("error", {})
        if sent.status_code != 200 and told.get("code") not in {"resource_missing", "resource_already_exists"}:
            strange[name] = told
    assert strange == {}


async def test_a_declined_charge_is_refused_and_stays_so(account: Account) -> None:
    before = account.made()
    command = a_payment_of(method=token("pm_card_visa_chargeDeclinedInsufficientFunds"))
    attempt = an_attempt(of=command)
    for _ in range(2):
        refused = await account.send(command, attempt)
        assert (refused.verdict, refused.reason, refused.their_code) == (
            Verdict.REFUSED,
            Reason.INSUFFICIENT_FUNDS,
            "insufficient_funds",
        )
    found = await account.ask(command, attempt)
    assert found.outcome is not None
    assert (found.sighting, found.outcome.reason) == (Sighting.CONCLUDED, Reason.INSUFFICIENT_FUNDS)
    assert account.made() == before + 1


async def test_a_bank_that_wants_to_ask_refuses_a_plain_charge(account: Account) -> None:
    command = a_payment_of(method=token("pm_card_authenticationRequired"))
    refused = await account.send(command, an_attempt(of=command))
    assert (refused.verdict, refused.reason) == (Verdict.REFUSED, Reason.AUTHENTICATION_REQUIRED)


async def test_another_request_under_the_key_is_never_taken_for_its_own(account: Account) -> None:
    command = a_payment_of()
    attempt = an_attempt(of=command)
    assert (await account.send(command, attempt)).verdict is Verdict.ACCEPTED
    with pytest.raises(OutcomeUnknown):
        await account.send(command, replace(attempt, amount=lira("99.00")))


@pytest.mark.parametrize("kind", ["key_in_use", "failed_dependency", "api_error_before", "should_retry"])
async def test_what_is_not_known_is_asked_about(account: Account, kind: str) -> None:
    command = a_payment_of()
    attempt = an_attempt(of=command)
    await account.shop.order("faults", kind=kind, path=INTENTS)
    with pytest.raises(OutcomeUnknown):
        await account.send(command, attempt)
    assert (await account.ask(command, attempt)).sighting is Sighting.ABSENT


@pytest.mark.parametrize("kind", ["lock_timeout", "endpoint_rate", "429"])
async def test_what_is_too_much_was_not_performed(account: Account, kind: str) -> None:
    before = account.made()
    command = a_payment_of()
    attempt = an_attempt(of=command)
    await account.shop.order("faults", kind=kind, path=INTENTS)
    with pytest.raises(Throttled):
        await account.send(command, attempt)
    assert account.made() == before
    assert (await account.send(command, attempt)).verdict is Verdict.ACCEPTED


async def test_part_of_a_hold_is_captured_once(account: Account) -> None:
    payment = await account.paid("50.00", capture="manual")
    assert (await account.state_of(payment)).state is ProviderState.AUTHORIZED
    part = CapturePayment(payment_id=payment.payment_id, amount=lira("30.00"))
    attempt = an_attempt(payment, amount=part.amount)
    assert (await account.ask(part, attempt)).sighting is Sighting.ABSENT
    taken = await account.lost(part, attempt, f"{INTENTS}/{{id}}/capture")
    assert (taken.verdict, taken.amount) == (Verdict.ACCEPTED, Money(minor=3000, currency="TRY"))
    state = await account.state_of(payment)
    assert (state.state, state.amount) == (ProviderState.CAPTURED, Money(minor=3000, currency="TRY"))
    other = an_attempt(payment, amount=part.amount)
    with pytest.raises(OutcomeUnknown):
        await account.send(part, other)
    stranger = (await account.ask(part, other)).outcome
    assert stranger is not None
    assert stranger.verdict is Verdict.UNKNOWN


async def test_a_hold_is_lifted_once(account: Account) -> None:
    payment = await account.paid("50.00", capture="manual")
    cancel = CancelPayment(payment_id=payment.payment_id, reason="abandoned")
    over = await account.lost(cancel, an_attempt(payment), f"{INTENTS}/{{id}}/cancel")
    assert (over.verdict, over.amount) == (Verdict.ACCEPTED, Money(minor=5000, currency="TRY"))
    assert (await account.state_of(payment)).state is ProviderState.CANCELLED
    again = an_attempt(payment)
    with pytest.raises(OutcomeUnknown):
        await account.send(cancel, again)
    assert (await account.ask(cancel, again)).sighting is Sighting.CONCLUDED
    lapsed = await account.paid("50.00", capture="manual")
    await account.shop.sandbox.advance(7 * DAY_S + 1)
    take = CapturePayment(payment_id=lapsed.payment_id)
    refused = await account.send(take, an_attempt(lapsed))
    assert (refused.verdict, refused.reason) == (Verdict.REFUSED, Reason.INVALID_STATE)


async def test_refunds_part_by_part_and_then_the_rest_by_a_cancel(account: Account) -> None:
    payment = await account.paid("34.56")
    part = RefundPayment(payment_id=payment.payment_id, amount=lira("10.00"), reason="buyer_request")
    given = await account.lost(part, an_attempt(payment, amount=part.amount), "/v1/refunds")
    assert given.amount == Money(minor=1000, currency="TRY")
    assert (await account.ask(part, an_attempt(payment, amount=part.amount))).sighting is Sighting.ABSENT
    too_much = await account.send(part, an_attempt(payment, amount=lira("25.00")))
    assert (too_much.verdict, too_much.their_code) == (Verdict.REFUSED, "amount_too_large")
    left = payment.model_copy(update={"refunded": 1000})
    rest = CancelPayment(payment_id=payment.payment_id)
    done = await account.lost(rest, an_attempt(left), "/v1/refunds")
    assert done.amount == Money(minor=2456, currency="TRY")
    again = await account.send(part, an_attempt(payment, amount=part.amount))
    assert (again.verdict, again.reason) == (Verdict.REFUSED, Reason.AMOUNT_EXCEEDS_CAPTURED)
    ours = [one.amount_minor for one in account.shop.sandbox.books.refunds() if one.payment_id == given.reference]
    assert ours == [1000, 2456]


async def test_a_refund_that_the_bank_has_not_taken_is_pending(account: Account) -> None:
    payment = await account.paid("20.00", method=token("pm_card_pendingRefund"))
    part = RefundPayment(payment_id=payment.payment_id, amount=lira("5.00"))
    attempt = an_attempt(payment, amount=part.amount)
    assert (await account.send(part, attempt)).verdict is Verdict.PENDING
    await account.shop.sandbox.advance(61)
    found = await account.ask(part, attempt)
    assert found.outcome is not None
    assert found.outcome.verdict is Verdict.ACCEPTED


async def test_the_payers_bank_lets_a_payment_through(account: Account) -> None:
    before = account.made()
    for action, state in (("succeed", ProviderState.CAPTURED), ("fail", ProviderState.FAILED)):
        method = token("pm_card_authenticationRequired")
        command = a_start_three_d_secure(lira("20.00"), method=method, return_url=BACK)
        attempt = an_attempt(of=command)
        begun = await account.lost(command, attempt, INTENTS)
        assert (begun.verdict, begun.reason) == (Verdict.PENDING, Reason.ACTION_REQUIRED)
        assert begun.redirect_url is not None
        payment = known(begun, command)
        complete = CompleteThreeDSecure(payment_id=payment.payment_id)
        waiting = await account.send(complete, an_attempt(payment))
        assert (waiting.verdict, waiting.reason) == (Verdict.PENDING, Reason.ACTION_REQUIRED)
        where, _, _ = await account.shop.walk(begun.redirect_url, action=action)
        assert (where or "").startswith(BACK)
        assert (await account.state_of(payment)).state is state
        ended = await account.send(complete, an_attempt(payment, amount=command.paid_price))
        assert ended.verdict is (Verdict.ACCEPTED if action == "succeed" else Verdict.REFUSED)
    assert ended.reason is Reason.AUTHENTICATION_FAILED
    assert account.made() == before + 2


async def test_a_bank_that_asks_nothing_ends_3d_secure_at_once(account: Account) -> None:
    command = a_start_three_d_secure(lira("20.00"), method=token("pm_card_visa"), return_url=BACK)
    assert (await account.send(command, an_attempt(of=command))).verdict is Verdict.ACCEPTED


async def test_a_payer_pays_on_the_page(account: Account) -> None:
    command = a_payment_of("34.56", method=HostedPage(kind="hosted_page", return_url=BACK), store_card=True)
    attempt = an_attempt(of=command)
    opened = await account.lost(command, attempt, "/v1/checkout/sessions")
    assert (opened.verdict, opened.reason) == (Verdict.PENDING, Reason.ACTION_REQUIRED)
    assert opened.redirect_url is not None
    payment = known(opened, command)
    assert (await account.state_of(payment)).state is ProviderState.PENDING
    where, _, _ = await account.shop.walk(opened.redirect_url, action="pay", payment_method="pm_card_mastercard")
    assert where == BACK
    found = await account.state_of(payment)
    assert (found.state, found.amount) == (ProviderState.CAPTURED, Money(minor=3456, currency="TRY"))
    assert (found.reference or "").startswith("pi_")
    assert found.card is not None
    assert (found.card.association, found.card.last_four) == ("mastercard", "4444")
    paid = payment.model_copy(update={"provider_reference": found.reference})
    back = await account.send(CancelPayment(payment_id=payment.payment_id), an_attempt(paid))
    assert back.verdict is Verdict.ACCEPTED


async def test_a_page_that_nobody_paid_on_is_closed(account: Account) -> None:
    command = a_payment_of("34.56", method=HostedPage(kind="hosted_page", return_url=BACK), capture="manual")
    opened = await account.send(command, an_attempt(of=command))
    payment = Payment(payment_id=command.payment_id, stage="pending", provider_reference=opened.reference)
    payment = payment.model_copy(update={"currency": "TRY"})
    close = CancelPayment(payment_id=payment.payment_id)
    done = await account.lost(close, an_attempt(payment), "/v1/checkout/sessions/{id}/expire")
    assert done.verdict is Verdict.ACCEPTED
    assert (await account.state_of(payment)).state is ProviderState.FAILED


async def test_a_card_is_kept_pays_again_is_listed_and_forgotten(account: Account) -> None:
    customer = (await account.shop.client.v1.customers.create_async({})).id
    command = a_payment_of(store_card=True, customer_key=customer)
    kept = (await account.send(command, an_attempt(of=command))).stored_card
    assert kept is not None
    assert (kept.customer_key, kept.card is not None and kept.card.last_four) == (customer, "4242")
    stored = StoredCard(kind="stored_card", card_token=kept.card_token, customer_key=customer)
    again = a_payment_of("8.00", method=stored, without_payer=True)
    assert (await account.lost(again, an_attempt(of=again), INTENTS)).verdict is Verdict.ACCEPTED
    listing = ListCards(resource_id=new_id(), customer_key=customer)
    cards = (await account.send(listing, an_attempt(**of()))).details
    assert isinstance(cards, KeptCards)
    assert [card.card_token for card in cards.cards] == [kept.card_token]
    delete = DeleteCard(resource_id=new_id(), card_token=kept.card_token, customer_key=customer)
    assert (await account.ask(delete, an_attempt(**of()))).sighting is Sighting.ABSENT
    gone = await account.lost(delete, an_attempt(**of()), "/v1/payment_methods/{id}/detach")
    assert gone.verdict is Verdict.ACCEPTED
    spent = a_payment_of(method=stored, without_payer=True)
    assert (await account.send(spent, an_attempt(of=spent))).verdict is Verdict.REFUSED


async def a_plan(account: Account, price: str = "15.00", **more: Any) -> str:
    product = CreateProduct(resource_id=new_id(), name="Kahve")
    made = await account.lost(product, an_attempt(**of()), "/v1/products")
    plan = CreatePlan(
        resource_id=new_id(),
        product_reference=made.reference or "",
        name="Aylık",
        price=lira(price),
        **({"every": "month"} | more),
    )
    priced = await account.lost(plan, an_attempt(**of()), "/v1/prices")
    assert isinstance(priced.details, PlanDetails)
    return priced.details.plan_reference


async def test_a_subscription_is_begun_charged_changed_and_cancelled_once(account: Account) -> None:
    customer = await account.customer()
    plan, dearer = await a_plan(account), await a_plan(account, "45.00")
    begin = CreateSubscription(
        resource_id=new_id(),
        plan_reference=plan,
        buyer=a_buyer(),
        billing_address=an_address(),
        customer_reference=customer,
    )
    begun = told(await account.lost(begin, an_attempt(**of()), "/v1/subscriptions"))
    (charge,) = begun.charges
    assert (begun.state, charge.state, charge.amount) == ("active", "paid", Money(minor=1500, currency="TRY"))
    about = of(provider_reference=begun.subscription_reference, item_reference=begun.item_reference)
    upgrade = UpgradeSubscription(resource_id=new_id(), plan_reference=dearer)
    assert (await account.ask(upgrade, an_attempt(**about))).sighting is Sighting.ABSENT
    moved = told(await account.lost(upgrade, an_attempt(**about), "/v1/subscriptions/{id}"))
    assert moved.plan_reference == dearer
    cancel = CancelSubscription(resource_id=new_id())
    attempt = an_attempt(**about)
    await account.shop.order("faults", kind="reset_after", path="DELETE /v1/subscriptions/{id}")
    with pytest.raises(OutcomeUnknown):
        await account.send(cancel, attempt)
    found = await account.ask(cancel, attempt)
    assert (found.sighting, found.outcome and told(found.outcome).state) == (Sighting.CONCLUDED, "cancelled")
    again = await account.send(cancel, attempt)
    assert (again.verdict, again.reason) == (Verdict.REFUSED, Reason.INVALID_STATE)
    subscriptions = (
        await account.shop.client.v1.subscriptions.list_async({"customer": customer, "status": "all"})
    ).data
    assert len(subscriptions) == 1


async def test_a_charge_that_failed_is_tried_again_with_another_card(account: Account) -> None:
    customer, plan = await account.customer(), await a_plan(account, every="day")
    begin = CreateSubscription(
        resource_id=new_id(),
        plan_reference=plan,
        buyer=a_buyer(),
        billing_address=an_address(),
        customer_reference=customer,
    )
    begun = told(await account.send(begin, an_attempt(**of())))
    about = of(provider_reference=begun.subscription_reference, item_reference=begun.item_reference)
    v1 = account.shop.client.v1
    card = await v1.payment_methods.attach_async("pm_card_chargeCustomerFail", {"customer": customer})
    await v1.customers.update_async(customer, {"invoice_settings": {"default_payment_method": card.id}})
    await account.shop.sandbox.advance(DAY_S + 5)
    query = QuerySubscription(resource_id=new_id())
    behind = told(await account.send(query, an_attempt(**about)))
    (charge,) = behind.charges
    assert (behind.state, charge.state) == ("unpaid", "failed")
    retry = RetrySubscriptionCharge(resource_id=new_id(), order_reference=charge.order_reference)
    assert (await account.send(retry, an_attempt(**about))).verdict is Verdict.REFUSED
    change = ChangeSubscriptionCard(resource_id=new_id(), return_url=BACK, customer_reference=customer)
    page = (await account.send(change, an_attempt(**about))).next_action
    assert page is not None
    await account.shop.walk(page.model_dump()["url"], action="add", payment_method="pm_card_visa")
    attempt = an_attempt(**about)
    assert (await account.ask(retry, attempt)).sighting is Sighting.ABSENT
    paid = told(await account.lost(retry, attempt, "/v1/invoices/{id}/pay"))
    assert [one.state for one in paid.charges] == ["paid"]
    assert told(await account.send(query, an_attempt(**about))).state == "active"


async def test_a_subscription_is_begun_on_the_page(account: Account) -> None:
    begin = CreateSubscription(
        resource_id=new_id(),
        plan_reference=await a_plan(account),
        buyer=a_buyer(),
        billing_address=an_address(),
        return_url=BACK,
    )
    opened = await account.lost(begin, an_attempt(**of()), "/v1/checkout/sessions")
    assert opened.next_action is not None
    about = of(provider_reference=opened.reference)
    query = QuerySubscription(resource_id=new_id())
    assert told(await account.send(query, an_attempt(**about))).state == "pending"
    await account.shop.walk(opened.next_action.model_dump()["url"], action="pay", payment_method="pm_card_visa")
    begun = told(await account.send(query, an_attempt(**about)))
    assert (begun.state, [one.state for one in begun.charges]) == ("active", ["paid"])


async def test_the_account_reports_what_moved(account: Account) -> None:
    command = a_create_payment(money("77.00", "CHF"), method=token("pm_card_visa"))
    attempt = an_attempt(of=command)
    payment = known(await account.send(command, attempt), command)
    part = RefundPayment(payment_id=payment.payment_id, amount=money("7.00", "CHF"))
    await account.send(part, an_attempt(payment, amount=part.amount))
    day = datetime.fromtimestamp(account.shop.sandbox.clock.now_ms() / 1000, UTC).date()
    listing = ListTransactions(resource_id=new_id(), day=day)
    page = (await account.send(listing, an_attempt(**of()))).details
    assert isinstance(page, TransactionPage)
    ours = [one for one in page.transactions if one.payment_reference == payment.provider_reference]
    assert [(one.kind, one.amount.minor) for one in ours] == [("refund", 700), ("payment", 7700)]
    assert ours[1].our_reference == attempt.reference
    balance = (await account.send(GetBalance(resource_id=new_id()), an_attempt(**of()))).details
    assert isinstance(balance, Balance)
    net = {part.currency: part.minor for part in (*balance.available, *balance.pending) if part.currency == "CHF"}
    assert net["CHF"] in {7700 - 253, -700}
    await account.shop.sandbox.advance(3 * DAY_S)
    (payout, *_) = (await account.shop.order("payouts"))["payouts"]
    arrives = datetime.fromtimestamp(payout["arrival_date"], UTC).date()
    payouts = (await account.send(ListPayouts(resource_id=new_id(), day=arrives), an_attempt(**of()))).details
    assert isinstance(payouts, PayoutPage)
    assert payout["id"] in [one.payout_reference for one in payouts.payouts]


@pytest.mark.parametrize(
    ("amount", "currency", "counted"), [("500", "JPY", 500), ("5.120", "KWD", 5120), ("5", "ISK", 500)]
)
async def test_currencies_are_counted_as_stripe_does(
    account: Account, amount: str, currency: str, counted: int
) -> None:
    command = a_create_payment(money(amount, currency), method=token("pm_card_visa"))
    outcome = await account.send(command, an_attempt(of=command))
    assert outcome.amount == Money(minor=command.paid_price.minor, currency=currency)
    assert account.shop.sandbox.books.entries()[-1].amount_minor == counted


async def test_the_books_balance(account: Account) -> None:
    books = account.shop.sandbox.books
    totals = books.totals()
    received = sum(one.received_minor for one in books.entries() if one.currency == "try")
    assert totals.paid_minor["try"] == received
    returned = sum(one.amount_minor for one in books.refunds() if one.currency == "try" and one.state == "succeeded")
    assert totals.refunded_minor["try"] == returned
    fees = sum(one.amount_minor for one in books.movements() if one.currency == "try" and one.kind == "fee")
    assert fees < 0
    paid_out = sum(one.amount_minor for one in books.movements() if one.currency == "try" and one.kind == "payout")
    assert totals.balance_minor["try"] == received - returned + fees + paid_out
