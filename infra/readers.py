"""How far each of the hub's readers is behind: workers, their wakers, projectors."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

from infra.settings import Settings
from projections.batch import STORE_FAILURES
from projections.pool import open_pool
from projections.status import report
from schemas.errors import StoreError
from streams.lag import Lag, Place, group_lags, group_positions, lags, overdue


@dataclass(frozen=True, slots=True)
class ReaderLag:
    """One kind of reader, over all partitions.

    Attributes:
        records: not finished, where delayed ones count that are not due yet.
        age_s: how long the oldest of them has waited, past its delay.
    """

    reader: str
    records: int
    age_s: float

    def __str__(self) -> str:
        return f"{self.reader} {self.records} behind" + (f", oldest {self.age_s:.0f} s" if self.records else "")


async def reader_lags(settings: Settings) -> list[ReaderLag]:
    """Each reader's lag.

    Raises:
        SettingsError: a topic does not exist.
        StoreError: Kafka or PostgreSQL does not answer.
    """
    places = _places(settings)
    delays = {topic.name: float(delay) for delay, topic in settings.topics.retries}
    access = settings.kafka
    return [
        *[_sum(reader, await group_lags(access, group, wanted), delays) for reader, (group, wanted) in places.items()],
        _sum("projector", await lags(access, await _projected(settings)), {}),
    ]


async def late_readers(settings: Settings, *, older_than_s: float) -> list[str]:
    """The readers that have a record to finish which is older than that. No record is read for it.

    Raises:
        SettingsError: a topic does not exist.
        StoreError: Kafka or PostgreSQL does not answer.
    """
    access, before_ms = settings.kafka, int((time.time() - older_than_s) * 1000)
    positions = {
        reader: await group_positions(access, group, wanted) for reader, (group, wanted) in _places(settings).items()
    }
    positions["projector"] = await _projected(settings)
    return [reader for reader, at in positions.items() if await overdue(access, at, before_ms)]


def _places(settings: Settings) -> dict[str, tuple[str, list[Place]]]:
    """By reader of orders its consumer group and what that reads."""
    topics, numbers = settings.topics, range(settings.partitions)
    group, waking = f"{settings.topic_prefix}.payments", [(one.name, at) for _, one in topics.retries for at in numbers]
    return {
        "worker": (group, [(topics.payment_commands.name, number) for number in numbers]),
        "registrar": (
            f"{settings.topic_prefix}.integrations",
            [(topics.integration_commands.name, number) for number in numbers],
        ),
        "waker": (f"{group}.waking", waking),
        "webhooks": (
            f"{settings.topic_prefix}.webhooks",
            [(topics.webhook_events.name, number) for number in numbers],
        ),
        "waiting webhooks": (f"{settings.topic_prefix}.webhooks.waking", waking),
    }


async def _projected(settings: Settings) -> dict[Place, int]:
    """Up to where all projections have come."""
    pool = await open_pool(settings.database_url.get_secret_value(), size=1)
    try:
        standings = await report(settings.kafka, pool, settings.topics)
    except STORE_FAILURES as failed:
        raise StoreError(f"the projectors' positions cannot be read ({failed}); start PostgreSQL") from failed
    finally:
        await pool.close()
    furthest: dict[Place, int] = {}
    for standing in standings:
        place = (standing.topic, standing.partition)
        furthest[place] = min(furthest.get(place, standing.next_offset), standing.next_offset)
    return furthest


def _sum(reader: str, found: Mapping[Place, Lag], delays: Mapping[str, float]) -> ReaderLag:
    now = time.time()
    return ReaderLag(
        reader,
        sum(lag.records for lag in found.values()),
        max((lag.age_s(now, delays.get(place[0], 0.0)) for place, lag in found.items()), default=0.0),
    )
