"""Whatever somebody does to rows of the audit log, a comparison with Kafka names the first row that is touched."""

from collections.abc import AsyncIterator, Callable
from typing import TypeVar

import pytest
import pytest_asyncio
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from hypothesis import example, given, settings
from hypothesis import strategies as st

from infra.local import LocalStack
from projections import AuditReport, verify
from projections.audit.chain import link
from tests import builders as a
from tests.projecting import Hub, a_hub

Test = TypeVar("Test", bound=Callable[..., None])
ROWS = 6
TOPICS = ("events", "calls")
CHANGES = {
    "text": "overlay(coalesce({column}, '?') placing '~' from 1 + {byte} % length(coalesce({column}, '?')))",
    "uuid": "overlay(coalesce({column}::text, repeat('0', 32)) placing '0f' from 1)::uuid",
    "bigint": "coalesce({column}, 0) # (1 << ({byte} % 20))",
    "jsonb": "jsonb_build_object('was', {column})",
    "bytea": "set_byte({column}, {byte} % 32, get_byte({column}, {byte} % 32) # {mask})",
    "timestamp with time zone": "{column} + {mask} * interval '1 microsecond'",
}
COLUMNS = {
    "action": "text",
    "event_source": "text",
    "event_id": "uuid",
    "integration_id": "text",
    "command_id": "uuid",
    "status_code": "bigint",
    "duration_ms": "bigint",
    "error_message": "text",
    "request_data": "jsonb",
    "response_data": "jsonb",
    "record_digest": "bytea",
    "previous_hash": "bytea",
    "hash": "bytea",
    "occurred_at": "timestamp with time zone",
}
WHERE = 'topic = $1 and "offset" = $2'


@pytest_asyncio.fixture(scope="module")
async def prepared(stack: LocalStack) -> AsyncIterator[Hub]:
    async with a_hub(stack, partitions=1) as made:
        events, calls = made.topics.payment_events.name, made.topics.provider_calls.name
        await made.append(
            *(a.a_record(events, a.a_payment_created()) for _ in range(ROWS)),
            *(
                a.a_record(calls, a.a_provider_called(response='{"ok": true, "price": 12.50, "n": 1}'))
                for _ in range(ROWS)
            ),
        )
        await made.project_all()
        await made.pool.execute("create table kept as select * from integration_audit_logs")
        await made.pool.execute("create table stood as select * from projection_positions")
        yield made


@pytest_asyncio.fixture
async def hub(prepared: Hub) -> AsyncIterator[Hub]:
    yield prepared
    await _restore(prepared)


async def _restore(hub: Hub) -> None:
    await hub.pool.execute(
        "begin; delete from integration_audit_logs;"
        " insert into integration_audit_logs overriding system value select * from kept order by id;"
        " delete from projection_positions; insert into projection_positions select * from stood; commit"
    )


async def _verified(hub: Hub) -> AuditReport:
    return await verify(hub.access, hub.pool, hub.topics)


async def _named(hub: Hub) -> tuple[str, int, int] | None:
    found = (await _verified(hub)).difference
    return None if found is None else (found.topic, found.partition, found.offset)


def _name(hub: Hub, topic: str) -> str:
    return {"events": hub.topics.payment_events, "calls": hub.topics.provider_calls}[topic].name


def _each_column(test: Test) -> Test:
    """Each of them once, beside what is drawn."""
    for column in COLUMNS:
        test = example("calls", 3, column, 5)(test)
    return test


async def test_every_column_is_tampered_with_below(hub: Hub) -> None:
    rows = await hub.rows(
        "select column_name, data_type from information_schema.columns where table_name = 'integration_audit_logs'"
    )
    placed = {"id": "bigint", "topic": "text", "partition": "integer", "offset": "bigint"}
    assert {row["column_name"]: row["data_type"] for row in rows} == placed | COLUMNS


@_each_column
@given(
    st.sampled_from(TOPICS),
    st.integers(0, ROWS - 1),
    st.sampled_from(sorted(COLUMNS)),
    st.integers(0, 999),
)
@settings(max_examples=2, deadline=None)
async def test_any_change_of_any_column_of_any_row_is_named(
    prepared: Hub, topic: str, offset: int, column: str, byte: int
) -> None:
    changed = CHANGES[COLUMNS[column]].format(column=column, byte=byte, mask=1 + byte % 255)
    row = (_name(prepared, topic), offset)
    await prepared.pool.execute(f"update integration_audit_logs set {column} = {changed} where {WHERE}", *row)  # noqa: S608 - ours
    try:
        found = (await _verified(prepared)).difference
    finally:
        await _restore(prepared)
    assert found is not None
    assert (found.topic, found.offset, found.detail) == (*row, f"{column} differ from the log")


@pytest.mark.parametrize(
    "changed",
    [
        """'{"ok": 1, "price": 12.50, "n": 1}'""",
        """'{"ok": true, "price": 12.5, "n": 1}'""",
        """'{"ok": true, "price": 12.50, "n": true}'""",
        """'{"ok": true, "price": "12.50", "n": 1}'""",
        """'{"ok": true, "price": 12.50, "n": 1.0}'""",
    ],
)
async def test_a_value_of_json_that_python_takes_for_equal_is_named(hub: Hub, changed: str) -> None:
    row = (hub.topics.provider_calls.name, 2)
    await hub.pool.execute(f"update integration_audit_logs set response_data = {changed} where {WHERE}", *row)  # noqa: S608 - ours
    assert await _named(hub) == (row[0], 0, row[1])


@pytest.mark.parametrize("offset", [0, 3, ROWS - 1])
async def test_a_row_that_was_deleted_is_named(hub: Hub, offset: int) -> None:
    row = (hub.topics.payment_events.name, offset)
    await hub.pool.execute(f"delete from integration_audit_logs where {WHERE}", *row)  # noqa: S608 - ours
    assert await _named(hub) == (row[0], 0, offset)


@pytest.mark.parametrize("column", ["partition", '"offset"', "topic"])
async def test_a_row_that_was_put_elsewhere_is_missing(hub: Hub, column: str) -> None:
    row = (hub.topics.payment_events.name, 2)
    changed = "'elsewhere'" if column == "topic" else f"{column} + 700"
    await hub.pool.execute(f"update integration_audit_logs set {column} = {changed} where {WHERE}", *row)  # noqa: S608 - ours
    assert await _named(hub) == (row[0], 0, 2)


async def test_two_rows_that_changed_places_are_named(hub: Hub) -> None:
    topic = hub.topics.payment_events.name
    for was, now in ((1, 100), (4, 1), (100, 4)):
        await hub.pool.execute(f'update integration_audit_logs set "offset" = $3 where {WHERE}', topic, was, now)  # noqa: S608 - ours
    assert await _named(hub) == (topic, 0, 1)


@pytest.mark.parametrize("whole", [False, True], ids=["its end", "all of it"])
async def test_a_table_that_was_cut_off_is_noticed_also_when_it_says_it_never_was_longer(
    hub: Hub, *, whole: bool
) -> None:
    topic, first = hub.topics.payment_events.name, 0 if whole else ROWS - 2
    await hub.pool.execute('delete from integration_audit_logs where topic = $1 and "offset" >= $2', topic, first)
    assert await _named(hub) == (topic, 0, first)
    await hub.pool.execute(
        "update projection_positions set next_offset = $2 where projection = 'audit' and topic = $1", topic, first
    )
    assert await _named(hub) == (topic, 0, first)


@pytest.mark.parametrize("place", [(0, ROWS), (0, -1), (7, 0)])
@pytest.mark.parametrize("topic", ["payment_events", "intents"])
async def test_a_row_that_was_made_up_is_named(hub: Hub, topic: str, place: tuple[int, int]) -> None:
    name = getattr(hub.topics, topic).name
    await hub.pool.execute(
        'insert into integration_audit_logs (topic, partition, "offset", action, record_digest, previous_hash, hash, '
        "occurred_at) select $1, $2, $3, action, record_digest, hash, sha256(hash || record_digest), occurred_at "
        'from kept where topic = $4 and "offset" = $5',
        name,
        *place,
        hub.topics.payment_events.name,
        ROWS - 1,
    )
    assert await _named(hub) == (name, *place)


@pytest.mark.parametrize("first", [0, 3])
async def test_hashes_that_were_made_anew_from_some_row_to_the_end_are_named_there(hub: Hub, first: int) -> None:
    topic = hub.topics.payment_events.name
    rows = await hub.rows('select * from kept where topic = $1 and "offset" >= $2 order by "offset"', topic, first)
    previous = rows[0]["previous_hash"]
    for row in rows:
        digest = bytes(32) if row["offset"] == first else row["record_digest"]
        await hub.pool.execute(
            f"update integration_audit_logs set record_digest = $3, previous_hash = $4, hash = $5 where {WHERE}",  # noqa: S608 - ours
            topic, row["offset"], digest, previous, link(previous, digest),
        )  # fmt: skip
        previous = link(previous, digest)
    assert await _named(hub) == (topic, 0, first)


async def test_rows_of_another_prefix_are_counted_and_not_compared(hub: Hub) -> None:
    await hub.pool.execute("update integration_audit_logs set topic = 'before.' || topic")
    await _append_again(hub)
    assert (await _verified(hub)).elsewhere == 2 * ROWS


async def _append_again(hub: Hub) -> None:
    """The rows under their present names too."""
    columns = ", ".join(["topic", "partition", '"offset"', *COLUMNS])
    await hub.pool.execute(f"insert into integration_audit_logs ({columns}) select {columns} from kept")  # noqa: S608 - ours


@pytest_asyncio.fixture
async def deleted(stack: LocalStack) -> AsyncIterator[Hub]:
    """A hub whose log has lost its first four records to retention."""
    async with a_hub(stack, partitions=1) as made:
        topic = made.topics.dead_letters.name
        await made.append(*(a.a_record(topic, a.a_payment_created()) for _ in range(ROWS)))
        await made.project_all()
        admin = AIOKafkaAdminClient(bootstrap_servers=made.access.bootstrap)
        await admin.start()
        try:
            await admin.delete_records({TopicPartition(topic, 0): RecordsToDelete(4)})
        finally:
            await admin.close()
        yield made


async def test_rows_whose_records_are_gone_still_prove_their_order(deleted: Hub) -> None:
    topic = deleted.topics.dead_letters.name
    report = await _verified(deleted)
    assert (report.ok, report.rows, report.linked) == (True, 2, 4)
    await deleted.pool.execute("create table kept as select * from integration_audit_logs")
    await deleted.pool.execute("create table stood as select * from projection_positions")
    changes = {
        f"update integration_audit_logs set hash = sha256(hash) where {WHERE}": 1,  # noqa: S608 - ours
        f"update integration_audit_logs set record_digest = sha256(hash) where {WHERE}": 1,  # noqa: S608 - ours
        f"update integration_audit_logs set previous_hash = sha256(hash) where {WHERE}": 1,  # noqa: S608 - ours
        f"delete from integration_audit_logs where {WHERE}": 2,  # noqa: S608 - ours
        'delete from integration_audit_logs where topic = $1 and "offset" < 4 and $2 = 1': 4,
    }
    found = {}
    for change in changes:
        await deleted.pool.execute(change, topic, 1)
        found[change] = await _named(deleted)
        await _restore(deleted)
    assert found == {change: (topic, 0, offset) for change, offset in changes.items()}
