"""Workers that die, sleep or are overtaken while their call is at the provider: one effect, one result."""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from uuid import UUID

import pytest
import pytest_asyncio

from infra.children import Children
from infra.local import LocalStack
from infra.sandbox.iyzico import FaultKind, FaultOrder
from schemas.errors import LedgerReplaced
from schemas.ids import new_id
from schemas.payments import CommandRefused, PaymentCommand, PaymentCreated
from streams.publisher import Publisher
from tests.acceptance.orders import Orders, a_payment
from tests.builders import a_cancel_payment, a_capture_payment, a_refund_payment, lira
from tests.hub import Hub, running_hub

WORKER = ["worker", "--json"]
ABSENCE_S = 12.0
"""How long "not found" proves nothing: past the takeover, so that what comes later is still found."""


@pytest_asyncio.fixture(scope="module")
async def hub(stack: LocalStack, database_url: str, topic_prefix: str) -> AsyncIterator[Hub]:
    """No worker yet: each test starts its own."""
    async with running_hub(stack.bootstrap, database_url, topic_prefix, workers=0, absence_s=ABSENCE_S) as running:
        yield running


def order_fault(hub: Hub, kind: FaultKind, path: str, seconds: float = 0) -> None:
    hub.sandbox.faults.order(FaultOrder(kind, path, count=1, seconds=seconds))


async def all_faults_met(hub: Hub) -> None:
    """The calls that are to go wrong are at the provider."""
    await hub.booked(lambda _: all(used for _, used in hub.sandbox.faults.standing()))


def performed(hub: Hub) -> Counter[str | None]:
    """How often each reference stands in the provider's books."""
    entries = hub.sandbox.books.entries()
    return Counter(
        [entry.conversation_id for entry in entries]
        + [entry.capture_conversation_id for entry in entries if entry.capture_conversation_id]
        + [reversal.conversation_id for entry in entries for reversal in entry.reversals]
    )


async def performed_once(hub: Hub, command_ids: Sequence[UUID], *, within_s: float = 45) -> None:
    """Each command has one accepted result, however often it was published, and one entry in the books."""
    results = await hub.results(command_ids, within_s=within_s)
    assert {result.verdict for result in results.values()} == {"accepted"}
    booked = performed(hub)
    for command_id, result in results.items():
        assert result.performed is not None
        assert booked[result.performed.our_reference] == 1
        copies = hub.copies(command_id)
        assert len({(copy.key, copy.value, copy.header("ce_id")) for copy in copies}) == 1
        # The first copy in the log may be one that was published again: its first publisher died, or sleeps.
        assert sum(copy.header("kolaj-republished") is None for copy in copies) <= 1
    assert max(booked.values()) == 1
    assert hub.sandbox.books.totals().charged_more_than_once == ()


async def made(hub: Hub, count: int, *, capture: str = "auto") -> list[UUID]:
    """Payments to do something with."""
    payments = [a_payment(lira("20.00"), capture=capture) for _ in range(count)]
    results = await Orders(hub).results(*payments)
    assert {result.verdict for result in results} == {"accepted"}
    return [payment.payment_id for payment in payments]


async def test_what_a_killed_worker_had_sent_is_asked_for_and_never_sent_again(hub: Hub, children: Children) -> None:
    worker, _ = await children.start("killed", WORKER)
    (held,) = await made(hub, 1, capture="manual")
    refunded, cancelled = await made(hub, 2)
    commands: list[PaymentCommand] = [
        a_payment(),
        a_capture_payment(held, lira("15.00")),
        a_refund_payment(refunded, lira("4.00")),
        a_cancel_payment(cancelled),
    ]
    for path in ("/payment/auth", "/payment/postauth", "/v2/payment/refund", "/payment/cancel"):
        order_fault(hub, FaultKind.NEVER, path)
    # This one the provider performs only after the takeover has begun to ask for it.
    order_fault(hub, FaultKind.PERFORM_LATE, "/payment/preauth", seconds=9)
    commands.append(a_payment(capture="manual"))
    ids = await Orders(hub).publish(*commands)
    await all_faults_met(hub)

    await children.kill(worker)
    later = await Orders(hub).publish(a_refund_payment(refunded, lira("1.00")))
    await children.start("successor", WORKER)

    await performed_once(hub, [*ids, *later])
    await hub.caught_up()
    for command_id in ids:
        sends = [
            call for call in hub.calls if call.command_id == command_id and not call.operation.endswith("_inquiry")
        ]
        assert sends == [], "the killed worker told nobody of its call, and the successor made none"


async def test_a_worker_that_wakes_after_the_takeover_charges_nobody_twice(hub: Hub, children: Children) -> None:
    sleeper, _ = await children.start("sleeper", WORKER)
    await made(hub, 1)
    order_fault(hub, FaultKind.NEVER, "/payment/auth")
    order_fault(hub, FaultKind.LATE, "/payment/auth", seconds=2)
    ids = await Orders(hub).publish(a_payment(), a_payment())
    await all_faults_met(hub)
    # More than it can have in hand at once: some are concluded, some sent, some only marked, some not begun.
    ids += await Orders(hub).publish(*(a_payment() for _ in range(60)))
    await hub.until(lambda: sum(bool(hub.copies(command_id)) for command_id in ids) >= 5)

    os.kill(sleeper.pid, signal.SIGSTOP)
    try:
        async with hub.worker():
            results = await hub.results(ids, within_s=45)
            os.kill(sleeper.pid, signal.SIGCONT)
            # Both are at work again, so that the sleeper has gone through all that it held.
            await performed_once(hub, await Orders(hub).publish(*(a_payment() for _ in range(20))))
            await children.stop()
    finally:
        if sleeper.running:
            os.kill(sleeper.pid, signal.SIGCONT)

    assert await sleeper.finished(1) == 0, sleeper.log_tail()
    # What was marked and had not left when it fell asleep nobody can tell from a call on its way.
    unknown = [command_id for command_id, result in results.items() if result.verdict == "unknown"]
    await performed_once(hub, [command_id for command_id in ids if command_id not in unknown])
    booked = performed(hub)
    for command_id in unknown:
        performed_by = results[command_id].performed
        assert performed_by is not None
        assert booked[performed_by.our_reference] <= 1


async def test_a_rebalance_during_a_call_leaves_one_charge_and_no_refusal(hub: Hub, children: Children) -> None:
    await children.start("first", WORKER)
    await made(hub, 1)
    for _ in range(6):
        order_fault(hub, FaultKind.LATE, "/payment/auth", seconds=2.5)
    payments = [a_payment() for _ in range(6)]
    ids = await Orders(hub).publish(*payments)
    await all_faults_met(hub)

    await children.start("second", WORKER)

    await performed_once(hub, ids)
    assert not [event for event in hub.events if isinstance(event, CommandRefused) and event.command_id in ids]


async def test_two_workers_and_two_publishers_of_the_same_commands_charge_once(hub: Hub, children: Children) -> None:
    await asyncio.gather(children.start("left", WORKER), children.start("right", WORKER))
    orders, ids = Orders(hub), [new_id() for _ in range(40)]
    records = [orders.record(a_payment(), command_id) for command_id in ids]
    async with Publisher(hub.settings.kafka) as other:
        for start in range(0, len(records), 10):
            some = records[start : start + 10]
            await asyncio.gather(hub.publish(some), other.publish(some[::-1]))

    await performed_once(hub, ids)
    # One for each publisher; a rebalance between the two workers may have brought one more.
    await hub.until(lambda: all(len(hub.copies(command_id)) >= 2 for command_id in ids))
    await performed_once(hub, ids)


async def test_a_worker_stops_when_its_ledger_is_replaced(hub: Hub) -> None:
    orders, order_id = Orders(hub), f"replaced-{new_id()}"

    command_id = new_id()

    async def work_on_while_it_is_replaced() -> None:
        async with hub.worker() as working:
            await orders.result(a_payment())
            async with hub.database() as database:
                await database.execute("update ledger.incarnation set id = gen_random_uuid()")
            await hub.publish([orders.record(a_payment(order_id=order_id), command_id)])
            await asyncio.wait({working}, timeout=20)

    with pytest.raises(ExceptionGroup) as stopped:
        await work_on_while_it_is_replaced()

    assert stopped.group_contains(LedgerReplaced)
    assert order_id not in [entry.basket_id for entry in hub.sandbox.books.entries()]
    async with hub.worker():
        result = (await hub.results([command_id]))[command_id]
    assert isinstance(result, PaymentCreated), "a worker that starts on the new ledger takes it up"
