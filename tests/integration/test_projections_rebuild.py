"""A rebuild: beside the live tables, then in their place, unseen by readers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import asyncpg
import pytest
import pytest_asyncio
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from infra.local import LocalStack
from projections import PROJECTIONS, differences, rebuild, verify
from schemas.errors import SettingsError, StoreError, UnreadableRecord
from schemas.ids import new_id
from streams.codec import Outgoing
from streams.dead_letters import dead_letter
from streams.records import RawRecord
from tests import builders as a
from tests.projecting import Hub, a_hub


@pytest_asyncio.fixture
async def hub(stack: LocalStack) -> AsyncIterator[Hub]:
    async with a_hub(stack) as made:
        yield made


def _captures(hub: Hub, count: int) -> list[Outgoing]:
    events = hub.topics.payment_events.name
    return [a.a_record(events, a.a_payment_created(a.lira("1.00"))) for _ in range(count)]


async def _forget(hub: Hub, topic: str, partition: int, before: int) -> None:
    """Delete records as retention does."""
    admin = AIOKafkaAdminClient(bootstrap_servers=hub.access.bootstrap)
    await admin.start()
    try:
        await admin.delete_records({TopicPartition(topic, partition): RecordsToDelete(before)})
    finally:
        await admin.close()


async def test_a_rebuild_mends_tables_that_were_spoilt(hub: Hub) -> None:
    await hub.append(*_captures(hub, 50))
    await hub.project_all()
    await hub.pool.execute("update payment_transactions set result_minor = 1 where id % 2 = 0")
    await hub.pool.execute("delete from payment_transactions where id % 5 = 0")
    spoilt = await differences(hub.access, hub.pool, hub.topics, "payments")
    rebuilt = await rebuild(hub.access, hub.pool, hub.topics, "payments")
    assert spoilt != []
    assert rebuilt.records == 50
    assert await hub.value("select sum(net) from payment_totals") == 5_000
    assert await differences(hub.access, hub.pool, hub.topics, "payments") == []


async def test_readers_never_see_a_table_half_full(hub: Hub) -> None:
    await hub.append(*_captures(hub, 3_000))
    await hub.project_all()
    seen: set[tuple[int, int]] = set()
    done = asyncio.Event()
    reads = 0

    async def read() -> None:
        nonlocal reads
        while not done.is_set():
            async with hub.pool.acquire() as connection, connection.transaction(isolation="repeatable_read"):
                rows = await connection.fetchval("select count(*) from payment_transactions")
                total = await connection.fetchval("select sum(net) from payment_totals")
                seen.add((rows, total))
                reads += 1

    async with asyncio.TaskGroup() as tasks:
        reader = tasks.create_task(read())
        for _ in range(2):
            await rebuild(hub.access, hub.pool, hub.topics, "payments")
        done.set()
        await reader
    assert reads > 10
    assert seen == {(3_000, 300_000)}


async def test_the_live_projector_goes_on_through_a_rebuild(hub: Hub) -> None:
    async with hub.projector(batch=200) as projector:
        await hub.append(*_captures(hub, 2_000))
        await hub.reached(projector)
        rebuilding = asyncio.create_task(rebuild(hub.access, hub.pool, hub.topics, "payments"))
        appended = 2_000
        while not rebuilding.done():
            await hub.append(*_captures(hub, 20))
            appended += 20
        await rebuilding
        await hub.append(*_captures(hub, 100))
        await hub.reached(projector)
    assert await hub.value("select count(*) from payment_transactions") == appended + 100
    assert await differences(hub.access, hub.pool, hub.topics, "payments") == []
    assert (await verify(hub.access, hub.pool, hub.topics)).ok


async def test_a_rebuild_beside_a_lagging_projector_moves_it_on(hub: Hub) -> None:
    await hub.append(*_captures(hub, 20))
    rebuilt = await rebuild(hub.access, hub.pool, hub.topics, "payments")
    assert (rebuilt.records, await hub.value("select count(*) from payment_transactions")) == (20, 20)
    await hub.append(*_captures(hub, 5))
    await hub.project_all()
    assert await hub.value("select count(*) from payment_transactions") == 25
    assert await hub.value("select count(*) from integration_audit_logs") == 25


async def test_rebuilt_tables_are_made_like_the_ones_before(hub: Hub) -> None:
    """Indexes, grants and views included, however often it is done; later migrations rely on the names."""
    shape = """
        select 'index' as kind, indexname as name, indexdef as what from pg_indexes where schemaname = 'public'
        union all select 'grant', relname, relacl::text from pg_class where relnamespace = 'public'::regnamespace
        union all select 'view', viewname, definition from pg_views where schemaname = 'public'
        union all select 'constraint', conname, pg_get_constraintdef(oid) from pg_constraint
            where connamespace = 'public'::regnamespace and contype <> 'n'
        union all select 'sequence', sequencename, '' from pg_sequences where schemaname = 'public'
        order by 1, 2, 3
    """
    before = await hub.rows(shape)
    for _ in range(2):
        for projection in PROJECTIONS:
            await rebuild(hub.access, hub.pool, hub.topics, projection.name)
    assert await hub.rows(shape) == before


async def test_only_one_rebuild_of_a_projection_runs(hub: Hub) -> None:
    await hub.append(*_captures(hub, 10))
    outcomes = await asyncio.gather(
        *(rebuild(hub.access, hub.pool, hub.topics, "payments") for _ in range(3)), return_exceptions=True
    )
    refused = [outcome for outcome in outcomes if isinstance(outcome, StoreError)]
    assert [str(refusal) for refusal in refused] == ["payments is being rebuilt already; wait for that to end"] * 2
    assert await hub.value("select count(*) from payment_transactions") == 10


async def test_a_rebuild_that_is_cancelled_leaves_the_live_tables_and_no_litter(hub: Hub) -> None:
    await hub.append(*_captures(hub, 3_000))
    await hub.project_all()
    folded = asyncio.Event()
    task = asyncio.create_task(rebuild(hub.access, hub.pool, hub.topics, "payments", progress=lambda *_: folded.set()))
    await folded.wait()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert await hub.value("select count(*) from payment_transactions") == 3_000
    assert await hub.value("select count(*) from pg_tables where tablename like '%shadow%'") == 0
    assert (await rebuild(hub.access, hub.pool, hub.topics, "payments")).records == 3_000


async def test_a_lock_that_a_reader_keeps_is_waited_for(hub: Hub) -> None:
    await hub.append(*_captures(hub, 5))
    await hub.project_all()
    reader = await asyncpg.connect(hub.database_url)
    try:
        transaction = reader.transaction()
        await transaction.start()
        await reader.fetch("select * from payment_totals")
        rebuilding = asyncio.create_task(rebuild(hub.access, hub.pool, hub.topics, "payments"))
        waiting = "select count(*) from pg_locks where not granted and database = (select oid from pg_database "
        waiting += "where datname = current_database())"
        while not rebuilding.done() and await hub.value(waiting) == 0:
            await hub.value("select pg_sleep(0.01)")
        assert not rebuilding.done()
        await transaction.commit()
        assert (await rebuilding).records == 5
    finally:
        await reader.close()


async def test_what_retention_deleted_is_carried_over(hub: Hub) -> None:
    """Commands stay seven days, dead letters thirty: their rows outlive them, in a rebuild as well."""
    topics = hub.topics
    raw = RawRecord("somewhere", 0, 1, 0, b"k", b"?", ())
    error = UnreadableRecord("not_json", "", "the value is not JSON")
    jobs = [new_id() for _ in range(6)]
    places = await hub.append(*(a.a_record(topics.payment_commands.name, a.a_create_payment(), id=job) for job in jobs))
    places += await hub.append(*(dead_letter(topics.dead_letters, raw, error) for _ in range(6)))
    await hub.project_all()
    everything = {
        name: await hub.rows(f"select to_jsonb(t) - 'id' as row from {name} as t order by 1")  # noqa: S608
        for name in ("integration_queue_jobs", "dead_letters", "integration_audit_logs")
    }
    for topic, partition in {(place.topic, place.partition) for place in places}:
        last = max(place.offset for place in places if (place.topic, place.partition) == (topic, partition))
        await _forget(hub, topic, partition, last)
    for name in ("jobs", "dead_letters", "audit"):
        assert (await rebuild(hub.access, hub.pool, hub.topics, name)).carried
    assert {
        name: await hub.rows(f"select to_jsonb(t) - 'id' as row from {name} as t order by 1")  # noqa: S608
        for name in everything
    } == everything
    assert (await verify(hub.access, hub.pool, hub.topics)).ok


async def test_records_deleted_before_they_were_projected_are_reported(hub: Hub) -> None:
    await hub.append(*_captures(hub, 1))
    await hub.project_all()
    places = await hub.append(*_captures(hub, 30))
    lost = 0
    for partition in {place.partition for place in places}:
        offsets = [place.offset for place in places if place.partition == partition]
        await _forget(hub, hub.topics.payment_events.name, partition, max(offsets))
        lost += len(offsets) - 1
    await hub.project_all()
    assert await hub.value("select count(*) from payment_transactions") == 31 - lost
    assert await hub.value("select count(*) from projection_errors where reason = 'deleted'") > 0


async def test_an_unknown_projection_is_named(hub: Hub) -> None:
    with pytest.raises(SettingsError, match="there are audit, metrics, payments"):
        await rebuild(hub.access, hub.pool, hub.topics, "invoices")


async def test_a_reader_that_takes_tables_and_views_in_any_order_never_fails(hub: Hub) -> None:
    """It holds the table and wants the view while the exchange holds the view and wants the table."""
    await hub.append(*_captures(hub, 5))
    await hub.project_all()
    reader = await asyncpg.connect(hub.database_url)
    try:
        transaction = reader.transaction()
        await transaction.start()
        await reader.fetch("select * from payment_transactions")
        rebuilding = asyncio.create_task(rebuild(hub.access, hub.pool, hub.topics, "payments"))
        waiting = "select count(*) from pg_locks where not granted and relation = 'payment_transactions'::regclass"
        async with asyncio.timeout(30):
            while await hub.value(waiting) == 0:
                assert not rebuilding.done()
        assert await reader.fetchval("select sum(net) from payment_totals") == 500
        await transaction.commit()
        assert (await rebuilding).records == 5
    finally:
        await reader.close()
