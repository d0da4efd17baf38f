"""How far each of the hub's readers is behind: workers, their wakers, projectors."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

from infra.settings import Settings
from projections.batch import STORE_FAILURES
from projections.pool import open_pool
from projections.status import report
from schemas.errors import StoreError
from streams.lag import Lag, Place, group_lags, lags


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
    topics, access = settings.topics, settings.kafka
    numbers = range(settings.partitions)
    commands = [(topics.payment_commands.name, number) for number in numbers]
    orders = [(topics.integration_commands.name, number) for number in numbers]
    delays = {topic.name: float(delay) for delay, topic in topics.retries}
    waking = [(name, number) for name in delays for number in numbers]
    calls = [(topics.webhook_events.name, number) for number in numbers]
    pool = await open_pool(settings.database_url.get_secret_value(), size=1)
    try:
        standings = await report(access, pool, topics)
    except STORE_FAILURES as failed:
        raise StoreError(f"the projectors' positions cannot be read ({failed}); start PostgreSQL") from failed
    finally:
        await pool.close()
    furthest: dict[Place, int] = {}
    for standing in standings:
        place = (standing.topic, standing.partition)
        furthest[place] = min(furthest.get(place, standing.next_offset), standing.next_offset)
    group = f"{settings.topic_prefix}.payments"
    return [
        _sum("worker", await group_lags(access, group, commands), {}),
        _sum("registrar", await group_lags(access, f"{settings.topic_prefix}.integrations", orders), {}),
        _sum("waker", await group_lags(access, f"{group}.waking", waking), delays),
        _sum("webhooks", await group_lags(access, f"{settings.topic_prefix}.webhooks", calls), {}),
        _sum("waiting webhooks", await group_lags(access, f"{settings.topic_prefix}.webhooks.waking", waking), delays),
        _sum("projector", await lags(access, furthest), {}),
    ]


def _sum(reader: str, found: Mapping[Place, Lag], delays: Mapping[str, float]) -> ReaderLag:
    now = time.time()
    return ReaderLag(
        reader,
        sum(lag.records for lag in found.values()),
        max((lag.age_s(now, delays.get(place[0], 0.0)) for place, lag in found.items()), default=0.0),
    )
