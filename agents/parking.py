"""Parking: a command that cannot go on is laid down in the ledger, and a record on a retry topic wakes its key later.

The wake record carries the key alone. Whoever reads it takes the first parked command of that key, and, once it is
concluded, the ones behind it; a wake for a key with nothing parked does nothing. So a wake may come twice, late, or on
another worker, and order stays that of arrival.
"""

import json
import logging
from typing import Final

from agents.delivery import Delivery
from agents.ledger import Claim, Ledger, Parking
from agents.metrics import PARKED
from agents.sealing import Seal
from schemas.errors import UnreadableRecord
from streams.codec import Outgoing
from streams.publisher import Publisher
from streams.records import RawRecord
from streams.topics import Topic, Topics
from streams.waiting import waits_for

log = logging.getLogger(__name__)

LONGEST_IN_LANE_S: Final = 1.0
"""A shorter wait is spent in the lane: laying down and waking costs more."""
OVERDUE_GRACE_S: Final = 60.0
_OVERDUE_AT_ONCE: Final = 500
_RELEASED_AT_ONCE: Final = 1_000
WAKES: Final = "kolaj-wakes"
"""Header of a wake record that says what kind of thing it wakes; one without it wakes a payment's key."""
STOPPED: Final = "an operator stopped the integration"
"""The reason of commands that wait for a stop to be lifted. They sleep long, and are woken once it is."""


class ParkingLot:
    """Lays commands down and takes them up again."""

    def __init__(self, ledger: Ledger, publisher: Publisher, topics: Topics, seal: Seal) -> None:
        self._ledger = ledger
        self._publisher = publisher
        self._topics = topics
        self._seal = seal

    async def park(
        self,
        delivery: Delivery,
        claim: Claim,
        *,
        after_s: float,
        integration_id: str | None,
        reason: str,
        counts: bool = True,
    ) -> bool:
        """Lay the command down and order its waking. False: claim again.

        The ledger comes first: a crash before the wake record leaves the offset unacknowledged, and the redelivery
        finds the command parked and orders the waking once more.
        """
        delay_s, _ = self._topics.retry_after(after_s)
        record = delivery.record
        parking = Parking(
            claim,
            integration_id,
            record.topic,
            record.partition,
            record.offset,
            self._seal.close(record, claim.ask.command_id),
            reason,
            float(delay_s),
            counts,
        )
        if not await self._ledger.park(parking):
            return False
        PARKED.add(1, {"reason": reason})
        log.info("command parked", extra={"command_id": str(claim.ask.command_id), "why": reason, "after_s": delay_s})
        if claim.epoch:  # one that was queued is woken when those before it are done
            await self.wake(claim.ask.key, after_s)
        return True

    async def wake(self, key: str, after_s: float) -> None:
        """Order the waking of a key."""
        _, topic = self._topics.retry_after(after_s)
        # Keyed like the command, so that keys spread over the partitions as commands do.
        await self._publisher.publish([wake_record(topic, key)])

    async def first(self, key: str, waking: Delivery) -> Delivery | None:
        """The command that waits first, as a delivery in the name of `waking`; `None` when none does."""
        parked = await self._ledger.next_parked(key)
        if parked is None:
            return None
        record = self._seal.open(parked.sealed, parked.command_id, parked.topic, parked.partition, parked.offset)
        return Delivery(
            record,
            _nothing,
            waking.token,
            waking.exchanges,
            woken=True,
            tries=parked.tries,
            withdrawn=parked.withdrawn,
        )

    async def wake_overdue(self, *, grace_s: float = OVERDUE_GRACE_S) -> int:
        """Wake keys whose wake record must have been lost, since it is `grace_s` late; returns how many."""
        keys = await self._ledger.overdue(grace_s=grace_s, limit=_OVERDUE_AT_ONCE)
        for key in keys:
            await self.wake(key, 0)
        return len(keys)

    async def wake_released(self) -> int:
        """Wake the keys whose first command waited for a stop that was lifted; returns how many."""
        woken = 0
        while keys := await self._ledger.released(reason=STOPPED, limit=_RELEASED_AT_ONCE):
            # The shortest delay, after which those who wake them take a bounded number at one time.
            await self._publisher.publish([wake_record(self._topics.retries[0][1], key) for key in keys])
            woken += len(keys)
        return woken


def wake_record(topic: Topic, key: str) -> Outgoing:
    """What wakes a key of the ledger when the topic's delay has gone by."""
    return Outgoing(topic.name, key.split("/", 1)[1].encode(), json.dumps({"key": key}).encode(), ())


def woken_key(record: RawRecord) -> str | None:
    """The key that a wake record names; `None` for a record that waits there for another reader.

    Raises:
        UnreadableRecord: somebody else wrote to the retry topic.
    """
    if waits_for(record) is not None:
        return None
    try:
        key = json.loads(record.value or b"")["key"]
    except (ValueError, KeyError, TypeError):
        raise UnreadableRecord("not_json", "", 'a wake record is {"key": "..."}; only workers write them') from None
    if not isinstance(key, str):
        raise UnreadableRecord("invalid_field", "key", "must be the key of a ledger row")
    return key


def _nothing() -> None:
    """A woken record's offset was acknowledged when it was parked; its wake record's is the waker's to acknowledge."""
