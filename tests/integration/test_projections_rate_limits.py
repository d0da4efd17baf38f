"""Rate limits as workers report them, in the table and the view."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from agents.health import Watch
from infra.local import LocalStack
from projections import differences, rebuild
from providers.connector import RateLimit
from schemas.errors import Throttled
from tests import builders as a
from tests.projecting import Hub, a_hub
from tests.unit.providers.refunds import a_trial


@pytest_asyncio.fixture
async def hub(stack: LocalStack) -> AsyncIterator[Hub]:
    async with a_hub(stack) as made:
        yield made


async def test_the_latest_report_of_each_process_stands_in_the_table_and_a_rebuild_gives_the_same(hub: Hub) -> None:
    topic = hub.topics.integration_events.name
    soon = datetime.now(UTC) + timedelta(hours=1)
    last = a.a_rate_limit_reported(used=20, throttled=2, resets_at=soon, reported_at=a.NOON + timedelta(seconds=9))
    other = a.a_rate_limit_reported(process="worker-2", used=5, turned_away=1, resets_at=soon, closed_until=soon)
    over = a.a_rate_limit_reported(process="worker-3", used=7, resets_at=a.NOON)
    record = a.a_record(topic, last)
    await hub.append(record, a.a_record(topic, a.a_rate_limit_reported(used=1)), record)
    await hub.append(a.a_record(topic, other), a.a_record(topic, over), a.a_record(topic, a.a_health_checked()))
    await hub.project_all()
    rows = await hub.rows("select process, used, throttled, per_s from integration_rate_limits order by process")
    assert [tuple(row.values()) for row in rows] == [
        ("worker-1", 20, 2, 60),
        ("worker-2", 5, 0, 60),
        ("worker-3", 7, 0, 60),
    ]
    (view,) = await hub.rows("select * from integration_limits")
    assert (view["limit_calls"], view["per_s"], view["used"]) == (50, 60, 25)
    assert (view["throttled"], view["turned_away"], view["closed_until"]) == (2, 1, soon)
    assert await differences(hub.access, hub.pool, hub.topics, "rate_limits") == []
    await rebuild(hub.access, hub.pool, hub.topics, "rate_limits")
    assert await hub.value("select sum(used) from integration_rate_limits") == 32


async def test_a_worker_reports_what_changed_and_nothing_else(hub: Hub) -> None:
    async with a_trial(limit=RateLimit(2, 3600)) as trial:
        watch = Watch(
            hub.publisher,
            hub.topics,
            process="worker-1",
            interval_s=3600,
            now=lambda: datetime.now(UTC),
            limits_every_s=0.01,
        )
        watching = asyncio.create_task(watch.run(trial.caller, {}))
        try:
            await trial.refund()
            await trial.refund()
            with pytest.raises(Throttled):
                await trial.refund()
            async with hub.projector() as projector:
                async with asyncio.timeout(60):
                    while await _told(hub) != [("m1", "refund", 2, 3600, 2, 1)]:
                        await hub.reached(projector)
                assert await hub.value("select count(*) from integration_audit_logs") <= 3
        finally:
            watching.cancel()
            await asyncio.wait([watching])


async def _told(hub: Hub) -> list[tuple[object, ...]]:
    rows = await hub.rows(
        "select integration_id, operation, limit_calls, per_s, used, throttled from integration_rate_limits"
    )
    return [tuple(row.values()) for row in rows]
