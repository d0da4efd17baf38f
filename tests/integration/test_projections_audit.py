"""The audit chain: whoever changes a row or a record is found, by name."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest
import pytest_asyncio
from aiokafka.admin import AIOKafkaAdminClient

from infra.local import LocalStack
from projections import Anchors, verify
from schemas.audit import AuditAnchored
from schemas.errors import StoreError
from streams.admin import ensure_topics
from streams.codec import Outgoing, decode
from streams.publisher import Publisher
from streams.reader import replay
from tests import access_builders as access
from tests import builders as a
from tests.projecting import Hub, a_hub


@pytest_asyncio.fixture
async def hub(stack: LocalStack) -> AsyncIterator[Hub]:
    async with a_hub(stack, partitions=1) as made:
        await made.append(
            *(a.a_record(made.topics.payment_events.name, a.a_payment_created()) for _ in range(10)),
            *(a.a_record(made.topics.provider_calls.name, a.a_provider_called()) for _ in range(5)),
        )
        await made.project_all()
        yield made


async def _anchors(hub: Hub) -> list[AuditAnchored]:
    models = {AuditAnchored.type: AuditAnchored}
    return [
        decode(models, raw.key, raw.value, raw.readable_headers).body
        async for raw in replay(hub.access, hub.topics.audit_anchors.name)
    ]


async def test_an_untouched_log_verifies(hub: Hub) -> None:
    report = await verify(hub.access, hub.pool, hub.topics)
    assert (report.ok, report.rows, report.anchors) == (True, 15, 2)


async def test_accesses_to_the_edge_are_under_audit(hub: Hub) -> None:
    topic = hub.topics.access_events.name
    events = (access.an_access_requested(), access.an_access_refused(), access.a_key_revoked())
    await hub.append(*(a.a_record(topic, event) for event in events))
    await hub.project_all()
    assert (await verify(hub.access, hub.pool, hub.topics)).rows == 18
    await hub.pool.execute("update integration_audit_logs set status_code = 200 where action = 'access.refused.v1'")
    report = await verify(hub.access, hub.pool, hub.topics)
    assert report.difference is not None
    assert (report.difference.topic, report.difference.offset) == (topic, 1)


@pytest.mark.parametrize(
    ("change", "detail"),
    [
        ('update integration_audit_logs set {} where topic = $1 and "offset" = 4', "error_message differ"),
        ('delete from integration_audit_logs where topic = $1 and "offset" = 4', "the row is missing"),
    ],
)
async def test_a_changed_or_deleted_row_is_named(hub: Hub, change: str, detail: str) -> None:
    await hub.pool.execute(change.format("error_message = 'nothing happened'"), hub.topics.payment_events.name)
    report = await verify(hub.access, hub.pool, hub.topics)
    assert report.difference is not None
    assert (report.difference.topic, report.difference.offset) == (hub.topics.payment_events.name, 4)
    assert detail in report.difference.detail


async def test_a_row_that_was_made_up_is_named(hub: Hub) -> None:
    await hub.pool.execute(
        'insert into integration_audit_logs (topic, partition, "offset", action, record_digest, previous_hash, hash, '
        "occurred_at) select topic, partition, 99, action, record_digest, hash, hash, occurred_at "
        'from integration_audit_logs where topic = $1 and "offset" = 9',
        hub.topics.payment_events.name,
    )
    report = await verify(hub.access, hub.pool, hub.topics)
    assert report.difference is not None
    assert report.difference.offset == 99


async def _rewrite(hub: Hub, records: list[Outgoing]) -> None:
    """Make the topic of payment events anew, with these records."""
    topic = hub.topics.payment_events
    admin = AIOKafkaAdminClient(bootstrap_servers=hub.access.bootstrap)
    await admin.start()
    try:
        await admin.delete_topics([topic.name])
        async with asyncio.timeout(30):
            while topic.name in await admin.list_topics():
                await hub.value("select pg_sleep(0.02)")
    finally:
        await admin.close()
    await ensure_topics(hub.access, [topic], replication=1, min_insync=1)
    async with Publisher(hub.access) as publisher:
        await publisher.publish(records)


def _with_amount(record: Outgoing, amount: bytes) -> Outgoing:
    assert record.value is not None
    return Outgoing(
        record.topic, record.key, record.value.replace(b'"minor":1250', b'"minor":' + amount), record.headers
    )


async def test_a_changed_record_is_named(hub: Hub) -> None:
    """Somebody wrote the log anew with one amount changed: the rows, made from the true log, tell."""
    topic = hub.topics.payment_events.name
    raws = [raw async for raw in replay(hub.access, topic)]
    records = [Outgoing(topic, raw.key, raw.value, raw.readable_headers) for raw in raws]
    await _rewrite(hub, records)
    same = await verify(hub.access, hub.pool, hub.topics)
    await _rewrite(hub, [_with_amount(record, b"9999") if at == 3 else record for at, record in enumerate(records)])
    report = await verify(hub.access, hub.pool, hub.topics)
    assert same.ok
    assert report.difference is not None
    assert (report.difference.offset, report.difference.detail) == (3, "record_digest, hash differ from the log")


async def test_a_log_that_lost_its_end_is_noticed(hub: Hub) -> None:
    topic = hub.topics.payment_events.name
    raws = [raw async for raw in replay(hub.access, topic)]
    await _rewrite(hub, [Outgoing(topic, raw.key, raw.value, raw.readable_headers) for raw in raws[:-1]])
    report = await verify(hub.access, hub.pool, hub.topics)
    assert report.difference is not None
    assert report.difference.offset == 9


async def test_a_log_and_a_table_rewritten_together_do_not_fit_the_anchors(hub: Hub) -> None:
    topic = hub.topics.payment_events.name
    raws = [raw async for raw in replay(hub.access, topic)]
    forged = [_with_amount(Outgoing(topic, raw.key, raw.value, raw.readable_headers), b"9999") for raw in raws]
    await _rewrite(hub, forged)
    await hub.pool.execute("delete from integration_audit_logs")
    await hub.pool.execute("update projection_positions set next_offset = 0 where projection = 'audit'")
    await hub.project_all()
    report = await verify(hub.access, hub.pool, hub.topics)
    assert report.difference is not None
    assert "was anchored as" in report.difference.detail


async def test_a_running_projector_is_no_difference(hub: Hub) -> None:
    events = hub.topics.payment_events.name
    async with hub.projector(batch=20, anchor_every=50) as projector:
        for _ in range(5):
            await hub.append(*(a.a_record(events, a.a_payment_created()) for _ in range(100)))
            assert (await verify(hub.access, hub.pool, hub.topics)).ok
        await hub.reached(projector)
    report = await verify(hub.access, hub.pool, hub.topics)
    assert (report.ok, report.rows) == (True, 515)
    assert report.anchors > 4


async def test_heads_are_anchored_at_a_clean_stop_and_every_so_many_records(hub: Hub) -> None:
    before = [(anchor.topic, anchor.offset) for anchor in await _anchors(hub)]
    await hub.append(*(a.a_record(hub.topics.intents.name, a.a_send_intended()) for _ in range(40)))
    await hub.project_all(batch=10, anchor_every=15)
    after = [(anchor.topic, anchor.offset) for anchor in await _anchors(hub)][len(before) :]
    assert sorted(before) == [(hub.topics.payment_events.name, 9), (hub.topics.provider_calls.name, 4)]
    assert after[-1] == (hub.topics.intents.name, 39)
    assert len(after) >= 2


async def test_an_anchor_that_could_not_be_written_is_written_later(hub: Hub) -> None:
    failures = [1, 2]
    published: list[Outgoing] = []

    async def publish(records: Sequence[Outgoing]) -> None:
        if failures:
            failures.pop()
            raise StoreError("Kafka is away")
        published.extend(records)

    anchors = Anchors(publish, hub.topics, every=5)
    anchors.wrote({(hub.topics.payment_events.name, 0): 10})
    async with hub.pool.acquire() as connection:
        counts = [await anchors.anchor(connection, anchors.due()) for _ in range(4)]
    assert counts == [0, 0, 1, 0]
    assert len(published) == 1
