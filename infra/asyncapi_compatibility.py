"""Whether a new AsyncAPI document keeps what an older one promises to those who publish and read on Kafka."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from infra.compatibility import Kind, incompatibilities

Document = Mapping[str, Any]

_FOR_EVER: Final = -1


def broken_channels(old: Document, new: Document) -> list[str]:
    """What the new document breaks, each with its channel; empty when nothing is broken."""
    return list(_Comparison(old, new).all())


class _Comparison:
    def __init__(self, old: Document, new: Document) -> None:
        self._old = old
        self._new = new

    def all(self) -> Iterator[str]:
        for name in ("x-kolaj-partitioner", "x-kolaj-deduplication"):
            if self._old.get(name) != self._new.get(name):
                yield f"{name}: it was {self._old.get(name)} and is {self._new.get(name)}"
        for name, channel in self._old["channels"].items():
            if name not in self._new["channels"]:
                yield f"{name}: the channel is gone"
            else:
                yield from (f"{name}: {fault}" for fault in self._channel(name, channel, self._new["channels"][name]))
        for name, operation in self._old["operations"].items():
            found = self._new["operations"].get(name)
            if found is None or found["action"] != operation["action"]:
                yield f"{name}: the operation is gone or goes another way"

    def _channel(self, name: str, old: Document, new: Document) -> Iterator[str]:
        if old["address"] != new["address"]:
            yield f"its address was {old['address']} and is {new['address']}"
        before, after = old["bindings"]["kafka"], new["bindings"]["kafka"]
        if before["partitions"] != after["partitions"]:
            yield f"it had {before['partitions']} partitions and has {after['partitions']}: keys would move"
        kept, keeps = (binding["topicConfiguration"]["retention.ms"] for binding in (before, after))
        if keeps != _FOR_EVER and (kept == _FOR_EVER or keeps < kept):
            yield f"records were kept for {kept} ms and are kept for {keeps}"
        if before["topicConfiguration"]["cleanup.policy"] != after["topicConfiguration"]["cleanup.policy"]:
            yield "another cleanup policy"
        kind = self._kind(name)
        for message, reference in old["messages"].items():
            if message not in new["messages"]:
                yield f"{message}: the message is gone"
                continue
            one, other = _resolved(reference, self._old), _resolved(new["messages"][message], self._new)
            yield from (f"{message}: {fault}" for fault in self._message(one, other, kind))

    def _message(self, old: Document, new: Document, kind: Kind) -> Iterator[str]:
        if old["name"] != new["name"]:
            yield f"its type was {old['name']} and is {new['name']}"
        if old.get("contentType") != new.get("contentType"):
            yield f"its content type was {old.get('contentType')} and is {new.get('contentType')}"
        for part in ("headers", "payload"):
            before, after = _whole(old[part], self._old), _whole(new[part], self._new)
            yield from (f"{part}: {fault}" for fault in incompatibilities(before, after, kind))

    def _kind(self, channel: str) -> Kind:
        """Commands are what the hub receives."""
        for operation in self._old["operations"].values():
            if operation["channel"]["$ref"] == f"#/channels/{channel}" and operation["action"] == "receive":
                return "command"
        return "event"


def _resolved(node: Document, document: Document) -> Document:
    reference = node.get("$ref")
    if reference is None:
        return node
    found: Any = document
    for step in str(reference).removeprefix("#/").split("/"):
        found = found[step]
    return dict(found)


def _whole(schema: Document, document: Document) -> dict[str, Any]:
    """A schema with what its references name, and the parts of an `allOf` of objects put together."""
    parts = [_resolved(part, document) for part in schema.get("allOf", ())]
    whole = {name: value for name, value in schema.items() if name != "allOf"}
    if parts:
        whole["properties"] = {name: one for part in parts for name, one in part.get("properties", {}).items()}
        whole["required"] = sorted({name for part in parts for name in part.get("required", ())})
    return {**whole, "$defs": document["components"]["schemas"]}
