"""What operators do beside the automatic path: stop an integration, look at what waits, withdraw and settle."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg
import pytest_asyncio

from infra.local import LocalStack
from infra.sandbox.iyzico import FaultKind, FaultOrder
from projections import differences, open_pool
from schemas.ids import new_id
from schemas.payments import (
    CommandRefused,
    CommandUnknown,
    CreatePayment,
    PaymentCreated,
    PaymentRefunded,
    Reason,
)
from tests.acceptance.command_line import Done, kolaj
from tests.acceptance.orders import Orders, a_payment
from tests.builders import a_refund_payment, lira
from tests.hub import INTEGRATION, Hub, running_hub

OTHER = "iyzico-other"


@pytest_asyncio.fixture(scope="module")
async def hub(stack: LocalStack, database_url: str, topic_prefix: str) -> AsyncIterator[Hub]:
    async with running_hub(
        stack.bootstrap,
        database_url,
        topic_prefix,
        integrations=(INTEGRATION, OTHER),
        absence_s=2,
        overrides={"KOLAJ_UNKNOWN_AFTER_S": "10"},
    ) as running:
        yield running


@asynccontextmanager
async def stopped(hub: Hub) -> AsyncIterator[None]:
    """The first integration is stopped for the time of the block."""
    done = await kolaj(hub, "integrations", "stop", INTEGRATION, "--by", "Işıl", "--why", "it charges twice", "--json")
    assert done.code == 0, done.err
    try:
        yield
    finally:
        done = await kolaj(hub, "integrations", "start", INTEGRATION, "--by", "Çağrı")
        assert done.code == 0, done.err


async def audited(hub: Hub, action: str, **wanted: Any) -> list[dict[str, Any]]:
    """What the audit log says that people did."""
    await hub.projected()
    async with hub.database() as database:
        rows = await database.fetch("select * from integration_audit_logs where action = $1", action)
    return [
        json.loads(row["request_data"]) for row in rows if all(row[name] == value for name, value in wanted.items())
    ]


async def parked(database: asyncpg.Connection, ids: list[UUID]) -> None:
    """Returns once all of these lie parked; each look is a round trip, so nothing spins."""
    query = "select count(*) from ledger.parked where command_id = any($1)"
    while await database.fetchval(query, ids) != len(ids):
        continue


class Load:
    """Payments for both integrations, a few at a time, until it is told to stop."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._ends = asyncio.Event()
        self.ids: dict[str, list[UUID]] = {INTEGRATION: [], OTHER: []}

    async def run(self) -> None:
        orders = Orders(self._hub)
        while not self._ends.is_set():
            for name, ids in self.ids.items():
                ids.extend(await orders.publish(*(a_payment(integration_id=name) for _ in range(2))))
            try:
                async with asyncio.timeout(0.1):
                    await self._ends.wait()
            except TimeoutError:
                continue

    async def goes_on(self, name: str, count: int) -> None:
        """Returns once so many more were published and concluded."""
        begun = len(self.ids[name])

        def enough() -> bool:
            ids = set(self.ids[name][begun:])
            return len([event for event in self._hub.events if event.command_id in ids]) >= count

        await self._hub.until(enough, within_s=90)

    def end(self) -> None:
        self._ends.set()


@asynccontextmanager
async def under_load(load: Load, tasks: asyncio.TaskGroup) -> AsyncIterator[None]:
    """The load has begun and is being performed; it ends with the block at the latest."""
    tasks.create_task(load.run())
    await load.goes_on(INTEGRATION, 10)
    try:
        yield
    finally:
        load.end()


async def test_from_the_moment_a_stop_returns_nothing_is_sent_while_others_go_on(hub: Hub) -> None:
    load = Load(hub)
    hub.sandbox.faults.order(FaultOrder(FaultKind.LATE, path="/payment/auth", every=3, seconds=0.5))
    async with asyncio.TaskGroup() as tasks, under_load(load, tasks), stopped(hub):
        booked = len(hub.sandbox.books.entries())
        await load.goes_on(OTHER, 20)
        waiting = load.ids[INTEGRATION][-4:]
        load.end()
        async with hub.database() as database:
            await parked(database, waiting)
        assert len(hub.sandbox.books.entries()) == booked
        (row,) = (await kolaj(hub, "integrations", "stopped", "--json")).lines[0]
        assert (row["integration_id"], row["stopped_by"], row["why"]) == (INTEGRATION, "Işıl", "it charges twice")
        assert row["waiting"] >= len(waiting)
    hub.sandbox.faults.clear()

    results = await hub.results([*load.ids[INTEGRATION], *load.ids[OTHER]], within_s=90)

    assert {type(result) for result in results.values()} == {PaymentCreated}
    for name, ids in load.ids.items():
        assert len(hub.sandboxes[name].books.entries()) == len(ids)
        assert hub.sandboxes[name].books.totals().charged_more_than_once == ()
    assert await audited(hub, "integrations.stopped.v1") == [{"by": "Işıl", "why": "it charges twice"}]
    assert await audited(hub, "integrations.started.v1") == [{"by": "Çağrı", "stopped_by": "Işıl"}]


async def an_unknown_outcome(hub: Hub, payment: CreatePayment) -> UUID:
    """The payment's creation, once nobody can say what became of it."""
    (create,) = await Orders(hub).publish(payment)
    assert isinstance((await hub.results([create], within_s=60))[create], CommandUnknown)
    return create


async def resolved(hub: Hub, command: UUID, outcome: str, by: str, *more: str) -> Done:
    said = ("--as", outcome, "--by", by, "--evidence", "seen in the provider's panel", *more)
    return await kolaj(hub, "commands", "resolve", str(command), *said, "--json")


async def test_an_unknown_payment_that_was_made_after_all_is_settled_and_can_be_refunded(hub: Hub) -> None:
    payment = a_payment(order_id="fault-perform_late-4s-settled")
    create = await an_unknown_outcome(hub, payment)
    (booked,) = await hub.booked(lambda books: [one for one in books if one.basket_id == payment.order_id])
    refund = a_refund_payment(payment.payment_id, lira("2.50"))
    early = await Orders(hub).result(refund)
    assert early.reason is Reason.PAYMENT_UNSETTLED

    wrong = await resolved(hub, create, "accepted", "Işıl", "--reference", booked.payment_id, "--amount", "12.05")
    done = await resolved(hub, create, "accepted", "Işıl", "--reference", booked.payment_id, "--amount", "12.50")
    again = await resolved(hub, create, "refused", "Deniz")
    refunded = await Orders(hub).result(refund)

    assert (wrong.code, "amount_differs" in wrong.err) == (1, True)
    assert done.code == 0, done.err
    assert (done.lines[0]["outcome"], done.lines[0]["effect"], done.lines[0]["by"]) == ("accepted", "captured", "Işıl")
    assert (again.code, "already_resolved" in again.err) == (1, True)
    assert isinstance(refunded, PaymentRefunded)
    assert len({copy.value for copy in hub.copies(create)}) == 1, "its first result stands"
    await hub.projected()
    async with hub.database() as database:
        row = await database.fetchrow("select * from payment_transactions where transaction_id = $1", create)
        total = await database.fetchrow("select * from payment_totals where payment_id = $1", payment.payment_id)
        job = await database.fetchval(
            "select status from integration_queue_jobs where job_id = $1", UUID(done.lines[0]["command_id"])
        )
    assert (row["verdict"], row["status"], row["amount_minor"]) == ("unknown", "captured", 1250)
    assert (total["state"], total["net"], job) == ("partially_refunded", 1000, "completed")
    said = {"by": "Işıl", "said": "accepted", "evidence": "seen in the provider's panel"}
    command_id = UUID(done.lines[0]["command_id"])
    assert await audited(hub, "payments.outcome_resolved.v1", command_id=command_id) == [said]


async def test_above_the_limit_two_persons_settle_an_outcome(hub: Hub) -> None:
    payment = a_payment(lira("1000.01"), order_id="fault-500_before-large")
    create = await an_unknown_outcome(hub, payment)
    proposed = await resolved(hub, create, "refused", "Işıl Çağrı")
    alone = await resolved(hub, create, "refused", " Işıl  çağrı ", "--approves")
    still = await Orders(hub).result(a_refund_payment(payment.payment_id, lira("1.00")))
    approved = await resolved(hub, create, "refused", "Deniz", "--approves")
    anew = await Orders(hub).result(a_payment(payment_id=payment.payment_id))

    assert (proposed.code, proposed.lines[0]["reason"]) == (0, "second_person_needed")
    assert "run the same with --approves" in proposed.err
    assert (alone.code, "same_person" in alone.err) == (1, True)
    assert still.reason is Reason.PAYMENT_UNSETTLED
    assert approved.code == 0, approved.err
    assert (approved.lines[0]["by"], approved.lines[0]["approved_by"]) == ("Işıl Çağrı", "Deniz")
    assert isinstance(anew, PaymentCreated), "the first one never happened"
    pool = await open_pool(hub.settings.database_url.get_secret_value(), size=2)
    try:
        await hub.projected()
        assert await differences(hub.settings.kafka, pool, hub.settings.topics, "payments") == []
    finally:
        await pool.close()


async def test_an_outcome_that_is_known_cannot_be_settled(hub: Hub) -> None:
    (create,) = await Orders(hub).publish(a_payment())
    await hub.results([create])
    known = await resolved(hub, create, "refused", "Işıl")
    assert (known.code, "not_unknown" in known.err) == (1, True)
    never = await resolved(hub, new_id(), "refused", "Işıl")
    assert (never.code, "does not know command" in never.err) == (1, True)


async def test_a_name_that_nothing_was_ever_sent_to_cannot_be_stopped(hub: Hub) -> None:
    mistyped = await kolaj(hub, "integrations", "stop", "iyzico-tset", "--by", "Işıl", "--why", "it charges twice")
    assert (mistyped.code, "no integration is called iyzico-tset" in mistyped.err) == (1, True)
    running = await kolaj(hub, "integrations", "start", INTEGRATION, "--by", "Işıl")
    assert (running.code, "is not stopped" in running.err) == (1, True)


async def test_a_command_that_waits_is_seen_and_can_be_withdrawn(hub: Hub) -> None:
    payment = a_payment()
    create, refund, stays = new_id(), new_id(), new_id()
    orders = Orders(hub)
    booked = len(hub.sandbox.books.entries())
    async with stopped(hub):
        await hub.publish(
            [
                orders.record(payment, create),
                orders.record(a_refund_payment(payment.payment_id, lira("1.00")), refund),
                orders.record(a_payment(), stays),
            ]
        )
        async with hub.database() as database:
            await parked(database, [create, refund, stays])
        (shown,) = (await kolaj(hub, "commands", "show", str(create), "--json")).lines
        (behind,) = (await kolaj(hub, "commands", "show", str(refund), "--json")).lines
        (seen,) = (
            await kolaj(hub, "commands", "waiting", "--integration", INTEGRATION, "--limit", "2", "--json")
        ).lines
        done = await kolaj(hub, "commands", "cancel", str(create), "--by", "Işıl", "--why", "the order was cancelled")
        results = await hub.results([create, refund])

    assert (shown["parked"], shown["parked_reason"]) == (True, "an operator stopped the integration")
    assert (behind["state"], behind["parked_behind"]) == ("queued", 1)
    assert {(row["reason"], row["commands"], row["integration_id"]) for row in seen["counts"]} == {
        ("an operator stopped the integration", 2, INTEGRATION),
        ("an earlier command of this payment is parked", 1, INTEGRATION),
    }
    assert len(seen["longest"]) == 2
    assert {row["command_id"] for row in seen["longest"]} <= {str(one) for one in (create, refund, stays)}
    assert done.code == 0, done.err
    withdrawn, not_found = results[create], results[refund]
    assert isinstance(withdrawn, CommandRefused)
    assert isinstance(not_found, CommandRefused)
    assert (withdrawn.reason, not_found.reason) == (Reason.WITHDRAWN, Reason.PAYMENT_NOT_FOUND)
    assert "withdrawn by Işıl: the order was cancelled" in withdrawn.detail
    assert isinstance((await hub.results([stays]))[stays], PaymentCreated)
    assert len(hub.sandbox.books.entries()) == booked + 1
    said = await audited(hub, "integrations.command_withdrawn.v1", command_id=create, integration_id=INTEGRATION)
    assert said == [{"by": "Işıl", "why": "the order was cancelled"}]

    late = await kolaj(hub, "commands", "cancel", str(stays), "--by", "Işıl", "--why", "too late")
    assert (late.code, "has ended already as payments.created.v1" in late.err) == (1, True)
    never = await kolaj(hub, "commands", "cancel", str(new_id()), "--by", "Işıl", "--why", "a slip")
    assert (never.code, "does not know command" in never.err) == (1, True)
