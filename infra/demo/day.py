"""Reads the demo's day: command lines as they are published, and the records that nobody can read."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from importlib.resources import files
from typing import Any
from uuid import UUID

from schemas.envelope import Envelope
from schemas.ids import new_id
from streams.codec import Outgoing


@dataclass(slots=True)
class Day:
    """The day, ready to be published.

    Attributes:
        records: in order; a command that is published twice stands here twice.
        commands: each readable command's id and payment.
        unreadable: how many records nobody can read.
    """

    records: list[Outgoing] = field(default_factory=list)
    commands: dict[UUID, UUID] = field(default_factory=dict)
    unreadable: int = 0


def read_day(topic: str, at: datetime) -> Day:
    """The day of `shop_day.jsonl` with fresh command ids: equal words become equal UUIDs."""
    day, ids = Day(), dict[str, UUID]()
    for text in files(__package__).joinpath("shop_day.jsonl").read_text(encoding="utf-8").splitlines():
        line: dict[str, Any] = json.loads(text)
        if "raw" in line:
            day.records.append(_raw(topic, line))
            day.unreadable += 1
            continue
        command_id = ids.setdefault(line["id"], new_id())
        day.commands[command_id] = UUID(line["data"]["payment_id"])
        day.records.append(_command(topic, command_id, line, at))
    return day


def _command(topic: str, command_id: UUID, line: Mapping[str, Any], at: datetime) -> Outgoing:
    key = line["data"]["payment_id"]
    envelope = Envelope(id=command_id, type=line["type"], source=line["source"], subject=key, time=at)
    value = json.dumps(line["data"], ensure_ascii=False).encode()
    return Outgoing(topic, key.encode(), value, tuple(envelope.headers()))


def _raw(topic: str, line: Mapping[str, Any]) -> Outgoing:
    headers = tuple((name, value.encode()) for name, value in line["headers"].items())
    value = None if line["raw"] is None else line["raw"].encode()
    return Outgoing(topic, line["key"].encode(), value, headers)
