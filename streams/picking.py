"""Single records by their place, through one connection that is kept."""

import asyncio
from contextlib import suppress
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from schemas.errors import StoreError
from streams.kafka import KafkaAccess, reach, stop
from streams.records import RawRecord

_WITHIN_S: Final = 10.0
_POLL_MS: Final = 200
_FETCH_BYTES: Final = 16 * 1024
"""Enough for the usual batch; Kafka hands out a first batch that is larger all the same."""


class RecordPicker:
    """Reads the records that it is asked for, one after another. Close it in the end."""

    def __init__(self, access: KafkaAccess) -> None:
        self._access = access
        self._one_at_a_time = asyncio.Lock()
        self._consumer: Any = None

    async def aclose(self) -> None:
        async with self._one_at_a_time:
            await self._let_go()

    async def pick(self, topic: str, partition: int, offset: int) -> RawRecord | None:
        """The record there; `None` when nothing lies there (any more, or yet).

        Raises:
            StoreError: Kafka does not answer.
        """
        try:
            async with asyncio.timeout(_WITHIN_S), self._one_at_a_time:
                return await self._pick(TopicPartition(topic, partition), offset)
        except TimeoutError as late:
            raise StoreError(f"Kafka at {self._access.bootstrap} gave no record within {_WITHIN_S:g} s") from late

    async def _pick(self, place: TopicPartition, offset: int) -> RawRecord | None:
        try:
            consumer = await self._connected()
            consumer.assign([place])
            consumer.seek(place, offset)
            while True:
                records = (await consumer.getmany(place, timeout_ms=_POLL_MS, max_records=1)).get(place, ())
                if records:
                    return RawRecord.of(records[0]) if records[0].offset == offset else None
                if offset >= (await reach(self._access, lambda: consumer.end_offsets([place])))[place]:
                    return None
        except OffsetOutOfRangeError:
            return None
        except (KafkaError, OSError) as bad:
            await self._let_go()
            raise StoreError(f"Kafka at {self._access.bootstrap} failed while reading: {bad!r}; try again") from bad
        finally:
            # Nothing is fetched ahead while nobody asks.
            if self._consumer is not None:
                self._consumer.unsubscribe()

    async def _connected(self) -> Any:
        if self._consumer is None:
            consumer = AIOKafkaConsumer(
                **self._access.options(),
                client_id="kolaj-picker",
                isolation_level="read_committed",
                enable_auto_commit=False,
                auto_offset_reset="none",
                max_partition_fetch_bytes=_FETCH_BYTES,
            )
            try:
                await reach(self._access, consumer.start)
            except BaseException:
                await stop(consumer.stop)
                raise
            self._consumer = consumer
        return self._consumer

    async def _let_go(self) -> None:
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            with suppress(StoreError):
                await stop(consumer.stop)
