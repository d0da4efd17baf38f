"""The Stripe connector through the whole call machinery, against the sandbox and its books: payments."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio
from pydantic import SecretStr

from providers.outcome import ProviderState, Sighting
from schemas.errors import OutcomeUnknown, Throttled
from schemas.money import Money
from schemas.payments import (
    CancelPayment,
    CapturePayment,
    CompleteThreeDSecure,
    HostedPage,
    Payment,
    Reason,
    RefundPayment,
)
from schemas.verdicts import Verdict
from tests.builders import a_create_payment, a_start_three_d_secure, lira, money
from tests.stripe_account import (
    BACK,
    DAY_S,
    INTENTS,
    Account,
    a_payment_of,
    an_account,
    an_attempt,
    known,
    token,
)
from tests.stripe_calls import requests


@pytest_asyncio.fixture(scope="module")
async def account() -> AsyncIterator[Account]:
    async with an_account() as running:
        yield running


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
    assert found.stored_card is not None
    assert (found.stored_card.card_token[:3], (found.stored_card.customer_key or "")[:4]) == ("pm_", "cus_")
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
