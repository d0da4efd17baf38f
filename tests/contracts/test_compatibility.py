import copy
import json
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field

from infra.compatibility import incompatibilities
from infra.contracts import ContractBroken, export


class Card(BaseModel):
    kind: Literal["card"]


class Wallet(BaseModel):
    kind: Literal["wallet"]


class Original(BaseModel):
    name: Annotated[str, Field(max_length=10)]
    count: int = 1
    colour: Literal["red", "blue"]
    method: Card | Wallet
    lines: tuple[Card, ...] = ()


def base() -> Any:
    return copy.deepcopy(Original.model_json_schema())


def faults(change: str, kind: Literal["command", "event"] = "event") -> list[str]:
    new = base()
    exec(change, {"s": new, "p": new["properties"]})  # noqa: S102 - the changes stand below
    return incompatibilities(base(), new, kind)


def test_an_unchanged_type_is_compatible() -> None:
    assert faults("pass") == []


@pytest.mark.parametrize(
    "change",
    [
        "p['note'] = {'type': 'string'}",
        "p['name']['description'] = 'better words'",
        "s['description'] = 'better words'",
        "p['colour']['enum'].append('green')",
    ],
)
def test_a_type_may_grow(change: str) -> None:
    assert faults(change) == []


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("del p['name']", "name: the field is gone"),
        ("p['note'] = {'type': 'string'}; s['required'].append('note')", "note: a new field must be optional"),
        ("s['required'].append('count')", "count: it could be absent and must be there"),
        ("s['required'].remove('name')", "name: it was always there and may be absent"),
        ("p['name']['maxLength'] = 9", "name: maxLength was 10 and is 9"),
        ("p['name']['pattern'] = 'x'", "name: pattern was None and is 'x'"),
        ("p['count']['type'] = 'string'", "count: type was 'integer' and is 'string'"),
        ("p['count']['default'] = 2", "count: default was 1 and is 2"),
        ("p['colour']['enum'].remove('red')", "colour: words are gone: red"),
        ("p['method']['anyOf'].pop()", "method: alternative 2 is gone or changed"),
        ("s['$defs']['Card']['properties']['kind']['const'] = 'x'", "lines[].kind: const was 'card' and is 'x'"),
        ("s['additionalProperties'] = False", "the body: additionalProperties was None and is False"),
        ("p['lines'] = {'type': 'array', 'default': []}", "lines: it is a list in one of them only"),
    ],
)
def test_what_breaks_readers_is_named_with_its_field(change: str, says: str) -> None:
    assert says in faults(change)


def test_commands_may_learn_an_alternative_and_events_may_not() -> None:
    change = "p['method']['anyOf'].append({'type': 'string'})"
    assert faults(change, "command") == []
    assert faults(change, "event") == ["method: readers do not know its new alternative"]


def test_alternatives_keep_the_words_by_which_they_are_told_apart() -> None:
    def told_apart(name: str, **words: str) -> Any:
        return {"discriminator": {"propertyName": name, "mapping": words}}

    before = told_apart("kind", card="#/Card")
    assert incompatibilities(before, told_apart("kind", card="#/Card", wallet="#/Wallet"), "command") == []
    broken = {
        "its alternatives were told apart by kind and are by type": told_apart("type", card="#/Card"),
        "alternatives are gone or others: card": told_apart("kind", wallet="#/Card"),
        "its alternatives are told apart in one of them only": {},
    }
    for why, after in broken.items():
        assert f"the body: {why}" in incompatibilities(before, after, "command")


def test_an_export_never_writes_over_a_type_that_it_breaks(tmp_path: Path) -> None:
    export(tmp_path)
    path = tmp_path / "types" / "payments.refunded.v1.schema.json"
    schema = json.loads(path.read_text())
    schema["properties"]["tip"] = {"type": "integer"}
    published = json.dumps(schema)
    path.write_text(published)
    with pytest.raises(ContractBroken, match=r"payments.refunded.v1: tip: the field is gone.*as a new version"):
        export(tmp_path)
    assert path.read_text() == published


def test_a_type_that_vanished_is_an_error(tmp_path: Path) -> None:
    export(tmp_path)
    (tmp_path / "types" / "payments.tipped.v1.schema.json").write_text("{}")
    with pytest.raises(ContractBroken, match=r"payments.tipped.v1: the type is gone"):
        export(tmp_path)


def test_what_tells_alternatives_apart_grows_with_them_and_loses_none() -> None:
    old = {"oneOf": [{}], "discriminator": {"propertyName": "kind", "mapping": {"card": "#/Card"}}}
    more = {**old, "discriminator": {"propertyName": "kind", "mapping": {"card": "#/Card", "wallet": "#/Wallet"}}}
    assert incompatibilities(old, more, "command") == []
    assert incompatibilities(more, old, "command") == ["the body: alternatives are gone or others: wallet"]
    other = {**old, "discriminator": {"propertyName": "type", "mapping": {"card": "#/Card"}}}
    assert "told apart by kind" in incompatibilities(old, other, "command")[0]
    untold: dict[str, Any] = {"oneOf": [{}]}
    assert "in one of them only" in incompatibilities(old, untold, "command")[0]
