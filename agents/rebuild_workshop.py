"""The tables that a rebuild gathers in, and how the log gets there: batch by batch, so that memory stays bounded."""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from agents.log_check import WORKSHOP, Mark, marks_after
from agents.rebuild_reading import LoggedResult, read_command, read_event, read_intent
from streams.kafka import KafkaAccess
from streams.records import RawRecord
from streams.stretches import Bounds, Place, stretches
from streams.topics import Topics

Progress = Callable[[str, int], None]
"""Told what is being done, and how many records or results of it are done."""


class Workshop:
    """The schema that `rebuild_begin.sql` sets up.

    Attributes:
        marks: how far intents and events were read.
    """

    def __init__(self, access: KafkaAccess, topics: Topics, connection: Any, progress: Progress) -> None:
        self._access = access
        self._commands = topics.payment_commands.name
        self.connection = connection
        self.progress = progress
        self.marks: dict[Place, Mark] = {}
        self._loaders: dict[str, Callable[[Sequence[RawRecord]], Awaitable[None]]] = {
            topics.intents.name: self._load_intents,
            topics.payment_events.name: self._load_events,
            topics.payment_commands.name: self._load_commands,
        }
        self._done = 0

    @property
    def reads(self) -> tuple[str, ...]:
        """The topics that are gathered."""
        return tuple(self._loaders)

    async def load(self, wanted: Mapping[Place, Bounds]) -> None:
        """Gather what lies in these stretches."""
        async for found in stretches(self._access, wanted):
            for place, records in found.items():
                await self._loaders[place[0]](records)
                self._done += len(records)
            kept = {place: records for place, records in found.items() if place[0] != self._commands}
            self.marks.update(marks_after(kept))
            self.progress("records read", self._done)

    async def put(self, table: str, rows: Sequence[Sequence[Any]], connection: Any = None) -> None:
        """Append rows to one of the workshop's tables."""
        if rows:
            target = connection or self.connection
            await target.copy_records_to_table(table, records=rows, schema_name=WORKSHOP)

    async def _load_intents(self, records: Sequence[RawRecord]) -> None:
        rows = [
            (
                intent.command_id,
                intent.attempt,
                intent.key,
                intent.command_type,
                bytes.fromhex(intent.command_digest),
                intent.epoch,
                intent.integration_id,
                intent.reference,
                intent.request_digest,
                intent.intended_at,
                None if intent.routing is None else intent.routing.model_dump_json(exclude_defaults=True),
                record.partition,
                record.offset,
            )
            for record in records
            if (intent := read_intent(record)) is not None
        ]
        await self.put("intents", rows)

    async def _load_events(self, records: Sequence[RawRecord]) -> None:
        results, rejections = [], []
        for record in records:
            event = read_event(record)
            if isinstance(event, LoggedResult):
                results.append(
                    (
                        event.command_id,
                        event.key,
                        event.command_type,
                        event.concluded_at,
                        event.value,
                        json.dumps([[name, value.decode()] for name, value in event.headers]),
                        record.text("ce_type"),
                        record.partition,
                        record.offset,
                    )
                )
            elif event is not None and event.topic == self._commands:
                rejections.append((event.partition, event.offset))
        await self.put("results", results)
        await self.put("rejections", rejections)

    async def _load_commands(self, records: Sequence[RawRecord]) -> None:
        rows = [
            (command.command_id, command.key, command.digest, record.partition, record.offset)
            for record in records
            if (command := read_command(record)) is not None
        ]
        await self.put("records", rows)
