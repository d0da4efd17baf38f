"""A worker of the tests: a `CommandConsumer` in a process of its own, so that it can be killed.

Its one argument is JSON (see `Orders`). It appends lines `begun|ended <partition> <offset> <key> <value>` to a file,
each in one write, so that the lines of several workers stand whole and in the order in which things happened.
"""

import asyncio
import json
import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from agents.consumer import CommandConsumer, Group, Membership
from agents.delivery import Delivery
from schemas.errors import StoreError
from streams.kafka import KafkaAccess
from streams.watching import Bounds
from streams.window import Ticket, Window

FAILED: Final = 3
LOOK_S: Final = 0.01


@dataclass(frozen=True)
class Orders:
    """What a worker is told.

    Attributes:
        log: where its lines go.
        gate: records whose value begins with `gate` wait until this file exists.
        takes_s: how long every other record takes.
        straight: acknowledge records as they end, past the window.
        fails_at: the value of the record at which reading fails.
        stuck_after: the value of the record after which the client under Faust gets nothing any more.
    """

    bootstrap: str
    topic: str
    group: str
    log: str
    gate: str = ""
    takes_s: float = 0.0
    straight: bool = False
    fails_at: str = ""
    raises_at: str = ""
    in_flight: int = 50
    queued: int = 1000
    drain_s: float = 30.0
    stuck_after: str = ""
    stall_s: float = 120.0


class _Straight(Window[Any]):
    def complete(self, ticket: Ticket[Any]) -> None:
        ticket.item.ack()


class _Worker(CommandConsumer):
    def __init__(self, orders: Orders, **given: Any) -> None:
        self._orders = orders
        super().__init__(**given)

    def _window(self, partition: tuple[str, int]) -> tuple[Group, Window[Any]]:
        group, window = super()._window(partition)
        if self._orders.straight and not isinstance(window, _Straight):
            window = _Straight(window._acknowledge)
            self._windows[partition] = (group, window)
        return group, window

    async def _take(self, event: Any) -> None:
        if self._orders.fails_at and event.message.value == self._orders.fails_at.encode():
            raise LookupError("reading fails here")
        await super()._take(event)


async def main(orders: Orders) -> int:
    log = os.open(orders.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def say(word: str, delivery: Delivery) -> None:
        record = delivery.record
        key, value = (record.key or b"-").decode(), (record.value or b"-").decode()
        os.write(log, f"{word} {record.partition} {record.offset} {key} {value}\n".encode())

    async def handle(delivery: Delivery) -> float | None:
        say("begun", delivery)
        value = (delivery.record.value or b"").decode()
        if orders.raises_at and value == orders.raises_at:
            raise StoreError("handling fails here")
        if value.startswith("gate"):
            while not Path(orders.gate).exists():  # noqa: ASYNC110, ASYNC240 - the gate is another process's file
                await asyncio.sleep(LOOK_S)
        elif orders.takes_s:
            await asyncio.sleep(orders.takes_s)
        say("ended", delivery)
        delivery.done()
        if orders.stuck_after and value == orders.stuck_after:
            client = worker._app.consumer._thread._consumer
            client.pause(*client.assignment())
        return None

    stop = asyncio.Event()

    def told_to_stop() -> None:
        stop.set()
        os.write(log, b"told 0 0 - -\n")

    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told_to_stop)
    worker = _Worker(
        orders,
        access=KafkaAccess(orders.bootstrap),
        topic=orders.topic,
        membership=Membership(orders.group, session_timeout_s=6, commit_interval_s=0.1, drain_s=orders.drain_s),
        handle=handle,
        in_flight=orders.in_flight,
        queued=orders.queued,
        bounds=Bounds(stall_s=orders.stall_s, look_s=min(orders.stall_s / 8, 10)),
    )
    began_s = time.monotonic()
    try:
        await worker.run(stop)
    except ExceptionGroup as failures:
        if failures.split(StoreError)[1] is not None:
            raise
        sys.stderr.write(f"worker failed after {time.monotonic() - began_s:.1f} s: {failures.exceptions}\n")
        return FAILED
    return 0


if __name__ == "__main__":
    raise SystemExit(asyncio.run(main(Orders(**json.loads(sys.argv[1])))))
