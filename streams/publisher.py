"""Appending records: idempotent, acknowledged by all replicas that are in sync, spread over partitions by murmur2."""

import asyncio
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Final, Self

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, KafkaTimeoutError, MessageSizeTooLargeError, UnknownTopicOrPartitionError
from aiokafka.partitioner import DefaultPartitioner, murmur2

from schemas.errors import StoreError
from streams.admin import lacks
from streams.codec import Outgoing
from streams.kafka import KafkaAccess, missing_topic, reach, stop
from streams.records import Position
from streams.refusal import not_allowed

DEADLINE_S: Final = 30.0
"""How long one `publish` may take; without a limit an idempotent producer tries for ever."""

_MAX_REQUEST_BYTES: Final = 2 * 1024 * 1024
_BATCH_BYTES: Final = 128 * 1024
_LINGER_MS: Final = 0
"""Not waiting is best: what comes while a request is under way makes the next batch (measured: a record alone takes
0.5 ms instead of 2.5 ms, and 200 publishers at once still get 30,000 records/s through)."""
_TOPIC_TIMEOUT_S: Final = 5.0


def partition_of(key: bytes, partitions: int) -> int:
    """The partition a key lies in: murmur2 as Java's clients compute it, sign bit cleared, modulo the count."""
    return (int(murmur2(key)) & 0x7FFFFFFF) % partitions


class Publisher:
    """A producer, as an async context manager.

    Args:
        max_in_flight: how many records may wait for their acknowledgement over all calls; more wait to be sent, so that
            memory stays bounded however fast records come.
        deadline_s: for one call of `publish`.
    """

    def __init__(
        self,
        access: KafkaAccess,
        *,
        client_id: str = "kolaj",
        max_in_flight: int = 5_000,
        deadline_s: float = DEADLINE_S,
    ) -> None:
        self._access = access
        self._client_id = client_id
        self._free = asyncio.Semaphore(max_in_flight)
        self._deadline_s = deadline_s
        self._producer: Any = None
        self._broken = False
        self._known: set[str] = set()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Connect.

        Raises:
            StoreError: no broker answers.
        """
        self._producer = AIOKafkaProducer(
            **self._access.options(),
            client_id=self._client_id,
            acks="all",
            enable_idempotence=True,
            partitioner=DefaultPartitioner(),
            linger_ms=_LINGER_MS,
            max_batch_size=_BATCH_BYTES,
            max_request_size=_MAX_REQUEST_BYTES,
        )
        try:
            await reach(self._access, self._producer.start)
        except BaseException:
            await stop(self._producer.stop)
            raise

    async def stop(self) -> None:
        """Send what waits, and disconnect."""
        if self._broken:
            # aiokafka's stop waits without limit for batches that it tries again without limit (0.14.0, seen 2026-11);
            # their callers have been told that they failed.
            self._producer._message_accumulator.fail_all(KafkaTimeoutError())  # noqa: SLF001 - no public way
        await stop(self._producer.stop)

    async def ask(self) -> None:
        """Ask the brokers that this producer knows how the cluster looks. To be let come to its end: no deadline.

        Raises:
            StoreError: none of them answers.
        """
        try:
            await self._producer.client.fetch_all_metadata()
        except (KafkaError, OSError, TimeoutError) as bad:
            raise StoreError(f"Kafka at {self._access.bootstrap} does not answer: {bad!r}") from bad

    async def publish(self, records: Sequence[Outgoing]) -> list[Position]:
        """Append the records, those of one key in the order given; returns when all are acknowledged.

        Raises:
            StoreError: one was not acknowledged in time or was refused. Any of them may lie in the log all the same, so
                that the same records are to be published again.
            SettingsError: a topic does not exist.
        """
        sent: list[asyncio.Future[Any]] = []
        try:
            async with asyncio.timeout(self._deadline_s):
                for topic in {record.topic for record in records} - self._known:
                    await self._meet(topic)
                for record in records:
                    sent.append(await self._send(record))  # noqa: PERF401 - kept when the next one fails
                return [_position(await acknowledged) for acknowledged in sent]
        except TimeoutError as late:
            self._broken = True
            raise StoreError(
                f"Kafka at {self._access.bootstrap} did not acknowledge within {self._deadline_s:g} s: "
                "check that enough brokers run (min.insync.replicas), then start again"
            ) from late
        except MessageSizeTooLargeError as bad:
            raise StoreError(f"a record is larger than a topic takes ({_MAX_REQUEST_BYTES} bytes): {bad}") from bad
        except (KafkaError, OSError) as bad:
            told = not_allowed(bad) or f"Kafka at {self._access.bootstrap} did not take a record: {bad!r}"
            raise StoreError(told) from bad

    async def _meet(self, topic: str) -> None:
        try:
            async with asyncio.timeout(_TOPIC_TIMEOUT_S):
                await self._producer.partitions_for(topic)
        except UnknownTopicOrPartitionError as bad:
            raise missing_topic(topic) from bad
        except TimeoutError as late:
            # The client waits for a topic that does not exist; but brokers that change places are slow to tell, too.
            if await lacks(self._access, topic):
                raise missing_topic(topic) from late
            raise StoreError(
                f"Kafka at {self._access.bootstrap} did not tell within {_TOPIC_TIMEOUT_S:g} s where {topic} lies; "
                "start again"
            ) from late
        self._known.add(topic)

    async def _send(self, record: Outgoing) -> asyncio.Future[Any]:
        await self._free.acquire()
        try:
            acknowledged: asyncio.Future[Any] = await self._append(record)
        except BaseException:
            self._free.release()
            raise
        acknowledged.add_done_callback(self._settled)
        return acknowledged

    async def _append(self, record: Outgoing) -> Any:
        if record.key is None and record.value is None:
            # `send` refuses a record without key and value, which other clients can write and which must be copied to
            # the dead letters like any other; batches take it.
            partition = min(await self._producer.partitions_for(record.topic))
            batch = self._producer.create_batch()
            batch.append(timestamp=None, key=None, value=None, headers=list(record.headers))
            return await self._producer.send_batch(batch, record.topic, partition=partition)
        headers = list(record.headers)
        return await self._producer.send(record.topic, value=record.value, key=record.key, headers=headers)

    def _settled(self, acknowledged: asyncio.Future[Any]) -> None:
        self._free.release()
        if not acknowledged.cancelled():
            # Looked at here, since after a failure or a cancellation nobody else may look at it.
            acknowledged.exception()


def _position(metadata: Any) -> Position:
    return Position(metadata.topic, metadata.partition, metadata.offset, metadata.timestamp)
