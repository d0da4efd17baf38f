"""Each event counts once, whatever dies and whoever else writes."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from infra.local import LocalStack
from projections import PROJECTIONS, differences, high_water, open_pool
from projections.batch import Fenced, Span, project
from projections.entry import Entry, Reader
from projections.jobs import JOBS
from projections.payments import PAYMENTS
from projections.projection import Connection, Projection
from projections.resume import begin_at
from schemas.errors import UnreadableRecord
from schemas.ids import new_id
from schemas.payments.resources import StoreCard
from streams.codec import Outgoing
from streams.dead_letters import dead_letter
from streams.reader import replay
from streams.records import RawRecord
from tests import builders as a
from tests import integration_orders as an
from tests.projecting import Hub, a_hub
from tests.resource_builders import an_accepted


@pytest_asyncio.fixture
async def hub(stack: LocalStack) -> AsyncIterator[Hub]:
    async with a_hub(stack) as made:
        yield made


def _failing(after: list[int]) -> Projection:
    """A projection that writes nothing and dies as often as `after` says: the last to write, just before the commit."""

    async def write(_: Connection, entries: Sequence[Entry], __: str) -> None:
        if entries and after:
            after.pop()
            raise asyncpg.ConnectionDoesNotExistError("the connection went away")

    return Projection("payments_end", (), (), PAYMENTS.reads, write)


def _refunds(hub: Hub, count: int, payment_id: Any = None) -> list[Outgoing]:
    payment = payment_id or new_id()
    return [
        a.a_record(hub.topics.payment_events.name, a.a_payment_refunded(a.lira("1.00"), payment_id=payment))
        for _ in range(count)
    ]


async def test_a_failure_between_rows_and_position_leaves_neither(hub: Hub) -> None:
    await hub.append(*_refunds(hub, 10))
    deaths = [1, 2, 3]
    await hub.project_all(projections=(*PROJECTIONS, _failing(deaths)))
    assert deaths == []
    assert await hub.value("select sum(amount_minor) from payment_transactions") == 1000
    assert await hub.value("select count(*) from integration_audit_logs") == 10


async def test_killed_sessions_and_a_new_projector_give_every_event_once(hub: Hub) -> None:
    """The database ends the projectors' sessions again and again while they write."""
    refunds = _refunds(hub, 3_000)
    pool = await open_pool(hub.database_url, application_name="victim")
    try:
        killed = 0
        async with hub.projector(pool=pool, batch=50) as projector:
            for first in range(0, len(refunds), 300):
                await hub.append(*refunds[first : first + 300])
                killed += await hub.value(
                    "select count(pg_terminate_backend(pid)) from pg_stat_activity "
                    "where application_name = 'victim' and datname = current_database()"
                )
            await hub.reached(projector)
    finally:
        await pool.close()
    assert killed > 0
    assert await hub.value("select count(*) from payment_transactions") == 3_000
    assert await hub.value("select refunded from payment_totals") == 300_000
    assert await hub.value("select count(*) from integration_audit_logs") == 3_000


async def test_positions_survive_gaps_in_the_offsets(hub: Hub) -> None:
    """The stored position is an offset, not a count: 50 offsets without records in between change nothing."""
    await hub.append(*_refunds(hub, 20))
    await hub.project_all()
    ends = await high_water(hub.access, hub.topics)
    refunds = hub.topics.payment_events.name
    place = next(place for place, end in ends.items() if place[0] == refunds and end > 0)
    payment = (await hub.value("select payment_id from payment_transactions limit 1"), 165)
    late = _refunds(hub, payment[1], payment[0])
    reader = Reader(hub.topics)
    await hub.append(*late)
    entries = [
        reader.read(raw)
        async for raw in replay(hub.access, refunds, start=ends[place])
        if (raw.topic, raw.partition) == place
    ]
    with_gap = tuple(entry for entry in entries if (entry.offset - ends[place]) % 3 != 1)
    span = Span(ends[place], entries[-1].offset + 1, with_gap)
    async with hub.pool.acquire() as connection:
        for _ in range(2):
            await project(connection, PROJECTIONS, hub.topics, {place: span})
    assert await hub.value("select count(*) from payment_transactions") == 20 + len(with_gap)


async def test_a_zombie_writes_nothing(hub: Hub) -> None:
    """Two members hold the same batch, as after a rebalance that one of them slept through."""
    await hub.append(*_refunds(hub, 30))
    reader = Reader(hub.topics)
    events = hub.topics.payment_events.name
    spans: dict[tuple[str, int], Span] = {}
    async for raw in replay(hub.access, events):
        place = (raw.topic, raw.partition)
        before = spans.get(place, Span(0, 0, ()))
        spans[place] = Span(0, raw.offset + 1, (*before.entries, reader.read(raw)))
    async with hub.pool.acquire() as one, hub.pool.acquire() as other:
        await begin_at(one, PROJECTIONS, hub.topics, dict.fromkeys(spans, 0))
        written = await asyncio.gather(
            project(one, PROJECTIONS, hub.topics, spans), project(other, PROJECTIONS, hub.topics, spans)
        )
    assert sorted(sum(one.counts.values()) for one in written) == [0, 30]
    assert sorted(one.overtaken for one in written) == [False, True]
    assert await hub.value("select count(*) from integration_audit_logs") == 30
    assert await hub.value("select refunded from payment_totals") == 3_000


async def test_a_database_that_was_put_back_refuses_a_batch_that_would_leave_a_hole(hub: Hub) -> None:
    await hub.append(*_refunds(hub, 5))
    await hub.project_all()
    await hub.pool.execute("update projection_positions set next_offset = 0")
    ends = await high_water(hub.access, hub.topics)
    place = next(place for place, end in ends.items() if place[0] == hub.topics.payment_events.name and end)
    async with hub.pool.acquire() as connection:
        with pytest.raises(Fenced, match="stands at 0"):
            await project(connection, PROJECTIONS, hub.topics, {place: Span(5, 5, ())})


async def test_projectors_that_come_and_go_share_the_work(hub: Hub) -> None:
    payments = [new_id() for _ in range(20)]
    async with hub.projector(batch=100):
        for round_ in range(4):
            async with hub.projector(batch=100) as passing:
                await hub.append(*(record for payment in payments for record in _refunds(hub, 10, payment)))
                if round_ % 2:
                    await hub.reached(passing)
        await hub.reached(passing)
    assert await hub.value("select count(*) from payment_totals") == 20
    assert await hub.rows("select distinct refunded from payment_totals") == [{"refunded": 4_000}]
    assert await hub.value("select count(*) from integration_audit_logs") == 800


async def test_folding_again_from_the_beginning_gives_the_same_rows(hub: Hub) -> None:
    topics, order = hub.topics, a.a_create_payment()
    for _ in range(3):
        command = new_id()
        about: dict[str, Any] = {"command_id": command, "payment_id": order.payment_id}
        await hub.append(
            a.a_record(topics.payment_commands.name, order, id=command),
            a.a_record(topics.intents.name, a.a_send_intended(**about)),
            a.a_record(topics.provider_calls.name, a.a_provider_called(command_id=command)),
            a.a_record(topics.payment_events.name, a.a_command_unknown(**about)),
            a.a_record(topics.payment_events.name, a.a_late_outcome(**about)),
            a.a_record(topics.payment_events.name, a.a_payment_queried(payment_id=order.payment_id)),
            a.a_record(topics.payment_events.name, a.a_command_rejected(command_id=command)),
            a.a_record(topics.payment_events.name, a.a_dispute_opened(payment_id=order.payment_id)),
            a.a_record(topics.payment_events.name, an_accepted(StoreCard)),
            a.a_record(topics.integration_events.name, a.a_health_checked()),
            a.a_record(topics.integration_events.name, a.a_rate_limit_reported()),
            a.a_record(topics.webhook_events.name, a.a_webhook_received(), key="iyzico-main/event-1"),
            *(
                a.a_record(topics.integration_events.name, told, key=an.SHOP)
                for told in (an.an_added(), an.a_mapped(revision=2), an.a_rule_was_put(revision=3))
            ),
            Outgoing(topics.dead_letters.name, b"k", b"?", ()),
            dead_letter(topics.dead_letters, RawRecord("t", 0, 1, 0, b"k", b"?", ()), UnreadableRecord("x", "y", "z")),
        )
        # In several runs, so that the batches of the live tables and of the fold are cut differently.
        await hub.project_all(batch=4)
    for projection in PROJECTIONS:
        for table in projection.tables:
            assert await hub.value(f"select count(*) from {table}") > 0  # noqa: S608
        assert await differences(hub.access, hub.pool, hub.topics, projection.name) == []


async def test_the_order_between_topics_does_not_matter(hub: Hub) -> None:
    """Order holds within a partition alone; every way of weaving three topics gives the same jobs."""
    topics, order = hub.topics, a.a_create_payment()
    jobs = [new_id() for _ in range(4)]
    told: dict[str, list[Entry]] = {}
    read = Reader(topics).read

    def tell(topic: str, body: Any, **envelope: Any) -> None:
        record = a.a_record(topic, body, key=str(order.payment_id), **envelope)
        entries = told.setdefault(topic, [])
        entries.append(read(RawRecord(topic, 0, len(entries), 0, record.key, record.value, record.headers)))

    for at, job in enumerate([*jobs, jobs[0]]):
        about: dict[str, Any] = {"command_id": job, "payment_id": order.payment_id}
        tell(topics.payment_commands.name, order, id=job)
        tell(
            topics.intents.name, a.a_send_intended(**about, attempt=at + 1, intended_at=a.NOON - timedelta(seconds=at))
        )
        tell(topics.intents.name, a.a_send_intended(**about, attempt=1, integration_id="other"))
        tell(topics.payment_events.name, a.a_command_unknown(**about))
        tell(topics.payment_events.name, a.a_payment_created(**about), id=new_id())
        tell(topics.payment_events.name, a.a_command_rejected(command_id=job, topic="t", offset=10 - at))
    chance = random.Random(7)  # noqa: S311 - which weaving is tried, no secret
    seen = []
    async with hub.pool.acquire() as connection:
        for _ in range(25):
            waiting = {topic: list(entries) for topic, entries in told.items()}
            transaction = connection.transaction()
            await transaction.start()
            while waiting:
                topic = chance.choice(sorted(waiting))
                batch = [waiting[topic].pop(0) for _ in range(min(chance.randint(1, 4), len(waiting[topic])))]
                await JOBS.write(connection, batch, "")
                if not waiting[topic]:
                    del waiting[topic]
            seen.append(await connection.fetch("select to_jsonb(t) - 'id' from integration_queue_jobs as t order by 1"))
            await transaction.rollback()
    assert len(seen[0]) == len(jobs)
    assert all(rows == seen[0] for rows in seen)
