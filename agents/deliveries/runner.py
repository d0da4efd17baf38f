"""Taking one lane further: event by event, in the order of the log, until it follows again or an attempt fails."""

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Final
from uuid import UUID

from agents.deliveries.decide import Attempt, Delivered, Disable, Later, Patience, decide
from agents.deliveries.lanes import Held, Lane, LaneStore, Trial
from agents.deliveries.message import Message, message_for, trial_message
from agents.deliveries.posting import Poster
from agents.deliveries.signing import signed_headers
from agents.deliveries.waking import lane_wake
from schemas.envelope import rfc3339
from schemas.errors import StoreError
from streams.partition_log import PartitionLog
from streams.publisher import Publisher
from streams.records import RawRecord
from streams.topics import Topics

log = logging.getLogger(__name__)

SLOW_MS: Final = 3_000
"""An endpoint whose last answer took longer is not among those that are well."""
RENEW_S: Final = 20.0
"""A lease is not older when an attempt begins."""
_TURN_S: Final = 20.0
"""After which a lane goes to the end of the queue, however much it has left."""
_READ_AT_ONCE: Final = 50


class End(Enum):
    """Why a lane is left."""

    DONE = "nothing can be done now"
    TURN = "others have their turn, or its endpoint has changed"


@dataclass(slots=True)
class _Turn:
    """A lane that was claimed, and how far it has come since."""

    held: Held
    position: int
    doubtful: bool
    """It is worked on by the hands for such endpoints."""
    failures: int = 0
    unsaid: bool = False
    """The store does not know how far it has come."""
    began_at: float = field(default_factory=time.monotonic)
    renewed_at: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.failures = self.held.failures

    @property
    def over(self) -> bool:
        return time.monotonic() - self.began_at > _TURN_S

    def pass_over(self, offset: int) -> None:
        self.position, self.unsaid = offset + 1, True

    def delivered(self, offset: int) -> None:
        self.position, self.unsaid, self.failures = offset + 1, False, 0
        self.renewed_at = time.monotonic()


class LaneRunner:
    """Sends, and remembers which endpoints are doubtful: those whose last attempt failed or was slow.

    Args:
        lanes: their lease must outlast `RENEW_S` and an attempt.
        now: the clock, UTC.
    """

    def __init__(
        self,
        *,
        lanes: LaneStore,
        events: PartitionLog,
        poster: Poster,
        publisher: Publisher,
        topics: Topics,
        patience: Patience,
        now: Callable[[], datetime],
    ) -> None:
        self._lanes = lanes
        self._events = events
        self._poster = poster
        self._publisher = publisher
        self._topics = topics
        self._patience = patience
        self._now = now
        self.doubtful: set[UUID] = set()
        self.stopping = False

    async def run(self, lane: Lane) -> bool:
        """Take it as far as it goes now; whether it is to be taken up again.

        Raises:
            StoreError: a store failed.
        """
        held = await self._lanes.claim(lane)
        if held is None:
            return False
        turn = _Turn(held, held.position, doubtful=lane.endpoint_id in self.doubtful or held.failures > 0)
        try:
            again = await self._go(turn)
        except StoreError:
            with suppress(StoreError):
                await self._lanes.give_back(held, turn.position)
            raise
        if again:
            await self._lanes.give_back(held, turn.position)
        return again

    async def try_out(self, trial: Trial) -> None:
        """Send the test that an owner asked for, once."""
        message = trial_message(trial.endpoint_id, trial.message_id, rfc3339(trial.asked_at))
        await self._lanes.tell(trial.endpoint_id, message, await self._sent(trial.url, trial.secrets, message))

    async def _go(self, turn: _Turn) -> bool:
        held, partition = turn.held, turn.held.lane.partition
        if held.replay_from is not None:
            turn.position = await self._events.offset_at(partition, held.replay_from)
            if not await self._renewed(turn):
                return True
        mark = held.mark
        while mark is not None:
            while turn.position < mark:
                batch = await self._events.read(partition, turn.position, mark, most=_READ_AT_ONCE)
                for record in batch.records:
                    end = await self._taken(turn, record)
                    if end is not None:
                        return end is End.TURN
                turn.position = batch.next_offset
                if turn.unsaid and not await self._renewed(turn):
                    return True
            mark = await self._lanes.release(held, turn.position)
            turn.renewed_at = time.monotonic()
        if held.mark is None:
            await self._lanes.give_back(held, turn.position)
        return False

    async def _taken(self, turn: _Turn, record: RawRecord) -> End | None:
        """One record is seen to: `None` when the next one may follow."""
        held = turn.held
        message = message_for(held.lane.endpoint_id, held.wanted, record)
        if message is None:
            turn.pass_over(record.offset)
            return None
        if self.stopping or turn.over or (not turn.doubtful and held.lane.endpoint_id in self.doubtful):
            return End.TURN
        if time.monotonic() - turn.renewed_at > RENEW_S and not await self._renewed(turn):
            return End.TURN
        attempt = await self._sent(held.url, held.secrets, message)
        self._judge(held.lane.endpoint_id, attempt)
        match decide(attempt, turn.failures, held.failing_s, self._patience):
            case Delivered():
                turn.delivered(record.offset)
                return None if await self._lanes.delivered(held, turn.position, message, attempt) else End.TURN
            case Later(wait_s):
                if await self._lanes.failed(held, turn.position, wait_s, message, attempt):
                    await self._publisher.publish([lane_wake(self._topics.retries, held.lane, wait_s)])
            case Disable() as decided:
                await self._disable(turn, message, attempt, decided)
        log.info(
            "not delivered",
            extra={"endpoint_id": str(held.lane.endpoint_id), "why": attempt.outcome, "message_id": message.id},
        )
        return End.DONE

    async def _disable(self, turn: _Turn, message: Message, attempt: Attempt, decided: Disable) -> None:
        held = turn.held
        if await self._lanes.failed(held, turn.position, 0, message, attempt):
            await self._lanes.disable(held, "gone" if decided.gone else "failing", decided.why, turn.failures + 1)
            log.warning("endpoint disabled", extra={"endpoint_id": str(held.lane.endpoint_id), "why": decided.why})

    async def _renewed(self, turn: _Turn) -> bool:
        turn.unsaid, turn.renewed_at = False, time.monotonic()
        return await self._lanes.advance(turn.held, turn.position)

    async def _sent(self, url: str, secrets: tuple[str, ...], message: Message) -> Attempt:
        headers = signed_headers(secrets, message.id, int(self._now().timestamp()), message.body)
        return await self._poster.post(url, headers, message.body)

    def _judge(self, endpoint_id: UUID, attempt: Attempt) -> None:
        if attempt.outcome == "delivered" and attempt.elapsed_ms <= SLOW_MS:
            self.doubtful.discard(endpoint_id)
        else:
            self.doubtful.add(endpoint_id)
