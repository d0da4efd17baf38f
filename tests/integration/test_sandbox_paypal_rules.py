"""What PayPal documents of orders, payments, tokens and request ids holds at the sandbox."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from infra.sandbox.paypal import BANK_CODE, Books, Store
from tests.paypal_merchant import BACK, ORDERS, Merchant, a_merchant, unlike_published

DAY_S = 24 * 3600
HOUR_S = 3600
CARD = {"number": "4012000033330026", "expiry": "2035-12", "name": "AYSE YILMAZ"}
MINIMAL = "return=minimal"


@pytest_asyncio.fixture(scope="module")
async def merchant() -> AsyncIterator[Merchant]:
    async with a_merchant() as made:
        yield made


async def test_several_tokens_count_until_they_are_over_or_revoked() -> None:
    async with a_merchant(store=Store()) as merchant:
        first, second = [(await merchant.ask_token()).json()["access_token"] for _ in range(2)]
        assert first != second
        for token in (first, second):
            merchant.token = token
            assert (await merchant.call("GET", "/v1/notifications/webhooks")).status_code == httpx.codes.OK
        await merchant.order("tokens", token=second)
        assert await merchant.issue("/v1/notifications/webhooks", method="GET") == (401, "AUTHENTICATION_FAILURE")
        merchant.token = first
        await merchant.sandbox.advance(9 * HOUR_S)
        assert await merchant.issue("/v1/notifications/webhooks", method="GET") == (401, "AUTHENTICATION_FAILURE")
        wrong = await merchant.ask_token("another")
        assert (wrong.status_code, wrong.json()["error"]) == (401, "invalid_client")
        assert (await merchant.client.get(merchant.sandbox.admin_url + "tokens")).json() == {"calls": 2}
        merchant.sandbox.store.same_token = True
        again = [(await merchant.ask_token()).json() for _ in range(2)]
        assert again[0]["access_token"] == again[1]["access_token"]


async def test_a_request_must_be_json_and_say_so(merchant: Merchant) -> None:
    await merchant.call("GET", "/v1/notifications/webhooks")
    headers = {"Authorization": f"Bearer {merchant.token}"}
    untyped = await merchant.client.post(ORDERS, content=b"{}", headers=headers)
    assert (untyped.status_code, untyped.json()["name"]) == (415, "UNSUPPORTED_MEDIA_TYPE")
    assert untyped.headers["Paypal-Debug-Id"] == untyped.json()["debug_id"]
    broken = await merchant.client.post(ORDERS, content=b"{", headers={**headers, "Content-Type": "application/json"})
    assert (broken.status_code, broken.json()["details"][0]["issue"]) == (400, "MALFORMED_REQUEST_JSON")


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"value": "12.505"}, (422, "DECIMAL_PRECISION")),
        ({"currency": "JPY", "value": "1250.00"}, (422, "DECIMALS_NOT_SUPPORTED")),
        ({"currency": "HUF", "value": "1250.5"}, (422, "DECIMALS_NOT_SUPPORTED")),
        ({"currency": "TRY"}, (422, "INVALID_CURRENCY_CODE")),
        ({"value": "0.00"}, (422, "CANNOT_BE_ZERO_OR_NEGATIVE")),
        ({"value": "12,50"}, (400, "INVALID_PARAMETER_SYNTAX")),
        ({"intent": "SALE"}, (400, "INVALID_PARAMETER_VALUE")),
        ({"purchase_units": []}, (400, "INVALID_ARRAY_MIN_ITEMS")),
        ({"unit": {"custom_id": "x" * 128}}, (400, "INVALID_STRING_LENGTH")),
        ({"payment_source": {"card": {**CARD, "number": "4111111111111112"}}},
         (422, "PAYMENT_SOURCE_INFO_CANNOT_BE_VERIFIED")),
        ({"payment_source": {"paypal": {"vault_id": "sandboxvisa"}}}, (422, "MISMATCHED_VAULT_ID_TO_PAYMENT_SOURCE")),
    ],
)  # fmt: skip
async def test_an_order_that_cannot_be_is_refused(
    merchant: Merchant, changed: dict[str, Any], told: tuple[int, str]
) -> None:
    assert await merchant.issue(ORDERS, merchant.an_order(**changed)) == told


async def test_the_parts_of_an_amount_must_make_it_up(merchant: Merchant) -> None:
    euro = {"currency_code": "EUR", "value": "12.00"}
    unit = {"amount": {"currency_code": "EUR", "value": "12.50", "breakdown": {"item_total": euro}}}
    assert await merchant.issue(ORDERS, merchant.an_order(unit=unit)) == (422, "AMOUNT_MISMATCH")


@pytest.mark.parametrize(("currency", "value"), [("JPY", "1250"), ("HUF", "1250"), ("TWD", "99"), ("USD", "0.01")])
async def test_amounts_come_back_as_they_were_said(merchant: Merchant, currency: str, value: str) -> None:
    _, capture = await merchant.captured(currency=currency, value=value)
    found = await merchant.get(f"/v2/payments/captures/{capture}")
    assert found["amount"] == {"currency_code": currency, "value": value}
    parts = found["seller_receivable_breakdown"]
    assert {len(part["value"].partition(".")[2]) for part in parts.values()} == {len(value.partition(".")[2])}


async def test_an_order_without_a_source_needs_no_id_and_has_a_page(merchant: Merchant) -> None:
    body = merchant.an_order(payment_source=None)
    made = (await merchant.call("POST", ORDERS, body)).json()
    assert (made["status"], [link["rel"] for link in made["links"]]) == (
        "CREATED",
        ["self", "approve", "update", "capture"],
    )
    sourced = await merchant.call("POST", ORDERS, merchant.an_order())
    assert (sourced.status_code, sourced.json()["details"][0]["issue"]) == (400, "PAYPAL_REQUEST_ID_REQUIRED")


async def test_a_repeat_tells_how_the_first_order_stands_by_now(merchant: Merchant) -> None:
    body = merchant.an_order()
    first = await merchant.call("POST", ORDERS, body, key="repeat-1")
    order = first.json()["id"]
    await merchant.sandbox.approve(order)
    again = await merchant.call("POST", ORDERS, body, key="repeat-1")
    assert (first.status_code, again.status_code) == (201, 200)
    assert (again.json()["id"], again.json()["status"]) == (order, "APPROVED")
    other = await merchant.call("POST", ORDERS, merchant.an_order(value="99.00"), key="repeat-1")
    assert other.json()["id"] == order
    merchant.sandbox.store.other_body = "refused"
    changed = await merchant.issue(ORDERS, merchant.an_order(value="99.00"), key="repeat-1")
    merchant.sandbox.store.other_body = "first"
    assert changed == (422, "PAYPAL_REQUEST_ID_PREVIOUSLY_USED")


@pytest.mark.parametrize(("kept_s", "same"), [(6 * HOUR_S - 60, True), (6 * HOUR_S + 60, False)])
async def test_orders_know_a_request_id_for_six_hours(merchant: Merchant, kept_s: int, same: bool) -> None:
    body, key = merchant.an_order(), merchant.key()
    first = await merchant.post(ORDERS, body, key=key)
    await merchant.sandbox.advance(kept_s)
    assert ((await merchant.post(ORDERS, body, key=key))["id"] == first["id"]) is same


async def test_the_vault_takes_no_other_body_and_knows_an_id_for_three_hours(merchant: Merchant) -> None:
    tokens = "/v3/vault/payment-tokens"
    body, key = {"payment_source": {"card": CARD}, "customer": {"id": "rules"}}, merchant.key()
    first = await merchant.post(tokens, body, key=key)
    assert (await merchant.post(tokens, body, key=key))["id"] == first["id"]
    other = {**body, "customer": {"id": "others"}}
    assert await merchant.issue(tokens, other, key=key) == (422, "PAYPAL_REQUEST_ID_PREVIOUSLY_USED")
    await merchant.sandbox.advance(3 * HOUR_S + 1)
    assert (await merchant.post(tokens, body, key=key))["id"] != first["id"]
    without = await merchant.call("POST", tokens, body)
    assert without.json()["details"][0]["issue"] == "PAYPAL_REQUEST_ID_REQUIRED"


async def test_the_same_id_at_once_twice_is_performed_once(merchant: Merchant) -> None:
    order = await merchant.approved()
    await merchant.client.delete(merchant.sandbox.admin_url + "faults")
    await merchant.order("faults", kind="slow", seconds=3600, path="/v2/checkout/orders/{id}/capture")
    path, key = f"{ORDERS}/{order}/capture", merchant.key()
    first = asyncio.ensure_future(merchant.call("POST", path, key=key))
    while not [used for _, used in merchant.sandbox.faults.standing() if used]:  # until the first one has arrived
        await merchant.get("/v1/notifications/webhooks")
    second = await merchant.call("POST", path, key=key)
    await merchant.sandbox.advance(3600)
    assert second.json()["details"][0]["issue"] == "PREVIOUS_REQUEST_IN_PROGRESS"
    assert (await first).status_code == httpx.codes.CREATED
    kinds = [movement.kind for movement in merchant.sandbox.books.movements() if movement.about == order]
    assert kinds == ["capture", "fee"]


async def test_a_refusal_is_repeated_under_its_id_unless_that_is_turned_off(merchant: Merchant) -> None:
    order = await merchant.post(ORDERS, merchant.an_order())
    path, key = f"{ORDERS}/{order['id']}/capture", merchant.key()
    assert await merchant.issue(path, key=key) == (422, "ORDER_NOT_APPROVED")
    await merchant.sandbox.approve(order["id"])
    assert await merchant.issue(path, key=key) == (422, "ORDER_NOT_APPROVED")
    merchant.sandbox.store.failures_repeated = False
    other = await merchant.post(ORDERS, merchant.an_order())
    path = f"{ORDERS}/{other['id']}/capture"
    assert await merchant.issue(path, key=key) == (422, "ORDER_NOT_APPROVED")
    await merchant.sandbox.approve(other["id"])
    merchant.sandbox.store.failures_repeated = True
    assert (await merchant.post(path, key=key))["status"] == "COMPLETED"


async def test_an_order_is_completed_once_and_as_it_was_meant(merchant: Merchant) -> None:
    order, _ = await merchant.captured()
    assert await merchant.issue(f"{ORDERS}/{order}/capture") == (422, "ORDER_ALREADY_CAPTURED")
    assert await merchant.issue(f"{ORDERS}/{order}/authorize") == (422, "ACTION_DOES_NOT_MATCH_INTENT")
    held, _ = await merchant.held()
    assert await merchant.issue(f"{ORDERS}/{held}/authorize") == (422, "ORDER_ALREADY_AUTHORIZED")
    assert await merchant.issue(f"{ORDERS}/NOBODYS/capture") == (404, "INVALID_RESOURCE_ID")


async def test_an_invoice_is_paid_once(merchant: Merchant) -> None:
    await merchant.captured(unit={"invoice_id": "inv-1"})
    order = await merchant.approved(unit={"invoice_id": "inv-1"})
    assert await merchant.issue(f"{ORDERS}/{order}/capture") == (422, "DUPLICATE_INVOICE_ID")
    merchant.sandbox.store.unique_invoices = False
    taken = await merchant.post(f"{ORDERS}/{order}/capture")
    merchant.sandbox.store.unique_invoices = True
    assert taken["status"] == "COMPLETED"


async def test_a_minimal_answer_has_neither_amounts_nor_captures(merchant: Merchant) -> None:
    order = await merchant.approved()
    taken = await merchant.post(f"{ORDERS}/{order}/capture", prefer=MINIMAL)
    assert taken.keys() == {"id", "status", "payment_source", "links"}


async def test_a_hold_is_taken_in_parts_up_to_what_was_held(merchant: Merchant) -> None:
    _, hold = await merchant.held()
    path = f"/v2/payments/authorizations/{hold}/capture"

    def part(value: str) -> dict[str, Any]:
        return {"amount": {"currency_code": "EUR", "value": value}}

    await merchant.post(path, part("5.00"))
    assert (await merchant.get(f"/v2/payments/authorizations/{hold}"))["status"] == "PARTIALLY_CAPTURED"
    assert await merchant.issue(path, part("7.51")) == (422, "MAX_CAPTURE_AMOUNT_EXCEEDED")
    usd = {"amount": {"currency_code": "USD", "value": "1.00"}}
    assert await merchant.issue(path, usd) == (422, "AUTH_CAPTURE_CURRENCY_MISMATCH")
    await merchant.post(path, {**part("1.00"), "final_capture": True})
    assert (await merchant.get(f"/v2/payments/authorizations/{hold}"))["status"] == "CAPTURED"
    assert await merchant.issue(path, part("1.00")) == (422, "AUTHORIZATION_ALREADY_CAPTURED")
    assert await merchant.issue(f"/v2/payments/authorizations/{hold}/void") == (422, "PREVIOUSLY_CAPTURED")


async def test_a_hold_is_voided_once_and_answers_with_nothing_unless_asked(merchant: Merchant) -> None:
    _, hold = await merchant.held()
    path = f"/v2/payments/authorizations/{hold}/void"
    first = await merchant.call("POST", path, key="void-1", prefer=MINIMAL)
    assert (first.status_code, first.content) == (204, b"")
    again = await merchant.call("POST", path, key="void-1")
    assert (again.status_code, again.json()["status"]) == (200, "VOIDED")
    assert await merchant.issue(path) == (422, "PREVIOUSLY_VOIDED")
    assert await merchant.issue(f"/v2/payments/authorizations/{hold}/capture") == (422, "AUTHORIZATION_VOIDED")


@pytest.mark.parametrize("how", ["new", "same"])
async def test_a_hold_is_renewed_from_the_fourth_day_on_and_lapses_after_the_29th(how: Any) -> None:
    async with a_merchant() as merchant:
        merchant.sandbox.store.renewed_hold = how
        order, hold = await merchant.held()
        path = f"/v2/payments/authorizations/{hold}/reauthorize"
        more = {"amount": {"currency_code": "EUR", "value": "14.00"}}
        assert await merchant.issue(path, more) == (422, "REAUTHORIZATION_NOT_SUPPORTED")
        await merchant.sandbox.advance(3 * DAY_S)
        over = {"amount": {"currency_code": "EUR", "value": "14.38"}}
        assert await merchant.issue(path, over) == (422, "TRANSACTION_REFUSED")
        renewed = await merchant.post(path, more)
        assert (renewed["id"] == hold, renewed["amount"]["value"]) == (how == "same", "14.00")
        standing = (await merchant.get(f"{ORDERS}/{order}"))["purchase_units"][0]["payments"]["authorizations"]
        assert [one["status"] for one in standing] == (["VOIDED", "CREATED"] if how == "new" else ["CREATED"])
        await merchant.sandbox.advance(26 * DAY_S)
        lapsed = f"/v2/payments/authorizations/{renewed['id']}"
        assert (await merchant.get(lapsed))["status"] == "VOIDED"
        assert await merchant.issue(f"{lapsed}/capture") == (422, "AUTHORIZATION_EXPIRED")


async def test_a_capture_is_given_back_up_to_what_was_taken(merchant: Merchant) -> None:
    _, capture = await merchant.captured()
    path = f"/v2/payments/captures/{capture}/refund"
    euro = {"currency_code": "EUR", "value": "12.51"}
    assert await merchant.issue(path, {"amount": euro}) == (422, "REFUND_AMOUNT_EXCEEDED")
    part = await merchant.post(path, {"amount": {**euro, "value": "5.00"}, "custom_id": "r-1"})
    assert (await merchant.get(f"/v2/payments/captures/{capture}"))["status"] == "PARTIALLY_REFUNDED"
    rest = await merchant.post(path)
    assert (part["amount"]["value"], rest["amount"]["value"]) == ("5.00", "7.50")
    assert rest["seller_payable_breakdown"]["total_refunded_amount"]["value"] == "12.50"
    assert await merchant.issue(path) == (422, "CAPTURE_FULLY_REFUNDED")


async def test_a_payer_whose_card_is_declined_chooses_another_on_the_same_page(merchant: Merchant) -> None:
    order = await merchant.approved(funding="declined_card")
    path = f"{ORDERS}/{order}/capture"
    assert await merchant.issue(path) == (422, "INSTRUMENT_DECLINED")
    assert (await merchant.get(f"{ORDERS}/{order}"))["status"] == "PAYER_ACTION_REQUIRED"
    await merchant.sandbox.approve(order)
    assert (await merchant.post(path))["status"] == "COMPLETED"


async def test_a_decline_for_good_stands_inside_a_completed_order(merchant: Merchant) -> None:
    order = await merchant.approved(funding="declined")
    answer = await merchant.call("POST", f"{ORDERS}/{order}/capture", key=merchant.key())
    (capture,) = answer.json()["purchase_units"][0]["payments"]["captures"]
    assert (answer.status_code, answer.json()["status"], capture["status"]) == (201, "COMPLETED", "DECLINED")


async def test_what_waits_for_a_bank_is_money_once_it_is_decided(merchant: Merchant) -> None:
    order, capture = await merchant.captured(funding="echeck")
    found = await merchant.get(f"/v2/payments/captures/{capture}")
    assert (found["status"], found["status_details"]["reason"]) == ("PENDING", "ECHECK")
    assert await merchant.issue(f"/v2/payments/captures/{capture}/refund") == (422, "PENDING_CAPTURE")
    assert order not in {movement.about for movement in merchant.sandbox.books.movements()}
    await merchant.order("decisions", id=capture)
    assert (await merchant.get(f"/v2/payments/captures/{capture}"))["status"] == "COMPLETED"
    assert order in {movement.about for movement in merchant.sandbox.books.movements()}


async def test_a_bank_that_wants_its_payer_has_a_page_of_its_own(merchant: Merchant) -> None:
    source = {"card": {**CARD, "experience_context": BACK, "attributes": {"verification": {"method": "SCA_ALWAYS"}}}}
    made = await merchant.post(ORDERS, merchant.an_order(payment_source=source))
    (page,) = [link["href"] for link in made["links"] if link["rel"] == "payer-action"]
    assert await merchant.issue(f"{ORDERS}/{made['id']}/capture") == (422, "PAYER_ACTION_REQUIRED")
    assert "Your bank" in (await merchant.client.get(page)).text
    wrong = await merchant.client.post(page, data={"action": "approve", "code": "0000"})
    assert "did not take" in wrong.text
    right = await merchant.client.post(page, data={"action": "approve", "code": BANK_CODE})
    assert right.headers["Location"] == f"{BACK['return_url']}?token={made['id']}"
    taken = await merchant.post(f"{ORDERS}/{made['id']}/capture")
    assert taken["payment_source"]["card"]["authentication_result"]["liability_shift"] == "POSSIBLE"


async def test_a_payer_may_leave_the_page(merchant: Merchant) -> None:
    made = await merchant.post(ORDERS, merchant.an_order())
    page = made["links"][1]["href"]
    assert "declined" in (await merchant.client.post(page, data={"action": "decline"})).text
    left = await merchant.client.post(page, data={"action": "leave"})
    assert left.headers["Location"] == f"{BACK['cancel_url']}?token={made['id']}"
    assert (await merchant.get(f"{ORDERS}/{made['id']}"))["status"] == "PAYER_ACTION_REQUIRED"


async def test_the_holder_of_a_test_card_provokes_a_decline(merchant: Merchant) -> None:
    made = await merchant.post(ORDERS, merchant.an_order(payment_source={"card": {**CARD, "name": "CCREJECT-LS"}}))
    (capture,) = made["purchase_units"][0]["payments"]["captures"]
    assert (capture["status"], capture["processor_response"]["response_code"]) == ("DECLINED", "9520")


async def test_an_account_does_only_what_is_enabled_for_it(merchant: Merchant) -> None:
    await merchant.order("settings", permissions=[])
    card = merchant.an_order(payment_source={"card": CARD})
    assert await merchant.issue(ORDERS, card) == (403, "PERMISSION_DENIED")
    assert await merchant.issue("/v1/reporting/balances", method="GET") == (403, "PERMISSION_DENIED")
    assert await merchant.issue(ORDERS, merchant.an_order(intent="AUTHORIZE")) == (422, "AUTH_CAPTURE_NOT_ENABLED")
    await merchant.order("settings", permissions=["cards", "vault", "reports", "authorizations"])
    assert (await merchant.post(ORDERS, card))["status"] == "COMPLETED"


async def test_an_order_that_nobody_completes_is_not_found_after_a_while() -> None:
    async with a_merchant() as merchant:
        made = await merchant.post(ORDERS, merchant.an_order())
        await merchant.sandbox.advance(merchant.sandbox.store.order_s)
        assert await merchant.issue(f"{ORDERS}/{made['id']}", method="GET") == (404, "INVALID_RESOURCE_ID")


async def test_the_books_balance_and_outlive_the_sandbox(tmp_path: Path) -> None:
    path = tmp_path / "books.db"
    async with a_merchant(books=path) as merchant:
        _, capture = await merchant.captured(unit={"custom_id": "kept"})
        euro = {"amount": {"currency_code": "EUR", "value": "5.00"}}
        await merchant.post(f"/v2/payments/captures/{capture}/refund", euro)
    with Books(path, read_only=True) as books:
        totals, movements = books.totals(), books.movements()
    assert (totals.captured_minor, totals.refunded_minor) == ({"EUR": 1250}, {"EUR": 500})
    assert totals.balance_minor == {"EUR": sum(movement.amount_minor for movement in movements)}
    assert (totals.charges_by_custom_id, totals.charged_more_than_once) == ({"kept": 1}, ())
    async with a_merchant(books=path) as merchant:
        assert (await merchant.get(f"/v2/payments/captures/{capture}"))["status"] == "PARTIALLY_REFUNDED"


async def test_every_answer_was_as_published(merchant: Merchant) -> None:
    assert not unlike_published(merchant.sandbox)
