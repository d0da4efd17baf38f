"""Records as JSON and back, nothing lost: bytes that are not UTF-8 stand as base64."""

import base64
from datetime import UTC, datetime
from typing import Any

from schemas.envelope import rfc3339
from streams.records import RawRecord


def as_json(record: RawRecord) -> dict[str, Any]:
    """One record: null stays null, text stays text, other bytes become `{"base64": …}`; headers keep their order."""
    return {
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "timestamp": rfc3339(datetime.fromtimestamp(record.timestamp_ms / 1000, tz=UTC)),
        "timestamp_ms": record.timestamp_ms,
        "key": _shown(record.key),
        "headers": [[name, _shown(value)] for name, value in record.headers],
        "value": _shown(record.value),
    }


def bytes_of(shown: Any) -> bytes | None:
    """The bytes that `as_json` shows so.

    Raises:
        ValueError: neither null, text nor `{"base64": …}`.
    """
    match shown:
        case None:
            return None
        case str():
            return shown.encode()
        case {"base64": str(text), **rest} if not rest:
            return base64.b64decode(text, validate=True)
        case _:
            raise ValueError('must be null, text or {"base64": "…"}')


def _shown(content: bytes | None) -> Any:
    if content is None:
        return None
    try:
        return content.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(content).decode()}
