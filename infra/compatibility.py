"""Whether a type's new JSON Schema keeps what its stored one promises.

Records lie in the log for ever and other services are generated from the schema, so that a published type only grows:
optional fields may join, words may join an enumeration, a command may learn further alternatives. Anything else is a
new version of the type.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal

Kind = Literal["command", "event"]
"""Who writes it: commands are written by others and read by us, events the other way round."""

Schema = Mapping[str, Any]

_WORDS_FOR_PEOPLE: Final = frozenset({"title", "description", "examples", "$id", "$schema", "$defs", "$ref"})
_LOOKED_AT: Final = frozenset({"properties", "required", "enum", "anyOf", "oneOf", "items", "discriminator"})


def incompatibilities(old: Schema, new: Schema, kind: Kind) -> list[str]:
    """What the new schema breaks, each with the path of the field; empty when nothing is broken."""
    return list(_Comparison(old, new, kind).walk(old, new, ""))


class _Comparison:
    def __init__(self, old: Schema, new: Schema, kind: Kind) -> None:
        self._old_defs = old.get("$defs", {})
        self._new_defs = new.get("$defs", {})
        self._kind = kind

    def walk(self, old: Schema, new: Schema, path: str) -> Iterator[str]:
        old, new = _resolved(old, self._old_defs), _resolved(new, self._new_defs)
        where = path or "the body"
        yield from self._properties(old, new, path)
        yield from self._words(old, new, where)
        yield from _tags(old.get("discriminator"), new.get("discriminator"), where)
        for name in ("anyOf", "oneOf"):
            yield from self._alternatives(old.get(name, []), new.get(name, []), where)
        if "items" in old and "items" in new:
            yield from self.walk(old["items"], new["items"], f"{path}[]")
        elif ("items" in old) != ("items" in new):
            yield f"{where}: it is a list in one of them only"
        for name in sorted((set(old) | set(new)) - _WORDS_FOR_PEOPLE - _LOOKED_AT):
            if name.startswith("x-"):
                continue
            if old.get(name) != new.get(name):
                yield f"{where}: {name} was {old.get(name)!r} and is {new.get(name)!r}"

    def _properties(self, old: Schema, new: Schema, path: str) -> Iterator[str]:
        before, after = old.get("properties", {}), new.get("properties", {})
        needed_before, needed_after = set(old.get("required", ())), set(new.get("required", ()))
        for name, schema in before.items():
            here = f"{path}.{name}" if path else name
            if name not in after:
                yield f"{here}: the field is gone"
                continue
            if name in needed_before and name not in needed_after:
                yield f"{here}: it was always there and may be absent"
            if name not in needed_before and name in needed_after:
                yield f"{here}: it could be absent and must be there"
            yield from self.walk(schema, after[name], here)
        for name in sorted((set(after) - set(before)) & needed_after):
            yield f"{path + '.' if path else ''}{name}: a new field must be optional"

    def _words(self, old: Schema, new: Schema, where: str) -> Iterator[str]:
        if ("enum" in old) != ("enum" in new):
            yield f"{where}: it is an enumeration in one of them only"
            return
        lost = [word for word in old.get("enum", ()) if word not in new.get("enum", ())]
        if lost:
            yield f"{where}: words are gone: {', '.join(str(word) for word in lost)}"

    def _alternatives(self, old: list[Schema], new: list[Schema], where: str) -> Iterator[str]:
        for index, schema in enumerate(old):
            if not any(not list(self.walk(schema, candidate, where)) for candidate in new):
                yield f"{where}: alternative {index + 1} is gone or changed"
        if len(new) > len(old) and (self._kind == "event" or not old):
            yield f"{where}: readers do not know its new alternative"


def _tags(old: Schema | None, new: Schema | None, where: str) -> Iterator[str]:
    """A discriminator only repeats what the alternatives say: it grows as they do."""
    if old is None or new is None:
        if old != new:
            yield f"{where}: its alternatives are told apart in one of them only"
        return
    if old["propertyName"] != new["propertyName"]:
        yield f"{where}: its alternatives were told apart by {old['propertyName']} and are by {new['propertyName']}"
    known = new.get("mapping", {})
    lost = [tag for tag, schema in old.get("mapping", {}).items() if known.get(tag) != schema]
    if lost:
        yield f"{where}: alternatives are gone or others: {', '.join(lost)}"


def _resolved(schema: Schema, definitions: Mapping[str, Schema]) -> Schema:
    reference = schema.get("$ref")
    if reference is None:
        return schema
    # What stands beside a reference (a default) counts together with what it points at.
    return {**definitions[str(reference).rpartition("/")[2]], **schema}
