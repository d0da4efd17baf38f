"""The sandbox's own calls through the whole hub: late, repeated, in any order, and some of them forged."""

import asyncio
import hashlib
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from aiohttp import web
from pydantic import SecretStr

from infra.local import LocalStack
from infra.sandbox.iyzico import DEFAULT_KEYS, Notifying, running_sandbox
from providers.notices import Call, Refused
from providers.payments.iyzico.settings import IyzicoSettings
from providers.payments.iyzico.webhook import WEBHOOKS
from schemas.payments import CommandPending, PaymentRefunded
from tests.acceptance.orders import Orders, a_payment
from tests.acceptance.webhooks import Calls
from tests.builders import a_capture_payment, a_refund_payment, lira
from tests.hub import Hub, running_hub

CALLING = "iyzico-calling"


@dataclass
class Door:
    """Takes calls as a gateway does: verified, stored, and only then answered. The first ones find it `shut`."""

    url: str = ""
    hub: Hub | None = None
    shut: int = 0
    answers: Counter[int] = field(default_factory=Counter)

    async def take(self, request: web.BaseRequest) -> web.StreamResponse:
        status = await self._taken(await request.read(), dict(request.headers))
        self.answers[status] += 1
        return web.Response(status=status)

    async def _taken(self, body: bytes, headers: dict[str, str]) -> int:
        if self.hub is None or self.answers[503] < self.shut:
            return 503
        credentials = [{"secret_key": SecretStr(DEFAULT_KEYS.secret_key)}]
        notice = WEBHOOKS.read(Call(headers, body, credentials, datetime.now(UTC), IyzicoSettings()))
        if isinstance(notice, Refused):
            return 401
        said: dict[str, Any] = {
            "event_id": notice.event_id,
            "event_type": notice.event_type,
            "verified": notice.verified,
            "our_reference": notice.our_reference,
            "provider_reference": notice.provider_reference,
            "said": notice.said,
            "body_digest": hashlib.sha256(body).hexdigest(),
        }
        await Calls(self.hub).publish(integration_id=CALLING, **said)
        return 200


@asynccontextmanager
async def a_door() -> AsyncIterator[Door]:
    door = Door()
    runner = web.ServerRunner(web.Server(door.take, access_log=None))
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        door.url = f"http://127.0.0.1:{runner.addresses[0][1]}/webhooks/{CALLING}"
        yield door
    finally:
        await runner.cleanup()


async def test_payments_come_to_their_ends_by_calls_that_are_late_repeated_and_forged(
    stack: LocalStack, database_url: str, topic_prefix: str
) -> None:
    async with a_door() as door:
        notifying = Notifying(door.url, delay_s=0.3, again_s=0.5, repeats=2, forge_every=2)
        async with (
            running_sandbox(notifying=notifying) as sandbox,
            running_hub(stack.bootstrap, database_url, topic_prefix, base_urls={CALLING: sandbox.base_url}) as hub,
        ):
            door.hub = hub
            orders = Orders(hub)
            reviewed = [
                a_payment(integration_id=CALLING, order_id=f"fault-review_approve-0.{turn}s-call")
                for turn in range(3, 8)
            ]
            held = a_payment(integration_id=CALLING, capture="manual")
            declined = a_payment(integration_id=CALLING, card="card-declined-10051")
            results = await orders.results(*reviewed, held, declined)
            assert all(isinstance(result, CommandPending) for result in results[: len(reviewed)])
            assert (await orders.result(a_capture_payment(held.payment_id, lira("12.50")))).verdict == "accepted"

            async with asyncio.timeout(60):
                # What the tables show is seen in the database alone.
                while await _states(hub) != {payment.payment_id: "captured" for payment in (*reviewed, held)} | {
                    declined.payment_id: "failed"
                }:
                    await hub.projected()
            refunds = await orders.results(*(a_refund_payment(payment.payment_id) for payment in reviewed))
            assert all(isinstance(refund, PaymentRefunded) for refund in refunds)

            expected = len(reviewed) * 2 + 2
            events = "select count(*) from webhook_events where status = 'processed' and duplicates = 1"
            async with asyncio.timeout(60), hub.database() as database:
                while await database.fetchval(events) < expected:
                    await hub.projected()
            assert door.answers[401] > 0
            assert sandbox.books.totals().charged_more_than_once == ()
            assert hub.dead == []


async def _states(hub: Hub) -> dict[Any, str]:
    async with hub.database() as database:
        rows = await database.fetch("select payment_id, state from payment_totals")
    return {row["payment_id"]: row["state"] for row in rows}


async def test_a_call_that_is_not_taken_is_made_again(stack: LocalStack, database_url: str, topic_prefix: str) -> None:
    async with a_door() as door:
        notifying = Notifying(door.url, delay_s=0.05, again_s=0.2)
        async with (
            running_sandbox(notifying=notifying) as sandbox,
            running_hub(
                stack.bootstrap, database_url, f"{topic_prefix}.again", base_urls={CALLING: sandbox.base_url}
            ) as hub,
        ):
            door.hub, door.shut = hub, 2
            await Orders(hub).result(a_payment(integration_id=CALLING))
            await hub.until(lambda: hub.webhooks)
            assert door.answers[503] == 2
