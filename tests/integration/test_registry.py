"""The registry in PostgreSQL: each order once, and what pausing promises."""

import asyncio
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from pydantic import SecretStr

from agents.integrations import reading
from agents.integrations.decide import House
from agents.integrations.directory import Directory
from agents.integrations.registry import Decided, Order, Registry
from agents.ledger import Ask, Claim, Conclusion, Ledger, Sending, StoredResult
from agents.parking import STOPPED
from agents.sql import statement
from agents.stops import Stops
from providers.connector import LiveCredentials
from providers.registry import connectors
from schemas.errors import SettingsError
from schemas.ids import new_id
from schemas.integrations import INTEGRATION_RESULTS, IntegrationCommand, IntegrationCommandRefused, IntegrationResult
from streams.codec import decode, digest
from tests import integration_orders as an
from tests.builders import NOON, an_envelope
from tests.given_secrets import GivenSecrets
from tests.stack import fresh_name

MODELS: dict[str, type[IntegrationResult]] = {model.type: model for model in INTEGRATION_RESULTS}
KEYS = {"api_key": SecretStr("sandbox-key-1"), "secret_key": SecretStr("sandbox-secret-1")}


@pytest.fixture
def registry(pool: asyncpg.Pool) -> Registry:
    return Registry(pool, House(connectors(), "sandbox", frozenset({"iyzico-fixed"})))


@pytest.fixture
def name() -> str:
    return fresh_name("iyzico-")


def an_order(command: IntegrationCommand, command_id: UUID | None = None) -> Order:
    envelope = an_envelope(command, id=command_id or new_id(), type=command.type)
    return Order(envelope, command, digest(envelope, command.key, command))


async def settled(registry: Registry, order: Order | IntegrationCommand) -> Decided:
    given = order if isinstance(order, Order) else an_order(order)
    decided = await registry.settle(given, at=NOON, traceparent=None)
    assert isinstance(decided, Decided)
    return decided


async def result_of(registry: Registry, command: IntegrationCommand) -> Any:
    decided = await settled(registry, command)
    return decode(MODELS, decided.key.encode(), decided.value, decided.headers).body


async def refusal_of(registry: Registry, command: IntegrationCommand) -> str:
    result = await result_of(registry, command)
    assert isinstance(result, IntegrationCommandRefused)
    return result.reason


async def stops_of(pool: asyncpg.Pool, name: str) -> list[tuple[Any, ...]]:
    rows = await pool.fetch("select stopped_by, why, by_hand from ledger.stops where integration_id = $1", name)
    return [tuple(row.values()) for row in rows]


async def sent(ledger: Ledger, name: str) -> Claim:
    """A command that may be leaving for the integration."""
    claim = await ledger.claim(Ask(f"payments/{new_id()}", new_id(), "t", b"d"))
    assert await ledger.mark_sending(Sending(claim, 1, name, str(new_id()), "r", repeatable=False))
    return claim


async def concluded(ledger: Ledger, claim: Claim, state: bytes = b"{}") -> None:
    assert await ledger.conclude(Conclusion(claim, state, StoredResult(b"{}", (("ce_id", b"1"),))))


async def test_an_order_that_comes_again_has_its_first_result_word_for_word(registry: Registry, name: str) -> None:
    order = an_order(an.an_add(name))
    first = await settled(registry, order)
    again = await settled(registry, order)
    assert (first.again, again.again) == (False, True)
    assert (again.headers, again.value, again.key) == (first.headers, first.value, name)


async def test_an_id_that_was_used_for_another_order_is_a_conflict(registry: Registry, name: str) -> None:
    order = an_order(an.an_add(name))
    await settled(registry, order)
    other = an_order(an.an_add(name, owner="somebody else"), order.envelope.id)
    assert await registry.settle(other, at=NOON, traceparent=None) == "conflict"


async def test_a_refusal_is_an_orders_one_result_too_and_changes_nothing(
    registry: Registry, pool: asyncpg.Pool, name: str
) -> None:
    await settled(registry, an.an_add(name))
    before = await reading.last_revision(pool)
    twice = an_order(an.an_add(name))
    refused = await settled(registry, twice)
    await settled(registry, an.a_disable(name))
    assert (await settled(registry, twice)).value == refused.value, "whatever holds by now"
    assert await reading.last_revision(pool) == before + 1


async def test_revisions_count_the_changes_of_the_whole_registry(
    registry: Registry, pool: asyncpg.Pool, name: str
) -> None:
    added = (await result_of(registry, an.an_add(name))).integration
    mapped = (await result_of(registry, an.a_mapping(integration_id=name))).mapping
    order = an.a_change(name, name="Yeni", expected_revision=added.revision)
    changed = (await result_of(registry, order)).integration
    assert [mapped.revision, changed.revision] == [added.revision + 1, added.revision + 2]
    assert await reading.integration(pool, name) == changed
    assert await reading.users(pool, name) == [mapped]
    assert (
        await refusal_of(registry, an.a_change(name, name="Eski", expected_revision=added.revision))
        == "revision_differs"
    )


async def test_pausing_forbids_every_send_and_resuming_allows_it_again(
    registry: Registry, pool: asyncpg.Pool, ledger: Ledger, name: str
) -> None:
    await settled(registry, an.an_add(name))
    await settled(registry, an.a_pause(name, why="it charges twice"))
    assert await stops_of(pool, name) == [(an.BY, "it charges twice", False)]
    claim = await ledger.claim(Ask(f"payments/{new_id()}", new_id(), "t", b"d"))
    sending = Sending(claim, 1, name, str(new_id()), "r", repeatable=False)
    assert not await ledger.mark_sending(sending)
    await settled(registry, an.a_resume(name))
    assert await ledger.mark_sending(sending)


async def test_resuming_does_not_lift_what_an_operator_stopped_by_hand(
    registry: Registry, pool: asyncpg.Pool, name: str
) -> None:
    stops = Stops(pool)
    await settled(registry, an.an_add(name))
    await settled(registry, an.a_pause(name))
    stop = await stops.set(name, "Deniz", "an emergency")
    assert stop.fresh
    await settled(registry, an.a_resume(name))
    assert await stops_of(pool, name) == [("Deniz", "an emergency", True)]
    assert await stops.lift(stop)
    assert await stops_of(pool, name) == []


async def test_starting_by_hand_does_not_lift_a_pause(registry: Registry, pool: asyncpg.Pool, name: str) -> None:
    stops = Stops(pool)
    await settled(registry, an.an_add(name))
    stop = await stops.set(name, "Deniz", "an emergency")
    await settled(registry, an.a_pause(name))
    assert await stops.lift(stop)
    assert [row[2] for row in await stops_of(pool, name)] == [False]
    await settled(registry, an.a_resume(name))
    assert await stops_of(pool, name) == []


async def test_an_integration_goes_only_when_nothing_is_open_at_it(
    registry: Registry, pool: asyncpg.Pool, ledger: Ledger, name: str
) -> None:
    await settled(registry, an.an_add(name))
    await settled(registry, an.a_mapping(integration_id=name))
    unsettled, late = await sent(ledger, name), await sent(ledger, name)
    await concluded(ledger, unsettled, b'{"integration_id":"%s","open_commands":[{}]}' % name.encode())
    assert await refusal_of(registry, an.a_removal(name)) == "invalid_status"
    await settled(registry, an.a_disable(name))
    assert await refusal_of(registry, an.a_removal(name)) == "outstanding", "one was sent, and has no result"
    await concluded(ledger, late)
    assert await refusal_of(registry, an.a_removal(name)) == "outstanding", "what became of one nobody knows"
    await pool.execute("update ledger.keys set state = '{}' where key = $1", unsettled.ask.key)
    assert (await result_of(registry, an.a_removal(name))).integration.status == "removed"
    assert await reading.users(pool, name) == []
    assert (await result_of(registry, an.an_add(name))).integration.status == "active"
    assert await stops_of(pool, name) == []


async def test_a_rule_keeps_its_integrations(registry: Registry, pool: asyncpg.Pool, name: str) -> None:
    put = an.a_rule_put(f"rule-{name}", name)
    assert await refusal_of(registry, put) == "unknown_integration"
    await settled(registry, an.an_add(name))
    await settled(registry, put)
    await settled(registry, an.a_disable(name))
    assert await refusal_of(registry, an.a_removal(name)) == "named_by_rule"
    await settled(registry, an.a_rule_removal(f"rule-{name}"))
    assert (await result_of(registry, an.a_removal(name))).integration.status == "removed"
    assert [state.rule.rule_id for state in await reading.rules(pool)] == []


async def test_commands_of_a_lifted_stop_are_woken_each_once(
    registry: Registry, pool: asyncpg.Pool, ledger: Ledger, name: str
) -> None:
    await settled(registry, an.an_add(name))
    await settled(registry, an.a_pause(name))
    key = f"payments/{new_id()}"
    await pool.execute("insert into ledger.keys (key, epoch, parked) values ($1, 1, 1)", key)
    await pool.execute(
        """insert into ledger.parked (key, command_id, digest, integration_id, topic, partition, "offset", sealed,
               reason, tries, parked_at, due_at)
           values ($1, $2, '', $3, 't', 0, 0, '', $4, 0, now(), now() + interval '1 hour')""",
        key,
        new_id(),
        name,
        STOPPED,
    )
    assert list(await ledger.released(reason=STOPPED, limit=10)) == []
    await settled(registry, an.a_resume(name))
    assert list(await ledger.released(reason=STOPPED, limit=10)) == [key]
    assert list(await ledger.released(reason=STOPPED, limit=10)) == []
    await pool.execute("delete from ledger.parked")


async def test_a_directory_follows_the_registry_and_the_secrets(
    registry: Registry, pool: asyncpg.Pool, name: str
) -> None:
    secrets, changes = GivenSecrets(), list[str]()
    directory = Directory(pool, secrets, connectors(), fixed={}, on_change=changes.append)
    await directory.refresh()
    changes.clear()
    assert not await directory.refresh(), "nothing changed"

    await settled(registry, an.an_add(name, owner=name, settings={"breaker_threshold": 2}))
    assert await directory.refresh()
    assert "kolaj credentials set" in (directory[name].lacks or "")
    secrets.give(name, LiveCredentials(KEYS, ({"secret_key": SecretStr("sandbox-older")},)))
    assert await directory.refresh()
    ready = directory[name]
    assert (ready.lacks, ready.credentials, ready.settings.breaker_threshold) == (None, KEYS, 2)
    assert [old["secret_key"].get_secret_value() for old in ready.retiring] == ["sandbox-older"]
    assert directory.used_by[name] == (name,)

    await settled(registry, an.a_change(name, settings={"base_url": "https://other.example"}))
    await directory.refresh()
    assert (directory[name].base_url, ready.base_url) == ("https://other.example", "https://sandbox-api.iyzipay.com")
    await settled(registry, an.a_rule_put(f"rule-{name}", name))
    await directory.refresh()
    assert [rule.rule_id for rule in directory.rules] == [f"rule-{name}"]
    await settled(registry, an.a_rule_removal(f"rule-{name}"))
    await settled(registry, an.a_disable(name))
    await directory.refresh()
    assert (name in directory, directory.closed[name].base_url) == (False, "https://other.example")
    await settled(registry, an.a_removal(name))
    await directory.refresh()
    assert (name in directory, name in directory.closed) == (False, False)
    assert changes == [name] * 5


async def test_orders_that_wait_for_the_registry_leave_the_ledger_its_connections(
    registry: Registry, pool: asyncpg.Pool, database_url: str, name: str
) -> None:
    holder = await asyncpg.connect(database_url)
    try:
        async with holder.transaction():
            await holder.fetchval(statement("registry_lock"))
            waiting = [asyncio.create_task(settled(registry, an.an_add(f"{name}-{n}"))) for n in range(8)]
            waits = "select count(*) from pg_stat_activity where wait_event_type = 'Lock'"
            while not await holder.fetchval(waits):  # noqa: ASYNC110 - seen there alone
                await asyncio.sleep(0.01)
            assert await pool.fetchval("select 1", timeout=20) == 1
        await asyncio.gather(*waiting)
    finally:
        await holder.close()


async def test_secrets_that_cannot_be_read_hold_back_their_own_integration_alone(
    registry: Registry, pool: asyncpg.Pool, name: str
) -> None:
    secrets, other = GivenSecrets(), f"{name}-other"
    directory = Directory(pool, secrets, connectors(), fixed={})
    secrets.fails_at = {name}
    secrets.give(other, LiveCredentials(KEYS))
    await settled(registry, an.an_add(name))
    await settled(registry, an.an_add(other))
    await directory.refresh()
    assert (directory[other].lacks, "the vault is sealed" in (directory[name].lacks or "")) == (None, True)
    secrets.fails_at = set()
    secrets.kept[name] = LiveCredentials(KEYS)
    assert await directory.refresh(), "it looks again although no number changed"
    assert directory[name].lacks is None


async def test_an_id_in_settings_and_registry_is_refused(registry: Registry, pool: asyncpg.Pool, name: str) -> None:
    await settled(registry, an.an_add(name))
    secrets = GivenSecrets()
    directory = Directory(pool, secrets, connectors(), fixed={})
    secrets.give(name, LiveCredentials(KEYS))
    await directory.refresh()
    clash = Directory(pool, secrets, connectors(), fixed={name: directory[name]})
    with pytest.raises(SettingsError, match=f"{name} stands in the registry too"):
        await clash.refresh()


async def test_a_provider_that_this_version_does_not_know_keeps_its_commands_waiting(
    registry: Registry, pool: asyncpg.Pool, name: str
) -> None:
    await settled(registry, an.an_add(name))
    older = Directory(pool, GivenSecrets(), {}, fixed={})
    await older.refresh()
    assert "no connector iyzico" in (older[name].lacks or "")
