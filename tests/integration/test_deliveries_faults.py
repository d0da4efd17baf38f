"""Senders that die, come in twos, or lose sight of a waking: everything arrives, in order, and under the same ids."""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web

from agents.deliveries.lanes import Lane
from agents.deliveries.waking import lane_wake, woken_lane
from agents.delivery import Delivery
from agents.payments.agent import PaymentsAgent
from infra.children import Children
from infra.local import LocalStack
from infra.settings import read_settings
from schemas.errors import UnreadableRecord
from schemas.ids import new_id
from streams.records import RawRecord
from streams.topics import Topics
from tests.receiver import Got, Receiver, receiver
from tests.sending import Sending, a_sending, first_copies


@pytest_asyncio.fixture
async def sending(stack: LocalStack) -> AsyncIterator[Sending]:
    """Without a sender."""
    async with a_sending(stack) as made:
        yield made


@pytest_asyncio.fixture
async def service() -> AsyncIterator[Receiver]:
    async with receiver() as running:
        yield running


def ids(got: list[Got]) -> list[str]:
    return [one.told["id"] for one in first_copies(got)]


async def test_a_sender_that_dies_between_sending_and_noting_it_sends_it_again_under_the_same_id(
    sending: Sending, service: Receiver, tmp_path: Path
) -> None:
    children = Children(tmp_path, sending.environment)
    process, said = await children.start("sender", ["sender", "--json"])
    killed = asyncio.Event()

    async def kill(_: web.BaseRequest, __: Got) -> web.StreamResponse:
        if len(service.got) == 3 and not killed.is_set():
            os.kill(said["pid"], signal.SIGKILL)
            killed.set()
        return web.Response()

    service.answer = kill
    await sending.endpoint(f"{service.url}/in")
    published = await sending.publish(6)
    async with asyncio.timeout(120):
        await killed.wait()
    await children.kill(process)
    async with sending.sender():
        await service.until(lambda: set(ids(service.got)) == set(published), within_s=120)
    assert ids(service.got) == published
    twice = [name for name, times in Counter(got.id for got in service.got).items() if times > 1]
    assert twice == [service.got[2].id]


async def test_two_senders_share_endpoints_and_send_nothing_twice(sending: Sending, service: Receiver) -> None:
    async with sending.sender(), sending.sender():
        for number in range(4):
            await sending.endpoint(f"{service.url}/{number}")
        published = await sending.publish(60, payments=6)
        await service.until(lambda: len({(got.path, got.told["id"]) for got in service.got}) == 4 * len(published))
    assert len(service.got) == 4 * len(published)
    for number in range(4):
        arrived = service.at(f"/{number}")
        for key in {got.told["key"] for got in arrived}:
            of_key = [got.told["id"] for got in arrived if got.told["key"] == key]
            assert of_key == [event for event in published if event in of_key]


async def test_what_was_published_while_no_sender_ran_arrives(sending: Sending, service: Receiver) -> None:
    await sending.endpoint(f"{service.url}/in")
    first = await sending.publish(3, payments=2)
    async with sending.sender():
        await service.until(lambda: set(ids(service.got)) == set(first))
    later = await sending.publish(3, payments=2)
    async with sending.sender():
        await service.until(lambda: set(ids(service.got)) == {*first, *later})
    assert len(service.got) == 6


async def test_a_waking_that_was_lost_is_made_good(sending: Sending, service: Receiver) -> None:
    endpoint, _ = await sending.endpoint(f"{service.url}/in")
    published = await sending.publish(1)
    await sending.pool.execute(
        "update gateway.endpoint_lanes set failures = 1, failing_since = now(), retry_at = now() - interval '5 minutes'"
        " where endpoint_id = $1",
        endpoint,
    )
    async with sending.sender():
        await service.until(lambda: ids(service.got) == published)


async def test_a_sender_that_stops_ends_what_is_under_way(sending: Sending, service: Receiver) -> None:
    met, go_on = asyncio.Event(), asyncio.Event()

    async def slow(_: web.BaseRequest, __: Got) -> web.StreamResponse:
        met.set()
        await go_on.wait()
        return web.Response()

    service.answer = slow
    endpoint, _ = await sending.endpoint(f"{service.url}/in")
    await sending.publish(3)
    async with asyncio.timeout(120), sending.sender():
        await met.wait()
        asyncio.get_running_loop().call_later(0.2, go_on.set)
    assert await sending.outcomes(endpoint) == ["delivered"]
    leases = "select count(*) from gateway.endpoint_lanes where lease_until > now()"
    assert await sending.pool.fetchval(leases) == 0, "the next sender need not wait for a lease to end"


async def test_secrets_come_under_the_newest_master_key_by_themselves(
    sending: Sending, stack: LocalStack, service: Receiver
) -> None:
    del stack
    newer = "A" * 42 + "A="
    await sending.endpoint(f"{service.url}/in")
    environment = {
        **sending.environment,
        "INTEGRATION_ENCRYPTION_KEY": newer,
        "INTEGRATION_ENCRYPTION_KEYS_RETIRED": sending.environment["INTEGRATION_ENCRYPTION_KEY"],
    }
    rotated = Sending(read_settings(environment=environment), environment, sending.pool, sending.publisher)
    before = await sending.pool.fetchval("select sealed from gateway.endpoint_secrets")
    async with rotated.sender(), asyncio.timeout(120):
        while before == await sending.pool.fetchval("select sealed from gateway.endpoint_secrets"):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    alone = {**environment, "INTEGRATION_ENCRYPTION_KEYS_RETIRED": ""}
    published = await sending.publish(1)
    async with Sending(read_settings(environment=alone), alone, sending.pool, sending.publisher).sender():
        await service.until(lambda: ids(service.got) == published)


def test_a_waking_names_its_lane_and_waits_in_the_tier_that_fits() -> None:
    topics = Topics("t", 2, (10, 60))
    lane = Lane(new_id(), 1)
    for after_s, topic in (
        (1.0, "t.retries.10s"),
        (59.0, "t.retries.10s"),
        (60.0, "t.retries.1m"),
        (1e6, "t.retries.1m"),
    ):
        record = lane_wake(topics.retries, lane, after_s)
        assert record.topic == topic
        assert woken_lane(RawRecord(topic, 0, 0, 0, record.key, record.value, record.headers)) == lane


@pytest.mark.parametrize(
    "value", [None, b"", b"{}", b'{"key": "payments/1"}', b'{"endpoint_id": "x", "partition": 1}', b"[1]"]
)
def test_a_record_that_names_no_lane_is_unreadable(value: bytes | None) -> None:
    with pytest.raises(UnreadableRecord):
        woken_lane(RawRecord("t", 0, 0, 0, None, value, ()))


async def test_the_payments_waker_passes_over_wakings_of_others() -> None:
    record = lane_wake(Topics("t", 2, (10,)).retries, Lane(new_id(), 0), 1)
    done = asyncio.Event()
    waking = Delivery(RawRecord(record.topic, 0, 0, 0, record.key, record.value, record.headers), done.set)
    agent = object.__new__(PaymentsAgent)  # it reaches for nothing of its own
    assert await agent.wake(waking) is None
    assert done.is_set()
