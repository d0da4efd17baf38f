"""Providers' calls, from the topic to the payment: early, late, repeated, disordered, foreign, contradicting."""

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import pytest
import pytest_asyncio

from infra.local import LocalStack
from infra.sandbox.iyzico import FaultKind, FaultOrder
from schemas.ids import new_id
from schemas.payments import (
    CommandPending,
    CommandRefused,
    CommandUnknown,
    PaymentCancelled,
    PaymentCaptured,
    PaymentCreated,
    PaymentNoticed,
    PaymentRefunded,
)
from streams.dead_letters import requeue
from tests.acceptance.orders import Orders, a_payment
from tests.acceptance.webhooks import Calls, reference_of
from tests.builders import a_cancel_payment, a_capture_payment, a_record, a_refund_payment, a_take_notice, lira
from tests.hub import INTEGRATION, Hub, running_hub
from tests.sandbox_merchant import a_merchant
from tests.sandbox_merchant import a_payment as a_charge

ROUNDS: Final = 200
OTHER: Final = "iyzico-other"
UNHEARD: Final = "iyzico-unheard"
OLD: Final = timedelta(hours=1)
"""Past the time that a call may wait here."""


@pytest_asyncio.fixture(scope="module")
async def hub(stack: LocalStack, database_url: str, topic_prefix: str) -> AsyncIterator[Hub]:
    async with running_hub(
        stack.bootstrap,
        database_url,
        topic_prefix,
        integrations=(INTEGRATION, OTHER, UNHEARD),
        overrides={"KOLAJ_WEBHOOK_WAIT_S": "60", "KOLAJ_UNKNOWN_AFTER_S": "5"},
    ) as running:
        yield running


@pytest_asyncio.fixture
async def orders(hub: Hub) -> Orders:
    return Orders(hub)


@pytest_asyncio.fixture
async def calls(hub: Hub) -> Calls:
    return Calls(hub)


async def totals(hub: Hub, payment_id: UUID) -> tuple[str, int] | None:
    await hub.projected()
    async with hub.database() as database:
        row = await database.fetchrow("select state, net from payment_totals where payment_id = $1", payment_id)
    return None if row is None else (row["state"], int(row["net"]))


def asked(hub: Hub, command_id: UUID) -> int:
    """How often a provider was asked for it."""
    return sum(call.command_id == command_id for call in hub.calls)


def names_of(result: Any) -> dict[str, Any]:
    """The names that the provider's own calls carry."""
    assert result.performed is not None
    return {
        "our_reference": result.performed.our_reference,
        "provider_reference": result.performed.provider_reference,
    }


async def test_what_was_under_review_is_settled_by_the_provider_s_call(hub: Hub, orders: Orders, calls: Calls) -> None:
    payment = a_payment(order_id="fault-review_approve-1s-settled")
    pending = await orders.result(payment)
    assert isinstance(pending, CommandPending)

    noticed = await calls.noticed(await calls.publish(**names_of(pending)))

    assert (noticed.provider_state, noticed.changed, noticed.settles) == ("captured", "captured", True)
    assert (noticed.amount, noticed.contradicts) == (noticed.paid_price, False)
    assert await totals(hub, payment.payment_id) == ("captured", 1250)
    assert isinstance(await orders.result(a_refund_payment(payment.payment_id)), PaymentRefunded)


async def test_a_review_that_ends_in_a_no_lets_the_shopper_try_again(orders: Orders, calls: Calls) -> None:
    payment = a_payment(order_id="fault-review_reject-0.5s-rejected")
    pending = await orders.result(payment)

    noticed = await calls.noticed(await calls.publish(said="failed", **names_of(pending)))

    assert (noticed.provider_state, noticed.changed) == ("failed", "failed")
    assert isinstance(await orders.result(a_payment(payment_id=payment.payment_id)), PaymentCreated)


async def test_a_call_that_comes_before_its_command_is_concluded_waits_in_its_lane(
    hub: Hub, orders: Orders, calls: Calls
) -> None:
    payment, command_id = a_payment(order_id="fault-late-2s-early"), new_id()
    await hub.publish([orders.record(payment, command_id)])
    await hub.booked(lambda entries: payment.order_id in [entry.basket_id for entry in entries])
    assert not hub.copies(command_id)

    received = await calls.publish(our_reference=reference_of(command_id))

    noticed = await calls.noticed(received)
    assert isinstance((await hub.results([command_id]))[command_id], PaymentCreated)
    assert (noticed.changed, noticed.provider_state, noticed.contradicts) == (None, None, False)
    assert asked(hub, noticed.command_id) == 0, "it said what was known by then"
    assert hub.sandbox.books.totals().charged_more_than_once == ()


async def test_a_call_that_comes_before_its_payment_is_known_waits_for_it(
    hub: Hub, orders: Orders, calls: Calls
) -> None:
    """D7: to come before the own record is normal."""
    command_id = new_id()
    early = [await calls.publish(our_reference=reference_of(command_id)) for _ in range(3)]
    # Those that come after them are handled, and so they were looked up once at least.
    await calls.handled(await calls.publish(said=None))

    await hub.publish([orders.record(a_payment(), command_id)])

    for received in early:
        assert (await calls.handled(received)).outcome == "processed"
        assert (await calls.noticed(received)).changed is None
    assert [letter for letter in hub.dead if letter.reason == "webhook_unresolved"] == []


async def test_money_of_a_creation_that_was_refused_is_booked_said_and_can_be_given_back(
    hub: Hub, orders: Orders, calls: Calls
) -> None:
    payment = a_payment(card="card-declined-10051")
    refused = await orders.result(payment)
    assert isinstance(refused, CommandRefused)
    names = names_of(refused)
    async with a_merchant(hub.sandbox) as merchant:
        charged = await merchant.post("/payment/auth", a_charge("12.50", conversationId=names["our_reference"]))
    names["provider_reference"] = str(charged["paymentId"])

    noticed = await calls.noticed(await calls.publish(**names))

    assert (noticed.changed, noticed.settles, noticed.contradicts) == ("captured", False, True)
    assert noticed.detail is not None
    assert "refused" in noticed.detail
    assert await totals(hub, payment.payment_id) == ("captured", 1250)
    again = await calls.noticed(await calls.publish(**names))
    assert (again.changed, again.contradicts) == (None, False)
    assert isinstance(await orders.result(a_refund_payment(payment.payment_id)), PaymentRefunded)
    assert await totals(hub, payment.payment_id) == ("refunded", 0)


@pytest.mark.timeout(600)  # two hundred lives of a payment, on a machine that may be busy
async def test_the_browser_s_return_and_the_call_at_once_book_once(hub: Hub, orders: Orders, calls: Calls) -> None:
    """D1, D5: one owner for each payment; whoever comes second sees what the first one did."""
    few_at_once = asyncio.Semaphore(16)

    async def one_round(turn: int) -> None:
        async with few_at_once:
            payment = a_payment(order_id=f"fault-review_approve-0.3s-return-{turn}")
            pending = await orders.result(payment)
            names, returned = names_of(pending), new_id()
            back = a_take_notice(payment.payment_id, cause="return", event_id=None, integration_id=INTEGRATION, **names)
            call = calls.record(received_id=new_id(), **names)
            received = UUID(dict(call.headers)["ce_id"].decode())
            both = [a_record(hub.commands, back, id=returned, type=back.type), call]
            random.Random(turn).shuffle(both)  # noqa: S311 - either may come first
            await asyncio.gather(*(hub.publish([record]) for record in both))

            told = [await calls.noticed(received), (await hub.results([returned]))[returned]]
            assert all(isinstance(one, PaymentNoticed) for one in told)
            assert sorted(str(one.changed) for one in told if isinstance(one, PaymentNoticed)) == ["None", "captured"]
            assert await totals(hub, payment.payment_id) == ("captured", 1250)
            assert isinstance(await orders.result(a_refund_payment(payment.payment_id)), PaymentRefunded)

    await asyncio.gather(*(one_round(turn) for turn in range(ROUNDS)))


async def test_calls_in_any_order_and_number_change_nothing_of_what_is_known(
    hub: Hub, orders: Orders, calls: Calls
) -> None:
    """D3, D9: a stronger state implies the weaker one, and a late weaker one changes nothing."""
    payment = a_payment(capture="manual")
    held, taken = await orders.results(payment, a_capture_payment(payment.payment_id, lira("12.50")))
    assert isinstance(taken, PaymentCaptured)
    names = names_of(held)
    events = [(f"event-{said}-{payment.payment_id}", said) for said in ("captured", "authorized", "pending", "failed")]
    repeated = events * 3
    random.Random(7).shuffle(repeated)  # noqa: S311 - any order will do
    received = [await calls.publish(event_id=event_id, said=said, **names) for event_id, said in repeated]

    told = [await calls.noticed(one) for one in received]

    assert {one.changed for one in told} == {None}
    assert len({one.command_id for one in told}) == len(events), "a repeated event is the same command"
    assert await totals(hub, payment.payment_id) == ("captured", 1250)
    assert isinstance(await orders.result(a_cancel_payment(payment.payment_id)), PaymentCancelled)


async def test_another_word_under_a_known_event_is_heard_and_no_conflict(
    hub: Hub, orders: Orders, calls: Calls
) -> None:
    """Whoever repeats a call can choose its event's id where that is not signed."""
    names = names_of(await orders.result(a_payment()))
    event_id = f"event-{new_id()}"
    first = await calls.noticed(await calls.publish(event_id=event_id, said="pending", **names))
    second = await calls.noticed(await calls.publish(event_id=event_id, said=None, **names))

    assert first.command_id != second.command_id
    assert second.provider_state == "captured"
    assert [letter for letter in hub.dead if letter.reason == "command_id_conflict"] == []


async def test_what_was_captured_elsewhere_is_taken_over(hub: Hub, orders: Orders, calls: Calls) -> None:
    payment = a_payment(capture="manual")
    names = names_of(await orders.result(payment))
    async with a_merchant(hub.sandbox) as merchant:
        body = {"conversationId": "by-hand", "paymentId": names["provider_reference"], "paidPrice": "10.00"}
        await merchant.post("/payment/postauth", {**body, "currency": "TRY"})

    noticed = await calls.noticed(await calls.publish(**names))

    assert (noticed.changed, noticed.settles, noticed.contradicts) == ("captured", False, False)
    assert await totals(hub, payment.payment_id) == ("captured", 1000)
    assert isinstance(await orders.result(a_refund_payment(payment.payment_id, lira("10.00"))), PaymentRefunded)


async def test_a_late_paid_reopens_nothing_that_was_given_back(hub: Hub, orders: Orders, calls: Calls) -> None:
    """E1, E5: what is over stays over, whatever is said of it."""
    refunded, cancelled = a_payment(), a_payment()
    first, second, *_ = await orders.results(
        refunded, cancelled, a_refund_payment(refunded.payment_id), a_cancel_payment(cancelled.payment_id)
    )
    for result in (first, second):
        for said in ("captured", "pending", "authorized", None):
            noticed = await calls.noticed(await calls.publish(said=said, **names_of(result)))
            assert (noticed.changed, noticed.contradicts) == (None, False)
    assert await totals(hub, refunded.payment_id) == ("refunded", 0)
    assert await totals(hub, cancelled.payment_id) == ("cancelled", 0)


async def test_a_further_attempt_touches_only_itself(hub: Hub, orders: Orders) -> None:
    """E3: what becomes of an attempt that was given up says nothing of the one that paid."""
    payment = a_payment()
    await orders.result(payment)
    given_up = {"integration_id": OTHER, "our_reference": f"attempt-{payment.payment_id}"}
    expired = await orders.result(a_take_notice(payment.payment_id, said="failed", **given_up), within_s=90)
    assert isinstance(expired, PaymentNoticed | CommandUnknown)
    async with a_merchant(hub.sandboxes[OTHER]) as merchant:
        charged = await merchant.post("/payment/auth", a_charge("12.50", conversationId=given_up["our_reference"]))
    given_up["provider_reference"] = str(charged["paymentId"])

    paid = await orders.result(a_take_notice(payment.payment_id, said="captured", **given_up))

    assert isinstance(paid, PaymentNoticed)
    assert (paid.changed, paid.contradicts) == (None, True)
    assert paid.performed is not None
    assert paid.performed.provider_reference == given_up["provider_reference"]
    assert await totals(hub, payment.payment_id) == ("captured", 1250)


async def test_a_word_under_a_refund_s_reference_is_about_the_payment_itself(orders: Orders, calls: Calls) -> None:
    payment = a_payment()
    created, refunded = await orders.results(payment, a_refund_payment(payment.payment_id, lira("2.50")))
    own = names_of(created)["provider_reference"]
    told = await calls.publish(our_reference=names_of(refunded)["our_reference"], said="failed")

    noticed = await calls.noticed(told)

    assert (noticed.provider_state, noticed.changed, noticed.contradicts) == ("captured", None, False)
    assert names_of(noticed)["provider_reference"] == own, "it was asked about by its own name"


async def test_another_account_s_secret_moves_no_payment(hub: Hub, orders: Orders, calls: Calls) -> None:
    payment = a_payment(order_id="fault-review_approve-0.1s-foreign")
    pending = await orders.result(payment)

    handled = await calls.handled(await calls.publish(integration_id=OTHER, age=OLD, **names_of(pending)))

    assert (handled.outcome, handled.payment_id) == ("unresolved", None)
    assert await totals(hub, payment.payment_id) == ("pending", 0)


async def test_the_provider_s_own_name_is_enough(orders: Orders, calls: Calls) -> None:
    names = names_of(await orders.result(a_payment()))
    noticed = await calls.noticed(await calls.publish(provider_reference=names["provider_reference"]))
    assert (noticed.changed, noticed.contradicts) == (None, False)


async def test_what_is_about_nothing_here_is_kept_and_done(hub: Hub, calls: Calls) -> None:
    """D11: unknown and foreign events cost nothing but their row."""
    before = len(hub.dead)
    unknown = [await calls.publish(event_type=f"unknown.{turn}", said=None) for turn in range(20)]
    named = await calls.publish(event_type="subscription.order.success", said=None, our_reference="nobody-s")
    for received in (*unknown, named):
        assert (await calls.handled(received)).outcome == "about_nothing"
    await hub.caught_up()
    assert len(hub.dead) == before


async def test_what_nobody_sent_from_here_is_a_dead_letter_in_the_end_and_can_be_requeued(
    hub: Hub, orders: Orders, calls: Calls
) -> None:
    command_id, received = new_id(), new_id()
    place = await calls.send(calls.record(age=OLD, received_id=received, our_reference=reference_of(command_id)))
    assert (await calls.handled(received)).outcome == "unresolved"
    letter = await hub.dead_letter(place)
    assert (letter.reason, letter.integration_id) == ("webhook_unresolved", INTEGRATION)

    await hub.publish([orders.record(a_payment(), command_id)])
    await hub.results([command_id])
    await hub.publish([requeue(letter, request_id=new_id())])

    assert (await calls.handled(received, outcome="processed")).payment_id is not None


async def test_a_provider_that_cannot_be_asked_is_asked_again_and_in_the_end_it_is_not_known(
    hub: Hub, orders: Orders, calls: Calls
) -> None:
    payment = a_payment(integration_id=UNHEARD, order_id="fault-review_approve-0.1s-unheard")
    names = names_of(await orders.result(payment))
    faults = hub.sandboxes[UNHEARD].faults
    faults.order(FaultOrder(FaultKind.ERROR_BEFORE, "/payment/detail", count=2))
    soon = await calls.noticed(await calls.publish(integration_id=UNHEARD, **names))
    assert soon.changed == "captured"

    faults.order(FaultOrder(FaultKind.ERROR_BEFORE, "/payment/detail"))
    handled = await calls.handled(await calls.publish(integration_id=UNHEARD, said="failed", **names))
    assert handled.command_id is not None
    result = (await hub.results([handled.command_id], within_s=60))[handled.command_id]

    assert isinstance(result, CommandUnknown)
    assert await totals(hub, payment.payment_id) == ("captured", 1250)
    faults.clear()
    assert isinstance(await orders.result(a_refund_payment(payment.payment_id), within_s=60), PaymentRefunded)
