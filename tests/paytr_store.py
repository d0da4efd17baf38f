"""A store of the PayTR sandbox, written apart from it: signs forms, walks pages, takes callbacks."""

import base64
import hashlib
import hmac
import json
import re
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
from aiohttp import web
from paytr import PayTRClient

from infra.sandbox.paytr import PaytrSandbox
from tests.receiver import Got

Reply = dict[str, Any]

ORDER = ("merchant_id", "user_ip", "merchant_oid", "email", "payment_amount")
DIRECT = (*ORDER, "payment_type", "installment_count", "currency", "test_mode", "non_3d")
BKM = (*ORDER, "payment_type", "installment_count", "test_mode", "installment_options")
EFT = (*ORDER, "payment_type", "test_mode")
TRANSFER = (
    "merchant_id",
    "merchant_oid",
    "trans_id",
    "submerchant_amount",
    "total_amount",
    "transfer_name",
    "transfer_iban",
)
IFRAME = (*ORDER, "user_basket", "no_installment", "max_installment", "currency", "test_mode")
CARD = {
    "cc_owner": "Ayşe Yılmaz",
    "card_number": "4355084355084358",
    "expiry_month": "12",
    "expiry_year": "30",
    "cvv": "000",
}
BUYER = {
    "user_ip": "85.34.78.112",
    "email": "alici@example.com",
    "user_name": "Ayşe Yılmaz",
    "user_address": "Göztepe, Bora Sok. 1",
    "user_phone": "05551112233",
    "merchant_ok_url": "https://shop.example/ok",
    "merchant_fail_url": "https://shop.example/fail",
}


def an_oid() -> str:
    return "SIPARIS" + secrets.token_hex(5)


def a_basket(name: str = "Ürün 1", price: str = "34.56") -> str:
    return json.dumps([[name, price, 1]])


def a_direct_form(amount: str = "34.56", **changes: str) -> dict[str, str]:
    """Non-3D, with the answer for a server; `changes` replace or add fields."""
    form = {
        "merchant_oid": an_oid(),
        "payment_amount": amount,
        "payment_type": "card",
        "installment_count": "0",
        "currency": "TL",
        "test_mode": "1",
        "non_3d": "1",
        "sync_mode": "1",
        "user_basket": a_basket(price=amount),
    }
    return form | BUYER | CARD | changes


def an_iframe_form(amount: str = "3456", **changes: str) -> dict[str, str]:
    form = {
        "merchant_oid": an_oid(),
        "payment_amount": amount,
        "user_basket": base64.b64encode(a_basket().encode()).decode(),
        "no_installment": "0",
        "max_installment": "0",
        "currency": "TL",
        "test_mode": "1",
    }
    return form | BUYER | changes


async def acknowledged(_: web.BaseRequest, __: Got) -> web.StreamResponse:
    return web.Response(text="OK")


async def not_acknowledged(_: web.BaseRequest, __: Got) -> web.StreamResponse:
    return web.Response(text="OK\n")


class OtherHost:
    """A session for the official address whose posts go to the sandbox."""

    def __init__(self, session: aiohttp.ClientSession, base_url: str) -> None:
        self._session = session
        self._base_url = base_url

    def post(self, url: str, **given: Any) -> Any:
        return self._session.post(self.at_the_sandbox(url), **given)

    def at_the_sandbox(self, url: str) -> str:
        return url.replace("https://www.paytr.com", self._base_url)


@dataclass(frozen=True, slots=True)
class PaytrStore:
    """Signed calls to one sandbox, and a browser without scripts."""

    sandbox: PaytrSandbox
    session: aiohttp.ClientSession
    client: PayTRClient

    def sign(self, form: Mapping[str, str], names: tuple[str, ...]) -> dict[str, str]:
        known = {"merchant_id": self.sandbox.merchant_id} | dict(form)
        message = "".join(known.get(name, "") for name in names) + self.sandbox.merchant_salt
        digest = hmac.new(self.sandbox.merchant_key.encode(), message.encode(), hashlib.sha256).digest()
        return {"paytr_token": base64.b64encode(digest).decode()} | known

    async def post(self, path: str, form: Mapping[str, str], names: tuple[str, ...]) -> Reply:
        reply: Reply = json.loads(await self.text(path, form, names))
        return reply

    async def text(self, path: str, form: Mapping[str, str], names: tuple[str, ...]) -> str:
        async with self.session.post(self.sandbox.base_url + path, data=self.sign(form, names)) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.text()

    async def pay(self, amount: str = "34.56", **changes: str) -> tuple[str, Reply]:
        form = a_direct_form(amount, **changes)
        return form["merchant_oid"], await self.post("/odeme", form, DIRECT)

    async def open_page(self, **changes: str) -> tuple[str, str]:
        """An order and the address of its page."""
        form = an_iframe_form(**changes)
        reply = await self.post("/odeme/api/get-token", form, IFRAME)
        assert reply["status"] == "success", reply
        return form["merchant_oid"], f"{self.sandbox.base_url}/odeme/guvenli/{reply['token']}"

    async def refund(self, oid: str, amount: str, **changes: str) -> Reply:
        form = {"merchant_oid": oid, "return_amount": amount} | changes
        return await self.post("/odeme/iade", form, ("merchant_id", "merchant_oid", "return_amount"))

    async def status(self, oid: str) -> Reply:
        return await self.post("/odeme/durum-sorgu", {"merchant_oid": oid}, ("merchant_id", "merchant_oid"))

    async def submit(self, url: str, **fields: str) -> tuple[str | None, str]:
        """Post a page's form: where it leads, and what it shows."""
        async with self.session.post(url, data=fields, allow_redirects=False) as answer:
            return answer.headers.get("Location"), await answer.text()

    async def pay_on_page(self, url: str, *, code: str = "123456", **card: str) -> tuple[str | None, str]:
        """Card page and bank page, as a buyer walks them."""
        bank, shown = await self.submit(url, action="pay", **(CARD | card))
        assert bank is not None, shown
        return await self.submit(bank, action="pay", code=code)

    async def order(self, page: str, **values: Any) -> Reply:
        """An order to the sandbox itself."""
        async with self.session.post(self.sandbox.admin_url + page, json=values) as answer:
            reply: Reply = await answer.json()
            assert answer.status == 200, reply
            return reply


def the_form(html: str) -> tuple[str, dict[str, str]]:
    """Where a page's form goes, and its hidden fields."""
    action = re.search(r'action="([^"]+)"', html)
    assert action is not None, html
    return action[1], dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', html))


@asynccontextmanager
async def a_store(sandbox: PaytrSandbox, *, timeout_s: float = 30) -> AsyncIterator[PaytrStore]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=timeout_s)) as session:
        client = PayTRClient(
            merchant_id=sandbox.merchant_id,
            merchant_key=sandbox.merchant_key,
            merchant_salt=sandbox.merchant_salt,
            test_mode=True,
            session=OtherHost(session, sandbox.base_url),
        )
        yield PaytrStore(sandbox, session, client)
