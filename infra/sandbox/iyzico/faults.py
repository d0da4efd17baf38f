"""Faults to order: which call goes wrong, and how. Ordering is pure of I/O; `server.py` acts on what is drawn."""

import random
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

DEFAULT_SECONDS = 3.0


class FaultKind(StrEnum):
    """What happens. Unless it says otherwise, the call is performed and stands in the books."""

    LATE = "late"  # performed at once, answered after `seconds`
    NEVER = "never"  # performed at once, never answered; the connection stays open until the client leaves
    PERFORM_LATE = "perform_late"  # performed after `seconds`, never answered
    ERROR_BEFORE = "500_before"  # not performed
    ERROR_AFTER = "500_after"
    RESET_BEFORE = "reset_before"  # not performed
    RESET_AFTER = "reset_after"
    GARBAGE = "garbage"  # 200 with an HTML page
    TRUNCATED = "truncated"  # 200 with the first half of the JSON
    EMPTY = "empty"  # 200 with no body
    TOO_MANY = "429"  # not performed; HTTP 429 with Retry-After
    LIMIT = "50000"  # not performed; the envelope of a crossed limit
    BANK_TIMEOUT = "10219"  # performed, and answered as a timeout of the bank
    BANK_TIMEOUT_BEFORE = "10219_before"  # not performed, the same answer
    REVIEW_APPROVE = "review_approve"  # fraudStatus 0, after `seconds` 1 (payments only)
    REVIEW_REJECT = "review_reject"  # fraudStatus 0, after `seconds` -1 (payments only)


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault for one call."""

    kind: FaultKind
    seconds: float = DEFAULT_SECONDS


@dataclass(frozen=True, slots=True)
class FaultOrder:
    """Which calls get the fault: those to `path` (`*`: all), each `every`-th, by chance, at most `count` times."""

    kind: FaultKind
    path: str = "*"
    count: int | None = None
    every: int = 1
    probability: float = 1.0
    seconds: float = DEFAULT_SECONDS

    def __post_init__(self) -> None:
        if self.every < 1 or (self.count is not None and self.count < 1):
            raise ValueError("a fault's every and count must be 1 or more")
        if not 0 < self.probability <= 1 or not 0 <= self.seconds <= 3600:  # noqa: PLR2004 -- an hour is plenty
            raise ValueError("a fault's probability must lie in (0, 1], its seconds in [0, 3600]")


@dataclass(slots=True)
class _Standing:
    order: FaultOrder
    seen: int = 0
    used: int = 0


class FaultPlan:
    """The orders that stand, first ordered first drawn. `seed` makes the chances repeatable."""

    def __init__(self, orders: Iterable[FaultOrder] = (), *, seed: int = 0) -> None:
        self._standing = [_Standing(order) for order in orders]
        self._chance = random.Random(seed)  # noqa: S311 -- repeatable on purpose, nothing is secret

    def order(self, order: FaultOrder) -> None:
        self._standing.append(_Standing(order))

    def clear(self) -> None:
        self._standing.clear()

    def standing(self) -> tuple[tuple[FaultOrder, int], ...]:
        """Each order with the number of times it was used."""
        return tuple((standing.order, standing.used) for standing in self._standing)

    def draw(self, path: str) -> Fault | None:
        """The fault for a call to `path`, used up by being drawn."""
        for standing in self._standing:
            order = standing.order
            if order.path not in ("*", path) or (order.count is not None and standing.used >= order.count):
                continue
            standing.seen += 1
            if standing.seen % order.every or self._chance.random() >= order.probability:
                continue
            standing.used += 1
            return Fault(order.kind, order.seconds)
        return None


def parse_fault(text: str) -> FaultOrder:
    """`KIND[,path=…][,count=N][,every=N][,probability=P][,seconds=S]`, as the command line takes it.

    Raises:
        ValueError: saying which part is wrong and what may stand there.
    """
    kind, *settings = text.split(",")
    values: dict[str, str] = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals or name not in ("path", "count", "every", "probability", "seconds"):
            raise ValueError(f"fault {text!r}: {setting!r} is not path=, count=, every=, probability= or seconds=")
        values[name] = value
    return fault_from({"kind": kind, **values})


def fault_from(values: dict[str, str]) -> FaultOrder:
    """An order from texts by name, as the command line and the admin page give them.

    Raises:
        ValueError: saying which value is wrong.
    """
    if values.get("kind") not in list(FaultKind):
        raise ValueError(f"fault kind {values.get('kind')!r} is not one of {', '.join(FaultKind)}")
    try:
        return FaultOrder(
            kind=FaultKind(values["kind"]),
            path=values.get("path", "*"),
            count=int(values["count"]) if "count" in values else None,
            every=int(values.get("every", "1")),
            probability=float(values.get("probability", "1")),
            seconds=float(values.get("seconds", str(DEFAULT_SECONDS))),
        )
    except ValueError as error:
        raise ValueError(f"fault {values['kind']}: {error}") from error


_MARKER = re.compile(r"fault-(?P<kind>[a-z0-9_]+)(?:-(?P<seconds>[0-9]{1,3}(?:\.[0-9]{1,3})?)s)?-.+", re.DOTALL)


def marked_fault(basket_id: object) -> Fault | None:
    """The fault that a basketId such as `fault-never-basket7` or `fault-late-2.5s-basket7` orders for its creation.

    Raises:
        ValueError: the marker names a kind that does not exist.
    """
    if not isinstance(basket_id, str) or not basket_id.startswith("fault-"):
        return None
    match = _MARKER.fullmatch(basket_id)
    if match is None or match["kind"] not in list(FaultKind):
        raise ValueError(f"basketId fault marker must be fault-KIND-… with a kind of {', '.join(FaultKind)}")
    return Fault(FaultKind(match["kind"]), float(match["seconds"] or DEFAULT_SECONDS))
