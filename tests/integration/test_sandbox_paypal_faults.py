"""Faults that can be ordered at the PayPal sandbox: what the merchant sees, and what stands in the books."""

from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from infra.sandbox.paypal import FaultKind, parse_fault
from tests.paypal_merchant import ORDERS, Merchant, a_merchant, unlike_published

CAPTURE = "/v2/checkout/orders/{id}/capture"


@pytest_asyncio.fixture(scope="module")
async def merchant() -> AsyncIterator[Merchant]:
    async with a_merchant() as made:
        yield made


def moved(merchant: Merchant, order: str) -> list[str]:
    return [movement.kind for movement in merchant.sandbox.books.movements() if movement.about == order]


@pytest.mark.parametrize(
    ("kind", "status", "word", "performed"),
    [
        ("429", 429, "RATE_LIMIT_REACHED", False),
        ("in_progress", 409, "PREVIOUS_REQUEST_IN_PROGRESS", False),
        ("internal_error", 500, "INTERNAL_SERVER_ERROR", True),
        ("not_approved", 422, "ORDER_NOT_APPROVED", False),
        ("payer_action", 422, "PAYER_ACTION_REQUIRED", False),
        ("instrument_declined", 422, "INSTRUMENT_DECLINED", False),
        ("payment_denied", 422, "PAYMENT_DENIED", False),
        ("completion_in_progress", 422, "ORDER_COMPLETION_IN_PROGRESS", True),
    ],
)
async def test_an_answer_that_is_ordered_is_given_once(
    merchant: Merchant, kind: str, status: int, word: str, performed: bool
) -> None:
    order = await merchant.approved()
    await merchant.order("faults", kind=kind, path=CAPTURE)
    answer = await merchant.call("POST", f"{ORDERS}/{order}/capture", key=merchant.key())
    told = answer.json()
    assert (answer.status_code, (told.get("details") or [{"issue": told["name"]}])[0]["issue"]) == (status, word)
    assert ("Retry-After" in answer.headers) is (kind == "429")
    assert moved(merchant, order) == (["capture", "fee"] if performed else [])


@pytest.mark.parametrize(
    ("kind", "performed"),
    [("reset_before", False), ("reset_after", True), ("garbage", True), ("truncated", True), ("empty", True)],
)
async def test_a_lost_answer_is_had_by_the_same_request_id(merchant: Merchant, kind: str, performed: bool) -> None:
    order, key = await merchant.approved(), merchant.key()
    await merchant.order("faults", kind=kind, path=CAPTURE)
    path = f"{ORDERS}/{order}/capture"
    try:
        answer = await merchant.call("POST", path, key=key)
        assert not answer.text.endswith("}")
    except httpx.TransportError:
        assert kind.startswith("reset")
    assert moved(merchant, order) == (["capture", "fee"] if performed else [])
    again = await merchant.call("POST", path, key=key)
    assert again.status_code == (httpx.codes.OK if performed else httpx.codes.CREATED)
    assert moved(merchant, order) == ["capture", "fee"]


@pytest.mark.parametrize(
    ("kind", "word", "then"),
    [
        ("declined", "DECLINED", "DECLINED"),
        ("echeck", "PENDING", "COMPLETED"),
        ("echeck_declined", "PENDING", "DECLINED"),
        ("review", "PENDING", "COMPLETED"),
    ],
)
async def test_a_capture_turns_out_as_ordered_by_its_description(
    merchant: Merchant, kind: str, word: str, then: str
) -> None:
    unit = {"description": f"fault-{kind}-600s-{merchant.key()}"}
    _, capture = await merchant.captured(unit=unit)
    path = f"/v2/payments/captures/{capture}"
    assert (await merchant.get(path))["status"] == word
    await merchant.sandbox.advance(600)
    assert (await merchant.get(path))["status"] == then


@pytest.mark.parametrize(
    ("kind", "words", "left"),
    [("refund_pending", ["PENDING", "COMPLETED"], "REFUNDED"), ("refund_failed", ["PENDING", "FAILED"], "COMPLETED")],
)
async def test_a_refund_waits_as_ordered(merchant: Merchant, kind: str, words: list[str], left: str) -> None:
    order, capture = await merchant.captured()
    await merchant.order("faults", kind=kind, seconds=600, path="/v2/payments/captures/{id}/refund")
    refund = await merchant.post(f"/v2/payments/captures/{capture}/refund")
    assert moved(merchant, order) == ["capture", "fee"]
    await merchant.sandbox.advance(600)
    later = await merchant.get(f"/v2/payments/refunds/{refund['id']}")
    assert [refund["status"], later["status"]] == words
    assert (await merchant.get(f"/v2/payments/captures/{capture}"))["status"] == left


async def test_a_refund_without_funds_is_refused(merchant: Merchant) -> None:
    _, capture = await merchant.captured()
    await merchant.order("faults", kind="refund_no_funds", path="/v2/payments/captures/{id}/refund")
    path = f"/v2/payments/captures/{capture}/refund"
    assert await merchant.issue(path) == (422, "REFUND_FAILED_INSUFFICIENT_FUNDS")


async def test_a_token_that_is_revoked_in_between_performs_nothing(merchant: Merchant) -> None:
    order = await merchant.approved()
    await merchant.order("faults", kind="token_revoked", path=CAPTURE)
    path, key = f"{ORDERS}/{order}/capture", merchant.key()
    assert await merchant.issue(path, key=key) == (401, "AUTHENTICATION_FAILURE")
    merchant.token = ""
    assert (await merchant.post(path, key=key))["status"] == "COMPLETED"


async def test_what_is_performed_late_is_in_progress_until_then(merchant: Merchant) -> None:
    order, key = await merchant.approved(), merchant.key()
    await merchant.order("faults", kind="perform_late", seconds=600, path=CAPTURE)
    path = f"{ORDERS}/{order}/capture"
    with pytest.raises(httpx.ReadTimeout):
        await merchant.client.post(
            path,
            json={},
            headers={"Authorization": f"Bearer {merchant.token}", "PayPal-Request-Id": key},
            timeout=httpx.Timeout(30, read=0.2),
        )
    assert moved(merchant, order) == []
    assert await merchant.issue(path, key=key) == (409, "PREVIOUS_REQUEST_IN_PROGRESS")
    await merchant.sandbox.advance(600)
    while (again := await merchant.call("POST", path, key=key)).status_code == httpx.codes.CONFLICT:
        assert moved(merchant, order) == []
    assert (again.status_code, moved(merchant, order)) == (200, ["capture", "fee"])


async def test_a_fault_for_every_path_spares_the_token(merchant: Merchant) -> None:
    await merchant.order("faults", kind="500_before")
    assert (await merchant.ask_token()).status_code == httpx.codes.OK
    assert (await merchant.call("GET", "/v1/notifications/webhooks")).status_code == httpx.codes.INTERNAL_SERVER_ERROR
    await merchant.order("faults", kind="429", path="/v1/oauth2/token")
    assert (await merchant.ask_token()).status_code == httpx.codes.TOO_MANY_REQUESTS


def test_a_fault_that_does_not_exist_is_named() -> None:
    assert parse_fault("echeck,seconds=5").kind is FaultKind.ECHECK
    with pytest.raises(ValueError, match="not one of"):
        parse_fault("chargeback")


async def test_every_answer_was_as_published(merchant: Merchant) -> None:
    assert not unlike_published(merchant.sandbox)
