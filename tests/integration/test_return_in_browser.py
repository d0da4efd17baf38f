"""A shopper in a real browser: the bank's page posts across sites to the hub, which sends on to the shop."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from html import escape
from uuid import UUID

import pytest_asyncio
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse
from playwright.async_api import Browser

from infra.local import LocalStack
from schemas.ids import new_id
from schemas.payments import CreatePayment
from tests import builders
from tests.browser import a_browser
from tests.integration.test_gateway_returns import found
from tests.projecting import Hub, a_hub
from tests.returning import Desk, a_desk, answer, questions, serving


@dataclass
class Site:
    """A pretended site on an address of its own, so that it is another one than the hub to a browser."""

    base_url: str
    visits: list[Request] = field(default_factory=list)


@pytest_asyncio.fixture(scope="module")
async def hub(stack: LocalStack) -> AsyncIterator[Hub]:
    async with a_hub(stack) as made, made.projector():
        yield made


@pytest_asyncio.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with a_browser() as started:
        yield started


@pytest_asyncio.fixture
async def shop() -> AsyncIterator[Site]:
    async with a_site("127.0.0.2", "<h1>Thank you</h1>") as site:
        yield site


@pytest_asyncio.fixture
async def desk(hub: Hub, shop: Site) -> AsyncIterator[Desk]:
    async with a_desk(hub.pool, hub.publisher, hub.topics.payment_commands.name, shop.base_url) as made:
        yield made


@asynccontextmanager
async def a_site(host: str, body: str) -> AsyncIterator[Site]:
    with socket.create_server((host, 0)) as listening:
        site = Site(f"http://{host}:{listening.getsockname()[1]}")
        app = FastAPI()

        @app.get("/{path:path}")
        async def page(path: str, request: Request) -> HTMLResponse:
            if path != "favicon.ico":
                site.visits.append(request)
            return HTMLResponse(f"<!doctype html><title>{host}</title>{body}")

        async with serving(app, listening):
            yield site


def posting_itself(address: str) -> str:
    """What banks serve after the challenge: a form that sends itself to where the shopper came from."""
    return (
        f'<form method="post" action="{escape(address)}"><input name="MD" value="x">'
        '<input name="status" value="success"><input name="state" value="captured"></form>'
        "<script>document.forms[0].submit()</script>"
    )


async def at_the_bank(hub: Hub) -> UUID:
    payment_id = new_id()
    pending = builders.a_command_pending(payment_id=payment_id, command_type=CreatePayment.type)
    await hub.append(builders.a_record(hub.topics.payment_events.name, pending))
    return payment_id


async def test_a_shopper_comes_back_from_the_bank_and_ends_at_the_shop(
    hub: Hub, desk: Desk, shop: Site, browser: Browser
) -> None:
    payment_id = await at_the_bank(hub)
    address = await desk.address(payment_id, f"{shop.base_url}/done?basket=7#top")
    async with a_site("127.0.0.1", posting_itself(address)) as bank:
        page = await browser.new_page()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(page.goto(f"{bank.base_url}/challenge"))
            tasks.create_task(page.wait_for_url(f"{shop.base_url}/**", timeout=120_000))
            await answer(hub, payment_id, lambda command_id: found(hub, payment_id, command_id, "captured"))
        assert page.url == f"{shop.base_url}/done?basket=7&payment_id={payment_id}&state=captured#top"
        assert await page.inner_text("h1") == "Thank you"
        await page.reload()
        await page.close()
    first = shop.visits[0]
    assert (first.method, "referer" in first.headers, "cookie" in first.headers) == ("GET", False, False)
    asked = {one.envelope.id for one in await questions(hub) if one.body.payment_id == payment_id}
    assert len(asked) == 1


async def test_going_back_and_coming_again_asks_the_same_question(
    hub: Hub, desk: Desk, shop: Site, browser: Browser
) -> None:
    payment_id = await at_the_bank(hub)
    address = await desk.address(payment_id, f"{shop.base_url}/done")
    page = await browser.new_page()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(page.goto(address))
        await answer(hub, payment_id, lambda command_id: found(hub, payment_id, command_id, "failed"))
    for _ in range(2):
        await page.goto(address)
        assert page.url == f"{shop.base_url}/done?payment_id={payment_id}&state=failed"
    await page.close()
    asked = {one.envelope.id for one in await questions(hub) if one.body.payment_id == payment_id}
    assert len(asked) == 1


async def test_a_spoiled_address_is_a_page_that_a_person_can_read(desk: Desk, shop: Site, browser: Browser) -> None:
    address = await desk.address(new_id(), f"{shop.base_url}/done")
    page = await browser.new_page()
    answered = await page.goto(address[:-2])
    assert answered is not None
    assert answered.status == 400
    assert "go back to the shop" in await page.inner_text("main")
    await page.close()
    assert shop.visits == []
