"""The demo: a day at a shop goes through the hub while a worker is killed, and the books must balance in the end."""

import asyncio
import base64
import json
import os
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import asyncpg

from infra.children import Children
from infra.demo.balance import Balance, TableTotal, balance
from infra.demo.day import Day, read_day
from infra.demo.shoppers import Shoppers
from infra.integration_settings import load_integrations
from infra.local import embedded_stack
from infra.local.process import Process
from infra.sandbox.iyzico import Books
from infra.settings import Settings, read_settings
from infra.stores import prepare_stores
from projections.audit import verify
from projections.pool import open_pool
from projections.status import high_water, stands_at
from providers.registry import connectors
from schemas.ids import new_id
from schemas.payments import (
    PAYMENT_EVENTS,
    CommandPending,
    PaymentEvent,
    PaymentFact,
    ThreeDSecureCompleted,
)
from streams.codec import decode
from streams.dead_letters import read_dead_letter
from streams.publisher import Publisher
from streams.reader import ResultReader, replay
from streams.seen import SeenIds

Say = Callable[[str], None]

MODELS: Final = {model.type: model for model in PAYMENT_EVENTS}
WAIT_S: Final = 75.0
"""How long the demo waits for the last result before it counts what is missing as lost."""
_IN_ONE_GO: Final = 20


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the demo found.

    Attributes:
        audit_chain: `ok`, or the first row that differs.
        events: every distinct event, in the order read.
    """

    balance: Balance
    commands: int
    dead_letters: int
    expected_dead_letters: int
    audit_chain: str
    seconds: float
    events: list[PaymentEvent]

    @property
    def balanced(self) -> bool:
        found = self.balance
        return (
            found.results == self.commands
            and found.lost == found.charged_twice == 0
            and found.unknown == found.unknown_explained
            and not found.problems
            and self.dead_letters == self.expected_dead_letters
            and self.audit_chain == "ok"
        )

    def line(self) -> dict[str, Any]:
        """The last line of the demo's output."""
        found = self.balance
        return {
            "commands": self.commands,
            "results": found.results,
            "accepted": found.verdicts["accepted"],
            "refused": found.verdicts["refused"],
            "pending": found.verdicts["pending"],
            "unknown": found.unknown,
            "unknown_explained": found.unknown_explained,
            "three_d_secure": sum(isinstance(event, ThreeDSecureCompleted) for event in self.events),
            "dead_letters": self.dead_letters,
            "lost": found.lost,
            "charged_twice": found.charged_twice,
            "audit_chain": self.audit_chain,
            "seconds": round(self.seconds, 1),
        }


async def run_demo(say: Say) -> Outcome:
    """Run the day.

    Raises:
        LocalStackError: a server or process does not start; the message ends with its log.
    """
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="kolaj-demo-") as name:
        folder = Path(name)
        async with _hub(folder, say) as (settings, children, first_worker):
            day = read_day(settings.topics.payment_commands.name, datetime.now(UTC))
            events, killed_at = await _play(day, settings, children, first_worker, say)
            say("every command has its result; waiting for the tables")
            await _projected(settings)
            say("balancing the provider's books, the events and the tables")
            return await _weigh(day, events, killed_at=killed_at, settings=settings, folder=folder, began=began)


@asynccontextmanager
async def _hub(folder: Path, say: Say) -> AsyncIterator[tuple[Settings, Children, Process]]:
    """Broker, database, sandbox, two workers and a projector."""
    say("starting Kafka and PostgreSQL")
    async with embedded_stack() as stack:
        sandboxes = Children(folder, {})
        children = sandboxes
        try:
            _, sandbox = await sandboxes.start(
                "sandbox", ["sandbox", "iyzico", "--json", "--books", str(folder / "books.sqlite")]
            )
            say(f"iyzico sandbox at {sandbox['base_url']}")
            environment = _environment(stack.bootstrap, stack.database_url, sandbox)
            settings = read_settings(environment=environment)
            await prepare_stores(settings)
            children = Children(folder, environment)
            started = [
                children.start("worker-1", ["worker", "--json"]),
                children.start("worker-2", ["worker", "--json"]),
                children.start("projector", ["projector", "--json"]),
            ]
            (first, _), *_ = await asyncio.gather(*started)
            say("two workers and a projector are running")
            yield settings, children, first
        finally:
            await children.stop()
            await sandboxes.stop()


def _environment(bootstrap: str, database_url: str, sandbox: dict[str, Any]) -> dict[str, str]:
    names = ("create", "capture", "cancel", "refund", "query", "start_three_d_secure", "complete_three_d_secure")
    limits = {name: {"calls": 1000, "per_s": 1.0} for name in names}
    integration = {
        "id": "iyzico-demo",
        "provider": "iyzico",
        "base_url": sandbox["base_url"],
        "rate_limits": limits,
        # The sandbox knows at once what it performed; the real one may take minutes.
        "absence_window_s": 8,
    }
    return {
        "KAFKA_BOOTSTRAP": bootstrap,
        "DATABASE_URL": database_url,
        "KOLAJ_INTEGRATIONS": json.dumps([integration]),
        "IYZICO_DEMO_API_KEY": sandbox["api_key"],
        "IYZICO_DEMO_SECRET_KEY": sandbox["secret_key"],
        "INTEGRATION_ENCRYPTION_KEY": base64.b64encode(os.urandom(32)).decode(),
        # Short, so that what a killed worker held is taken over while one watches.
        "KOLAJ_DEADLINE_S": "4",
        "KOLAJ_LEASE_MARGIN_S": "1",
        "KOLAJ_LEASE_S": "8",
        "KOLAJ_SESSION_TIMEOUT_S": "6",
        "KOLAJ_RETRY_DELAYS_S": "2,10",
        "KOLAJ_MAX_IN_FLIGHT": "16",
        "KOLAJ_LOG_LEVEL": "WARNING",
    }


async def _play(
    day: Day, settings: Settings, children: Children, first_worker: Process, say: Say
) -> tuple[list[PaymentEvent], datetime]:
    """Publish the day, kill a worker half-way, start another, and collect events until each command has its result.

    Returns:
        The events, and the moment of the kill.
    """
    say(f"publishing {len(day.records)} records of a shop's day")
    waiting = set(day.commands)
    events: list[PaymentEvent] = []
    killed_at = datetime.max.replace(tzinfo=UTC)
    half_way, killed = asyncio.Event(), asyncio.Event()
    (account,) = load_integrations(settings, connectors()).values()

    async def publish() -> None:
        half = len(day.records) // 2
        for start in range(0, len(day.records), _IN_ONE_GO):
            if start >= half:
                await killed.wait()
            await publisher.publish(day.records[start : start + _IN_ONE_GO])

    async def kill_when_half_way() -> None:
        await half_way.wait()
        nonlocal killed_at
        await children.kill(first_worker)
        killed_at = datetime.now(UTC)
        say("killed worker-1 with SIGKILL, starting worker-3")
        killed.set()
        await children.start("worker-3", ["worker", "--json"])

    async def come_back(pending: CommandPending, command_id: UUID) -> None:
        order = await shoppers.come_back(pending, command_id, settings.topics.payment_commands.name)
        await publisher.publish([order])

    topic = settings.topics.payment_events.name
    async with (
        ResultReader(settings.kafka, topic, seen=SeenIds()) as reader,
        Publisher(settings.kafka, client_id="kolaj-demo") as publisher,
        Shoppers(account.base_url, account) as shoppers,
        asyncio.TaskGroup() as tasks,
    ):
        tasks.create_task(publish())
        tasks.create_task(kill_when_half_way())
        try:
            async with asyncio.timeout(WAIT_S):
                async for record in reader:
                    event = decode(MODELS, record.key, record.value, record.readable_headers).body
                    events.append(event)
                    if not isinstance(event, PaymentFact):
                        waiting.discard(event.command_id)
                    if isinstance(event, CommandPending) and event.next_action is not None:
                        # The shopper goes to the bank; what comes of it is one more command.
                        back = new_id()
                        day.commands[back] = event.payment_id
                        waiting.add(back)
                        tasks.create_task(come_back(event, back))
                    if len(waiting) <= len(day.commands) * 2 // 3:
                        half_way.set()
                    if not waiting:
                        break
        except TimeoutError:
            say(f"{len(waiting)} commands have no result after {WAIT_S:g} s")
    return events, killed_at


async def _projected(settings: Settings) -> None:
    """Wait until the tables hold all that lies in the topics now."""
    marks = await high_water(settings.kafka, settings.topics)
    pool = await open_pool(settings.database_url.get_secret_value(), size=1)
    try:
        async with asyncio.timeout(WAIT_S):
            # Polled: what another process has projected is seen in the database alone.
            while not await stands_at(pool, settings.topics, marks):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
    finally:
        await pool.close()


async def _weigh(
    day: Day, events: list[PaymentEvent], *, killed_at: datetime, settings: Settings, folder: Path, began: float
) -> Outcome:
    results = [event for event in events if not isinstance(event, PaymentFact)]
    with Books(folder / "books.sqlite", read_only=True) as books:
        entries = books.entries()
    pool = await open_pool(settings.database_url.get_secret_value(), size=2)
    try:
        totals = await _totals(pool)
        unreadable = await pool.fetchval(
            "select count(*) from projection_errors where topic <> $1", settings.topics.payment_commands.name
        )
        report = await verify(settings.kafka, pool, settings.topics)
    finally:
        await pool.close()
    # A dead letter may lie there twice, as any record may that was handled when its worker died: it is told by where
    # its record lay.
    dead = {
        (letter.partition, letter.offset)
        async for record in replay(settings.kafka, settings.topics.dead_letters.name)
        if (letter := read_dead_letter(record))
    }
    found = balance(day.commands, results, entries, totals, killed_at)
    if unreadable:
        found.problems.append(f"{unreadable} of the hub's own records could not be projected; see projection_errors")
    return Outcome(
        found,
        commands=len(day.commands),
        dead_letters=len(dead),
        expected_dead_letters=day.unreadable,
        audit_chain="ok" if report.ok else str(report.difference),
        seconds=time.monotonic() - began,
        events=events,
    )


async def _totals(pool: asyncpg.Pool) -> list[TableTotal]:
    # A refused command may have named another currency: such a row holds no money.
    rows = await pool.fetch(
        "select payment_id, captured, refunded, net from payment_totals where captured > 0 or refunded > 0"
    )
    return [
        TableTotal(UUID(str(row["payment_id"])), int(row["captured"]), int(row["refunded"]), int(row["net"]))
        for row in rows
    ]
