"""A sandbox of Stripe's as a test uses it: Stripe's own client for Python, orders to the sandbox, a browser."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import stripe

from infra.sandbox.stripe import StripeSandbox

BACK = "https://shop.example/back?order=7"
NO_REDIRECT: Any = {"enabled": True, "allow_redirects": "never"}


def form(*given: Any, **more: Any) -> Any:
    """Parameters for the client, whose types know no merged ones."""
    merged: dict[str, Any] = {}
    for each in given:
        merged |= each
    return merged | more


@dataclass(frozen=True, slots=True)
class StripeShop:
    """`client` is the official one, unchanged and without repeats of its own; `http` has the key already."""

    sandbox: StripeSandbox
    client: stripe.StripeClient
    http: httpx.AsyncClient
    browser: httpx.AsyncClient

    async def paid(self, amount: int = 1250, method: str = "pm_card_visa", **more: Any) -> stripe.PaymentIntent:
        """A payment intent made and confirmed at once, without a way to ask the payer unless `more` has one."""
        asked: Any = {
            "amount": amount,
            "currency": "try",
            "confirm": True,
            "payment_method": method,
            "automatic_payment_methods": NO_REDIRECT,
            **more,
        }
        return await self.client.v1.payment_intents.create_async(asked)

    async def post(self, path: str, key: str | None = None, **fields: Any) -> httpx.Response:
        return await self.http.post(path, data=fields, headers={} if key is None else {"Idempotency-Key": key})

    async def order(self, page: str, **values: Any) -> dict[str, Any]:
        """An order to the sandbox itself."""
        answer = await self.browser.post(self.sandbox.admin_url + page, json=values)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def walk(self, url: str, **fields: str) -> tuple[str | None, dict[str, str], str]:
        """Post a page's form: where it leads, with which query, and what it shows."""
        shown = await self.browser.get(url)
        assert shown.status_code == 200, shown.text
        answer = await self.browser.post(url, data=fields)
        where = answer.headers.get("location")
        query = parse_qs(urlsplit(where or "").query)
        return where, {name: values[0] for name, values in query.items()}, answer.text


@asynccontextmanager
async def a_stripe_shop(sandbox: StripeSandbox) -> AsyncIterator[StripeShop]:
    wire = stripe.AIOHTTPClient(timeout=30)
    client = stripe.StripeClient(
        sandbox.secret_key, base_addresses={"api": sandbox.base_url}, max_network_retries=0, http_client=wire
    )
    try:
        async with (
            httpx.AsyncClient(timeout=30, base_url=sandbox.base_url, auth=(sandbox.secret_key, "")) as http,
            httpx.AsyncClient(timeout=30) as browser,
        ):
            yield StripeShop(sandbox, client, http, browser)
    finally:
        await wire.close_async()  # type: ignore[no-untyped-call]  # the client leaves it untyped
