"""All that the hub holds of a person: for ever, sealed; for days, in the clear."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from agents.sealing import Seal
from agents.sql import statement
from infra.cli.record_json import as_json
from infra.privacy.person import Person
from schemas.envelope import rfc3339
from streams.dead_letters import without_card_numbers
from streams.kafka import KafkaAccess
from streams.reader import replay
from streams.records import RawRecord
from streams.topics import Topic, Topics


async def lasting(access: KafkaAccess, topics: Topics, person: Person) -> list[dict[str, Any]]:
    """The events of the person's payments, which are kept for ever, the payer opened or said to be erased.

    Raises:
        StoreError: Kafka failed, or a sealed payer was changed.
    """
    if person.subject is None:
        return []
    name = str(person.subject).encode()
    keys = {str(payment).encode() for payment in person.payments}
    found = []
    async for record in replay(access, topics.payment_events.name):
        # A payment's events lie behind each other, and the first result of its creation names the payer.
        if record.value is None or not (record.key in keys or name in record.value):
            continue
        body = json.loads(record.value)
        payer = body.get("payer")
        if payer is not None and payer["subject"] == str(person.subject):
            keys.add(record.key or b"")
            body["payer"] = {"subject": payer["subject"], "fields": person.opened(payer, UUID(body["payment_id"]))}
        elif record.key not in keys:
            continue
        place = {"topic": record.topic, "partition": record.partition, "offset": record.offset}
        found.append({**place, "type": record.text("ce_type"), "kept": "for ever", "body": body})
    return found


async def passing(
    access: KafkaAccess, topics: Topics, pool: asyncpg.Pool, seal: Seal, person: Person
) -> list[dict[str, Any]]:
    """What names the person in the clear, and until when it lies there: commands, dead letters, parked commands.

    A card number that a publisher wrote into one of them is masked: what is shown here leaves the hub.

    Raises:
        StoreError: Kafka or PostgreSQL failed, or a parked command does not open.
    """
    found = [
        {"where": "commands", "kept_until": _until(record, topics.payment_commands), **_shown(record)}
        async for record in replay(access, topics.payment_commands.name)
        if _is_about(record, person)
    ]
    found += [
        {"where": "dead letters", "kept_until": _until(record, topics.dead_letters), **_shown(record)}
        async for record in replay(access, topics.dead_letters.name)
        if _is_about(record, person)
    ]
    found += [
        {"where": "parked", "kept_until": "it is performed, or withdrawn", **_shown(record)}
        async for record in _parked(pool, seal)
        if _is_about(record, person)
    ]
    return found


def _shown(record: RawRecord) -> dict[str, Any]:
    masked = without_card_numbers(record.key, record.value, record.readable_headers)
    if masked is None:
        return as_json(record)
    key, value, headers = masked
    return as_json(replace(record, key=key, value=value, headers=headers))


async def _parked(pool: asyncpg.Pool, seal: Seal) -> AsyncIterator[RawRecord]:
    for row in await pool.fetch(statement("parked_all")):
        yield seal.open(row["sealed"], row["command_id"], row["topic"], row["partition"], row["offset"])


def _is_about(record: RawRecord, person: Person) -> bool:
    if (record.key or b"").decode("utf-8", "replace") in {str(payment) for payment in person.payments}:
        return True
    if person.buyer_id is None or record.value is None:
        return False
    if record.text("ce_source") not in {person.source, None}:
        return False
    try:
        body = json.loads(record.value)
    except (ValueError, RecursionError):
        return person.buyer_id.encode() in record.value  # unreadable: rather too much than too little
    if not isinstance(body, dict):
        return False
    buyer = body.get("buyer", body)  # a command that stores a card names its buyer without one
    return isinstance(buyer, dict) and buyer.get("buyer_id") == person.buyer_id


def _until(record: RawRecord, topic: Topic) -> str:
    return rfc3339(
        datetime.fromtimestamp(record.timestamp_ms / 1000, tz=UTC) + timedelta(milliseconds=topic.retention_ms)
    )
