"""Payments that the payer's bank lets through, with a whole hub, the bank's pages, and in the end a real browser."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from uuid import UUID

import pytest
import pytest_asyncio
import trustme
from pydantic import SecretStr

from infra.local import LocalStack
from infra.sandbox.iyzico import FaultKind, FaultOrder
from projections.pool import open_pool
from providers.connector import Integration
from providers.payments.iyzico import CONNECTOR
from schemas.payments import (
    CommandRefused,
    PaymentNoticed,
    Reason,
    ReturnedField,
    ShowPage,
    ThreeDSecureCompleted,
)
from tests.acceptance.banking import COMPLETE_PATH, a_start, at_the_bank, booked, started
from tests.acceptance.orders import CARD, Orders
from tests.browser import a_browser
from tests.builders import a_take_notice
from tests.hub import INTEGRATION, Hub, running_hub
from tests.integration.test_return_in_browser import a_site
from tests.returning import a_desk


@pytest_asyncio.fixture(scope="module")
async def hub(stack: LocalStack, database_url: str, topic_prefix: str) -> AsyncIterator[Hub]:
    async with running_hub(stack.bootstrap, database_url, topic_prefix) as running:
        yield running


@pytest.fixture(autouse=True)
def no_faults_left(hub: Hub) -> Iterator[None]:
    yield
    hub.sandbox.faults.clear()


async def rows(hub: Hub, payment_id: UUID) -> dict[str, tuple[str, int | None]]:
    await hub.projected()
    async with hub.database() as database:
        found = await database.fetch(
            "select kind, status, amount_minor from payment_transactions where payment_id = $1", payment_id
        )
    return {row["kind"]: (row["status"], row["amount_minor"]) for row in found}


@pytest.mark.parametrize(("capture", "state"), [("auto", "captured"), ("manual", "authorized")])
async def test_money_moves_at_the_completion_as_the_start_asked(hub: Hub, capture: str, state: str) -> None:
    pending = await started(hub, a_start(capture=capture))
    assert (await booked(hub, pending)).state == "started"

    done = await Orders(hub).result(await at_the_bank(hub, pending))

    assert isinstance(done, ThreeDSecureCompleted), done
    assert (done.changed, done.settles, done.contradicts) == (state, True, False)
    assert (await booked(hub, pending)).state == ("charged" if capture == "auto" else "held")
    assert await rows(hub, pending.payment_id) == {"create": (state, 1250), "complete": ("accepted", 1250)}


async def test_two_returns_and_a_notice_beside_them_take_the_money_once(hub: Hub) -> None:
    pending = await started(hub, a_start())
    first = await at_the_bank(hub, pending)
    again = first.model_copy(update={"returned": (*first.returned, ReturnedField(name="again", value="1"))})
    notice = a_take_notice(pending.payment_id, integration_id=INTEGRATION, cause="webhook", event_id="e1")

    told = await Orders(hub).results(first, again, notice)

    assert isinstance(told[0], ThreeDSecureCompleted)
    assert isinstance(told[1], CommandRefused)
    assert (told[1].reason, told[1].attempts) == (Reason.INVALID_STATE, 0), "and nothing was sent for it"
    assert isinstance(told[2], PaymentNoticed)
    assert not told[2].contradicts
    assert (await booked(hub, pending)).charged_minor == 1250
    assert (await rows(hub, pending.payment_id))["create"] == ("captured", 1250)


async def test_a_notice_before_the_completion_leaves_it_to_be_completed(hub: Hub) -> None:
    pending = await started(hub, a_start())
    completion = await at_the_bank(hub, pending)
    notice = a_take_notice(pending.payment_id, integration_id=INTEGRATION, cause="webhook", said="pending")

    noticed, done = await Orders(hub).results(notice, completion)

    assert (noticed.provider_state, noticed.changed) == ("pending", None)
    assert isinstance(done, ThreeDSecureCompleted)


@pytest.mark.parametrize("fault", [FaultKind.NEVER, FaultKind.ERROR_AFTER, FaultKind.RESET_AFTER])
async def test_a_completion_without_an_answer_is_asked_about_and_never_sent_again(hub: Hub, fault: FaultKind) -> None:
    pending = await started(hub, a_start())
    completion = await at_the_bank(hub, pending)
    hub.sandbox.faults.order(FaultOrder(fault, COMPLETE_PATH, count=1))

    done = await Orders(hub).result(completion)

    assert isinstance(done, ThreeDSecureCompleted), done
    assert (done.changed, done.attempts) == ("captured", 1)
    await hub.caught_up()
    sends = [call for call in hub.calls if call.command_id == done.command_id and call.attempt]
    assert len(sends) == 1
    assert (await booked(hub, pending)).charged_minor == 1250


@pytest.mark.parametrize(
    ("card", "answer", "reason"),
    [
        (CARD, "cancel", Reason.AUTHENTICATION_FAILED),
        ("card-declined-10051", "confirm", Reason.INSUFFICIENT_FUNDS),
    ],
)
async def test_the_banks_no_ends_the_payment_and_it_may_be_started_anew(
    hub: Hub, card: str, answer: str, reason: Reason
) -> None:
    start = a_start(card=card)
    pending = await started(hub, start)

    refused = await Orders(hub).result(await at_the_bank(hub, pending, answer))

    assert isinstance(refused, CommandRefused), refused
    assert refused.reason is reason
    assert await rows(hub, start.payment_id) == {"create": ("failed", 1250), "complete": ("refused", 1250)}
    again = await started(hub, a_start(start.payment_id))
    assert isinstance(await Orders(hub).result(await at_the_bank(hub, pending, answer)), CommandRefused)
    assert isinstance(await Orders(hub).result(await at_the_bank(hub, again)), ThreeDSecureCompleted)


async def test_a_shopper_pays_in_a_browser_through_the_bank_and_the_hub_back_to_the_shop(hub: Hub) -> None:
    keys = {"api_key": SecretStr(hub.sandbox.api_key), "secret_key": SecretStr(hub.sandbox.secret_key)}
    account = Integration(INTEGRATION, CONNECTOR, "sandbox", hub.sandbox.base_url, keys)
    pool = await open_pool(hub.settings.database_url.get_secret_value(), size=2)
    try:
        async with (
            a_site("127.0.0.2", "<h1>Thank you</h1>") as shop,
            a_desk(
                pool,
                hub.publisher,
                hub.commands,
                shop.base_url,
                integrations={INTEGRATION: account},
                certificate=trustme.CA().issue_cert("localhost"),
            ) as desk,
            a_browser() as browser,
        ):
            start = a_start(card="card-garanti-debit")
            back_to = await desk.address(start.payment_id, f"{shop.base_url}/done", integration_id=INTEGRATION)
            pending = await started(hub, start.model_copy(update={"return_url": back_to}))
            await hub.projected()
            page = await browser.new_page(ignore_https_errors=True)

            assert isinstance(pending.next_action, ShowPage)
            await page.set_content(pending.next_action.html)
            await page.get_by_label("Code from the text message").fill("123456")
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(page.wait_for_url(f"{shop.base_url}/**", timeout=120_000))
                tasks.create_task(page.get_by_role("button", name="Confirm").click())

            assert page.url == f"{shop.base_url}/done?payment_id={start.payment_id}&state=captured"
            assert await page.inner_text("h1") == "Thank you"
            await page.close()
    finally:
        await pool.close()
    completed = [event for event in hub.events if isinstance(event, ThreeDSecureCompleted)]
    assert [event.payment_id for event in completed].count(start.payment_id) == 1
    assert (await booked(hub, pending)).charged_minor == 1250
