"""A whole hub inside a test: worker, projector and sandboxes on the suite's broker and database."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar
from uuid import UUID

import asyncpg

from infra.projector import run_projector
from infra.sandbox.iyzico import BookedPayment, Sandbox, running_sandbox
from infra.settings import Settings, read_settings
from infra.stores import prepare_stores
from infra.worker import run_worker
from projections.pool import open_pool
from projections.status import high_water, stands_at
from schemas.errors import StoreError
from schemas.payments import PaymentFact
from schemas.payments.resources import ResourceLateOutcome, ResourceResultDivergence
from schemas.payments.vocabulary import EVENTS, Ending, Event
from schemas.provider_calls import ProviderCalled
from schemas.webhooks import WEBHOOK_EVENTS, WebhookHandled, WebhookReceived, WebhooksRefused
from streams.codec import Outgoing, decode
from streams.dead_letters import DeadLetter, read_dead_letter
from streams.publisher import Publisher
from streams.reader import ResultReader, high_water_marks
from streams.records import Position, RawRecord
from tests.hub_environment import hub_environment

MODELS = {model.type: model for model in EVENTS}
INTEGRATION = "iyzico-test"
DOWN = "iyzico-down"
"""Of a provider that is down, where a test has one."""
LOOK_AGAIN_S = 0.02

T = TypeVar("T")
WEBHOOK_MODELS = {model.type: model for model in WEBHOOK_EVENTS}
WebhookEvent = WebhookReceived | WebhooksRefused | WebhookHandled
Fact = PaymentFact | ResourceLateOutcome | ResourceResultDivergence


@dataclass
class Hub:
    """A running hub. `events` grows as the hub publishes, further copies of a result included.

    Attributes:
        sandboxes: by integration id; each integration has a provider of its own, so that faults can be told apart.
        records: as they lie in the log, one for each of `events`.
    """

    settings: Settings
    sandboxes: Mapping[str, Sandbox]
    publisher: Publisher
    environment: Mapping[str, str]
    records: list[RawRecord] = field(default_factory=list, repr=False)
    events: list[Event] = field(default_factory=list, repr=False)
    calls: list[ProviderCalled] = field(default_factory=list, repr=False)
    dead: list[DeadLetter] = field(default_factory=list, repr=False)
    webhooks: list[WebhookEvent] = field(default_factory=list, repr=False)
    _read_to: dict[tuple[str, int], int] = field(default_factory=dict, repr=False)
    _grown: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def sandbox(self) -> Sandbox:
        return self.sandboxes[INTEGRATION]

    @property
    def commands(self) -> str:
        """The topic of payment commands."""
        return self.settings.topics.payment_commands.name

    async def publish(self, records: Iterable[Outgoing]) -> list[Position]:
        return await self.publisher.publish(list(records))

    async def until(self, found: Callable[[], T], *, within_s: float = 30) -> T:
        """What `found` finds, as soon as that is true of what was read from the hub's topics."""
        async with asyncio.timeout(within_s), self._grown:
            await self._grown.wait_for(found)
        return found()

    async def results(self, command_ids: Iterable[UUID], *, within_s: float = 30) -> dict[UUID, Ending]:
        """Each command's result, once all of them are there."""
        wanted = set(command_ids)

        def found() -> dict[UUID, Ending] | None:
            results = {
                event.command_id: event
                for event in self.events
                if not isinstance(event, Fact) and event.command_id in wanted
            }
            return results if len(results) == len(wanted) else None

        results = await self.until(found, within_s=within_s)
        assert results is not None
        return results

    async def event(self, kind: type[Event], command_id: UUID, *, within_s: float = 30) -> Event:
        """The first event of this type about this command."""

        def found() -> list[Event]:
            return [event for event in self.events if isinstance(event, kind) and event.command_id == command_id]

        return (await self.until(found, within_s=within_s))[0]

    async def dead_letter(self, position: Position, *, within_s: float = 30) -> DeadLetter:
        """The dead letter that was made of the record at this position."""
        place = (position.topic, position.partition, position.offset)

        def found() -> list[DeadLetter]:
            return [dead for dead in self.dead if (dead.topic, dead.partition, dead.offset) == place]

        (dead,) = await self.until(found, within_s=within_s)
        return dead

    async def booked(
        self,
        found: Callable[[Sequence[BookedPayment]], T],
        *,
        integration: str = INTEGRATION,
        within_s: float = 30,
    ) -> T:
        """What `found` finds in the provider's books, as soon as that is true."""
        async with asyncio.timeout(within_s):
            # What the provider has done is seen in its books alone.
            while not (answer := found(self.sandboxes[integration].books.entries())):  # noqa: ASYNC110
                await asyncio.sleep(LOOK_AGAIN_S)
        return answer

    def copies(self, command_id: UUID) -> list[RawRecord]:
        """The records of a command's result: the first one, and those that were published again."""
        return [
            record
            for record, event in zip(self.records, self.events, strict=True)
            if not isinstance(event, Fact) and event.command_id == command_id
        ]

    async def caught_up(self, *, within_s: float = 30) -> None:
        """Returns once all that the hub has written by now was read: a result may be seen before its calls are."""
        marks = {
            (name, partition): mark
            for name in self._followed
            for partition, mark in (await high_water_marks(self.settings.kafka, name)).items()
        }
        await self.until(
            lambda: all(self._read_to.get(place, 0) >= mark for place, mark in marks.items()), within_s=within_s
        )

    async def projected(self, *, within_s: float = 30) -> None:
        """Returns once the tables hold all that lies in the topics now."""
        marks = await high_water(self.settings.kafka, self.settings.topics)
        pool = await open_pool(self.settings.database_url.get_secret_value(), size=1)
        try:
            async with asyncio.timeout(within_s):
                # What the projector has written is seen in the database alone.
                while not await stands_at(pool, self.settings.topics, marks):  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
        finally:
            await pool.close()

    @asynccontextmanager
    async def database(self) -> AsyncIterator[asyncpg.Connection]:
        connection = await asyncpg.connect(self.settings.database_url.get_secret_value())
        try:
            yield connection
        finally:
            await connection.close()

    @asynccontextmanager
    async def worker(self) -> AsyncIterator["asyncio.Task[None]"]:
        """One more worker in this process, until the block ends; what ended it is raised there."""
        stop, ready = asyncio.Event(), asyncio.Event()
        task = asyncio.create_task(run_worker(self.settings, stop, on_ready=ready.set))
        waiting = asyncio.create_task(ready.wait())
        try:
            await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED, timeout=30)
            yield task
        finally:
            stop.set()
            waiting.cancel()
            await task

    async def follow(self) -> None:
        """Read the topics that the hub writes, from the beginning, until cancelled; anew when Kafka fails."""
        while True:
            with suppress(StoreError):
                async with ResultReader(self.settings.kafka, self._followed) as reader:
                    async for record in reader:
                        async with self._grown:
                            self._keep(record)
                            self._grown.notify_all()
            for kept in (self.records, self.events, self.calls, self.dead, self.webhooks, self._read_to):
                kept.clear()

    @property
    def _followed(self) -> list[str]:
        topics = self.settings.topics
        events = (topics.payment_events, topics.provider_calls, topics.dead_letters, topics.webhook_events)
        return [topic.name for topic in events]

    def _keep(self, record: RawRecord) -> None:
        topics = self.settings.topics
        self._read_to[record.topic, record.partition] = record.offset + 1
        if record.topic == topics.dead_letters.name:
            self.dead.append(read_dead_letter(record))
        elif record.value is None:
            return  # a delete marker tells nothing
        elif record.topic == topics.provider_calls.name:
            models = {ProviderCalled.type: ProviderCalled}
            self.calls.append(decode(models, record.key, record.value, record.readable_headers).body)
        elif record.topic == topics.webhook_events.name:
            self.webhooks.append(decode(WEBHOOK_MODELS, record.key, record.value, record.readable_headers).body)
        else:
            self.records.append(record)
            self.events.append(decode(MODELS, record.key, record.value, record.readable_headers).body)


@asynccontextmanager
async def running_hub(
    bootstrap: str,
    database_url: str,
    prefix: str,
    *,
    books: Path | str = ":memory:",
    overrides: Mapping[str, str] | None = None,
    integrations: Sequence[str] = (INTEGRATION,),
    base_urls: Mapping[str, str] | None = None,
    down_at: int | None = None,
    absence_s: float = 300,
    workers: int = 1,
    projectors: int = 1,
) -> AsyncIterator[Hub]:
    """Sandboxes, workers and projectors in this process, until the block ends.

    `integrations` get a sandbox each, the first one with `books`; `base_urls` are further integrations, whose servers
    the caller runs. With `down_at` there is the integration `DOWN` too, at a port where nobody listens until the caller
    does. `absence_s` is how long "not found" proves nothing, where a test wants to see its end.
    """
    async with AsyncExitStack() as stack:
        sandboxes = {
            name: await stack.enter_async_context(running_sandbox(books=books if index == 0 else ":memory:"))
            for index, name in enumerate(integrations)
        }
        urls = {name: sandbox.base_url for name, sandbox in sandboxes.items()} | dict(base_urls or {})
        if down_at is not None:
            urls[DOWN] = f"http://127.0.0.1:{down_at}"
        keys = sandboxes[integrations[0]]
        environment = hub_environment(
            bootstrap, database_url, prefix, urls, keys, absence_s=absence_s, overrides=overrides
        )
        settings = read_settings(environment=environment)
        await prepare_stores(settings)
        publisher = await stack.enter_async_context(Publisher(settings.kafka))
        hub = Hub(settings, sandboxes, publisher, environment)
        async with asyncio.TaskGroup() as tasks:
            following = tasks.create_task(hub.follow())
            stop = asyncio.Event()
            ready = [asyncio.Event() for _ in range(workers + projectors)]
            running = [tasks.create_task(run_worker(settings, stop, on_ready=event.set)) for event in ready[:workers]]
            running += [
                tasks.create_task(run_projector(settings, stop, on_ready=event.set)) for event in ready[workers:]
            ]
            try:
                async with asyncio.timeout(30):
                    for event in ready:
                        await event.wait()
                yield hub
            finally:
                stop.set()
                if running:
                    await asyncio.wait(running)
                following.cancel()
                with suppress(asyncio.CancelledError):
                    await following
