"""A provider's calls about a dispute, from the topic to the payment, the facts, the tables and a ledger built anew."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qs
from uuid import UUID

import asyncpg
from aiohttp import web

from infra.cli import ledger as command_line
from infra.local import LocalStack
from infra.settings import Settings
from projections import differences
from projections.pool import open_pool
from schemas.payments import CommandRefused, DisputeFact, Payment, PaymentCreated, PaymentNoticed, ProviderToken
from schemas.payments.vocabulary import Ending
from tests.acceptance.orders import Orders, a_payment
from tests.acceptance.webhooks import Calls
from tests.builders import a_refund_payment, lira
from tests.conformance.far_side import FarSide, far_side
from tests.hub import Hub, running_hub

STRIPE: Final = "stripe-test"
DISPUTE: Final = "du_1QKolaj0001"
INTENT: Final = "pi_3QKolaj0001"


@dataclass
class Bank:
    """Takes every payment, and tells of one dispute as it stands.

    Attributes:
        intent: whose payment is disputed.
        asked: how often somebody asked about the dispute.
    """

    status: str = "needs_response"
    withdrawn: int = 1250
    intent: str = INTENT
    asked: int = 0
    reference: str = field(default="", init=False)

    async def behave(self, _far: FarSide, request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/v1/payment_intents":
            form = {name: values[0] for name, values in parse_qs((await request.read()).decode()).items()}
            self.reference = form["metadata[kolaj_reference]"]
            return web.json_response(self._intent(int(form["amount"]), form["currency"]))
        if request.path == f"/v1/disputes/{DISPUTE}":
            self.asked += 1
            return web.json_response(self._dispute())
        return web.json_response({"error": {"type": "invalid_request_error", "code": "resource_missing"}}, status=404)

    def _intent(self, amount: int, currency: str) -> dict[str, Any]:
        return {
            "id": INTENT,
            "object": "payment_intent",
            "status": "succeeded",
            "amount": amount,
            "amount_received": amount,
            "currency": currency,
            "metadata": {"kolaj_reference": self.reference},
        }

    def _dispute(self) -> dict[str, Any]:
        line = {"object": "balance_transaction", "amount": -self.withdrawn, "currency": "try"}
        return {
            "id": DISPUTE,
            "object": "dispute",
            "status": self.status,
            "amount": 1250,
            "currency": "try",
            "reason": "fraudulent",
            "payment_intent": {"id": self.intent, "object": "payment_intent", "metadata": {}},
            "balance_transactions": [line] if self.withdrawn else [],
            "evidence_details": {"due_by": 1_766_275_199},
        }


@asynccontextmanager
async def hub_at(bank: Bank, stack: LocalStack, database_url: str, prefix: str) -> AsyncIterator[Hub]:
    async with far_side(bank.behave) as far:
        integrations = [{"id": STRIPE, "provider": "stripe", "base_url": far.base_url}]
        overrides = {
            "KOLAJ_INTEGRATIONS": json.dumps(integrations),
            "STRIPE_TEST_SECRET_KEY": "sk_test_kolaj",
            "STRIPE_TEST_WEBHOOK_SECRET": "whsec_kolaj",
        }
        async with running_hub(stack.bootstrap, database_url, prefix, overrides=overrides) as hub:
            yield hub


def facts(hub: Hub) -> list[DisputeFact]:
    return [event for event in hub.events if isinstance(event, DisputeFact)]


async def told_of(hub: Hub, calls: Calls, kind: str, **said: Any) -> Ending:
    """What a call about the dispute comes to."""
    about = {"provider_reference": INTENT, "dispute_reference": DISPUTE, "said": None, **said}
    received = await calls.publish(
        integration_id=STRIPE, provider="stripe", event_type=f"charge.dispute.{kind}", **about
    )
    command_id = (await calls.handled(received)).command_id
    assert command_id is not None
    return (await hub.results([command_id]))[command_id]


async def noticed(hub: Hub, calls: Calls, kind: str, **said: Any) -> PaymentNoticed:
    result = await told_of(hub, calls, kind, **said)
    assert isinstance(result, PaymentNoticed), result
    return result


async def test_a_dispute_is_told_as_it_stands_once_for_each_change_and_a_rebuild_gives_the_same(
    stack: LocalStack, database_url: str, topic_prefix: str
) -> None:
    bank = Bank()
    async with hub_at(bank, stack, database_url, topic_prefix) as hub:
        orders, calls = Orders(hub), Calls(hub)
        payment = a_payment(integration_id=STRIPE, method=ProviderToken(kind="provider_token", token="pm_card_visa"))
        created = await orders.result(payment)
        assert isinstance(created, PaymentCreated), created

        opened = await noticed(hub, calls, "created", event_id="evt_1")
        assert (opened.dispute_change, opened.dispute_sequence) == ("opened", 1)
        repeated = await noticed(hub, calls, "created", event_id="evt_1")
        assert repeated == opened
        assert bank.asked == 1
        assert (await noticed(hub, calls, "funds_withdrawn")).dispute_change is None

        bank.status = "lost"
        assert (await noticed(hub, calls, "closed")).dispute_change == "closed"
        # Calls come in any order, and say nothing that is believed: a late one finds what is known.
        assert (await noticed(hub, calls, "updated")).dispute_change is None
        await hub.caught_up()
        told = facts(hub)
        assert [(fact.type.split(".")[1], fact.sequence) for fact in told] == [
            ("dispute_opened", 1),
            ("dispute_closed", 2),
        ]
        assert {fact.payment_id for fact in told} == {payment.payment_id}
        assert [fact.dispute.withdrawn.minor for fact in told] == [1250, 1250]

        refused = await orders.result(a_refund_payment(payment.payment_id, amount=lira("0.01")))
        assert isinstance(refused, CommandRefused)
        assert (refused.reason, refused.failure) == ("payment_disputed", "state")

        bank.intent, bank.status = "pi_of_somebody_else", "won"
        assert isinstance(await told_of(hub, calls, "updated"), CommandRefused)
        await hub.caught_up()
        assert facts(hub) == told

        await hub.projected()
        await in_the_tables(hub, payment.payment_id)
        before = await keys_of(hub.settings)
        (state,) = before.values()
        assert Payment.model_validate_json(state).disputed == 1250

    await command_line._rebuild(hub.settings)
    assert await keys_of(hub.settings) == before
    pool = await open_pool(database_url)
    try:
        assert await differences(hub.settings.kafka, pool, hub.settings.topics, "disputes") == []
    finally:
        await pool.close()


async def in_the_tables(hub: Hub, payment_id: UUID) -> None:
    async with hub.database() as database:
        (row,) = await database.fetch("select * from payment_disputes")
        history = await database.fetch("select change, sequence from payment_dispute_history order by sequence")
        disputed = await database.fetchrow("select * from payment_disputed")
        totals = await database.fetchrow("select captured, refunded from payment_totals")
    assert (row["payment_id"], row["dispute_reference"], row["integration_id"]) == (payment_id, DISPUTE, STRIPE)
    assert (row["state"], row["sequence"], row["is_over"], row["reason"]) == ("lost", 2, True, "fraud")
    assert [tuple(one) for one in history] == [("opened", 1), ("closed", 2)]
    assert (disputed["disputed"], disputed["open"]) == (1250, 0)
    assert tuple(totals) == (1250, 0)


async def keys_of(settings: Settings) -> Mapping[str, bytes]:
    connection = await asyncpg.connect(settings.database_url.get_secret_value())
    try:
        rows = await connection.fetch("select key, state from ledger.keys where state is not null")
    finally:
        await connection.close()
    return {row["key"]: row["state"] for row in rows}
