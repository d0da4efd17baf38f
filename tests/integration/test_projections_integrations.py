"""The registry's events, in the tables that people query."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest_asyncio

from infra.local import LocalStack
from projections import differences, rebuild
from schemas.integrations import IntegrationEvent
from streams.codec import Outgoing
from tests import builders as a
from tests import integration_orders as an
from tests.projecting import Hub, a_hub


@pytest_asyncio.fixture
async def hub(stack: LocalStack) -> AsyncIterator[Hub]:
    async with a_hub(stack) as made:
        yield made


def told(hub: Hub, body: IntegrationEvent, key: str = an.SHOP) -> Outgoing:
    return a.a_record(hub.topics.integration_events.name, body, key=key)


async def test_the_latest_state_stands_in_the_tables_and_a_rebuild_gives_the_same(hub: Hub) -> None:
    added = told(hub, an.an_added(settings={"breaker_threshold": 3}))
    await hub.append(
        added,
        told(hub, an.a_mapped(revision=2, metadata={"store": "Kadıköy"})),
        told(hub, an.a_mapped(revision=3, user_id="seller-2")),
        told(hub, an.an_unmapped(revision=4, user_id="seller-2")),
        told(hub, an.a_paused(revision=5)),
        added,  # published again
        told(hub, an.an_order_refused()),
        told(hub, an.a_rule_was_put(revision=6), "lira"),
    )
    await hub.project_all()
    (config,) = await hub.rows("select * from integration_configs")
    assert (config["status"], config["revision"], config["integration_type"]) == ("paused", 5, "payment")
    users = await hub.rows("select * from integration_user_mappings order by user_id")
    assert [(row["external_user_id"], row["removed_at"] is None) for row in users] == [
        ("sub-merchant-1", True),
        (None, False),
    ]
    assert await hub.value("select priority from routing_rules where removed_at is null") == 10
    said = await hub.value(
        "select request_data ->> 'by' from integration_audit_logs where action = 'integrations.paused.v1'"
    )
    assert said == an.BY
    assert await differences(hub.access, hub.pool, hub.topics, "integrations") == []
    await rebuild(hub.access, hub.pool, hub.topics, "integrations")
    await rebuild(hub.access, hub.pool, hub.topics, "health")
    assert await hub.value("select status from integration_status") == "paused"


async def test_a_removed_integration_keeps_its_row_and_loses_its_users(hub: Hub) -> None:
    await hub.append(
        told(hub, an.an_added()),
        told(hub, an.a_mapped(revision=2)),
        told(hub, an.a_removed(revision=3)),
        told(hub, an.a_rule_was_put(revision=4), "lira"),
        told(hub, an.a_rule_was_removed(revision=5), "lira"),
    )
    await hub.project_all()
    assert await hub.value("select status from integration_configs") == "removed"
    assert await hub.value("select count(*) from integration_user_mappings where removed_at is null") == 0
    assert await hub.value("select count(*) from routing_rules where removed_at is null") == 0
    assert await differences(hub.access, hub.pool, hub.topics, "integrations") == []


async def test_an_active_integration_shows_as_failing_while_checks_fail_or_a_breaker_is_open(hub: Hub) -> None:
    now = datetime.now(UTC)
    shown = "select status from integration_status"
    await hub.append(told(hub, an.an_added()), told(hub, a.a_health_checked(integration_id=an.SHOP, status="healthy")))
    await hub.project_all()
    assert await hub.value(shown) == "active"
    ill = a.a_health_checked(integration_id=an.SHOP, status="unhealthy", error="wrong key", checked_at=now)
    await hub.append(told(hub, ill))
    await hub.project_all()
    assert await hub.value(shown) == "failing"
    await hub.append(
        told(hub, a.a_health_checked(integration_id=an.SHOP, checked_at=datetime.now(UTC))),
        told(hub, a.a_breaker_changed(integration_id=an.SHOP, state="open", changed_at=datetime.now(UTC))),
    )
    await hub.project_all()
    assert await hub.value(shown) == "failing"
    closed = a.a_breaker_changed(integration_id=an.SHOP, before="open", state="closed", changed_at=datetime.now(UTC))
    await hub.append(told(hub, closed))
    await hub.project_all()
    assert await hub.value(shown) == "active"
