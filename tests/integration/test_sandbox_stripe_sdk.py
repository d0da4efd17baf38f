"""Stripe's own client drives the sandbox, unchanged."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
import stripe

from infra.sandbox.stripe import running_stripe_sandbox
from tests.stripe_shapes import misshapen
from tests.stripe_shop import BACK, NO_REDIRECT, StripeShop, a_stripe_shop, form


@pytest_asyncio.fixture(scope="module")
async def shop() -> AsyncIterator[StripeShop]:
    async with running_stripe_sandbox() as sandbox, a_stripe_shop(sandbox) as shop:
        yield shop


async def test_a_payment_is_taken_and_given_back_part_by_part(shop: StripeShop) -> None:
    paid = await shop.paid(3456, metadata={"kolaj_reference": "k1"}, expand=["latest_charge"])
    assert (paid.status, paid.amount_received, paid.metadata["kolaj_reference"]) == ("succeeded", 3456, "k1")
    assert isinstance(paid.latest_charge, stripe.Charge)
    assert paid.latest_charge.balance_transaction is None
    refunds = shop.client.v1.refunds
    part = await refunds.create_async({"payment_intent": paid.id, "amount": 1000, "reason": "duplicate"})
    assert (part.status, part.amount, part.reason) == ("succeeded", 1000, "duplicate")
    rest = await refunds.create_async({"charge": paid.latest_charge.id})
    assert rest.amount == 2456
    listed = await refunds.list_async({"payment_intent": paid.id})
    assert [one.id for one in listed.data] == [rest.id, part.id]
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await refunds.create_async({"payment_intent": paid.id})
    assert (refused.value.code, refused.value.http_status) == ("charge_already_refunded", 400)


async def test_a_refund_cannot_be_more_than_is_left(shop: StripeShop) -> None:
    paid = await shop.paid(1000)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await shop.client.v1.refunds.create_async({"payment_intent": paid.id, "amount": 1001})
    assert (refused.value.code, refused.value.param) == ("amount_too_large", "amount")


async def test_a_hold_is_captured_in_part_and_the_rest_released(shop: StripeShop) -> None:
    intents = shop.client.v1.payment_intents
    held = await shop.paid(5000, capture_method="manual")
    assert (held.status, held.amount_capturable, held.amount_received) == ("requires_capture", 5000, 0)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await intents.capture_async(held.id, {"amount_to_capture": 5001})
    assert refused.value.code == "amount_too_large"
    taken = await intents.capture_async(held.id, {"amount_to_capture": 3000, "expand": ["latest_charge"]})
    assert (taken.status, taken.amount_received, taken.amount_capturable) == ("succeeded", 3000, 0)
    assert isinstance(taken.latest_charge, stripe.Charge)
    assert (taken.latest_charge.amount_captured, taken.latest_charge.amount_refunded) == (3000, 2000)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await intents.capture_async(held.id)
    assert refused.value.code == "payment_intent_unexpected_state"
    assert refused.value.error is not None
    assert refused.value.error.payment_intent is not None
    assert refused.value.error.payment_intent.status == "succeeded"


async def test_a_hold_is_cancelled_or_lapses(shop: StripeShop) -> None:
    intents = shop.client.v1.payment_intents
    held = await shop.paid(5000, capture_method="manual")
    over = await intents.cancel_async(held.id, {"cancellation_reason": "abandoned"})
    assert (over.status, over.cancellation_reason) == ("canceled", "abandoned")
    held = await shop.paid(5000, capture_method="manual", expand=["latest_charge"])
    assert isinstance(held.latest_charge, stripe.Charge)
    details: Any = held.latest_charge.payment_method_details
    assert details.card.capture_before == held.created + 7 * 24 * 3600
    await shop.sandbox.advance(7 * 24 * 3600 + 1)
    lapsed = await intents.retrieve_async(held.id)
    assert (lapsed.status, lapsed.cancellation_reason) == ("canceled", "expired")


@pytest.mark.parametrize(
    ("method", "code", "decline"),
    [
        ("pm_card_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_visa_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", "expired_card"),
        ("pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", "incorrect_cvc"),
        ("pm_card_chargeDeclinedProcessingError", "processing_error", "processing_error"),
    ],
)
async def test_a_decline_says_why_and_leaves_the_intent_open(
    shop: StripeShop, method: str, code: str, decline: str
) -> None:
    with pytest.raises(stripe.CardError) as refused:
        await shop.paid(method=method)
    error = refused.value.error
    assert error is not None
    assert (refused.value.http_status, refused.value.code, error.decline_code) == (402, code, decline)
    assert error.payment_intent is not None
    intent = await shop.client.v1.payment_intents.retrieve_async(error.payment_intent.id)
    assert (intent.status, intent.payment_method) == ("requires_payment_method", None)
    again = await shop.client.v1.payment_intents.confirm_async(intent.id, {"payment_method": "pm_card_visa"})
    assert again.status == "succeeded"


async def test_a_bank_asks_the_payer_on_a_page(shop: StripeShop) -> None:
    asking: Any = {"automatic_payment_methods": {"enabled": True}, "return_url": BACK}
    intents = shop.client.v1.payment_intents
    for action, status in (("succeed", "succeeded"), ("fail", "requires_payment_method")):
        intent = await shop.paid(method="pm_card_authenticationRequired", **asking)
        assert intent.status == "requires_action"
        assert intent.next_action is not None
        assert intent.next_action.redirect_to_url is not None
        url = intent.next_action.redirect_to_url.url
        assert url is not None
        left, _, shown = await shop.walk(url, action="leave")
        assert (left, "left" in shown) == (None, True)
        assert (await intents.retrieve_async(intent.id)).status == "requires_action"
        where, told, _ = await shop.walk(url, action=action)
        assert (where or "").startswith(BACK)
        assert (told["payment_intent"], told["redirect_status"]) == (intent.id, f"{action}ed")
        found = await intents.retrieve_async(intent.id)
        assert found.status == status
        assert "nothing to confirm" in (await shop.browser.get(url)).text
    assert found.last_payment_error is not None
    assert found.last_payment_error.code == "payment_intent_authentication_failure"


async def test_a_bank_that_wants_to_ask_refuses_where_it_cannot(shop: StripeShop) -> None:
    for how, decline in (
        ({"off_session": True}, "authentication_required"),
        ({"error_on_requires_action": True}, "authentication_not_handled"),
    ):
        with pytest.raises(stripe.CardError) as refused:
            await shop.paid(method="pm_card_authenticationRequired", **how)
        assert refused.value.error is not None
        assert (refused.value.code, refused.value.error.decline_code) == ("authentication_required", decline)
    script = await shop.paid(method="pm_card_authenticationRequired")
    assert script.next_action is not None
    assert script.next_action.type == "use_stripe_sdk"


async def test_a_card_is_kept_for_a_customer_and_pays_without_them(shop: StripeShop) -> None:
    v1 = shop.client.v1
    customer = await v1.customers.create_async({"name": "Ayşe", "payment_method": "pm_card_visa"})
    (card,) = (await v1.payment_methods.list_async({"customer": customer.id, "type": "card"})).data
    assert card.card is not None
    assert (card.customer, card.card.last4) == (customer.id, "4242")
    paid = await shop.paid(method=card.id, customer=customer.id, off_session=True)
    assert (paid.status, paid.payment_method) == ("succeeded", card.id)
    with pytest.raises(stripe.InvalidRequestError):
        await shop.paid(method=card.id)
    gone = await v1.payment_methods.detach_async(card.id)
    assert gone.customer is None
    with pytest.raises(stripe.InvalidRequestError):
        await v1.payment_methods.attach_async(card.id, {"customer": customer.id})
    other = await v1.payment_methods.attach_async("pm_card_mastercard", {"customer": customer.id})
    assert (await v1.payment_methods.retrieve_async(other.id)).customer == customer.id
    made = await v1.customers.update_async(
        customer.id, {"invoice_settings": {"default_payment_method": other.id}, "email": "ayse@example.com"}
    )
    assert (made.email, made.invoice_settings and made.invoice_settings.default_payment_method) == (
        "ayse@example.com",
        other.id,
    )
    assert (await v1.customers.delete_async(customer.id)).deleted
    assert (await v1.customers.retrieve_async(customer.id)).deleted


async def test_a_card_that_wants_authentication_is_set_up_once(shop: StripeShop) -> None:
    v1 = shop.client.v1
    customer = await v1.customers.create_async({})
    setup = await v1.setup_intents.create_async(
        {
            "customer": customer.id,
            "payment_method": "pm_card_authenticationRequiredOnSetup",
            "confirm": True,
            "return_url": BACK,
        }
    )
    assert setup.status == "requires_action"
    assert setup.next_action is not None
    assert setup.next_action.redirect_to_url is not None
    await shop.walk(setup.next_action.redirect_to_url.url or "", action="succeed")
    setup = await v1.setup_intents.retrieve_async(setup.id)
    assert setup.status == "succeeded"
    paid = await shop.paid(method=str(setup.payment_method), customer=customer.id, off_session=True)
    assert paid.status == "succeeded"


async def test_a_confirmation_token_pays(shop: StripeShop) -> None:
    token = await shop.client.v1.test_helpers.confirmation_tokens.create_async({"payment_method": "pm_card_visa"})
    intent: Any = {"amount": 1000, "currency": "eur", "confirm": True, "confirmation_token": token.id}
    paid = await shop.client.v1.payment_intents.create_async(form(intent, automatic_payment_methods=NO_REDIRECT))
    assert paid.status == "succeeded"


async def test_refunds_may_be_pending_or_come_back(shop: StripeShop) -> None:
    v1 = shop.client.v1
    for method, at_first, later in (
        ("pm_card_pendingRefund", "pending", "succeeded"),
        ("pm_card_refundFail", "succeeded", "failed"),
    ):
        paid = await shop.paid(2000, method=method)
        refund = await v1.refunds.create_async({"payment_intent": paid.id, "amount": 500})
        assert refund.status == at_first
        await shop.sandbox.advance(61)
        assert (await v1.refunds.retrieve_async(refund.id)).status == later
    assert (await v1.refunds.create_async({"payment_intent": paid.id})).amount == 2000


async def test_lists_are_paged_and_bounded(shop: StripeShop) -> None:
    v1 = shop.client.v1
    customer = await v1.customers.create_async({})
    made = [(await shop.paid(1000 + n, customer=customer.id)).id for n in range(5)]
    listed = await v1.payment_intents.list_async({"customer": customer.id, "limit": 2})
    assert listed.has_more
    assert [intent.id async for intent in listed.auto_paging_iter()] == made[::-1]
    before = await v1.payment_intents.list_async({"customer": customer.id, "ending_before": made[2], "limit": 1})
    assert ([one.id for one in before.data], before.has_more) == ([made[3]], True)
    late = await v1.payment_intents.list_async({"customer": customer.id, "created": {"gt": listed.data[0].created + 9}})
    assert late.data == []


@pytest.mark.parametrize(
    ("changed", "code", "param"),
    [
        ({"amount": 0}, "parameter_invalid_integer", "amount"),
        ({"amount": "12.50"}, "parameter_invalid_integer", "amount"),
        ({"amount": 49, "currency": "usd"}, "amount_too_small", "amount"),
        ({"amount": 5124, "currency": "kwd"}, None, "amount"),
        ({"amount": 550, "currency": "isk"}, None, "amount"),
        ({"currency": "xyz"}, None, "currency"),
        ({"currency": ""}, "parameter_invalid_empty", "currency"),
        ({"payment_metod": "pm_card_visa"}, "parameter_unknown", "payment_metod"),
        ({"customer": "cus_nobody"}, "resource_missing", "customer"),
        ({"payment_method": "pm_nothing"}, "resource_missing", "payment_method"),
        ({"capture_method": "later"}, None, "capture_method"),
        ({"automatic_payment_methods": {"enabled": True}}, None, "return_url"),
    ],
)
async def test_what_is_wrong_is_named(shop: StripeShop, changed: dict[str, Any], code: str | None, param: str) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await shop.paid(**changed)
    assert (refused.value.code, refused.value.param) == (code, param)


async def test_a_wrong_key_an_unknown_path_and_a_wrong_id_are_told_apart(shop: StripeShop) -> None:
    wrong = await shop.browser.get(
        f"{shop.sandbox.base_url}/v1/balance", headers={"Authorization": "Bearer sk_test_other"}
    )
    assert wrong.status_code == 401
    unknown = await shop.http.get("/v1/payment_intentions")
    assert (unknown.status_code, unknown.json()["error"]["type"]) == (404, "invalid_request_error")
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await shop.client.v1.payment_intents.retrieve_async("pi_nothing")
    assert (refused.value.http_status, refused.value.code) == (404, "resource_missing")
    told = await shop.http.get("/v1/customers", headers={"Stripe-Version": "2026-10-28.endive"})
    assert (told.headers["stripe-version"], told.headers["request-id"][:4]) == ("2026-10-28.endive", "req_")


async def test_a_zero_decimal_currency_is_counted_whole(shop: StripeShop) -> None:
    paid = await shop.paid(500, currency="jpy")
    assert (paid.amount_received, paid.currency) == (500, "jpy")


async def test_objects_have_the_members_that_the_client_knows(shop: StripeShop) -> None:
    wrong = await misshapen(shop)
    assert wrong == {}
