"""What goes wrong and when: drawn from a seed before anything runs, so that the same seed is the same bad day."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from infra.sandbox.iyzico import FaultKind

WORKERS: Final = 2
THIRDS: Final = 3


class Disturbance(StrEnum):
    """What happens at one moment, and how it is undone."""

    KILL_WORKER = "kill_worker"  # SIGKILL, and another one is started at once
    RESTART_WORKER = "restart_worker"  # SIGTERM under load, and another one is started when it has gone
    FREEZE_WORKER = "freeze_worker"  # SIGSTOP for `hold_s`, past its session timeout and its lease, then SIGCONT
    KILL_PROJECTOR = "kill_projector"
    KILL_BROKER = "kill_broker"  # SIGKILL to node `target`, which is started again after `hold_s`
    STOP_DATABASE = "stop_database"  # fast shutdown, started again after `hold_s`
    CRASH_DATABASE = "crash_database"  # immediate shutdown, which recovery must mend
    KILL_PUBLISHER = "kill_publisher"  # SIGKILL in the middle; the next one goes on from its cursor
    PUBLISH_AGAIN = "publish_again"  # a second publisher sends a third of what was published so far once more
    PROVIDER = "provider"  # orders `faults` at the sandbox, and takes them back after `hold_s`


EVERY_S: Final[dict[Disturbance, float]] = {
    Disturbance.KILL_WORKER: 14,
    Disturbance.RESTART_WORKER: 30,
    Disturbance.FREEZE_WORKER: 30,
    Disturbance.KILL_PROJECTOR: 30,
    Disturbance.KILL_BROKER: 32,
    Disturbance.STOP_DATABASE: 45,
    Disturbance.CRASH_DATABASE: 45,
    Disturbance.KILL_PUBLISHER: 25,
    Disturbance.PUBLISH_AGAIN: 50,
}
"""One of each kind in so many seconds; each kind comes once at least."""

_HOLD_S: Final[dict[Disturbance, tuple[float, float]]] = {
    Disturbance.FREEZE_WORKER: (10.0, 14.0),
    Disturbance.KILL_BROKER: (3.0, 10.0),
    Disturbance.STOP_DATABASE: (0.5, 4.0),
    Disturbance.CRASH_DATABASE: (0.2, 4.0),
}
_QUIET_S: Final = 3.0
"""At the beginning, so that something is under way."""
_PUBLISHED_BY: Final = 0.75
"""The list is through soon after this part of the time, and its publisher gone."""

PROVIDER_FAULTS: Final = (
    FaultKind.LATE,
    FaultKind.NEVER,
    FaultKind.PERFORM_LATE,
    FaultKind.ERROR_BEFORE,
    FaultKind.ERROR_AFTER,
    FaultKind.RESET_BEFORE,
    FaultKind.RESET_AFTER,
    FaultKind.GARBAGE,
    FaultKind.TRUNCATED,
    FaultKind.EMPTY,
    FaultKind.TOO_MANY,
    FaultKind.LIMIT,
    FaultKind.BANK_TIMEOUT,
    FaultKind.BANK_TIMEOUT_BEFORE,
)
_WINDOW_S: Final = 10.0
_SECONDS: Final[dict[FaultKind, tuple[float, float]]] = {
    FaultKind.LATE: (0.5, 6.0),
    FaultKind.PERFORM_LATE: (1.0, 12.0),
}
"""How late: on either side of a call's deadline, and of the time for which "not found" proves nothing."""


@dataclass(frozen=True, slots=True)
class ProviderFault:
    """An order at the sandbox: each call goes wrong in this way by chance."""

    kind: FaultKind
    probability: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Fault:
    """One disturbance.

    Attributes:
        at_s: seconds after the first command.
        hold_s: how long it lasts; 0 where it is over at once.
        target: which worker (from 0), broker node (from 1) or third of what was published (from 0).
        faults: for `PROVIDER` alone.
    """

    at_s: float
    kind: Disturbance
    hold_s: float = 0.0
    target: int = 0
    faults: tuple[ProviderFault, ...] = ()

    def __str__(self) -> str:
        where = f" {self.target}" if self.kind in _TARGETED else ""
        hold = f" for {self.hold_s:.1f} s" if self.hold_s else ""
        orders = "".join(f" {fault.kind}@{fault.probability:.2f}/{fault.seconds:.1f}s" for fault in self.faults)
        return f"{self.at_s:6.1f} s  {self.kind}{where}{hold}{orders}"


_TARGETED: Final = frozenset(
    {
        Disturbance.KILL_WORKER,
        Disturbance.RESTART_WORKER,
        Disturbance.FREEZE_WORKER,
        Disturbance.KILL_BROKER,
        Disturbance.PUBLISH_AGAIN,
    }
)


def plan(seed: int, seconds: float, brokers: int) -> tuple[Fault, ...]:
    """The faults of a run that lasts `seconds`, in the order of their moments. Pure.

    A broker is killed only where two others keep every record. Every kind of provider fault has its window.
    """
    dice = random.Random(seed)  # noqa: S311 - repeatable on purpose
    faults = [*_disturbances(dice, seconds, brokers), *_windows(dice, seconds)]
    return tuple(sorted(faults, key=lambda fault: (fault.at_s, fault.kind)))


def _disturbances(dice: random.Random, seconds: float, brokers: int) -> Iterator[Fault]:
    for kind, every_s in EVERY_S.items():
        if kind is Disturbance.KILL_BROKER and brokers == 1:
            continue
        count = max(1, round(seconds / every_s))
        # One in each stretch of its own: at random moments, and still spread over the whole run.
        last_s = seconds * _PUBLISHED_BY if kind is Disturbance.KILL_PUBLISHER else seconds
        stretch_s = (last_s - _QUIET_S) / count
        for number in range(count):
            yield Fault(
                at_s=round(_QUIET_S + stretch_s * (number + dice.random()), 2),
                kind=kind,
                hold_s=round(dice.uniform(*_HOLD_S[kind]), 2) if kind in _HOLD_S else 0.0,
                target=_target(dice, kind, brokers),
            )


def _target(dice: random.Random, kind: Disturbance, brokers: int) -> int:
    if kind is Disturbance.KILL_BROKER:
        return dice.randint(1, brokers)
    if kind is Disturbance.PUBLISH_AGAIN:
        # Never all of it: what was lost would come back with its copy, and nobody would see that it had been lost.
        return dice.randrange(THIRDS)
    return dice.randrange(WORKERS) if kind in _TARGETED else 0


def _windows(dice: random.Random, seconds: float) -> Iterator[Fault]:
    """One window after another, quiet stretches between them; the kinds are dealt out like cards."""
    count = max(2, round(seconds / _WINDOW_S))
    hands: list[list[ProviderFault]] = [[] for _ in range(count)]
    # Dealt often enough that each kind is there, and that each window has two kinds or more.
    rounds = max(1, -(-2 * count // len(PROVIDER_FAULTS)))
    place = 0
    for _ in range(rounds):
        for kind in dice.sample(PROVIDER_FAULTS, len(PROVIDER_FAULTS)):
            seconds_of = round(dice.uniform(*_SECONDS.get(kind, (1.0, 1.0))), 1)
            hands[place % count].append(ProviderFault(kind, round(dice.uniform(0.02, 0.12), 3), seconds_of))
            place += 1
    stretch_s = seconds / count
    for number, hand in enumerate(hands):
        begin_s = stretch_s * (number + 0.2 * dice.random())
        yield Fault(round(begin_s, 2), Disturbance.PROVIDER, round(stretch_s * 0.75, 2), faults=tuple(hand))


def counted(faults: Sequence[Fault]) -> int:
    """How many things go wrong by plan: each disturbance is one, and each kind of fault in a provider's window."""
    return sum(len(fault.faults) or 1 for fault in faults)
