"""A desk at which the records of a test's consumers go on when the test says so, and what must hold of all it saw."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from agents.consumer import CommandConsumer
from agents.delivery import Delivery

WITHIN_S = 45.0


@dataclass(frozen=True, slots=True)
class Step:
    """One record begun or ended by one worker, or a partition `got` or `lost` by it."""

    word: str
    worker: str
    partition: int
    offset: int = -1
    key: str = ""
    value: str = ""


class Desk:
    """Where the records of all workers are handled. `steps` stand in the order in which things happened.

    Attributes:
        takes_s: how long a record takes that nobody holds.
        own_s: by value, how long that record takes instead.
        again_s: by value, what the next tries of a record answer instead of ending, from the first one on.
        keeps_steps: off where there are too many, and only `counts` are looked at.
        work: done by each record before it ends, such as publishing.
    """

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.counts: Counter[str] = Counter()
        self.running = 0
        self.most_running = 0
        self.keeps_steps = True
        self.takes_s = 0.0
        self.own_s: dict[str, float] = {}
        self.again_s: dict[str, list[float]] = {}
        self.work: Callable[[Delivery], Awaitable[None]] | None = None
        self._gates: dict[str, asyncio.Event] = {}
        self._grown = asyncio.Condition()

    def hold(self, *values: str) -> None:
        """Records with these values do not end before they are let go."""
        for value in values:
            self._gates[value] = asyncio.Event()

    def let_go(self, *values: str) -> None:
        for value in values:
            self._gates[value].set()

    def values(self, word: str) -> list[str]:
        return [step.value for step in self.steps if step.word == word]

    def ended_records(self) -> set[tuple[int, int]]:
        return {(step.partition, step.offset) for step in self.steps if step.word == "ended"}

    async def until(self, holds: Callable[[], bool], *, within_s: float = WITHIN_S) -> None:
        """Return once `holds`, which is looked at whenever a record begins or ends."""
        try:
            async with asyncio.timeout(within_s), self._grown:
                await self._grown.wait_for(holds)
        except TimeoutError:
            raise AssertionError(f"did not come about; last steps: {self.steps[-5:]}, {self.counts}") from None

    async def begun(self, *values: str) -> None:
        await self.until(lambda: set(values) <= set(self.values("begun")))

    async def ended(self, *values: str) -> None:
        await self.until(lambda: set(values) <= set(self.values("ended")))

    async def all_ended(self, count: int, *, within_s: float = WITHIN_S) -> None:
        """Until so many different records have ended."""
        await self.until(
            lambda: self.counts["ended"] >= count and len(self.ended_records()) >= count, within_s=within_s
        )

    async def handle(self, worker: str, delivery: Delivery) -> float | None:
        value = (delivery.record.value or b"").decode()
        await self._note("begun", worker, delivery)
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            if value in self._gates:
                await self._gates[value].wait()
            elif (takes_s := self.own_s.get(value, self.takes_s)) > 0:
                await asyncio.sleep(takes_s)
            if self.work is not None:
                await self.work(delivery)
        finally:
            self.running -= 1
        if self.again_s.get(value):
            return self.again_s[value].pop(0)
        await self._note("ended", worker, delivery)
        delivery.done()
        return None

    def watch(self, worker: str, consumer: CommandConsumer) -> Callable[..., Awaitable[None]]:
        """Note what it gets and loses. The receiver returned must be kept: Faust holds it weakly."""
        lets_go = consumer._revoked

        async def on_assigned(*arguments: Any, **_: Any) -> None:
            self.steps += [Step("got", worker, place[1]) for place in arguments[1]]

        async def and_note(partitions: set[tuple[str, int]]) -> None:
            await lets_go(partitions)
            self.steps += [Step("lost", worker, place[1]) for place in partitions]

        # Not a receiver of its own, since Faust calls receivers in no order.
        consumer._revoked = and_note  # type: ignore[method-assign]
        consumer._app.on_partitions_assigned.connect(on_assigned)
        return on_assigned

    async def _note(self, word: str, worker: str, delivery: Delivery) -> None:
        record = delivery.record
        key, value = (record.key or b"").decode(), (record.value or b"").decode()
        async with self._grown:
            if self.keeps_steps:
                self.steps.append(Step(word, worker, record.partition, record.offset, key, value))
            self.counts[word] += 1
            self._grown.notify_all()


def each_key_in_order(published: Sequence[tuple[str | None, str]], steps: Sequence[Step], word: str = "ended") -> None:
    """Repeats removed, each key's records came in the order they were published in, and none is missing."""
    expected: dict[str, list[str]] = defaultdict(list)
    for key, value in published:
        expected[key or ""].append(value)
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for step in steps:
        if step.word == word:
            found[step.key].setdefault(step.value)
    assert {key: list(values) for key, values in found.items()} == dict(expected)


def nothing_begins_without_its_partition(steps: Sequence[Step]) -> None:
    """No worker begins a record of a partition that it has lost, or never got."""
    owned: set[tuple[str, int]] = set()
    for step in steps:
        place = (step.worker, step.partition)
        match step.word:
            case "got":
                owned.add(place)
            case "lost":
                owned.discard(place)
            case "begun":
                assert place in owned, step
