"""Transactional outbox for a service that publishes commands: what its database commits reaches Kafka. To copy from.

It needs aiokafka and asyncpg and nothing of the hub. A service writes its own rows and the command in one transaction;
a relay publishes what was committed, in order for each key, and marks it.

    python outbox.py setup
    python outbox.py place --type payments.create.v1 < body.json
    python outbox.py relay [--once]

A relay that dies between publishing and marking publishes the same command again under the same id, and the hub answers
a known id with the first result. So the command is never lost, and never performed twice.
"""

import argparse
import asyncio
import json
import os
import secrets
import signal
import sys
import time
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from aiokafka import AIOKafkaProducer

SOURCE = "/examples/outbox-shop"
RELAY_LOCK = 7_160_915
"""Number of the advisory lock that one relay holds at a time; any number that nothing else in the database uses."""

SETUP = """
create table if not exists shop_orders (
    payment_id uuid primary key,
    placed_at timestamptz not null default now()
);
create table if not exists hub_outbox (
    position bigint generated always as identity primary key,
    command_id uuid not null unique,
    type text not null,
    key text not null,
    body text not null,
    written_at timestamptz not null default now(),
    published_at timestamptz
);
create index if not exists hub_outbox_waiting on hub_outbox (key, position) where published_at is null;
"""

# The oldest waiting command of each key and no more: a later one of the same key has to wait until it is acknowledged.
WAITING = """
select distinct on (key) position, command_id, type, key, body, written_at
from hub_outbox where published_at is null
order by key, position
limit 500
"""


def uuid7() -> UUID:
    """A UUID that begins with the time in milliseconds (RFC 9562, version 7); Python's own has it from 3.14 on."""
    millis, random = time.time_ns() // 1_000_000, secrets.randbits(74)
    return UUID(int=(millis << 80) | (7 << 76) | ((random >> 62) << 64) | (2 << 62) | (random & (2**62 - 1)))


async def enqueue(connection: Any, command_type: str, key: str, body: str) -> UUID:
    """Write a command, inside the caller's transaction. Its id is chosen here, once.

    `position` is the order of publishing. Two transactions that write commands of one key side by side must be kept
    apart, which locking the row of the order does; else they could commit in the other order.
    """
    command_id = uuid7()
    await connection.execute(
        "insert into hub_outbox (command_id, type, key, body) values ($1, $2, $3, $4)",
        command_id,
        command_type,
        key,
        body,
    )
    return command_id


async def place(connection: Any, command_type: str, text: str) -> dict[str, str]:
    """What a service does: its own row and the command, both or neither."""
    payment_id = json.loads(text)["payment_id"]
    async with connection.transaction():
        await connection.execute(
            "insert into shop_orders (payment_id) values ($1) on conflict do nothing", UUID(payment_id)
        )
        await connection.execute("select 1 from shop_orders where payment_id = $1 for update", UUID(payment_id))
        command_id = await enqueue(connection, command_type, payment_id, text)
    return {"command_id": str(command_id), "payment_id": payment_id}


def headers(row: Any) -> list[tuple[str, bytes]]:
    """CloudEvents 1.0 in Kafka's binary mode. Equal each time, since all of it was written with the command."""
    written: datetime = row["written_at"]
    envelope = {
        "ce_specversion": "1.0",
        "ce_id": str(row["command_id"]),
        "ce_type": row["type"],
        "ce_source": SOURCE,
        "ce_subject": row["key"],
        "ce_time": written.isoformat(),
        "content-type": "application/json",
    }
    return [(name, text.encode()) for name, text in envelope.items()]


async def publish(producer: Any, topic: str, row: Any) -> None:
    await producer.send_and_wait(topic, key=row["key"].encode(), value=row["body"].encode(), headers=headers(row))


async def publish_waiting(connection: Any, producer: Any, topic: str) -> int:
    """Publish one command of each key and mark those that Kafka acknowledged. Returns how many.

    Raises:
        KafkaError: Kafka refused one; it stays first of its key, and the others are marked all the same.
    """
    rows = await connection.fetch(WAITING)
    answers = await asyncio.gather(*(publish(producer, topic, row) for row in rows), return_exceptions=True)
    done = [row["position"] for row, answer in zip(rows, answers, strict=True) if answer is None]
    # Death before this line repeats the commands under their ids. Marking first would lose them.
    await connection.execute("update hub_outbox set published_at = now() where position = any($1)", done)
    for answer in answers:
        if answer is not None:
            raise answer
    return len(done)


async def relay(connection: Any, options: argparse.Namespace) -> None:
    """Publish what waits until SIGTERM, or with `--once` until nothing waits. A second relay waits for the first."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    # The lock goes with the connection. Should two relays overlap all the same, commands are repeated, not lost.
    await connection.execute("select pg_advisory_lock($1)", RELAY_LOCK)
    producer = AIOKafkaProducer(bootstrap_servers=options.bootstrap, acks="all", enable_idempotence=True)
    await producer.start()
    try:
        while not stop.is_set():
            if await publish_waiting(connection, producer, f"{options.prefix}.payments.commands"):
                continue
            if options.once:
                return
            try:
                async with asyncio.timeout(options.poll_s):
                    await stop.wait()
            except TimeoutError:
                continue
    finally:
        await producer.stop()


async def run(options: argparse.Namespace) -> None:
    connection = await asyncpg.connect(options.database_url, server_settings={"application_name": "hub-outbox"})
    try:
        match options.action:
            case "setup":
                await connection.execute(SETUP)
            case "place":
                print(json.dumps(await place(connection, options.type, sys.stdin.read())))
            case _:
                await relay(connection, options)
    finally:
        await connection.close()


def main() -> None:
    parser = argparse.ArgumentParser(description="Outbox for commands to the hub.")
    parser.add_argument("--database-url", default=os.environ.get("SHOP_DATABASE_URL"), help="or SHOP_DATABASE_URL")
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("setup", help="create the tables")
    placing = actions.add_parser("place", help="write an order and its command, the body from standard input")
    placing.add_argument("--type", required=True, help="such as payments.create.v1")
    relaying = actions.add_parser("relay", help="publish what was written")
    relaying.add_argument("--bootstrap", required=True, help="host:port of a broker")
    relaying.add_argument("--prefix", default="kolaj", help="how the hub's topics begin")
    relaying.add_argument("--once", action="store_true", help="end when nothing waits")
    relaying.add_argument("--poll-s", type=float, default=0.5, help="how often to look when nothing waits")
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
