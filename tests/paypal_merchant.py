"""A merchant that calls the PayPal sandbox by hand, without any library."""

import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from infra.sandbox.paypal import Callbacks, PaypalSandbox, Store, Told, running_paypal_sandbox
from tests.oracles.paypal_specification import Specification, specification_file
from tests.receiver import Receiver, receiver

Json = dict[str, Any]

ORDERS = "/v2/checkout/orders"
BACK = {"return_url": "https://shop.example/back", "cancel_url": "https://shop.example/left"}
WALLET = {"paypal": {"experience_context": BACK}}
A_YEAR_S = 365 * 24 * 3600
LATER_THAN_PUBLISHED = frozenset(
    {
        "ACTION_DOES_NOT_MATCH_INTENT",
        "DECIMALS_NOT_SUPPORTED",
        "PAYMENT_DENIED",
        "PAYPAL_REQUEST_ID_PREVIOUSLY_USED",
        "TOKEN_ID_NOT_FOUND",
    }
)
"""Issues that are documented or reported, and that the published files list for other operations or for none."""


@dataclass
class Merchant:
    sandbox: PaypalSandbox
    called: Receiver
    client: httpx.AsyncClient
    token: str = ""
    _numbers: list[int] = field(default_factory=lambda: [0])

    def key(self) -> str:
        self._numbers[0] += 1
        return f"m{self._numbers[0]}"

    async def ask_token(self, secret: str | None = None) -> httpx.Response:
        keys = (self.sandbox.client_id, secret or self.sandbox.client_secret)
        return await self.client.post("/v1/oauth2/token", auth=keys, data={"grant_type": "client_credentials"})

    async def call(
        self, method: str, path: str, body: object = None, *, key: str = "", **headers: str
    ) -> httpx.Response:
        """With the whole thing as its answer, unless `prefer` says otherwise."""
        if not self.token:
            self.token = (await self.ask_token()).json()["access_token"]
        told = {"Authorization": f"Bearer {self.token}", "Prefer": headers.pop("prefer", "return=representation")}
        if key:
            told["PayPal-Request-Id"] = key
        headers = {**told, **headers}
        if method == "GET":
            return await self.client.get(path, headers=headers)
        return await self.client.request(method, path, headers=headers, json={} if body is None else body)

    async def post(self, path: str, body: object = None, *, key: str = "", **headers: str) -> Json:
        """A call that must go well."""
        answer = await self.call("POST", path, body, key=key or self.key(), **headers)
        assert answer.status_code < httpx.codes.BAD_REQUEST, answer.text
        found: Json = answer.json() if answer.content else {}
        return found

    async def get(self, path: str) -> Json:
        answer = await self.call("GET", path)
        assert answer.status_code == httpx.codes.OK, answer.text
        found: Json = answer.json()
        return found

    async def issue(self, path: str, body: object = None, *, key: str = "", method: str = "POST") -> tuple[int, str]:
        """The status and first issue of a call that goes wrong."""
        answer = await self.call(method, path, body, key=key or self.key())
        told = answer.json()
        return answer.status_code, (told.get("details") or [{"issue": told["name"]}])[0]["issue"]

    def an_order(self, value: str = "12.50", currency: str = "EUR", **changed: Any) -> Json:
        """Of a wallet, to be taken; an invoice number of its own. `unit` adds to its purchase unit."""
        unit = {
            "amount": {"currency_code": currency, "value": value},
            "custom_id": self.key(),
            "invoice_id": self.key(),
            **changed.pop("unit", {}),
        }
        body = {"intent": "CAPTURE", "purchase_units": [unit], "payment_source": WALLET, **changed}
        return {name: value for name, value in body.items() if value is not None}

    async def approved(self, funding: str = "balance", **changed: Any) -> str:
        order = await self.post(ORDERS, self.an_order(**changed))
        await self.sandbox.approve(order["id"], funding)
        return str(order["id"])

    async def captured(self, **changed: Any) -> tuple[str, str]:
        """The ids of an order and its capture."""
        order = await self.approved(**changed)
        taken = await self.post(f"{ORDERS}/{order}/capture")
        return order, taken["purchase_units"][0]["payments"]["captures"][0]["id"]

    async def held(self, **changed: Any) -> tuple[str, str]:
        """The ids of an order and its authorization."""
        order = await self.approved(intent="AUTHORIZE", **changed)
        held = await self.post(f"{ORDERS}/{order}/authorize")
        return order, held["purchase_units"][0]["payments"]["authorizations"][0]["id"]

    async def order(self, page: str, **values: Any) -> Json:
        """One of the sandbox's own orders."""
        answer = await self.client.post(self.sandbox.admin_url + page, json=values)
        assert answer.status_code == httpx.codes.OK, answer.text
        found: Json = answer.json()
        return found


def unlike_published(sandbox: PaypalSandbox) -> set[str]:
    """What is wrong with the answers so far; skips where there is no specification to hold them against."""
    by = Specification.read(specification_file())
    return {
        f"{one.method} {one.template} {one.status}: {fault}"
        for one in sandbox.told
        if not _is_later_than_published(one)
        for fault in by.faults_of_answer(one.method, one.template, one.status, _written(one.body))
    }


def _is_later_than_published(one: Told) -> bool:
    """Tokens are told without their body; a list, empty lists and the limit are in no published file of these APIs."""
    unpublished = {"/v1/oauth2/token"} | ({"/v1/billing/subscriptions"} if one.method == "GET" else set())
    limited = one.status == httpx.codes.TOO_MANY_REQUESTS
    empty = (one.body or {}).get("total_items") == 0
    return limited or empty or one.template in unpublished or bool(LATER_THAN_PUBLISHED & set(_issues(one.body)))


def _written(body: Json | None) -> bytes:
    return b"" if body is None else json.dumps(body).encode()


def _issues(body: Json | None) -> list[str]:
    return [detail["issue"] for detail in (body or {}).get("details", ())]


@asynccontextmanager
async def a_merchant(
    *, store: Store | None = None, books: Path | str = ":memory:", **callbacks: Any
) -> AsyncIterator[Merchant]:
    async with receiver() as called:
        made = store or Store(token_s=A_YEAR_S)
        made.callbacks = Callbacks(url=f"{called.url}/paypal", **{"first_s": 0, **callbacks})
        async with running_paypal_sandbox(store=made, books=books) as sandbox:
            tls = ssl.create_default_context(cafile=str(sandbox.ca_file))
            async with httpx.AsyncClient(base_url=sandbox.base_url, verify=tls, timeout=60) as client:
                yield Merchant(sandbox, called, client)
