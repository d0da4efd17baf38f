"""A topic of its own, and processes that read it and write down what they do."""

import asyncio
import json
import os
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient

from streams.admin import ensure_topics
from streams.codec import Outgoing
from streams.kafka import KafkaAccess
from streams.publisher import Publisher
from streams.topics import DAY_MS, Topic
from tests.stack import fresh_name

CHILD = Path(__file__).with_name("consumer_child.py")
ROOT = Path(__file__).parents[2]
WITHIN_S = 60.0
LOOK_AGAIN_S = 0.05


@dataclass(frozen=True)
class Line:
    word: str
    partition: int
    offset: int
    key: str
    value: str


@dataclass
class Bench:
    """A topic of its own, the file its workers write to, and those workers."""

    access: KafkaAccess
    topic: Topic
    group: str
    folder: Path
    workers: list[asyncio.subprocess.Process]
    _read: list[Line] = field(default_factory=list, repr=False)
    _read_to: int = 0
    _ended: set[tuple[int, int]] = field(default_factory=set, repr=False)

    @property
    def log(self) -> Path:
        return self.folder / "log"

    @property
    def gate(self) -> Path:
        return self.folder / "gate"

    def lines(self, word: str = "ended") -> list[Line]:
        self._read_on()
        return [line for line in self._read if line.word == word]

    def ended_count(self) -> int:
        """How many different records have ended."""
        self._read_on()
        return len(self._ended)

    def _read_on(self) -> None:
        """What the workers have written since the last look, whole lines of it."""
        if not self.log.exists():
            return
        with self.log.open("rb") as log:
            log.seek(self._read_to)
            new = log.read()
        whole = new[: new.rfind(b"\n") + 1]
        self._read_to += len(whole)
        for text in whole.decode().splitlines():
            word, partition, offset, key, value = text.split(" ")
            self._read.append(Line(word, int(partition), int(offset), key, value))
            if word == "ended":
                self._ended.add((int(partition), int(offset)))

    async def publish(self, records: Iterable[tuple[str, str]]) -> None:
        async with Publisher(self.access) as publisher:
            await publisher.publish(
                [Outgoing(self.topic.name, key.encode(), value.encode(), ()) for key, value in records]
            )

    async def start(self, **orders: Any) -> asyncio.subprocess.Process:
        """A worker; how it is told to behave, see `Orders`."""
        told = {
            "bootstrap": self.access.bootstrap,
            "topic": self.topic.name,
            "group": self.group,
            "log": str(self.log),
            "gate": str(self.gate),
            **orders,
        }
        with (self.folder / "errors").open("ab") as errors:
            worker = await asyncio.create_subprocess_exec(
                sys.executable,
                str(CHILD),
                json.dumps(told),
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                stderr=errors,
            )
        self.workers.append(worker)
        return worker

    async def committed(self) -> dict[int, int]:
        """The group's offsets by partition; 0 where none is committed."""
        async with self._admin() as admin:
            found = await admin.list_consumer_group_offsets(self.group)
        offsets = {place.partition: at.offset for place, at in found.items() if place.topic == self.topic.name}
        return {partition: max(0, offsets.get(partition, 0)) for partition in range(self.topic.partitions)}

    async def state(self) -> tuple[str, int]:
        """The group's state as the broker names it, and how many members it has."""
        async with self._admin() as admin:
            [answer] = await admin.describe_consumer_groups([self.group])
        [group] = answer.groups
        return group[2], len(group[5])

    @asynccontextmanager
    async def _admin(self) -> AsyncIterator[AIOKafkaAdminClient]:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.access.bootstrap)
        await admin.start()
        try:
            yield admin
        finally:
            await admin.close()

    def errors(self) -> str:
        return (self.folder / "errors").read_text(encoding="utf-8", errors="replace")[-3000:]


async def until(bench: Bench, holds: Callable[[], bool | Awaitable[bool]], *, within_s: float = WITHIN_S) -> None:
    """Return once `holds`; looks at files and brokers of other processes, which tell nobody."""
    try:
        async with asyncio.timeout(within_s):
            while True:
                answer = holds()
                if answer is True or (not isinstance(answer, bool) and await answer):
                    return
                await asyncio.sleep(LOOK_AGAIN_S)
    except TimeoutError:
        raise AssertionError(f"did not come about within {within_s:g} s; workers say: {bench.errors()}") from None


async def ended(bench: Bench, count: int, *, within_s: float = WITHIN_S) -> None:
    """Until so many different records have ended."""
    await until(bench, lambda: bench.ended_count() >= count, within_s=within_s)


@asynccontextmanager
async def a_bench(bootstrap: str, folder: Path, *, partitions: int = 1) -> AsyncIterator[Bench]:
    access = KafkaAccess(bootstrap)
    topic = Topic(fresh_name("t"), partitions, DAY_MS)
    await ensure_topics(access, [topic], replication=1, min_insync=1)
    bench = Bench(access, topic, fresh_name("g"), folder, [])
    try:
        yield bench
    finally:
        for worker in bench.workers:
            if worker.returncode is None:
                worker.kill()
            await worker.wait()


def each_key_in_order(published: list[tuple[str, str]], lines: list[Line]) -> None:
    """Repeats removed, each key's records ended in the order they were published in, and none is missing."""
    expected: dict[str, list[str]] = defaultdict(list)
    for key, value in published:
        expected[key].append(value)
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for line in lines:
        found[line.key].setdefault(line.value)
    assert {key: list(values) for key, values in found.items()} == dict(expected)


def has_committed(bench: Bench, holds: Callable[[dict[int, int]], bool]) -> Callable[[], Awaitable[bool]]:
    async def look() -> bool:
        return holds(await bench.committed())

    return look
