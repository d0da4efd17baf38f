"""What people usually write: a Faust agent, a default HTTP client, models, and no thought of crashes.

It reads the hub's own commands and appends a result to each. A crash between call and result charges twice, a slow
answer holds up its partition, and an answer that is not understood ends the agent.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Final

import faust
import httpx
from pydantic import BaseModel

from streams.kafka import KafkaAccess

AT_ONCE: Final = 100
"""How many events the agent works on at a time, as many as the other loops: what Faust calls its concurrency."""


class Amount(BaseModel):
    minor: int
    currency: str

    @property
    def text(self) -> str:
        return f"{self.minor // 100}.{self.minor % 100:02d}"


class Method(BaseModel):
    card_token: str
    customer_key: str


class Address(BaseModel):
    contact_name: str
    line: str
    city: str
    country: str


class Buyer(BaseModel):
    buyer_id: str
    name: str
    surname: str
    email: str
    identity_number: str
    phone: str
    ip: str
    address: Address


class Line(BaseModel):
    line_id: str
    name: str
    category: str
    price: Amount


class Command(BaseModel):
    payment_id: str
    order_id: str
    method: Method
    price: Amount
    paid_price: Amount
    buyer: Buyer
    billing_address: Address
    shipping_address: Address
    basket: list[Line]


class Answer(BaseModel):
    status: str
    paymentId: str | None = None  # noqa: N815 - the provider's word
    paidPrice: float | None = None  # noqa: N815 - the provider's word


class Result(BaseModel):
    payment_id: str
    verdict: str
    provider_reference: str | None
    paid: float | None


def request_of(command: Command) -> dict[str, Any]:
    """The provider's words for a command."""
    buyer, card = command.buyer, command.method
    return {
        "locale": "en",
        "conversationId": command.payment_id,
        "price": command.price.text,
        "paidPrice": command.paid_price.text,
        "currency": command.paid_price.currency,
        "installment": 1,
        "basketId": command.order_id,
        "paymentChannel": "WEB",
        "paymentGroup": "PRODUCT",
        "paymentCard": {"cardUserKey": card.customer_key, "cardToken": card.card_token},
        "buyer": {
            "id": buyer.buyer_id,
            "name": buyer.name,
            "surname": buyer.surname,
            "identityNumber": buyer.identity_number,
            "email": buyer.email,
            "gsmNumber": buyer.phone,
            "registrationAddress": buyer.address.line,
            "city": buyer.address.city,
            "country": buyer.address.country,
            "ip": buyer.ip,
        },
        "shippingAddress": _address(command.shipping_address),
        "billingAddress": _address(command.billing_address),
        "basketItems": [
            {
                "id": line.line_id,
                "name": line.name,
                "category1": line.category,
                "itemType": "PHYSICAL",
                "price": line.price.text,
            }
            for line in command.basket
        ],
    }


async def loop(
    access: KafkaAccess, commands: str, results: str, url: str, stop: asyncio.Event, *, on_ready: Callable[[], None]
) -> None:
    """Take commands to `url` and append results, until `stop` is set."""
    logging.getLogger("httpx").setLevel(logging.WARNING)
    app = faust.App(
        f"{commands}.naive",
        broker=[f"kafka://{address}" for address in access.bootstrap.split(",")],
        consumer_auto_offset_reset="earliest",
        topic_allow_declare=False,
        topic_disable_leader=True,
        web_enabled=False,
        store="memory://",
        autodiscover=False,
    )
    events = app.topic(commands, key_serializer="raw", value_serializer="raw", internal=False)
    out = app.topic(results, key_serializer="raw", value_serializer="raw", internal=False)
    async with httpx.AsyncClient(timeout=30) as client:

        async def perform(stream: Any) -> None:
            async for value in stream:
                command = Command.model_validate_json(value)
                answer = await client.post(url, json=request_of(command))
                answer.raise_for_status()
                said = Answer.model_validate(answer.json())
                result = Result(
                    payment_id=command.payment_id,
                    verdict="accepted" if said.status == "success" else "refused",
                    provider_reference=said.paymentId,
                    paid=said.paidPrice,
                )
                await out.send(key=command.payment_id.encode(), value=result.model_dump_json().encode())

        app.agent(events, concurrency=AT_ONCE)(perform)
        await app.start()
        try:
            on_ready()
            await stop.wait()
        finally:
            await app.stop()


def _address(address: Address) -> dict[str, Any]:
    return {
        "contactName": address.contact_name,
        "address": address.line,
        "city": address.city,
        "country": address.country,
    }
