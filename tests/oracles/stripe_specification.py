"""Stripe's own specification, as the program stripe-mock carries it inside, and objects held to it."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from openapi_schema_validator import OAS30ReadValidator
from referencing import Registry
from referencing.jsonschema import DRAFT4

_DOCUMENT: Final = "urn:stripe"
_BEGINS: Final = b'{\n  "components": {'


class CannotRead(Exception):
    """The program carries no specification that can be found."""


@dataclass(frozen=True, slots=True)
class StripeSpecification:
    """The released one; the program has that of the previews after it."""

    version: str
    registry: Any

    @classmethod
    def carried_by(cls, program: Path) -> "StripeSpecification":
        """Raises: CannotRead: it carries none."""
        inside = program.read_bytes()
        found = inside.find(_BEGINS)
        following = inside.find(_BEGINS, found + 1)
        if found < 0:
            raise CannotRead(f"{program} carries no specification")
        text = inside[found : following if following > 0 else None].decode("utf-8", "ignore")
        document, _ = json.JSONDecoder().raw_decode(text)
        kept = {"components": {"schemas": _nullable(document["components"]["schemas"])}}
        registry = Registry().with_resource(_DOCUMENT, DRAFT4.create_resource(kept))
        return cls(document["info"]["version"], registry)

    def faults_of(self, shown: Mapping[str, Any]) -> list[str]:
        """What is wrong with an object, by its kind's schema."""
        schema = {"$ref": f"{_DOCUMENT}#/components/schemas/{shown['object']}"}
        validator = OAS30ReadValidator(schema, registry=self.registry)
        return sorted({f"{one.json_path}: {one.message[:200]}" for e in validator.iter_errors(shown) for one in _in(e)})


def _nullable(node: Any) -> Any:
    """`nullable` beside a choice or a list of words means that nothing may stand there too; validators want it said."""
    if isinstance(node, list):
        return [_nullable(one) for one in node]
    if not isinstance(node, dict):
        return node
    known = {name: _nullable(value) for name, value in node.items()}
    if known.get("nullable") is not True or not known.keys() & {"anyOf", "enum", "$ref"}:
        return known
    return {"anyOf": [{name: known[name] for name in known.keys() - {"nullable"}}, {"enum": [None]}]}


def _in(error: Any) -> Iterator[Any]:
    """What is wrong in the choice that was meant: the one that got furthest."""
    choices: dict[Any, list[Any]] = {}
    for one in error.context or ():
        choices.setdefault(one.schema_path[0], []).append(one)
    if not choices:
        yield error
        return
    for one in max(choices.values(), key=lambda found: max(len(each.absolute_path) for each in found)):
        yield from _in(one)
