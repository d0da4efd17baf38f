"""Orders for faults: which call goes wrong, and how. Pure of I/O; the servers act on what is drawn.

Generic over the kinds, which are each sandbox's own.
"""

import random
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

DEFAULT_SECONDS = 3.0

K = TypeVar("K", bound=StrEnum)


# Without slots: typing marks what is made through an alias, and slots with `frozen` answer that with a TypeError
# (Python 3.11).
@dataclass(frozen=True)
class Fault(Generic[K]):
    """One fault for one call."""

    kind: K
    seconds: float = DEFAULT_SECONDS


@dataclass(frozen=True)
class FaultOrder(Generic[K]):
    """Which calls get the fault: those to `path` (`*`: all), each `every`-th, by chance, at most `count` times."""

    kind: K
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
class _Standing(Generic[K]):
    order: FaultOrder[K]
    seen: int = 0
    used: int = 0


class FaultPlan(Generic[K]):
    """The orders that stand, first ordered first drawn. `seed` makes the chances repeatable."""

    def __init__(self, orders: Iterable[FaultOrder[K]] = (), *, seed: int = 0) -> None:
        self._standing = [_Standing(order) for order in orders]
        self._chance = random.Random(seed)  # noqa: S311 -- repeatable on purpose, nothing is secret

    def order(self, order: FaultOrder[K]) -> None:
        self._standing.append(_Standing(order))

    def clear(self) -> None:
        self._standing.clear()

    def standing(self) -> tuple[tuple[FaultOrder[K], int], ...]:
        """Each order with the number of times it was used."""
        return tuple((standing.order, standing.used) for standing in self._standing)

    def draw(self, path: str) -> Fault[K] | None:
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


def parse_fault(text: str, kinds: type[K]) -> FaultOrder[K]:
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
    return fault_from({"kind": kind, **values}, kinds)


def fault_from(values: Mapping[str, str], kinds: type[K]) -> FaultOrder[K]:
    """An order from texts by name, as the command line and the admin page give them.

    Raises:
        ValueError: saying which value is wrong.
    """
    if values.get("kind") not in list(kinds):
        raise ValueError(f"fault kind {values.get('kind')!r} is not one of {', '.join(kinds)}")
    try:
        return FaultOrder(
            kind=kinds(values["kind"]),
            path=values.get("path", "*"),
            count=int(values["count"]) if "count" in values else None,
            every=int(values.get("every", "1")),
            probability=float(values.get("probability", "1")),
            seconds=float(values.get("seconds", str(DEFAULT_SECONDS))),
        )
    except ValueError as error:
        raise ValueError(f"fault {values['kind']}: {error}") from error


_MARKER = re.compile(r"fault-(?P<kind>[a-z0-9_]+)(?:-(?P<seconds>[0-9]{1,3}(?:\.[0-9]{1,3})?)s)?-.+", re.DOTALL)


def marked_fault(name: object, kinds: type[K], *, where: str) -> Fault[K] | None:
    """The fault that a name such as `fault-never-basket7` or `fault-late-2.5s-basket7` orders for its payment.

    Raises:
        ValueError: the marker names a kind that does not exist; `where` says in which field it stood.
    """
    if not isinstance(name, str) or not name.startswith("fault-"):
        return None
    match = _MARKER.fullmatch(name)
    if match is None or match["kind"] not in list(kinds):
        raise ValueError(f"{where} fault marker must be fault-KIND-… with a kind of {', '.join(kinds)}")
    return Fault(kinds(match["kind"]), float(match["seconds"] or DEFAULT_SECONDS))
