"""Shoppers of the demo at the sandbox's bank: what they bring back becomes the order that a return would become."""

import base64
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from pydantic import SecretStr

from infra.demo.shoppers import Shoppers
from infra.sandbox.iyzico import Sandbox, running_sandbox
from providers.connector import Integration
from providers.payments.iyzico import CONNECTOR
from schemas.ids import new_id
from schemas.payments import CompleteThreeDSecure, ShowPage, TakeNotice
from streams.codec import decode
from tests.builders import a_start_pending
from tests.sandbox_merchant import a_merchant, a_payment

GIVES_UP, PAYS = UUID(int=10), UUID(int=11)
MODELS: dict[str, type[CompleteThreeDSecure | TakeNotice]] = {
    one.type: one for one in (CompleteThreeDSecure, TakeNotice)
}


@pytest_asyncio.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with running_sandbox() as running:
        yield running


async def ordered(sandbox: Sandbox, payment_id: UUID, secret: str) -> CompleteThreeDSecure | TakeNotice:
    """What is ordered once the shopper is back from the bank."""
    async with a_merchant(sandbox) as merchant:
        body = a_payment(callbackUrl="https://shop.example/back/1")
        started: Any = await merchant.post("/payment/3dsecure/initialize", body)
    page = ShowPage(html=base64.b64decode(started["threeDSHtmlContent"]).decode())
    account = Integration("iyzico-demo", CONNECTOR, "sandbox", sandbox.base_url, {"secret_key": SecretStr(secret)})
    command_id = new_id()
    async with Shoppers(sandbox.base_url, account) as shoppers:
        pending = a_start_pending(payment_id=payment_id, next_action=page)
        record = await shoppers.come_back(pending, command_id, "commands")
    read = decode(MODELS, record.key, record.value, record.headers)
    assert (read.envelope.id, read.body.payment_id, record.topic) == (command_id, payment_id, "commands")
    return read.body


async def test_a_shopper_who_types_the_code_completes_the_payment(sandbox: Sandbox) -> None:
    order = await ordered(sandbox, PAYS, sandbox.secret_key)
    assert isinstance(order, CompleteThreeDSecure)
    assert (order.value_of("mdStatus"), order.integration_id) == ("1", "iyzico-demo")


@pytest.mark.parametrize("who", ["gives_up", "is_not_believed"])
async def test_whatever_else_comes_back_is_asked_about(sandbox: Sandbox, who: str) -> None:
    gives_up = who == "gives_up"
    order = await ordered(sandbox, GIVES_UP if gives_up else PAYS, sandbox.secret_key if gives_up else "another")
    assert isinstance(order, TakeNotice)
