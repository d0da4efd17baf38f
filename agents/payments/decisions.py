"""What can be decided about a command, as values: what is to happen next with it."""

from dataclasses import dataclass

from agents.ledger import SentAttempt, StoredResult
from schemas.money import Money
from schemas.payments import Reason
from schemas.verdicts import FailureClass


@dataclass(frozen=True, slots=True)
class Answer:
    """It is concluded: publish the stored result again."""

    result: StoredResult


@dataclass(frozen=True, slots=True)
class Conflict:
    """The id belongs to another command."""


@dataclass(frozen=True, slots=True)
class TooOld:
    """The id is older than what the ledger keeps."""


@dataclass(frozen=True, slots=True)
class Lying:
    """It lies parked: its waking is ordered once more, for the first order may have been lost with a worker."""


@dataclass(frozen=True, slots=True)
class Queue:
    """Earlier commands of this payment are parked: it is laid behind them."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Not now: another worker's lease runs, or an earlier command of this payment is open."""

    after_s: float
    why: str


@dataclass(frozen=True, slots=True)
class Refuse:
    """It is certainly not performed."""

    reason: Reason
    failure: FailureClass
    detail: str
    requested: Money | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """Perform it: certainly nothing was performed yet. `amount` is to be moved, worked out from the payment."""

    amount: Money | None


@dataclass(frozen=True, slots=True)
class Inquire:
    """Something may have been sent: ask the provider about `attempt` before anything else.

    Attributes:
        resend: whether the same request may go out again, byte for byte, once the provider does not know it.
        earlier: further attempts that may have been performed instead, the last one first. A ledger that was rebuilt
            knows of every send that was intended, and not which of them came to nothing.
    """

    attempt: SentAttempt
    amount: Money | None
    resend: bool
    earlier: tuple[SentAttempt, ...] = ()


Decision = Answer | Conflict | TooOld | Lying | Queue | Wait | Refuse | Call | Inquire


@dataclass(frozen=True, slots=True)
class Promise:
    """What the connector says of the operation: see `providers.connector.Operation`."""

    repeatable_for_s: float | None
    resend_after_absence_s: float | None
