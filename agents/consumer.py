"""Consuming a command topic on Faust: its consumer group, rebalancing and commits; our lanes and acknowledgements.

What Faust 0.15.3 needs to be told (each seen in its source or measured, 2026-11): the web server stays off only when
the worker class is not used; acks must come in offset order (see `streams.window`); partitions are given back before
lanes that still run have ended, so the ledger has to keep those from doing harm.
"""

import asyncio
import logging
import tempfile
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import faust
from aiokafka.errors import KafkaError
from mode.utils.times import Seconds

from agents.assigning import assignor_of
from agents.delivery import Delivery
from agents.resuming import ResumingConsumer
from schemas.errors import StoreError
from streams.kafka import KafkaAccess, unreachable
from streams.lag import Place, group_lags
from streams.lanes import Lanes
from streams.records import RawRecord
from streams.refusal import not_allowed
from streams.watching import Bounds, GroupWatch, OnOverdue, untold
from streams.window import Window

log = logging.getLogger(__name__)

OLD_HEAD_S: Final = 120.0
"""A record that has held its partition's commits back for longer is logged, once a minute."""

STOP_TIMEOUT_S: Final = 15.0

_BEHIND_A_HEAD: Final = 10
"""Records read, as a multiple of those not begun at most: finished ones behind a slow head are kept until it ends."""
_HELD_BYTES: Final = 64 * 1024 * 1024
"""Values held at most, whatever the number of records: a command may be a thousand times as large as most are."""
_FOR_EVER_S: Final = 14 * 24 * 3600.0
_BUFFER: Final = 200
"""Records that Faust takes from its client at once, and that it keeps for us, so that memory is bounded by records."""

Group = tuple[str, int, int]
"""Topic, partition, and the number of the assignment."""


@dataclass(frozen=True, slots=True)
class Membership:
    """How a worker takes part in its consumer group; times in seconds."""

    group: str
    session_timeout_s: float = 10
    rebalance_timeout_s: float = 60
    commit_interval_s: float = 0.5
    drain_s: float = 5
    """How long running commands may take to end when their partition is taken away, or when the worker is stopped."""


class CommandConsumer:
    """One worker's part of a command topic.

    Args:
        handle: takes a delivery one step further; see `PaymentsAgent.handle`.
        in_flight: commands worked on at one time.
        queued: commands read and not finished at most. Ten times as many are kept where slow ones hold back the
            acknowledgement of those behind them.
        partitions: of the topic.
        bounds: when the consumer is not well.
    """

    def __init__(
        self,
        access: KafkaAccess,
        topic: str,
        membership: Membership,
        handle: Callable[[Delivery], Awaitable[float | None]],
        *,
        in_flight: int,
        queued: int,
        partitions: int = 1,
        bounds: Bounds | None = None,
        on_overdue: OnOverdue = untold,
    ) -> None:
        self._access = access
        self._topic = topic
        self._partitions = partitions
        self._membership = membership
        self._lanes: Lanes[Delivery] = Lanes(handle, in_flight=in_flight, queued=queued)
        self._windows: dict[tuple[str, int], tuple[Group, Window[Any]]] = {}
        self._most = queued * _BEHIND_A_HEAD
        self._bytes: dict[tuple[str, int], int] = {}
        self._shrunk = asyncio.Event()
        self._assigned: frozenset[Place] | None = None
        self._assignments = 0
        self._revocations = 0
        self._failure: Exception | None = None
        self._stopping = False
        self._app = self._make_app(access)
        self.watch = GroupWatch(access, membership.group, self._held, bounds or Bounds(), on_overdue=on_overdue)

    async def run(self, stop: asyncio.Event) -> None:
        """Consume until `stop` is set, then drain.

        Raises:
            ExceptionGroup: of what was fatal: a handler's error, or a `StoreError` when Kafka cannot be reached, Faust
                crashed, or nothing comes although records wait.
        """
        async with asyncio.TaskGroup() as tasks:
            lanes = tasks.create_task(self._lanes.run())
            watching: asyncio.Task[None] | None = None
            try:
                await self._begin()
                watching = tasks.create_task(self.watch.run())
                await self._watch(stop, lanes)
            finally:
                if watching is not None:
                    watching.cancel()
                await self._shut_down()

    @property
    def backlog(self) -> dict[int, int]:
        """Unfinished records by partition."""
        return {partition: len(window) for (_, partition), (_, window) in self._windows.items()}

    @property
    def share(self) -> float:
        """The part of the topic's partitions that this worker holds, at least one of them; all workers' add up to 1."""
        held = len(self._assigned or ())
        return max(held, 1) / self._partitions

    @property
    def running(self) -> int:
        """Commands worked on just now."""
        return self._lanes.running

    @property
    def oldest_s(self) -> float:
        """How long the oldest unfinished record has been here, in seconds."""
        return max((window.head_age_s for _, window in self._windows.values()), default=0.0)

    async def _begin(self) -> None:
        try:
            # Faust would wait for ever for a group that its account may not join (0.15.3, seen 2026-11).
            await group_lags(self._access, self._membership.group, ())
            await self._app.start()
        except (KafkaError, OSError, TimeoutError) as bad:
            raise await unreachable(self._access, bad) from bad

    async def _watch(self, stop: asyncio.Event, lanes: asyncio.Task[None]) -> None:
        warned_s = 0.0
        while not stop.is_set() and not lanes.done():
            if self._failure is not None:
                raise StoreError(f"reading {self._topic} failed: {self._failure!r}") from self._failure
            if self._app.crashed:
                why = self._app.crash_reason
                raise StoreError(not_allowed(why) or f"consuming {self._topic} failed: {why!r}") from None
            if self.oldest_s > max(OLD_HEAD_S, warned_s):
                warned_s = self.oldest_s + 60
                log.error("a record holds back its partition", extra={"age_s": self.oldest_s, "topic": self._topic})
            try:
                async with asyncio.timeout(0.25):
                    await stop.wait()
            except TimeoutError:
                continue

    async def _shut_down(self) -> None:
        # What has not begun is left to the next owner; what runs may end and be acknowledged.
        self._stopping = True
        if not await self._drained(self._windows.values()):
            log.warning("left running commands behind", extra={"unfinished": self.backlog})
        try:
            async with asyncio.timeout(STOP_TIMEOUT_S):
                await self._app.stop()
        except TimeoutError:
            log.warning("left the consumer group without saying so", extra={"topic": self._topic})
        finally:
            for _, window in self._windows.values():
                window.close()
            self._lanes.stop()

    async def _consume(self, stream: Any) -> None:
        try:
            async for event in stream.noack().events():
                await self._take(event)
        except Exception as failure:
            # Faust would begin anew behind the record that failed, and so skip it.
            self._failure = failure
            raise

    async def _take(self, event: Any) -> None:
        message = event.message
        if self._stopping or self._failure is not None:
            return
        if not await self._room():
            return
        record = RawRecord(
            message.topic,
            message.partition,
            message.offset,
            int(message.timestamp * 1000),
            message.key,
            message.value,
            tuple(_header_pairs(message.headers)),
        )
        group, window = self._window(message.tp)
        ticket = window.admit(message.offset, event)
        self._bytes[message.tp] = self._bytes.get(message.tp, 0) + len(message.value or b"")
        key = (record.key or b"").decode("utf-8", "backslashreplace")
        await self._lanes.submit(group, key, Delivery(record, ticket.done))

    async def _room(self) -> bool:
        """Wait until the windows have room. False: the record's partition may have been taken away meanwhile."""
        assignments = self._revocations
        while self._full:
            self._shrunk.clear()
            await self._shrunk.wait()
        return assignments == self._revocations and not self._stopping

    @property
    def _full(self) -> bool:
        held = sum(len(window) for _, window in self._windows.values())
        return held >= self._most or sum(self._bytes.values()) >= _HELD_BYTES

    def _held(self) -> Mapping[Place, bool] | None:
        if self._assigned is None:
            return None
        full = self._lanes.full or self._full
        found = self._windows
        return {place: full or (place in found and len(found[place][1]) > 0) for place in self._assigned}

    def _acknowledge(self, event: Any) -> None:
        event.ack()
        self._bytes[event.message.tp] -= len(event.message.value or b"")
        self._shrunk.set()

    async def _drained(self, assignments: Iterable[tuple[Group, Window[Any]]]) -> bool:
        """Drop what has not begun, and say whether what runs has ended in time."""
        groups = [group for group, _ in assignments]
        return all(
            await asyncio.gather(*(self._lanes.revoke(group, within_s=self._membership.drain_s) for group in groups))
        )

    def _window(self, partition: tuple[str, int]) -> tuple[Group, Window[Any]]:
        found = self._windows.get(partition)
        if found is None:
            self._assignments += 1
            group = (partition[0], partition[1], self._assignments)
            found = self._windows[partition] = (group, Window(self._acknowledge))
        return found

    async def _revoked(self, partitions: set[tuple[str, int]]) -> None:
        self._assigned = None
        self._revocations += 1
        mine = [self._windows[partition] for partition in partitions if partition in self._windows]
        if not await self._drained(mine):
            log.warning("partitions left with commands running", extra={"partitions": len(mine)})
        # What ended just now is committed while the partitions are still ours. Faust only waits for a commit that is
        # under way already, and that one may have begun before.
        if not await self._app.consumer.commit():
            await self._app.consumer.commit()
        for partition in partitions:
            self._bytes.pop(partition, None)
            found = self._windows.pop(partition, None)
            if found is not None:
                found[1].close()
        self._shrunk.set()

    def _make_app(self, access: KafkaAccess) -> Any:
        membership = self._membership
        app = faust.App(
            membership.group,
            broker=[f"kafka://{address.strip()}" for address in access.bootstrap.split(",")],
            broker_credentials=_credentials(access),
            broker_session_timeout=membership.session_timeout_s,
            broker_heartbeat_interval=membership.session_timeout_s / 4,
            broker_rebalance_timeout=membership.rebalance_timeout_s,
            broker_request_timeout=max(90.0, membership.session_timeout_s),
            broker_commit_interval=_seconds(membership.commit_interval_s),
            broker_commit_every=1_000_000,
            broker_max_poll_records=_BUFFER,
            # Past this limit the client leaves its group and comes back only with a fetch, which Faust does not begin
            # before it is back (0.15.3, seen 2026-11). Standing still is `watch`'s to see.
            broker_max_poll_interval=_FOR_EVER_S,
            stream_buffer_maxsize=_BUFFER,
            consumer_auto_offset_reset="earliest",
            stream_wait_empty=False,
            topic_allow_declare=False,
            topic_disable_leader=True,
            web_enabled=False,
            store="memory://",
            datadir=tempfile.gettempdir(),
            autodiscover=False,
            PartitionAssignor=assignor_of({self._topic: self._partitions}),
        )
        app.transport.Consumer = ResumingConsumer  # type: ignore[misc]  # Faust offers no other way to choose it
        channel = app.topic(self._topic, key_serializer="raw", value_serializer="raw", internal=False)
        app.agent(channel, name=f"{membership.group}.commands")(self._consume)

        async def on_revoked(*arguments: Any, **_: Any) -> None:
            await self._revoked(set(arguments[1]))

        async def on_assigned(*arguments: Any, **_: Any) -> None:
            self._assigned = frozenset((partition.topic, partition.partition) for partition in arguments[1])

        self._keep = (on_revoked, on_assigned)  # Faust's signals hold their receivers weakly
        app.on_partitions_revoked.connect(on_revoked)
        app.on_partitions_assigned.connect(on_assigned)
        return app


def _seconds(value: float) -> Seconds:
    return value


def _credentials(access: KafkaAccess) -> Any:
    """How Faust is let in, in its own words; `None` for a plain connection."""
    encrypted = access.security_protocol in {"SSL", "SASL_SSL"}
    context = access.ssl_context if encrypted else None
    if access.security_protocol.startswith("SASL"):
        return faust.SASLCredentials(
            username=access.username,
            password=access.password,
            mechanism=access.sasl_mechanism,
            ssl_context=context,
        )
    return faust.SSLCredentials(context) if encrypted else None


def _header_pairs(headers: Any) -> list[tuple[str, bytes | None]]:
    if headers is None:
        return []
    pairs = headers.items() if hasattr(headers, "items") else headers
    return [(name, value) for name, value in pairs]
