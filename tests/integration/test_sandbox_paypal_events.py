"""How the PayPal sandbox calls the merchant: signed, again until it is taken, disordered, forged, and verified."""

import asyncio
import base64
import json
import zlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from infra.sandbox.paypal.signing import forged
from tests.paypal_merchant import A_YEAR_S, Merchant, a_merchant, unlike_published
from tests.receiver import Got

SALE = "PAYMENT.SALE.COMPLETED"


@pytest_asyncio.fixture(scope="module")
async def merchant() -> AsyncIterator[Merchant]:
    async with a_merchant() as made:
        yield made


async def is_signed(merchant: Merchant, got: Got) -> bool:
    """With the key of the certificate that the call names, over what PayPal documents."""
    told = got.headers
    pem = (await merchant.client.get(told["paypal-cert-url"])).content
    key = x509.load_pem_x509_certificates(pem)[0].public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    parts = (told["paypal-transmission-id"], told["paypal-transmission-time"], merchant.sandbox.webhook_id)
    signed = "|".join((*parts, str(zlib.crc32(got.body)))).encode()
    try:
        key.verify(base64.b64decode(told["paypal-transmission-sig"]), signed, padding.PKCS1v15(), SHA256())
    except InvalidSignature:
        return False
    return True


async def is_verified(merchant: Merchant, got: Got) -> bool:
    """By PayPal's own word."""
    names = ("auth_algo", "cert_url", "transmission_id", "transmission_sig", "transmission_time")
    told = {name: got.headers[f"paypal-{name.replace('_', '-')}"] for name in names}
    body = {**told, "webhook_id": merchant.sandbox.webhook_id, "webhook_event": got.told}
    answer = await merchant.post("/v1/notifications/verify-webhook-signature", body)
    return bool(answer["verification_status"] == "SUCCESS")


def about(merchant: Merchant, order: str) -> list[Got]:
    return [got for got in merchant.called.got if order.encode() in got.body]


async def test_the_certificate_is_of_the_authority_that_the_sandbox_names(merchant: Merchant) -> None:
    place = merchant.sandbox.performer.place
    leaf, *_ = x509.load_pem_x509_certificates((await merchant.client.get(place.signer.path)).content)
    (authority,) = x509.load_pem_x509_certificates(merchant.sandbox.ca_file.read_bytes())
    leaf.verify_directly_issued_by(authority)
    assert "CN=messageverificationcerts.sandbox.paypal.com" in leaf.subject.rfc4514_string()


async def test_each_event_is_told_signed_and_can_be_verified(merchant: Merchant) -> None:
    order, capture = await merchant.captured()
    await merchant.post(f"/v2/payments/captures/{capture}/refund")
    await merchant.sandbox.advance()
    told = about(merchant, order) + about(merchant, capture)
    assert {got.told["event_type"] for got in told} == {
        "CHECKOUT.ORDER.APPROVED",
        "CHECKOUT.ORDER.COMPLETED",
        "PAYMENT.CAPTURE.COMPLETED",
        "PAYMENT.CAPTURE.REFUNDED",
    }
    for got in told:
        assert await is_signed(merchant, got)
        assert await is_verified(merchant, got)
    (refunded,) = [got.told for got in told if got.told["event_type"] == "PAYMENT.CAPTURE.REFUNDED"]
    ups = [link["href"] for link in refunded["resource"]["links"] if link["rel"] == "up"]
    assert ups == [f"{merchant.sandbox.base_url}/v2/payments/captures/{capture}"]
    assert "supplementary_data" not in refunded["resource"]


async def test_a_forged_body_has_the_genuine_signature_and_not_paypals_word(merchant: Merchant) -> None:
    order = await merchant.approved()
    await merchant.sandbox.advance()
    before = len(merchant.called.got)
    change = {"event_type": "PAYMENT.CAPTURE.COMPLETED", "resource": {"id": order}}
    await merchant.order("events", about=order, change=change)
    (got,) = merchant.called.got[before:]
    assert (got.told["event_type"], got.told["resource"]) == ("PAYMENT.CAPTURE.COMPLETED", {"id": order})
    assert await is_signed(merchant, got)
    assert not await is_verified(merchant, got)


@pytest.mark.parametrize("body", [b"{}", b'{"id":"WH-1"}', bytes(range(256)) * 40])
def test_any_body_can_be_forged(body: bytes) -> None:
    made = forged(body, {"id": "WH-2", "resource": {"amount": {"value": "9999.00"}}})
    assert zlib.crc32(made) == zlib.crc32(body)
    assert json.loads(made)["resource"]["amount"]["value"] == "9999.00"


async def test_an_event_comes_again_until_it_is_taken(merchant: Merchant) -> None:
    order = await merchant.approved()
    await merchant.sandbox.advance()
    seen: list[int] = []

    async def busy_twice(_: web.BaseRequest, __: Got) -> web.StreamResponse:
        seen.append(1)
        return web.Response(status=503 if len(seen) <= 2 else 200)

    merchant.called.answer = busy_twice
    found = merchant.sandbox.books
    (event,) = [got.told["id"] for got in about(merchant, order)]
    await merchant.post(f"/v1/notifications/webhooks-events/{event}/resend")
    for _ in range(4):
        await merchant.sandbox.advance(merchant.sandbox.store.callbacks.again_s)
    merchant.called.answer = lambda _request, _got: _ok()
    assert [got.told["id"] for got in about(merchant, order)] == [event] * 4
    assert found.look(lambda c: c.execute("SELECT due_ms FROM event WHERE event_id = ?", (event,)).fetchone()) == (
        None,
    )


async def _ok() -> web.StreamResponse:
    await asyncio.sleep(0)
    return web.Response(status=200)


async def test_events_come_late_disordered_twice_and_with_forged_ones_before() -> None:
    how: dict[str, Any] = {"first_s": 60, "spread_s": 600, "repeats": 1, "again_s": 900, "forge_every": 3}
    async with a_merchant(**how) as merchant:
        orders = [await merchant.approved() for _ in range(6)]
        assert merchant.called.got == []
        for _ in range(24):
            await merchant.sandbox.advance(70)
        genuine = [got for got in merchant.called.got if await is_verified(merchant, got)]
        told = [got.told["resource"]["id"] for got in genuine]
        assert sorted(told) == sorted(orders * 2)
        assert list(dict.fromkeys(told)) != orders
        assert len(merchant.called.got) - len(genuine) == len(genuine) // 3


async def test_a_repeat_can_have_a_time_of_its_own() -> None:
    async with a_merchant(repeats=1, again_s=60, restamped=True) as merchant:
        order = await merchant.approved()
        await merchant.sandbox.advance(1)
        await merchant.sandbox.advance(60)
        first, second = about(merchant, order)
        assert first.told["id"] == second.told["id"]
        assert first.headers["paypal-transmission-id"] != second.headers["paypal-transmission-id"]
        assert await is_signed(merchant, second)


async def a_subscription(merchant: Merchant, **preferences: Any) -> str:
    product = await merchant.post("/v1/catalogs/products", {"name": "Club", "type": "SERVICE"})
    price = {"fixed_price": {"currency_code": "EUR", "value": "9.00"}}
    month = {"frequency": {"interval_unit": "MONTH", "interval_count": 1}, "sequence": 2, "total_cycles": 2}
    trial = {"frequency": {"interval_unit": "DAY", "interval_count": 14}, "tenure_type": "TRIAL", "sequence": 1}
    cycles = [{**trial, "total_cycles": 1}, {**month, "tenure_type": "REGULAR", "pricing_scheme": price}]
    body = {
        "product_id": product["id"],
        "name": "Monthly",
        "billing_cycles": cycles,
        "payment_preferences": preferences,
    }
    plan = await merchant.post("/v1/billing/plans", body)
    made = await merchant.post("/v1/billing/subscriptions", {"plan_id": plan["id"], "custom_id": "club-1"})
    await merchant.sandbox.approve(made["id"])
    return str(made["id"])


async def test_a_subscription_is_charged_by_the_clock_until_it_ends(merchant: Merchant) -> None:
    subscription = await a_subscription(merchant)
    told = [len(about(merchant, subscription))]
    for days in (0, 14, 31, 31):
        await merchant.sandbox.advance(days * 24 * 3600)
        told.append(len([got for got in about(merchant, subscription) if got.told["event_type"] == SALE]))
    assert told[1:] == [0, 1, 2, 2]
    kinds = [got.told["event_type"].rpartition("BILLING.SUBSCRIPTION.")[2] for got in about(merchant, subscription)]
    assert [kind for kind in kinds if kind != SALE] == ["CREATED", "ACTIVATED", "EXPIRED"]
    (first, *_) = [got.told["resource"] for got in about(merchant, subscription) if got.told["event_type"] == SALE]
    assert (first["billing_agreement_id"], first["amount"]) == (subscription, {"total": "9.00", "currency": "EUR"})
    assert (await merchant.get(f"/v1/billing/subscriptions/{subscription}"))["status"] == "EXPIRED"


async def test_charges_that_fail_are_owed_and_end_in_a_pause(merchant: Merchant) -> None:
    subscription = await a_subscription(merchant, payment_failure_threshold=1)
    await merchant.order("subscribers", id=subscription, fails=True)
    await merchant.sandbox.advance(14 * 24 * 3600)
    found = await merchant.get(f"/v1/billing/subscriptions/{subscription}")
    assert (found["status"], found["billing_info"]["outstanding_balance"]["value"]) == ("SUSPENDED", "9.00")
    note = {"note": "owed", "capture_type": "OUTSTANDING_BALANCE", "amount": {"currency_code": "EUR", "value": "9.00"}}
    await merchant.post(f"/v1/billing/subscriptions/{subscription}/capture", note)
    path = f"/v1/billing/subscriptions/{subscription}/capture"
    assert await merchant.issue(path, note) == (422, "ZERO_OUTSTANDING_BALANCE")


async def test_a_dispute_withholds_the_money_until_it_is_decided(merchant: Merchant) -> None:
    order, capture = await merchant.captured()
    opened = await merchant.order("disputes", payment=order, reason="UNAUTHORISED")
    dispute = opened["resource_id"]
    found = await merchant.get(f"/v1/customer/disputes/{dispute}")
    assert (found["status"], found["disputed_transactions"][0]["seller_transaction_id"]) == (
        "WAITING_FOR_SELLER_RESPONSE",
        capture,
    )
    balance = {one["currency"]: one for one in (await merchant.get("/v1/reporting/balances"))["balances"]}
    assert balance["EUR"]["withheld_balance"]["value"] == "12.50"
    before = merchant.sandbox.books.totals().balance_minor["EUR"]
    await merchant.order("disputes", dispute=dispute, outcome="RESOLVED_BUYER_FAVOUR")
    assert merchant.sandbox.books.totals().balance_minor["EUR"] == before - 1250
    await merchant.sandbox.advance()
    kinds = [got.told["event_type"] for got in about(merchant, dispute)]
    assert kinds == ["CUSTOMER.DISPUTE.CREATED", "CUSTOMER.DISPUTE.RESOLVED"]
    listed = await merchant.get(f"/v1/customer/disputes?disputed_transaction_id={capture}")
    assert [one["dispute_id"] for one in listed["items"]] == [dispute]


@pytest.mark.parametrize(("outcome", "back"), [("RESOLVED_SELLER_FAVOUR", 1250), ("ACCEPTED", 0)])
async def test_a_bank_takes_the_money_at_once(merchant: Merchant, outcome: str, back: int) -> None:
    order, _ = await merchant.captured()
    before = merchant.sandbox.books.totals().balance_minor["EUR"]
    dispute = (await merchant.order("disputes", payment=order, stage="CHARGEBACK"))["resource_id"]
    assert merchant.sandbox.books.totals().balance_minor["EUR"] == before - 1250
    await merchant.order("disputes", dispute=dispute, outcome=outcome)
    assert merchant.sandbox.books.totals().balance_minor["EUR"] == before - 1250 + back
    found = await merchant.get(f"/v1/customer/disputes/{dispute}")
    assert [line["type"] for line in found["money_movements"]] == (["DEBIT", "CREDIT"] if back else ["DEBIT"])


async def test_transactions_show_hours_later_and_in_pages() -> None:
    async with a_merchant() as merchant:
        merchant.sandbox.store.token_s = A_YEAR_S
        for _ in range(3):
            await merchant.captured()
        day = merchant.sandbox.clock.now_ms() // 1000 // 86400 * 86400
        start, end = _moment(day), _moment(day + 86_399)
        path = f"/v1/reporting/transactions?start_date={start}&end_date={end}&page_size=2"
        early = await merchant.get(path)
        assert (early["transaction_details"], early["total_pages"]) == ([], 0)
        await merchant.sandbox.advance(3 * 3600)
        pages = [await merchant.get(f"{path}&page={page}") for page in (1, 2)]
        assert [len(page["transaction_details"]) for page in pages] == [2, 1]
        info = pages[0]["transaction_details"][0]["transaction_info"]
        assert (info["transaction_event_code"], info["fee_amount"]["value"]) == ("T0006", "-0.93")
        over = _moment(day + 32 * 86_400)
        wide = f"/v1/reporting/transactions?start_date={start}&end_date={over}"
        assert await merchant.issue(wide, method="GET") == (400, "INVALID_PARAMETER_VALUE")


def _moment(seconds: int) -> str:

    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


async def test_every_answer_was_as_published(merchant: Merchant) -> None:
    assert not unlike_published(merchant.sandbox)
