"""One served path, and how a table of them is searched."""

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from infra.sandbox.iyzico.calls import Call, Result

Operation = Callable[[sqlite3.Connection, Call], Result]
Routes = Mapping[tuple[str, str], "Route"]


@dataclass(frozen=True, slots=True)
class Route:
    """`signed` are the answer's signed fields. `creates` takes fault markers.

    `alone` is true for the calls of which one payment bears only one at a time (8514).
    """

    operation: Operation
    signed: tuple[str, ...] = ()
    creates: bool = False
    alone: bool = False
    needs_body: bool = True


@dataclass(frozen=True, slots=True)
class Found:
    """A route, the path as the table writes it, and what stands in the places of that path."""

    route: Route
    path: str
    names: Mapping[str, str]


def find_route(routes: Routes, method: str, path: str) -> Found | None:
    """The route for a path as sent: written out, or with places such as `/products/{product}`."""
    if route := routes.get((method, path)):
        return Found(route, path, {})
    sent = path.split("/")
    for (served, pattern), route in routes.items():
        if served == method and "{" in pattern and (names := _match(pattern.split("/"), sent)) is not None:
            return Found(route, pattern, names)
    return None


def _match(pattern: list[str], sent: list[str]) -> Mapping[str, str] | None:
    if len(pattern) != len(sent):
        return None
    names = {}
    for wanted, part in zip(pattern, sent, strict=True):
        if wanted.startswith("{"):
            if not part:
                return None
            names[wanted.strip("{}")] = part
        elif wanted != part:
            return None
    return names
