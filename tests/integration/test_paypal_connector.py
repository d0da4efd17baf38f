"""The PayPal connector through the whole call machinery, against the sandbox and its books."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio
from pydantic import SecretStr

from infra.sandbox.paypal import BANK_CODE
from providers.notices import Notice
from providers.outcome import ProviderState, Sighting
from schemas.errors import OutcomeUnknown
from schemas.money import Money
from schemas.payments import (
    CancelPayment,
    CapturePayment,
    Payment,
    QueryPayment,
    Reason,
    RefundPayment,
    StoredCard,
    Wallet,
)
from schemas.payments.vocabulary import Command
from schemas.verdicts import Verdict
from tests.builders import a_complete_three_d_secure, a_create_payment, a_start_three_d_secure
from tests.paypal_merchant import unlike_published
from tests.paypal_shop import BACK, PaypalShop, a_paypal_shop, an_attempt, begun, euro, paid

WALLET = Wallet(kind="wallet", wallet="paypal", return_url=BACK)


@pytest_asyncio.fixture(scope="module")
async def shop() -> AsyncIterator[PaypalShop]:
    async with a_paypal_shop() as made:
        yield made


def kept(token: str) -> StoredCard:
    return StoredCard(kind="stored_card", card_token=token, customer_key="sandboxwallet")


async def approved(shop: PaypalShop, funding: str = "balance", **changed: object) -> tuple[Payment, str]:
    """A payment whose payer has agreed on the page, and the id of its order."""
    command = a_create_payment(euro("12.50"), method=WALLET, **changed)
    attempt = an_attempt(of=command)
    outcome = await shop.send(command, attempt)
    assert (outcome.verdict, outcome.reason) == (Verdict.PENDING, Reason.ACTION_REQUIRED)
    assert outcome.redirect_url is not None
    answer = await shop.browser.post(outcome.redirect_url, data={"action": "approve", "funding": funding})
    order = str(outcome.reference)
    assert answer.headers["Location"].startswith(f"{BACK}?token={order}&PayerID=")
    return begun(command, attempt, outcome), order


async def completed(shop: PaypalShop, payment: Payment) -> Payment:
    command = a_complete_three_d_secure(payment.payment_id)
    outcome = await shop.send(command, an_attempt(payment))
    assert outcome.verdict is Verdict.ACCEPTED
    creation = a_create_payment(euro("12.50"), method=WALLET, payment_id=payment.payment_id)
    return paid(creation, an_attempt(payment), outcome)


async def state_of(shop: PaypalShop, payment: Payment) -> ProviderState | None:
    return (await shop.send(QueryPayment(payment_id=payment.payment_id), an_attempt(payment))).state


async def test_the_keys_and_the_webhook_are_found_good(shop: PaypalShop) -> None:
    assert (await shop.caller.probe(shop.integration)).status == "healthy"
    wrong = {**shop.integration.credentials, "webhook_id": SecretStr("another")}
    assert (await shop.caller.probe(replace(shop.integration, credentials=wrong))).cause == "wrong_key"


async def test_a_payer_agrees_on_the_page_and_the_completion_takes_the_money(shop: PaypalShop) -> None:
    payment, order = await approved(shop)
    assert await state_of(shop, payment) is ProviderState.PENDING
    taken = await completed(shop, payment)
    assert taken.captured == 1250
    assert await state_of(shop, taken) is ProviderState.CAPTURED
    await shop.sandbox.advance()
    told = {notice.event_type: notice for notice in shop.notices() if notice.provider_reference == order}
    assert {"CHECKOUT.ORDER.APPROVED", "PAYMENT.CAPTURE.COMPLETED"} <= told.keys()
    assert told["PAYMENT.CAPTURE.COMPLETED"].our_reference == payment.create_reference


async def test_a_hold_is_captured_in_part_and_the_rest_is_let_go(shop: PaypalShop) -> None:
    payment, _ = await approved(shop, capture="manual")
    held = await completed(shop, payment)
    assert (held.held, await state_of(shop, held)) == (1250, ProviderState.AUTHORIZED)
    part = CapturePayment(payment_id=held.payment_id, amount=euro("10.00"))
    outcome = await shop.send(part, an_attempt(held, amount=part.amount))
    assert (outcome.verdict, outcome.amount) == (Verdict.ACCEPTED, Money(minor=1000, currency="EUR"))
    more = await shop.send(part, an_attempt(held, amount=part.amount))
    assert (more.verdict, more.their_code) == (Verdict.UNKNOWN, "AUTHORIZATION_ALREADY_CAPTURED")


async def test_a_hold_is_lifted(shop: PaypalShop) -> None:
    payment, _ = await approved(shop, capture="manual")
    held = await completed(shop, payment)
    outcome = await shop.send(CancelPayment(payment_id=held.payment_id), an_attempt(held))
    assert outcome.verdict is Verdict.ACCEPTED
    assert await state_of(shop, held) is ProviderState.CANCELLED


async def test_a_capture_is_given_back_in_parts(shop: PaypalShop) -> None:
    payment, order = await approved(shop)
    taken = await completed(shop, payment)
    part = RefundPayment(payment_id=taken.payment_id, amount=euro("5.00"))
    attempt = an_attempt(taken, amount=part.amount)
    assert (await shop.send(part, attempt)).amount == Money(minor=500, currency="EUR")
    assert (await shop.ask(part, attempt)).sighting is Sighting.CONCLUDED
    assert (await shop.ask(part, an_attempt(taken, amount=part.amount))).sighting is Sighting.ABSENT
    left = taken.model_copy(update={"refunded": 500})
    rest = await shop.send(CancelPayment(payment_id=taken.payment_id), an_attempt(left))
    assert (rest.verdict, rest.amount) == (Verdict.ACCEPTED, Money(minor=750, currency="EUR"))
    moved = [(one.kind, one.amount_minor) for one in shop.sandbox.books.movements() if one.about == order]
    assert [kind for kind in moved if kind[0] != "fee"] == [("capture", 1250), ("refund", -500), ("refund", -750)]


async def test_a_card_that_is_declined_is_refused_inside_a_created_order(shop: PaypalShop) -> None:
    command = a_create_payment(euro("12.50"), method=kept("sandboxnofunds"))
    outcome = await shop.send(command, an_attempt(of=command))
    assert (outcome.verdict, outcome.reason) == (Verdict.REFUSED, Reason.INSUFFICIENT_FUNDS)


async def test_an_echeck_is_pending_until_it_is_decided(shop: PaypalShop) -> None:
    payment, order = await approved(shop, funding="echeck")
    outcome = await shop.send(a_complete_three_d_secure(payment.payment_id), an_attempt(payment))
    assert (outcome.verdict, outcome.reason) == (Verdict.PENDING, Reason.UNDER_REVIEW)
    assert order not in {movement.about for movement in shop.sandbox.books.movements()}
    await shop.sandbox.advance(shop.sandbox.store.echeck_s)
    assert await state_of(shop, payment) is ProviderState.CAPTURED


@pytest.mark.parametrize("fault", ["reset_after", "never", "garbage", "completion_in_progress"])
async def test_a_completion_whose_answer_is_lost_is_found_and_takes_the_money_once(
    shop: PaypalShop, fault: str
) -> None:
    payment, order = await approved(shop)
    await shop.order("faults", kind=fault, path="/v2/checkout/orders/{id}/capture")
    command, attempt = a_complete_three_d_secure(payment.payment_id), an_attempt(payment)
    try:
        # Long enough for a loaded machine to perform it; only where nothing is ever answered does the time run out.
        lost = await shop.send(command, attempt, deadline_s=3 if fault == "never" else 30)
        assert lost.verdict is Verdict.UNKNOWN
    except OutcomeUnknown:
        assert fault != "completion_in_progress"
    found = await shop.ask(command, attempt)
    assert (found.sighting, found.outcome is not None and found.outcome.verdict) == (
        Sighting.CONCLUDED,
        Verdict.ACCEPTED,
    )
    again = await shop.send(command, attempt)
    assert again.verdict is Verdict.ACCEPTED
    assert [m.kind for m in shop.sandbox.books.movements() if m.about == order] == ["capture", "fee"]


async def test_a_creation_whose_answer_is_lost_is_repeated_and_charges_once(shop: PaypalShop) -> None:
    command = a_create_payment(euro("12.50"), method=kept("sandboxvisa"))
    attempt = an_attempt(of=command)
    await shop.order("faults", kind="reset_after", path="/v2/checkout/orders")
    with pytest.raises(OutcomeUnknown):
        await shop.send(command, attempt)
    again = await shop.send(command, attempt)
    assert (again.verdict, again.amount) == (Verdict.ACCEPTED, Money(minor=1250, currency="EUR"))
    totals = shop.sandbox.books.totals()
    assert totals.charges_by_custom_id[attempt.reference] == 1
    assert totals.charged_more_than_once == ()


@pytest.mark.parametrize("operation", ["capture", "void", "refund"])
async def test_what_is_done_to_a_payment_is_found_after_a_lost_answer(shop: PaypalShop, operation: str) -> None:
    payment, order = await approved(shop, capture="auto" if operation == "refund" else "manual")
    known = await completed(shop, payment)
    kind = "captures" if operation == "refund" else "authorizations"
    await shop.order("faults", kind="reset_after", path=f"/v2/payments/{kind}/{{id}}/{operation}")
    amount = euro("5.00")
    commands: dict[str, Command] = {
        "capture": CapturePayment(payment_id=known.payment_id, amount=amount),
        "void": CancelPayment(payment_id=known.payment_id),
        "refund": RefundPayment(payment_id=known.payment_id, amount=amount),
    }
    command = commands[operation]
    attempt = an_attempt(known, amount=None if operation == "void" else amount)
    with pytest.raises(OutcomeUnknown):
        await shop.send(command, attempt)
    found = await shop.ask(command, attempt)
    assert (found.sighting, found.outcome is not None and found.outcome.verdict) == (
        Sighting.CONCLUDED,
        Verdict.ACCEPTED,
    )
    moved = [one.kind for one in shop.sandbox.books.movements() if one.about == order]
    expected = {"capture": ["capture", "fee"], "void": [], "refund": ["capture", "fee", "refund"]}
    assert moved == expected[operation]
    assert (await shop.send(command, attempt)).verdict is Verdict.ACCEPTED
    assert [one.kind for one in shop.sandbox.books.movements() if one.about == order] == expected[operation]


async def test_a_bank_asks_for_its_payer_and_the_completion_takes_the_money(shop: PaypalShop) -> None:
    command = a_start_three_d_secure(euro("12.50"), method=kept("sandboxvisa"), return_url=BACK)
    attempt = an_attempt(of=command)
    outcome = await shop.send(command, attempt)
    assert (outcome.verdict, outcome.redirect_url is None) == (Verdict.PENDING, False)
    payment = begun(command, attempt, outcome)
    early = await shop.send(a_complete_three_d_secure(payment.payment_id), an_attempt(payment))
    assert (early.verdict, early.their_code) == (Verdict.REFUSED, "PAYER_ACTION_REQUIRED")
    answer = await shop.browser.post(str(outcome.redirect_url), data={"action": "approve", "code": BANK_CODE})
    assert answer.headers["Location"] == f"{BACK}?token={outcome.reference}"
    assert (await completed(shop, payment)).captured == 1250


async def test_a_wallet_is_kept_with_its_first_payment_and_pays_the_next_one(shop: PaypalShop) -> None:
    payment, _ = await approved(shop, store_card=True)
    outcome = await shop.send(a_complete_three_d_secure(payment.payment_id), an_attempt(payment))
    assert outcome.stored_card is not None
    again = a_create_payment(euro("3.00"), method=kept(outcome.stored_card.card_token), without_payer=True)
    assert (await shop.send(again, an_attempt(of=again))).verdict is Verdict.ACCEPTED


async def test_a_revoked_token_is_asked_for_anew(shop: PaypalShop) -> None:
    await shop.order("tokens")
    command = a_create_payment(
        euro("12.50"), method=kept("sandboxpaypal").model_copy(update={"card_token": "paypal:sandboxpaypal"})
    )
    attempt = an_attempt(of=command)
    outcome = await shop.send(command, attempt)
    assert outcome.verdict is Verdict.ACCEPTED


async def test_a_forged_body_passes_the_signature_and_names_what_is_asked_for(shop: PaypalShop) -> None:
    payment, order = await approved(shop)
    await shop.sandbox.advance()
    before = len(shop.called.got)
    await shop.order("events", about=order, change={"event_type": "PAYMENT.CAPTURE.COMPLETED"})
    (forged,) = shop.called.got[before:]
    notice = shop.read(forged)
    assert isinstance(notice, Notice)
    assert notice.said == "captured"
    assert await state_of(shop, payment) is ProviderState.PENDING


async def test_the_books_and_what_the_hub_was_told_balance(shop: PaypalShop) -> None:
    totals = shop.sandbox.books.totals()
    assert totals.charged_more_than_once == ()
    assert totals.balance_minor == {"EUR": sum(one.amount_minor for one in shop.sandbox.books.movements())}


async def test_every_answer_was_as_published(shop: PaypalShop) -> None:
    assert not unlike_published(shop.sandbox)
