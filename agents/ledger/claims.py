"""What the ledger is asked and what it answers."""

import time
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from schemas.envelope import Header
from schemas.ids import new_id
from schemas.routing import Routed


class ClaimStatus(StrEnum):
    TAKEN = "taken"
    CONCLUDED = "concluded"
    CONFLICT = "conflict"
    HELD = "held"
    PARKED = "parked"
    """It lies parked already; its waking will come."""
    QUEUED = "queued"
    """Others of its key are parked before it."""
    TOO_OLD = "too_old"
    """Its id is older than what the ledger keeps: nobody knows any more whether it was performed."""


@dataclass(frozen=True, slots=True)
class Ask:
    """A command as it arrived. `key` names the capability too, such as `payments/<payment_id>`."""

    key: str
    command_id: UUID
    command_type: str
    digest: bytes
    token: UUID = field(default_factory=new_id)
    """Names this delivery: asking again with it, after a lost answer, is the same ask."""
    woken: bool = False
    """It is the first parked command of its key, and its time has come."""


@dataclass(frozen=True, slots=True)
class SentAttempt:
    number: int
    integration_id: str
    reference: str
    request_digest: str
    maybe_sent: bool
    """False once the provider certainly performed nothing."""
    sent_age_s: float = 0.0
    """Seconds since it was last marked."""
    routed: Routed | None = None
    """How its integration was chosen, where the command named none."""


@dataclass(frozen=True, slots=True)
class StoredResult:
    value: bytes
    headers: tuple[Header, ...]


@dataclass(frozen=True, slots=True)
class Claim:
    """What the ledger answered.

    Attributes:
        epoch: the fence under which everything else is written; only when taken.
        key_state: what the key's results add up to, as the caller stored it; `None` for a new key.
        claimed_age_s: seconds since the command was first claimed.
        sent_age_s: seconds since its first send, when it was claimed; `None` when nothing was sent.
        wait_s: when held, how long the other's lease still runs; `None` when it is an earlier command that is open.
        lease_ends: on CLOCK_BOOTTIME, in seconds, counted from before the ledger was asked.
        asked_at: on CLOCK_BOOTTIME, in seconds, when that was.
    """

    ask: Ask
    status: ClaimStatus
    epoch: int = 0
    key_state: bytes | None = None
    attempts: tuple[SentAttempt, ...] = ()
    claimed_age_s: float = 0.0
    sent_age_s: float | None = None
    wait_s: float | None = None
    result: StoredResult | None = None
    lease_ends: float = 0.0
    asked_at: float | None = None

    @property
    def sent_ago_s(self) -> float | None:
        """Seconds since its first send, now: asking a provider may have taken long since it was claimed."""
        if self.sent_age_s is None or self.asked_at is None:
            return self.sent_age_s
        return self.sent_age_s + boottime() - self.asked_at

    @property
    def lease_left_s(self) -> float:
        """How long the worker may still act, in seconds."""
        return self.lease_ends - boottime()


@dataclass(frozen=True, slots=True)
class Sending:
    """An attempt to be marked."""

    claim: Claim
    number: int
    integration_id: str
    reference: str
    request_digest: str
    repeatable: bool
    routed: Routed | None = None


@dataclass(frozen=True, slots=True)
class Parking:
    """A command to be laid down.

    Attributes:
        claim: its claim; one with status `QUEUED` is laid behind the others of its key.
        sealed: the record, unreadable to whoever reads the table.
        due_s: in how many seconds it is to be woken, at the latest.
        counts: whether it was tried in vain; waiting for an open breaker is no try.
    """

    claim: Claim
    integration_id: str | None
    topic: str
    partition: int
    offset: int
    sealed: bytes
    reason: str
    due_s: float
    counts: bool = True


@dataclass(frozen=True, slots=True)
class Parked:
    """The command of a key that waits first.

    Attributes:
        tries: how often it was taken up in vain.
        withdrawn: which operator does not want it performed any more, and why; `None` as a rule.
    """

    command_id: UUID
    sealed: bytes
    topic: str
    partition: int
    offset: int
    tries: int
    withdrawn: str | None


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What a command came to.

    Attributes:
        deadline: until when its key waits for somebody from now on; `None` leaves that as it was.
        waits_no_more: the key's deadline is taken away.
    """

    claim: Claim
    key_state: bytes
    result: StoredResult
    deadline: datetime | None = None
    waits_no_more: bool = False


@dataclass(frozen=True, slots=True)
class Passed:
    """A deadline that has passed, and the command that it was set with."""

    key: str
    command_id: UUID


def boottime() -> float:
    """Seconds on CLOCK_BOOTTIME: it never steps, and runs on while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)
