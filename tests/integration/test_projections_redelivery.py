"""Copies, gaps, tombstones and deaths in the log's way into the tables: what counts, counts once."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from aiokafka import AIOKafkaProducer

from infra.local import LocalStack
from projections import PROJECTIONS, differences, high_water, runner, verify
from projections.entry import Entry, Reader
from projections.projection import Connection, Projection
from schemas.envelope import Envelope
from schemas.ids import new_id
from streams.codec import Outgoing
from streams.records import RawRecord
from streams.topics import Topic, Topics
from tests import builders as a
from tests.projecting import Hub, a_hub


@pytest_asyncio.fixture
async def hub(stack: LocalStack) -> AsyncIterator[Hub]:
    async with a_hub(stack) as made:
        yield made


def _events(topics: Topics) -> list[tuple[Outgoing, Counter[str]]]:
    """Events of every kind that is counted, and what each adds: the expected sums come from here alone."""
    told: list[tuple[Outgoing, Counter[str]]] = []
    for number in range(1, 9):
        refund = a.a_payment_refunded(a.lira(f"{number}.00"))
        call = a.a_provider_called(duration_us=number * 1_000)
        told += [
            (a.a_record(topics.payment_events.name, refund), Counter(refunded=number * 100, ended=1)),
            (a.a_record(topics.provider_calls.name, call, key="k"), Counter(calls=1, duration_us=number * 1_000)),
            (a.a_record(topics.integration_events.name, a.a_health_checked(), key="k"), Counter(checks=1)),
            (a.a_record(topics.payment_commands.name, a.a_create_payment()), Counter(published=1)),
            (a.a_record(topics.intents.name, a.a_send_intended()), Counter(attempts=1)),
        ]
    return told


async def _sums(hub: Hub) -> Counter[str]:
    (row,) = await hub.rows("""
        select (select sum(refunded) from payment_totals)::bigint as refunded,
               (select sum(calls) from integration_metrics)::bigint as calls,
               (select sum(duration_us_sum) from integration_metrics)::bigint as duration_us,
               (select count(*) from integration_health_checks) as checks,
               (select count(*) from integration_queue_jobs where verdict is not null) as ended,
               (select count(*) from integration_queue_jobs where command_offset is not null) as published,
               (select sum(attempts) from integration_queue_jobs)::bigint as attempts
    """)
    return Counter(row)


async def _equal_to_a_rebuild(hub: Hub) -> bool:
    return not any([await differences(hub.access, hub.pool, hub.topics, one.name) for one in PROJECTIONS])


@pytest.mark.parametrize("batch", [3, 5_000])
async def test_an_event_counts_once_however_often_and_wherever_it_is_told(hub: Hub, batch: int) -> None:
    """Copies in one batch, in later ones and in other partitions; the sums are those of the list of events."""
    told = _events(hub.topics)
    expected = sum((adds for _, adds in told), Counter())
    chance = random.Random(11)  # noqa: S311 - which copies are made, no secret
    for _ in range(3):
        copies = [record for record, _ in told for _ in range(chance.randint(1, 2))]
        # What is about a payment lies under the payment's key; other events may come again in another partition.
        moved = [
            Outgoing(copy.topic, b"elsewhere", copy.value, copy.headers)
            for copy in chance.sample(copies, 20)
            if copy.topic in {hub.topics.provider_calls.name, hub.topics.integration_events.name}
        ]
        chance.shuffle(copies)
        await hub.append(*copies, *moved)
        await hub.project_all(batch=batch)
    assert await _sums(hub) == expected
    assert await _equal_to_a_rebuild(hub)


async def test_gaps_in_the_log_are_passed_and_their_end_is_reached(hub: Hub) -> None:
    """Transactions leave markers, which take offsets and which no consumer is shown, at the very end as well."""
    payment, events = new_id(), hub.topics.payment_events.name
    records = [a.a_record(events, a.a_payment_refunded(a.lira("1.00"), payment_id=payment)) for _ in range(165)]
    async with AIOKafkaProducer(**hub.access.options(), transactional_id=hub.topics.prefix) as producer:
        for first in range(0, len(records), 5):
            async with producer.transaction():
                for record in records[first : first + 5]:
                    await producer.send(events, record.value, record.key, headers=list(record.headers), partition=0)
    ends = await high_water(hub.access, hub.topics)
    assert ends[(events, 0)] > len(records)
    for _ in range(2):
        await hub.project_all(batch=20)
    stood = "select distinct next_offset from projection_positions where topic = $1 and partition = 0"
    assert await hub.rows(stood, events) == [{"next_offset": ends[(events, 0)]}]
    assert await hub.value("select count(*) from payment_transactions") == 165
    assert await hub.value("select refunded from payment_totals") == 16_500


class _DiesAfterCommit:
    """Hands out connections of a pool, and says of some transactions that were committed that the connection died."""

    def __init__(self, pool: Any, deaths: int) -> None:
        self._pool = pool
        self.deaths = deaths

    def acquire(self) -> Any:
        return _Acquired(self, self._pool.acquire())


class _Acquired:
    def __init__(self, pool: _DiesAfterCommit, acquired: Any) -> None:
        self._pool = pool
        self._acquired = acquired

    async def __aenter__(self) -> Any:
        self._connection = await self._acquired.__aenter__()
        return self

    async def __aexit__(self, *why: object) -> None:
        await self._acquired.__aexit__(*why)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def transaction(self) -> Any:
        return _Transaction(self._pool, self._connection.transaction())


class _Transaction:
    def __init__(self, pool: _DiesAfterCommit, transaction: Any) -> None:
        self._pool = pool
        self._transaction = transaction

    async def __aenter__(self) -> None:
        await self._transaction.__aenter__()

    async def __aexit__(self, *why: object) -> None:
        await self._transaction.__aexit__(*why)
        if why[0] is None and self._pool.deaths:
            self._pool.deaths -= 1
            raise asyncpg.ConnectionDoesNotExistError("the connection went away before the answer came")


async def test_a_commit_whose_answer_is_lost_is_not_written_again(hub: Hub) -> None:
    told = _events(hub.topics)
    pool = _DiesAfterCommit(hub.pool, deaths=5)
    await hub.append(*(record for record, _ in told))
    await hub.project_all(pool=pool, batch=4)
    assert pool.deaths == 0
    assert await _sums(hub) == sum((adds for _, adds in told), Counter())
    assert (await verify(hub.access, hub.pool, hub.topics)).ok


def _dying(every: int) -> tuple[Projection, Counter[str]]:
    """Writes nothing, and dies at every so many calls; reads all there is."""
    seen: Counter[str] = Counter()

    async def write(_: Connection, entries: Sequence[Entry], __: str) -> None:
        seen["calls"] += bool(entries)
        if entries and seen["calls"] % every == 0:
            seen["deaths"] += 1
            raise asyncpg.ConnectionDoesNotExistError("the connection went away")

    def reads(topics: Topics) -> tuple[Topic, ...]:
        return tuple({topic.name: topic for one in PROJECTIONS for topic in one.reads(topics)}.values())

    return Projection("dying", (), (), reads, write), seen


@pytest.mark.parametrize("place", range(len(PROJECTIONS) + 1))
async def test_a_death_between_any_two_writes_leaves_no_half_and_no_double(hub: Hub, place: int) -> None:
    """The batch that was read ahead of a failure is thrown away with it."""
    told = _events(hub.topics)
    dying, seen = _dying(every=3)
    await hub.append(*(record for record, _ in told))
    await hub.project_all(projections=(*PROJECTIONS[:place], dying, *PROJECTIONS[place:]), batch=8)
    assert seen["deaths"] > 0
    assert await _sums(hub) == sum((adds for _, adds in told), Counter())
    assert (await verify(hub.access, hub.pool, hub.topics)).ok


async def test_the_next_batch_is_read_while_one_is_written(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first write ends only once records beyond its own batch were read; without reading ahead it never would."""
    beyond = asyncio.Event()
    read: list[RawRecord] = []

    class Noticing(Reader):
        def read(self, raw: RawRecord) -> Entry:
            read.append(raw)
            if len(read) > 5:
                beyond.set()
            return super().read(raw)

    async def write(_: Connection, entries: Sequence[Entry], __: str) -> None:
        if entries:
            await beyond.wait()

    waiting = Projection("waiting", (), (), lambda topics: (topics.payment_events,), write)
    monkeypatch.setattr(runner, "Reader", Noticing)
    events = hub.topics.payment_events.name
    await hub.append(*(a.a_record(events, a.a_payment_refunded()) for _ in range(12)))
    await hub.project_all(projections=(*PROJECTIONS, waiting), batch=5)
    assert await hub.value("select count(*) from payment_transactions") == 12


def _topic_names(topics: Topics) -> list[str]:
    return sorted({name for projection in PROJECTIONS for name in projection.topic_names(topics)})


async def test_a_record_without_a_value_stops_no_topic(hub: Hub) -> None:
    """With an envelope or none, with a key or none, beside good records, and again in a rebuild."""
    names, told = _topic_names(hub.topics), _events(hub.topics)
    envelope = tuple(Envelope(id=new_id(), type="payments.refunded.v1", source="s").headers())
    nothing = [
        Outgoing(name, key, value, headers)
        for name in names
        for key in (b"k", None)
        for value in (None, b"", b"null")
        for headers in ((), envelope)
    ]
    await hub.append(*nothing, *(record for record, _ in told), *nothing)
    await hub.project_all(batch=7)
    assert await _sums(hub) == sum((adds for _, adds in told), Counter())
    audited = "select count(*) from integration_audit_logs where topic = $1 and event_source is distinct from $2"
    for name in names:
        if name != hub.topics.payment_commands.name:
            assert await hub.value(audited, name, a.SHOP) == 2 * len(nothing) // len(names)
    assert await _equal_to_a_rebuild(hub)
    assert (await verify(hub.access, hub.pool, hub.topics)).ok
