"""The alarm that records wait for too long, as an event: it stays in the audit table when the log lines are gone."""

import logging
from collections.abc import Callable
from datetime import datetime

from schemas.envelope import Envelope
from schemas.errors import StoreError
from schemas.ids import new_id
from schemas.integrations import LagAlarm
from streams.codec import encode
from streams.publisher import Publisher
from streams.topics import Topics
from streams.watching import OnOverdue, Overdue

log = logging.getLogger(__name__)

SOURCE = "/kolaj/hub/workers"


def lag_alarm(publisher: Publisher, topics: Topics, *, process: str, now: Callable[[], datetime]) -> OnOverdue:
    """What publishes the alarm of one process."""

    async def tell(overdue: Overdue) -> None:
        topic, partition = overdue.place
        body = LagAlarm(
            group=overdue.group,
            topic=topic,
            partition=partition,
            process=process,
            records=overdue.records,
            age_ms=int(overdue.age_s * 1000),
            bound_ms=int(overdue.bound_s * 1000),
            seen_at=now(),
        )
        envelope = Envelope(id=new_id(), type=body.type, source=SOURCE, subject=overdue.group, time=body.seen_at)
        try:
            await publisher.publish([encode(topics.integration_events.name, overdue.group, envelope, body)])
        except StoreError as failed:
            log.warning("a lag alarm was not published", extra={"why": str(failed)})

    return tell
