"""A merchant of the iyzico sandbox, written apart from it: signs requests, reads exact decimals, checks signatures."""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import aiohttp

from infra.sandbox.iyzico import DEFAULT_KEYS, Keys, Sandbox

Reply = dict[str, Any]

PAYMENT_ORDER = ("paymentId", "currency", "basketId", "conversationId", "paidPrice", "price")
REFUND_ORDER = ("paymentId", "price", "currency", "conversationId")
ADDRESS = {"contactName": "Ayşe Yılmaz", "city": "İstanbul", "country": "Türkiye", "address": "Göztepe, Bora Sok. 1"}
BUYER = {
    "id": "buyer-1",
    "name": "Ayşe",
    "surname": "Yılmaz",
    "identityNumber": "74300864791",
    "email": "ayse@example.com",
    "gsmNumber": "+905350000000",
    "registrationAddress": "Göztepe, Bora Sok. 1",
    "city": "İstanbul",
    "country": "Türkiye",
    "ip": "85.34.78.112",
}
WALLET_CARD = {"cardUserKey": "sandbox-wallet", "cardToken": "card-akbank-credit"}


def an_item(price: str = "100.00", **changes: object) -> Reply:
    return {"id": "item-1", "name": "Çanta", "category1": "Giyim", "itemType": "PHYSICAL", "price": price} | changes


def a_card(number: str = "5526080000000006", **changes: object) -> Reply:
    card = {"cardHolderName": "Ayşe Yılmaz", "cardNumber": number, "expireMonth": "12", "expireYear": "2030"}
    return card | {"cvc": "123"} | changes


def a_payment(price: str = "100.00", **changes: object) -> Reply:
    """A valid body of one line; `changes` replace or add top-level fields."""
    body: Reply = {
        "locale": "en",
        "conversationId": f"conv-{secrets.token_hex(6)}",
        "price": price,
        "paidPrice": price,
        "currency": "TRY",
        "installment": 1,
        "basketId": "basket-1",
        "paymentCard": WALLET_CARD,
        "buyer": BUYER,
        "billingAddress": ADDRESS,
        "shippingAddress": ADDRESS,
        "basketItems": [an_item(price)],
    }
    return body | changes


def authorization(path: str, raw: bytes, keys: Keys = DEFAULT_KEYS) -> dict[str, str]:
    random_key = secrets.token_hex(4)
    message = random_key.encode() + path.encode() + raw
    signature = hmac.new(keys.secret_key.encode(), message, hashlib.sha256).hexdigest()
    token = f"apiKey:{keys.api_key}&randomKey:{random_key}&signature:{signature}"
    return {"Authorization": "IYZWSv2 " + base64.b64encode(token.encode()).decode()}


def is_signed(reply: Mapping[str, Any], order: tuple[str, ...], keys: Keys = DEFAULT_KEYS) -> bool:
    """Does `signature` fit the values in this order, amounts without their trailing zeros?"""
    text = ":".join(_as_signed(reply.get(name, "")) for name in order)
    expected = hmac.new(keys.secret_key.encode(), text.encode(), hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected, str(reply.get("signature", "")))


def _as_signed(value: object) -> str:
    if not isinstance(value, Decimal):
        return str(value)
    text = f"{value:f}"
    return text.rstrip("0").removesuffix(".") if "." in text else text


def read(text: str) -> Reply:
    """A JSON answer with every number that has a point as an exact Decimal, its zeros kept."""
    value: Reply = json.loads(text, parse_float=Decimal)
    return value


@dataclass(frozen=True, slots=True)
class Merchant:
    """Signed calls to one sandbox."""

    sandbox: Sandbox
    session: aiohttp.ClientSession

    async def send(
        self, method: str, path: str, raw: bytes, headers: Mapping[str, str] | None = None, *, query: str = ""
    ) -> tuple[int, str]:
        """Status and text of an answer; signed unless `headers` say otherwise."""
        signed = authorization(path, raw) if headers is None else headers
        async with self.session.request(
            method, f"{self.sandbox.base_url}{path}{query}", data=raw or None, headers=signed
        ) as response:
            return response.status, await response.text()

    async def post(self, path: str, body: Mapping[str, Any]) -> Reply:
        status, text = await self.send("POST", path, json.dumps(body, ensure_ascii=False).encode())
        assert status == 200, (status, text)
        return read(text)

    async def pay(self, price: str = "100.00", **changes: object) -> Reply:
        return await self.post("/payment/auth", a_payment(price, **changes))

    async def hold(self, price: str = "100.00", **changes: object) -> Reply:
        return await self.post("/payment/preauth", a_payment(price, **changes))

    async def report(self, **query: str) -> list[Reply]:
        text = "&".join(f"{name}={value}" for name, value in query.items())
        _, answer = await self.send("GET", "/v2/reporting/payment/details", b"", query=f"?{text}")
        payments: list[Reply] = read(answer)["payments"]
        return payments


@asynccontextmanager
async def a_merchant(sandbox: Sandbox, *, timeout_s: float = 20) -> AsyncIterator[Merchant]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=timeout_s)) as session:
        yield Merchant(sandbox, session)
