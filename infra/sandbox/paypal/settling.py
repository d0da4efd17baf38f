"""What time alone brings about: holds lapse, pending movements are decided, subscriptions are renewed."""

import sqlite3
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from infra.sandbox.paypal.call import Call, Place
from infra.sandbox.paypal.moving import settle_authorization, settle_capture, settle_refund
from infra.sandbox.paypal.orders import lapse
from infra.sandbox.paypal.records import Resource, due
from infra.sandbox.paypal.store import Store
from infra.sandbox.paypal.subscribing import renew

Settle = Callable[[sqlite3.Connection, Call, Resource], None]

_SETTLED: Final[Mapping[str, Settle]] = MappingProxyType(
    {
        "order": lambda connection, _call, order: lapse(connection, order),
        "authorization": settle_authorization,
        "capture": settle_capture,
        "refund": settle_refund,
        "subscription": renew,
    }
)


def settle_due(connection: sqlite3.Connection, store: Store, place: Place, now_ms: int) -> None:
    """Let happen everything that is due, each at its own time, in order."""
    while waiting := due(connection, now_ms):
        for thing in waiting:
            at_ms = thing.due_ms or now_ms
            _SETTLED[thing.kind](connection, of_clock(store, place, at_ms), thing)


def of_clock(store: Store, place: Place, now_ms: int) -> Call:
    """What the sandbox does by itself, as if somebody had called."""
    return Call("", "", {}, {}, {}, {}, now_ms, store, place)
