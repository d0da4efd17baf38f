"""A shop that pays through the hub: publishes one `CreatePayment` and waits for its result. To copy from.

It needs aiokafka and nothing of the hub: the contract is topics, keys, headers and JSON. Its state lies in one SQLite
file, where a shop would use its own database.

    python publish_and_consume.py --bootstrap HOST:PORT --integration ID --card-token TOKEN --customer-key KEY

The last line of its output is one JSON object. Exit codes: 0 accepted, 1 another end, 2 no result in time.
"""

import argparse
import asyncio
import json
import secrets
import sqlite3
import sys
import time
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

SOURCE = "/examples/python-shop"
GROUP = "python-shop.results"

STATE = """
create table if not exists commands (
    command_id text primary key, payment_id text not null, body text not null, result_type text, result text
);
create table if not exists seen_events (source text, id text, primary key (source, id));
"""


def uuid7() -> UUID:
    """A UUID that begins with the time in milliseconds (RFC 9562, version 7); Python's own has it from 3.14 on."""
    millis, random = time.time_ns() // 1_000_000, secrets.randbits(74)
    return UUID(int=(millis << 80) | (7 << 76) | ((random >> 62) << 64) | (2 << 62) | (random & (2**62 - 1)))


def result_id(command_id: str) -> str:
    """The `ce_id` of a command's one result. Any other event about the command is a further fact."""
    return str(uuid5(UUID(command_id), "result"))


def create_payment(options: argparse.Namespace, payment_id: str) -> dict[str, Any]:
    """The command's body. Money is counted in minor units: 24990 TRY is 249.90 lira. No card number is in it, ever."""
    address = {"contact_name": "Işıl Çağrı", "line": "Bağdat Cad. 42/7", "city": "İstanbul", "country": "Turkey"}
    price = {"minor": 24990, "currency": "TRY"}
    return {
        "payment_id": payment_id,
        "integration_id": options.integration,
        "order_id": f"order-{payment_id[:8]}",
        "method": {"kind": "stored_card", "card_token": options.card_token, "customer_key": options.customer_key},
        "price": price,
        "paid_price": price,
        "buyer": {
            "buyer_id": "buyer-7",
            "name": "Işıl",
            "surname": "Çağrı",
            "email": "isil@example.com",
            "identity_number": "74300864791",
            "address": address,
        },
        "billing_address": address,
        "shipping_address": address,
        "basket": [{"line_id": "1", "name": "Kupa", "category": "Mutfak", "goods": "physical", "price": price}],
    }


def headers(command_id: str, payment_id: str) -> list[tuple[str, bytes]]:
    """CloudEvents 1.0 in Kafka's binary mode: the envelope is in the headers, the value holds the body alone."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    envelope = {
        "ce_specversion": "1.0",
        "ce_id": command_id,
        "ce_type": "payments.create.v1",
        "ce_source": SOURCE,
        "ce_subject": payment_id,
        "ce_time": now,
        "content-type": "application/json",
    }
    return [(name, text.encode()) for name, text in envelope.items()]


def prepare(state: sqlite3.Connection, options: argparse.Namespace) -> tuple[str, str, str]:
    """The command to publish: id, payment and body. It is kept before it is published, so that it can be repeated."""
    if options.again:
        row = state.execute(
            "select command_id, payment_id, body from commands where command_id = ?", (options.again,)
        ).fetchone()
        if row is None:
            raise SystemExit(f"--again {options.again}: no such command in {options.state}")
        return row[0], row[1], row[2]
    command_id, payment_id = str(uuid7()), str(uuid7())
    body = json.dumps(create_payment(options, payment_id), ensure_ascii=False)
    with state:
        state.execute(
            "insert into commands (command_id, payment_id, body) values (?, ?, ?)", (command_id, payment_id, body)
        )
    return command_id, payment_id, body


async def publish(options: argparse.Namespace, command_id: str, payment_id: str, body: str) -> None:
    """Append the command. The key is the payment, so that its commands stay in order; the partitioner is murmur2."""
    producer = AIOKafkaProducer(bootstrap_servers=options.bootstrap, acks="all", enable_idempotence=True)
    await producer.start()
    try:
        await producer.send_and_wait(
            f"{options.prefix}.payments.commands",
            key=payment_id.encode(),
            value=body.encode(),
            headers=headers(command_id, payment_id),
        )
    finally:
        await producer.stop()


def handle(state: sqlite3.Connection, record: Any) -> dict[str, Any] | None:
    """Take one event, once: its id is remembered in the transaction that acts on it.

    Returns:
        What to tell about one of our commands, `None` for anything else.
    """
    envelope = {name: value.decode() for name, value in record.headers}
    event = json.loads(record.value)
    with state:
        marked = state.execute(
            "insert into seen_events (source, id) values (?, ?) on conflict do nothing",
            (envelope["ce_source"], envelope["ce_id"]),
        )
        handled = marked.rowcount == 1  # else a further copy, after a crash or because the command was published again
        command_id = event.get("command_id")
        ours = state.execute("select 1 from commands where command_id = ?", (command_id,)).fetchone()
        if not ours:
            return None
        if envelope["ce_id"] == result_id(command_id):
            if handled:
                state.execute(
                    "update commands set result_type = ?, result = ? where command_id = ?",
                    (envelope["ce_type"], record.value.decode(), command_id),
                )
            verdict = event["verdict"]
        elif envelope["ce_type"] == "payments.command_rejected.v1":
            verdict = "rejected"  # the hub could not take the record as a command
        else:
            return None  # a later fact about the payment; a shop would act on it here
    told = {"command_id": command_id, "payment_id": event.get("payment_id"), "type": envelope["ce_type"]}
    return {**told, "verdict": verdict, "reason": event.get("reason"), "handled": handled}


async def consume(options: argparse.Namespace, state: sqlite3.Connection, command_id: str) -> dict[str, Any]:
    """Read events until one tells how the command ended. Offsets are committed after the events were handled."""
    consumer = AIOKafkaConsumer(
        f"{options.prefix}.payments.events",
        bootstrap_servers=options.bootstrap,
        group_id=GROUP,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    await consumer.start()
    try:
        while True:
            ends = []
            for records in (await consumer.getmany(timeout_ms=500)).values():
                ends += [told for told in (handle(state, record) for record in records) if told]
            await consumer.commit()
            for told in ends:
                if told["command_id"] == command_id:
                    return told
    finally:
        await consumer.stop()


async def run(options: argparse.Namespace) -> int:
    state = sqlite3.connect(options.state)
    try:
        state.executescript(STATE)
        command_id, payment_id, body = prepare(state, options)
        await publish(options, command_id, payment_id, body)
        print(f"published {command_id}", flush=True)
        async with asyncio.timeout(options.timeout_s):
            told = await consume(options, state, command_id)
    except TimeoutError:
        print(f"no result within {options.timeout_s:g} s; run again with --again {command_id}", file=sys.stderr)
        return 2
    finally:
        state.close()
    print(json.dumps(told, ensure_ascii=False))
    return 0 if told["verdict"] == "accepted" else 1


def main() -> int:
    parser = argparse.ArgumentParser(description="Publish one CreatePayment and wait for its result.")
    parser.add_argument("--bootstrap", required=True, help="host:port of a broker")
    parser.add_argument("--prefix", default="kolaj", help="how the hub's topics begin")
    parser.add_argument("--integration", required=True, help="the account that performs it")
    parser.add_argument("--card-token", required=True, help="the provider's token of a stored card")
    parser.add_argument("--customer-key", required=True, help="the provider's key of the card's owner")
    parser.add_argument("--state", default="python-shop.sqlite", help="file with what the shop remembers")
    parser.add_argument("--again", metavar="COMMAND_ID", help="publish a kept command once more")
    parser.add_argument("--timeout-s", type=float, default=60, help="how long to wait for the result")
    return asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    raise SystemExit(main())
