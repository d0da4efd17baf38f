"""Takes commands that come over HTTP, and tells how they stand."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Final, NoReturn
from uuid import UUID
from weakref import WeakValueDictionary

import asyncpg

from agents.payments.resources.decide import makes_resource
from infra.gateway.access.caller import Caller
from infra.gateway.commands.reading import read
from infra.gateway.commands.results import Results
from infra.gateway.commands.rows import CommandRows, Taken
from infra.gateway.commands.state import Known
from infra.gateway.places import Places
from infra.gateway.problems import Problem
from infra.settings import Settings
from schemas.envelope import Envelope
from schemas.errors import StoreError
from schemas.ids import new_id
from schemas.payments.creations import CREATIONS
from schemas.payments.resources import ACCEPTED, RESOURCE_COMMANDS, ResourceOrder
from schemas.payments.vocabulary import Command
from streams.codec import encode
from streams.picking import RecordPicker
from streams.publisher import Publisher
from streams.records import RawRecord
from streams.topics import Topics

KEPT_DAYS: Final = 30
"""How long a caller's key stands for its command. Longer than a command can be redelivered (7 days)."""

READ_ALL: Final = "payments:read"
_PURGE_EVERY_S: Final = 300.0
_PURGED_AT_ONCE: Final = 2_000


@dataclass(frozen=True)
class CommandDesk:
    """One for the process; `run` goes on beside the routes.

    Attributes:
        stopping: once it is set, nobody is kept waiting any more.
        waits: how many may wait for results.
    """

    topics: Topics
    publisher: Publisher
    rows: CommandRows
    results: Results
    picker: RecordPicker
    stopping: asyncio.Event
    now: Callable[[], datetime]
    waits: Places = field(default_factory=lambda: Places(total=2_000, each=500))
    _one_by_one: WeakValueDictionary[tuple[str, str], asyncio.Lock] = field(
        default_factory=WeakValueDictionary, init=False
    )

    async def run(self) -> None:
        """Follow results and forget old commands, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.results.run())
            tasks.create_task(self._purge())
            tasks.create_task(self._let_go())

    async def take(
        self, model: type[Command], value: bytes, caller: Caller, idempotency_key: str, traceparent: str | None
    ) -> UUID:
        """The id of the command that the caller's key stands for, which lies in its topic when this returns.

        A row is written before the record, so that after a crash in between the repetition publishes the same command.

        Raises:
            Problem: 403 or 422; nothing was taken.
            StoreError: a store is away. The same request again takes the same command.
        """
        envelope = Envelope(
            id=new_id(), type=model.type, source=caller.source, time=self.now(), traceparent=traceparent
        )
        offered = read(model, value, envelope)
        body, key = offered.command.body, offered.command.key
        await self._check(caller, body)
        # Repetitions that come while the first is under way wait for it, instead of publishing the command once more.
        lock = self._one_by_one.setdefault((caller.source, idempotency_key), asyncio.Lock())
        async with lock:
            new = Taken(
                caller.source, envelope.id, model.type, key, body.integration_id, offered.digest, self.now(), *_UNMARKED
            )
            taken, _ = await self.rows.take(new, idempotency_key)
            if taken.digest != offered.digest:
                _reused()
            if taken.published_at is None:
                kept = envelope.model_copy(update={"id": taken.command_id, "time": taken.received_at})
                record = encode(self.topics.payment_commands.name, key, kept, body)
                (position,) = await self.publisher.publish([record])
                await self.rows.published(taken.command_id, position.partition, position.offset)
        return taken.command_id

    async def told(self, command_id: UUID, caller: Caller, wait_s: float) -> str:
        """How the command stands, as JSON: at once, or when it has ended, or after so many seconds.

        Raises:
            Problem: 404, when there is no such command that the caller may see; 429 or 503, when it may not wait.
            StoreError: a store is away.
        """
        known = await self._visible(command_id, caller)
        ended_by = await self._ended_by(known, command_id)
        if ended_by is None and wait_s > 0 and not self.stopping.is_set():
            with self.waits.taken_by(caller.id):
                known, ended_by = await self._wait(known, command_id, wait_s)
        return known.told(command_id, ended_by)

    async def _wait(self, known: Known, command_id: UUID, wait_s: float) -> tuple[Known, RawRecord | None]:
        endings = known.endings(command_id, self.topics.payment_commands.name)
        loop = asyncio.get_running_loop()
        until = loop.time() + wait_s
        with self.results.waiting_for(endings) as heard:
            while True:
                heard.clear()
                known = Known(known.taken, await self.rows.job(command_id))
                ended_by = await self._ended_by(known, command_id)
                if ended_by is not None or self.stopping.is_set():
                    return known, ended_by
                try:
                    async with asyncio.timeout_at(until):
                        await heard.wait()
                except TimeoutError:
                    return known, None

    async def _visible(self, command_id: UUID, caller: Caller) -> Known:
        taken = await self.rows.by_id(command_id)
        known = Known(taken, await self.rows.job(command_id))
        own = taken is not None and taken.caller == caller.source
        there = taken is not None or known.job is not None
        if own or (there and caller.may(READ_ALL) and caller.may_use(known.integration_id)):
            return known
        raise Problem(HTTPStatus.NOT_FOUND, "not_found", "this caller has no such command")

    async def _ended_by(self, known: Known, command_id: UUID) -> RawRecord | None:
        endings = known.endings(command_id, self.topics.payment_commands.name)
        found = self.results.first(endings)
        if found is not None:
            return found
        topic = self.topics.payment_events.name
        place = await self.rows.place(command_id, topic, endings)
        return None if place is None else await self.picker.pick(topic, place.partition, place.offset)

    async def _check(self, caller: Caller, body: Command) -> None:
        """Whether the caller may do this to this payment or resource.

        Later commands of it go where its creation went, whatever they name. So a caller who may not use all
        integrations has to have created it, or it has to be known to be where the caller may act.
        """
        if not caller.may_use(body.integration_id):
            _not_theirs("name an integration that this caller may use")
        if caller.integrations is None:
            return
        known = await self.rows.integrations(body.key, caller.source, _BEGINNINGS)
        if any(name not in caller.integrations for name in known):
            _not_theirs(f"the {_what(body)} is at an integration that this caller may not use")
        if not known and body.type not in _BEGINNINGS and not _stands_alone(body):
            _not_theirs(f"no {_what(body)} of this id is known at an integration that this caller may use")

    async def _purge(self) -> None:
        while True:
            gone = 0
            with suppress(StoreError):  # the routes tell that PostgreSQL is away; the rows can wait
                gone = await self.rows.purge(KEPT_DAYS, _PURGED_AT_ONCE)
            if gone < _PURGED_AT_ONCE:
                await asyncio.sleep(_PURGE_EVERY_S)

    async def _let_go(self) -> None:
        await self.stopping.wait()
        self.results.look_again()


def command_desk(
    settings: Settings, pool: asyncpg.Pool, publisher: Publisher, stopping: asyncio.Event, now: Callable[[], datetime]
) -> CommandDesk:
    """A desk over these stores. Close its picker in the end."""
    rows, topics = CommandRows(pool), settings.topics
    results = Results(settings.kafka, topics.payment_events.name, rows)
    return CommandDesk(topics, publisher, rows, results, RecordPicker(settings.kafka), stopping, now)


_UNMARKED: Final = (None, None, None)
_BEGINNINGS: Final = (*sorted(CREATIONS), *(model.type for model in RESOURCE_COMMANDS if makes_resource(model)))
"""Commands that go where they say, since nothing was there before them."""


def _stands_alone(body: Command) -> bool:
    """A question about nothing that was made before; it is asked where it says."""
    return isinstance(body, ResourceOrder) and ACCEPTED[type(body)].kind == "question"


def _what(body: Command) -> str:
    return "resource" if isinstance(body, ResourceOrder) else "payment"


def _reused() -> NoReturn:
    detail = "this key stands for another command already; a key is used for one command and its repetitions alone"
    field = "Idempotency-Key"
    raise Problem(
        HTTPStatus.UNPROCESSABLE_ENTITY, "idempotency_key_reused", detail, errors=[(field, "use a fresh one")]
    )


def _not_theirs(detail: str) -> NoReturn:
    raise Problem(HTTPStatus.FORBIDDEN, "forbidden", detail, errors=[("integration_id", detail)])
