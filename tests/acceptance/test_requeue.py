"""Dead letters that are sent again under load: what was given up is performed once, and nothing on a record is lost."""

import asyncio
from collections.abc import AsyncIterator, Collection
from uuid import UUID

import pytest_asyncio

from infra.local import LocalStack
from infra.sandbox.iyzico import running_sandbox
from schemas.ids import new_id
from schemas.payments import CommandRefused, PaymentCreated, Reason
from streams.codec import Outgoing
from streams.dead_letters import DeadLetter
from tests.acceptance.command_line import kolaj
from tests.acceptance.orders import Orders, a_payment
from tests.hub import DOWN, INTEGRATION, Hub, running_hub

TRACE = ("traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")


@pytest_asyncio.fixture(scope="module")
async def hub(stack: LocalStack, database_url: str, topic_prefix: str, port: int) -> AsyncIterator[Hub]:
    """Without a worker: each test starts one, whose breakers have seen nothing yet."""
    async with running_hub(
        stack.bootstrap,
        database_url,
        topic_prefix,
        down_at=port,
        overrides={"KOLAJ_GIVE_UP_AFTER_S": "3"},
        workers=0,
        projectors=0,
    ) as running:
        yield running


async def given_up(hub: Hub, count: int) -> list[UUID]:
    """Payments for a provider that is down, once the hub has given them up and they lie in the dead letters."""
    ids = await Orders(hub).publish(*(a_payment(integration_id=DOWN) for _ in range(count)))
    results = await hub.results(ids, within_s=90)
    reasons = {result.reason for result in results.values() if isinstance(result, CommandRefused)}
    assert (len(results), reasons) == (count, {Reason.GAVE_UP})
    await hub.until(lambda: {*ids} <= ids_of(hub.dead))
    return ids


def ids_of(letters: Collection[DeadLetter]) -> set[UUID]:
    return {UUID(dead.record.text("ce_id") or "") for dead in letters if dead.reason == "gave_up"}


async def test_what_was_given_up_is_performed_once_when_it_is_sent_again_under_load(hub: Hub, port: int) -> None:
    async with hub.worker():
        before = await given_up(hub, 30)
    wanted = ("dead-letters", "requeue", "--all", "--reason", "gave_up", "--integration", DOWN, "--json")
    others = [a_payment(integration_id=INTEGRATION) for _ in range(60)]
    async with running_sandbox(port=port) as back, hub.worker(), asyncio.TaskGroup() as tasks:
        loading = tasks.create_task(Orders(hub).results(*others, within_s=90))
        first = await kolaj(hub, *wanted, "--limit", "20")
        rest = await kolaj(hub, *wanted)
        nothing = await kolaj(hub, *wanted)
        sent = {UUID(line["command_id"]) for line in [*first.lines, *rest.lines]}
        results = await hub.results(sent, within_s=90)
        loaded = await loading
        booked, twice = back.books.entries(), back.books.totals().charged_more_than_once

    assert (len(first.lines), len(rest.lines), nothing.lines) == (20, 10, [])
    assert (len(sent), sent & set(before)) == (30, set())
    assert {type(result) for result in results.values()} == {PaymentCreated}
    assert len(booked) == 30, "each payment once"
    assert twice == ()
    assert {type(result) for result in loaded} == {PaymentCreated}


async def test_after_three_failures_the_count_reads_three_and_the_record_is_as_it_was(hub: Hub) -> None:
    payment, tenant = str(new_id()).encode(), ("tenant", b"shop-4")
    (place,) = await hub.publish([Outgoing(hub.commands, payment, b"not json", (tenant, TRACE))])
    async with hub.worker():
        dead = await hub.dead_letter(place)
        for _ in range(2):
            (line,) = (await kolaj(hub, "dead-letters", "requeue", dead.place, "--json")).lines
            assert (line["topic"], line["partition"]) == (place.topic, place.partition)
            coordinates = (line["topic"], line["partition"], line["offset"])

            def again(wanted: tuple[str, int, int] = coordinates) -> list[DeadLetter]:
                return [one for one in hub.dead if (one.topic, one.partition, one.offset) == wanted]

            (dead,) = await hub.until(again)

    assert dead.attempts == 3
    assert (dead.record.key, dead.record.value) == (payment, b"not json")
    assert {tenant, TRACE} <= set(dead.headers)
    assert len([name for name, _ in dead.headers if name == "kolaj-requeued-from"]) == 1
