"""What is sent again under its key is answered again and performed once; what was not begun may be sent anew."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
import stripe

from infra.sandbox.stripe import SECRET_KEY, Account, Books, running_stripe_sandbox
from tests.stripe_shop import StripeShop, a_stripe_shop

OTHER_KEY = "sk_test_another0000000000000000001"
PAY = {
    "amount": "1250",
    "currency": "try",
    "confirm": "true",
    "payment_method": "pm_card_visa",
    "automatic_payment_methods[enabled]": "true",
    "automatic_payment_methods[allow_redirects]": "never",
}
INTENTS = "/v1/payment_intents"


@pytest_asyncio.fixture(scope="module")
async def shop() -> AsyncIterator[StripeShop]:
    store = Account(keys={SECRET_KEY: "acct_1Kolaj", OTHER_KEY: "acct_1Other"})
    async with running_stripe_sandbox(store=store) as sandbox, a_stripe_shop(sandbox) as shop:
        yield shop


def code(answer: httpx.Response) -> tuple[int, str | None]:
    return answer.status_code, answer.json()["error"].get("code")


def made(shop: StripeShop) -> int:
    return len(shop.sandbox.books.entries())


async def test_the_first_answer_is_given_again(shop: StripeShop) -> None:
    before = made(shop)
    first = await shop.post(INTENTS, "key-1", **PAY)
    again = await shop.post(INTENTS, "key-1", **dict(reversed(PAY.items())))
    assert (first.status_code, again.status_code, again.content) == (200, 200, first.content)
    assert "idempotent-replayed" not in first.headers
    assert (again.headers["idempotent-replayed"], again.headers["idempotency-key"]) == ("true", "key-1")
    assert again.headers["original-request"] == first.headers["request-id"] != again.headers["request-id"]
    assert made(shop) == before + 1


async def test_the_official_client_repeats_under_its_key(shop: StripeShop) -> None:
    before = made(shop)
    first = await shop.client.v1.payment_intents.create_async(
        {"amount": 700, "currency": "eur"}, {"idempotency_key": "key-sdk"}
    )
    again = await shop.client.v1.payment_intents.create_async(
        {"amount": 700, "currency": "eur"}, {"idempotency_key": "key-sdk"}
    )
    assert (again.id, made(shop)) == (first.id, before + 1)
    with pytest.raises(stripe.IdempotencyError):
        await shop.client.v1.payment_intents.create_async(
            {"amount": 701, "currency": "eur"}, {"idempotency_key": "key-sdk"}
        )


async def test_a_decline_is_kept(shop: StripeShop) -> None:
    declined = {**PAY, "payment_method": "pm_card_chargeDeclined"}
    before = made(shop)
    first = await shop.post(INTENTS, "key-2", **declined)
    again = await shop.post(INTENTS, "key-2", **declined)
    assert (first.status_code, again.status_code, again.json()) == (402, 402, first.json())
    assert made(shop) == before + 1


async def test_a_refusal_by_the_books_is_kept(shop: StripeShop) -> None:
    held = (await shop.post(INTENTS, **PAY)).json()
    path = f"{INTENTS}/{held['id']}/capture"
    first = await shop.post(path, "key-3")
    assert code(first) == (400, "payment_intent_unexpected_state")
    assert (await shop.post(path, "key-3")).headers["idempotent-replayed"] == "true"


@pytest.mark.parametrize("kind", ["api_error_before", "api_error_after"])
async def test_a_500_is_kept_whether_performed_or_not(shop: StripeShop, kind: str) -> None:
    before = made(shop)
    await shop.order("faults", kind=kind, path=INTENTS)
    for replayed in (None, "true"):
        answer = await shop.post(INTENTS, f"key-{kind}", **PAY)
        assert (answer.status_code, answer.json()["error"]["type"]) == (500, "api_error")
        assert answer.headers["stripe-should-retry"] == "false"
        assert answer.headers.get("idempotent-replayed") == replayed
    assert made(shop) == before + (kind == "api_error_after")


async def test_a_key_is_of_one_request_alone(shop: StripeShop) -> None:
    await shop.post(INTENTS, "key-4", **PAY)
    for path, form in ((INTENTS, {**PAY, "amount": "1251"}), ("/v1/customers", {"name": "Ayşe"})):
        other = await shop.post(path, "key-4", **form)
        assert (other.status_code, other.json()["error"]["type"]) == (400, "idempotency_error")
        assert "code" not in other.json()["error"]


async def test_a_key_is_of_one_account_alone(shop: StripeShop) -> None:
    mine = await shop.post(INTENTS, "key-5", **PAY)
    theirs = await shop.browser.post(
        shop.sandbox.base_url + INTENTS, data=PAY, auth=(OTHER_KEY, ""), headers={"Idempotency-Key": "key-5"}
    )
    assert theirs.status_code == 200
    assert theirs.json()["id"] != mine.json()["id"]
    assert (await shop.http.get(f"{INTENTS}/{theirs.json()['id']}")).status_code == 404


async def test_what_was_not_begun_is_not_kept(shop: StripeShop) -> None:
    wrong = await shop.post(INTENTS, "key-6", **{**PAY, "amount": "none"})
    assert code(wrong) == (400, "parameter_invalid_integer")
    assert (await shop.post(INTENTS, "key-6", **PAY)).status_code == 200
    unauthorized = await shop.browser.post(
        shop.sandbox.base_url + INTENTS, data=PAY, auth=("sk_test_wrong", ""), headers={"Idempotency-Key": "key-7"}
    )
    assert unauthorized.status_code == 401
    assert (await shop.post(INTENTS, "key-7", **PAY)).status_code == 200


@pytest.mark.parametrize(
    ("kind", "told", "reason", "advice"),
    [
        ("global_rate", (429, "rate_limit"), "global-rate", None),
        ("endpoint_concurrency", (429, "rate_limit"), "endpoint-concurrency", None),
        ("lock_timeout", (429, "lock_timeout"), None, "true"),
        ("key_in_use", (409, "idempotency_key_in_use"), None, "true"),
        ("failed_dependency", (424, None), None, None),
        ("should_retry", (500, None), None, "true"),
    ],
)
async def test_a_turn_of_stripes_own_performs_and_keeps_nothing(
    shop: StripeShop, kind: str, told: tuple[int, str | None], reason: str | None, advice: str | None
) -> None:
    before = made(shop)
    await shop.order("faults", kind=kind, path=INTENTS)
    answer = await shop.post(INTENTS, f"key-{kind}", **PAY)
    assert code(answer) == told
    assert answer.headers.get("stripe-rate-limited-reason") == reason
    assert answer.headers.get("stripe-should-retry") == advice
    assert made(shop) == before
    assert (await shop.post(INTENTS, f"key-{kind}", **PAY)).status_code == 200


async def test_while_the_first_runs_its_key_is_in_use(shop: StripeShop) -> None:
    before = made(shop)
    await shop.order("faults", kind="perform_late", path=INTENTS, seconds=3600)
    async with asyncio.TaskGroup() as sending:
        sending.create_task(_sent_and_left(shop))
        await _until_running(shop)
        in_use = await shop.post(INTENTS, "key-8", **PAY)
    assert code(in_use) == (409, "idempotency_key_in_use")
    assert made(shop) == before
    await shop.sandbox.advance(3601)
    again = await _until_free(shop)
    assert (again.status_code, again.headers["idempotent-replayed"]) == (200, "true")
    assert made(shop) == before + 1


async def test_many_at_once_under_one_key_are_performed_once(shop: StripeShop) -> None:
    before = made(shop)
    answers = await asyncio.gather(*(shop.post(INTENTS, "key-many", **PAY) for _ in range(10)))
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert len({answer.json()["id"] for answer in answers if answer.status_code == 200}) == 1
    assert made(shop) == before + 1


async def test_keys_and_books_outlive_the_process(tmp_path: Path) -> None:
    file = tmp_path / "books.db"
    found = []
    for _ in range(2):
        async with running_stripe_sandbox(books=file) as sandbox, a_stripe_shop(sandbox) as shop:
            found.append((await shop.post(INTENTS, "key-1", **PAY)).json())
            with Books(file, read_only=True) as read:
                assert read.totals().paid_minor == {"try": 1250}
    assert found[0] == found[1]


async def test_after_a_lost_answer_the_key_brings_it(shop: StripeShop) -> None:
    before = made(shop)
    await shop.order("faults", kind="reset_after", path=INTENTS)
    with pytest.raises(httpx.TransportError):
        await shop.post(INTENTS, "key-9", **PAY)
    found = await shop.post(INTENTS, "key-9", **PAY)
    assert (found.json()["status"], found.headers["idempotent-replayed"]) == ("succeeded", "true")
    assert made(shop) == before + 1


async def test_after_a_day_the_key_is_free(shop: StripeShop) -> None:
    first = await shop.post(INTENTS, "key-10", **PAY)
    await shop.sandbox.advance(24 * 3600 - 60)
    assert (await shop.post(INTENTS, "key-10", **PAY)).json()["id"] == first.json()["id"]
    await shop.sandbox.advance(61)
    assert (await shop.post(INTENTS, "key-10", **PAY)).json()["id"] != first.json()["id"]


async def test_a_key_has_no_effect_on_a_delete(shop: StripeShop) -> None:
    customer = (await shop.post("/v1/customers", name="Ayşe")).json()["id"]
    for status in (200, 404):
        answer = await shop.http.delete(f"/v1/customers/{customer}", headers={"Idempotency-Key": "key-11"})
        assert answer.status_code == status


async def test_a_key_has_255_characters_at_most(shop: StripeShop) -> None:
    assert (await shop.post(INTENTS, "k" * 255, **PAY)).status_code == 200
    assert (await shop.post(INTENTS, "k" * 256, **PAY)).status_code == 400


async def test_limits_can_be_switched_on(shop: StripeShop) -> None:
    await shop.order("settings", endpoint_rate=2)
    taken = [(await shop.http.get("/v1/refunds")).status_code for _ in range(2)]
    over = await shop.http.get("/v1/refunds")
    assert (taken, code(over)) == ([200, 200], (429, "rate_limit"))
    assert over.headers["stripe-rate-limited-reason"] == "endpoint-rate"
    assert (await shop.http.get("/v1/charges")).status_code == 200
    await shop.sandbox.advance(1)
    assert (await shop.http.get("/v1/refunds")).status_code == 200
    await shop.order("settings", endpoint_rate=None)


async def test_json_is_not_taken(shop: StripeShop) -> None:
    refused = await shop.http.post(
        INTENTS, content=json.dumps(PAY).encode(), headers={"Content-Type": "application/json"}
    )
    assert refused.status_code == 400


async def _sent_and_left(shop: StripeShop) -> None:
    """A client that waits a little for an answer that does not come."""
    try:
        await shop.http.post(INTENTS, data=PAY, headers={"Idempotency-Key": "key-8"}, timeout=2)
    except httpx.ReadTimeout:
        return
    raise AssertionError("it was answered")


async def _until_running(shop: StripeShop) -> None:
    async with asyncio.timeout(60):
        while not (await shop.browser.get(f"{shop.sandbox.admin_url}books")).json()["late_operations_waiting"]:
            pass


async def _until_free(shop: StripeShop) -> httpx.Response:
    async with asyncio.timeout(60):
        while True:
            answer = await shop.post(INTENTS, "key-8", **PAY)
            if answer.status_code != 409:
                return answer
