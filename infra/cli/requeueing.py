"""Sending dead letters again: the ones that were named, or all of a reason, each of them once."""

import json as json_text
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import typer

from infra.cli.output import emit, say
from infra.settings import Settings
from schemas.errors import UnreadableRecord
from schemas.ids import new_id
from streams.codec import Outgoing
from streams.dead_letters import REQUEUED_FROM, DeadLetter, NotRequeuable, read_dead_letter, requeue
from streams.publisher import Publisher
from streams.reader import replay

_IN_ONE_GO: Final = 200


@dataclass(slots=True)
class Tally:
    """What became of the dead letters."""

    sent: int = 0
    before: int = 0
    """Sent by an earlier request, and not again now."""
    refused: int = 0
    left: bool = False
    """Whether there are more than the limit."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What an operator asks for.

    Attributes:
        as_new: as new commands, also where the id could be kept.
        again: a further attempt, also for those that were sent again before.
        json: whether to tell in JSON what was sent.
    """

    as_new: bool = False
    again: bool = False
    json: bool = False


class Requeueing:
    """Sends dead letters to their topics under one request.

    What was sent before is seen in the topics themselves: each record that was sent again says which dead letter it
    was. So a run that was interrupted goes on where it ended, and needs no notes.
    """

    def __init__(self, settings: Settings, publisher: Publisher, wish: Wish) -> None:
        self._settings = settings
        self._publisher = publisher
        self._wish = wish
        self._ours = {topic.name for topic in settings.topics.all()}
        self._request_id = new_id()
        self.tally = Tally()

    async def these(self, letters: Sequence[DeadLetter]) -> Tally:
        """Send the ones that were named.

        One that can only go as a new command, and went already, goes once more only when another attempt was asked for.
        """
        claimed = [dead for dead in letters if dead.claimed and not self._wish.as_new]
        before = set() if self._wish.again or not claimed else await self._sent_before(claimed)
        for dead in letters:
            if dead in claimed and dead.place in before:
                self.tally.refused += 1
                say(f"{dead.place} was sent again already; ask for one more attempt with --again")
            else:
                await self._send([dead])
        return self.tally

    async def all_of(self, reason: str, integration_id: str | None, limit: int) -> Tally:
        """Send those with this reason, oldest first in each partition, as many as the limit says at most."""
        earliest: DeadLetter | None = None
        async for dead in self._matching(reason, integration_id):
            if earliest is None or dead.record.timestamp_ms < earliest.record.timestamp_ms:
                earliest = dead
        if earliest is None:
            return self.tally
        before = set() if self._wish.again else await self._sent_before([earliest])
        batch: list[DeadLetter] = []
        async for dead in self._matching(reason, integration_id):
            if dead.place in before:
                self.tally.before += 1
                continue
            if self.tally.sent + self.tally.refused + len(batch) == limit:
                self.tally.left = True
                break
            batch.append(dead)
            if len(batch) == _IN_ONE_GO:
                await self._send(batch)
                batch = []
        await self._send(batch)
        return self.tally

    async def _matching(self, reason: str, integration_id: str | None) -> AsyncGenerator[DeadLetter, None]:
        async for record in replay(self._settings.kafka, self._settings.topics.dead_letters.name):
            try:
                dead = read_dead_letter(record)
            except UnreadableRecord as bad:
                say(f"{record.partition}/{record.offset}: {bad}")
                continue
            if dead.reason == reason and integration_id in {None, integration_of(dead)}:
                yield dead

    async def _sent_before(self, letters: Sequence[DeadLetter]) -> set[str]:
        """The places of dead letters that were sent again since the oldest of these came to lie there."""
        oldest_ms = min(dead.record.timestamp_ms for dead in letters)
        start = datetime.fromtimestamp(oldest_ms / 1000, tz=UTC)
        commands = self._settings.topics.payment_commands.name
        found = set()
        async for record in replay(self._settings.kafka, commands, start=start):
            place = record.text(REQUEUED_FROM)
            if place is not None:
                found.add(place)
        return found

    async def _send(self, letters: Sequence[DeadLetter]) -> None:
        sendable: list[tuple[DeadLetter, UUID | None, Outgoing]] = []
        for dead in letters:
            try:
                outgoing = self._record(dead)
            except NotRequeuable as hindrance:
                say(str(hindrance))
                self.tally.refused += 1
                continue
            sendable.append((dead, _new_command(dead, outgoing), outgoing))
        placed = await self._publisher.publish([outgoing for _, _, outgoing in sendable])
        for (dead, command_id, _), to in zip(sendable, placed, strict=True):
            self.tally.sent += 1
            if self._wish.json:
                sent = {"place": dead.place, "topic": to.topic, "partition": to.partition, "offset": to.offset}
                named = None if command_id is None else str(command_id)
                emit({**sent, "request_id": str(self._request_id), "command_id": named})
            else:
                named = "" if command_id is None else f" as command {command_id}"
                say(f"{dead.place} was sent to {to.topic} {to.partition}/{to.offset}{named}")

    def _record(self, dead: DeadLetter) -> Outgoing:
        if dead.topic not in self._ours:
            raise NotRequeuable(f"dead letter {dead.place} came from {dead.topic}, no topic of this hub")
        fresh = new_id() if self._wish.as_new or (dead.claimed and self._wish.again) else None
        return requeue(dead, request_id=self._request_id, new_id=fresh)


def integration_of(dead: DeadLetter) -> str | None:
    """Where the command was going: what its worker said, else what it says itself."""
    if dead.integration_id is not None:
        return dead.integration_id
    try:
        body: Any = json_text.loads(dead.record.value or b"")
    except (ValueError, RecursionError):
        return None
    named = body.get("integration_id") if isinstance(body, dict) else None
    return named if isinstance(named, str) else None


async def requeue_all(settings: Settings, reason: str, integration_id: str | None, limit: int, wish: Wish) -> Tally:
    async with Publisher(settings.kafka, client_id="kolaj-requeue") as publisher:
        return await Requeueing(settings, publisher, wish).all_of(reason, integration_id, limit)


async def requeue_these(settings: Settings, letters: Sequence[DeadLetter], wish: Wish) -> Tally:
    async with Publisher(settings.kafka, client_id="kolaj-requeue") as publisher:
        return await Requeueing(settings, publisher, wish).these(letters)


def check_choice(places: Sequence[str], reason: str | None, *, every: bool) -> None:
    """Refuse a command line that names both places and all, or all without a reason."""
    if every == bool(places):
        raise typer.BadParameter(
            "name the dead letters as PARTITION/OFFSET, or take all of a reason with --all --reason REASON"
        )
    if every and reason is None:
        raise typer.BadParameter(
            "--all needs a --reason, such as gave_up: dead letters differ in what has to be done about them"
        )


def _new_command(dead: DeadLetter, outgoing: Outgoing) -> UUID | None:
    """The id it goes under, when that is another than it had."""
    sent = dict(outgoing.headers).get("ce_id")
    return None if sent is None or sent == dead.record.header("ce_id") else UUID(sent.decode())
