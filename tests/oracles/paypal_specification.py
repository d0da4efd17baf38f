"""PayPal's published specification, as one merged file that lies beside the repository and is never part of it."""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import pytest
from openapi_schema_validator import OAS30ReadValidator, OAS30WriteValidator
from referencing import Registry
from referencing.jsonschema import DRAFT4

from tests.named_tests import ROOT

OWN: Final = "KOLAJ_PAYPAL_OPENAPI"
"""Names the file where it lies elsewhere."""
BESIDE: Final = ROOT.parent / "shared" / "facts" / "openapi" / "paypal-merged.json"
_DOCUMENT: Final = "urn:paypal"
_JSON: Final = "application/json"
_PROSE: Final = frozenset({"message", "description"})
"""Fields of failures for which the specification lists whole sentences: they are for people, and nothing reads them."""


def specification_file() -> Path:
    """Skips the test that asks where there is none: no registry serves it, so that it can be required nowhere."""
    file = Path(os.environ.get(OWN, BESIDE))
    if not file.is_file():
        pytest.skip(f"PayPal's merged specification is not beside the repository, and {OWN} names none")
    return file


@dataclass(frozen=True, slots=True)
class Specification:
    document: Mapping[str, Any]
    registry: Any

    @classmethod
    def read(cls, file: Path) -> "Specification":
        document = json.loads(file.read_bytes())
        _without_sentences(document)
        return cls(document, Registry().with_resource(_DOCUMENT, DRAFT4.create_resource(document)))

    def operation(self, method: str, path: str) -> Mapping[str, Any]:
        """The operation at a path, whose names are filled in or stand in braces.

        Raises:
            LookupError: there is none.
        """
        steps = path.split("/")
        for template, operations in self.document["paths"].items():
            wanted = template.split("/")
            if len(steps) == len(wanted) and all(map(_fits, wanted, steps)) and method.lower() in operations:
                found: Mapping[str, Any] = operations[method.lower()]
                return found
        raise LookupError(f"the specification has no {method} {path}")

    def faults_of_request(self, method: str, path: str, body: bytes) -> list[str]:
        """What is wrong with a body that is sent."""
        described = self.operation(method, path).get("requestBody", {"content": {}})["content"].get(_JSON)
        if described is None:
            return ["a body is sent where none is described"] if body else []
        return self._faults(OAS30WriteValidator, described["schema"], body)

    def faults_of_answer(self, method: str, path: str, status: int, body: bytes) -> list[str]:
        """What is wrong with an answer. A repeated request is answered as the first one was, under 200 for 201."""
        answers = self.operation(method, path)["responses"]
        if status == HTTPStatus.OK and "200" not in answers:
            status = HTTPStatus.CREATED
        answer = answers.get(str(int(status)), answers.get("default"))
        if answer is None:
            return [f"there is no answer with {int(status)}"]
        described = self._resolved(answer).get("content", {}).get(_JSON)
        if described is None:
            return ["a body where none is described"] if body else []
        return self._faults(OAS30ReadValidator, described["schema"], body)

    def issues(self) -> frozenset[str]:
        """Every code of a failure's details."""
        return frozenset(_issues(self.document))

    def _resolved(self, node: Mapping[str, Any]) -> Mapping[str, Any]:
        found: Any = node
        if "$ref" in node:
            found = self.document
            for step in node["$ref"].split("/")[1:]:
                found = found[step]
        return found  # type: ignore[no-any-return]  # of a document whose shape nobody declares

    def _faults(self, validator: Any, schema: Any, body: bytes) -> list[str]:
        checking = validator(_anchored(schema), registry=self.registry)
        return [f"{fault.json_path}: {fault.message}" for fault in checking.iter_errors(json.loads(body))]


def _fits(wanted: str, step: str) -> bool:
    return wanted == step or wanted.startswith("{")


def _anchored(node: Any) -> Any:
    """With references that lead into the document from outside of it."""
    if isinstance(node, dict):
        return {
            name: _DOCUMENT + child if name == "$ref" and child.startswith("#") else _anchored(child)
            for name, child in node.items()
        }
    return [_anchored(child) for child in node] if isinstance(node, list) else node


def _without_sentences(node: Any) -> None:
    if isinstance(node, dict):
        for name, field in _fields(node).items():
            if name in _PROSE:
                field.pop("enum", None)
    for child in _children(node):
        _without_sentences(child)


def _issues(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        yield from _fields(node).get("issue", {}).get("enum", ())
    for child in _children(node):
        yield from _issues(child)


def _fields(schema: Mapping[str, Any]) -> Mapping[str, dict[str, Any]]:
    declared = schema.get("properties")
    fields = declared if isinstance(declared, dict) else {}
    return {name: field for name, field in fields.items() if isinstance(field, dict)}


def _children(node: Any) -> Iterable[Any]:
    if isinstance(node, dict):
        return node.values()
    return node if isinstance(node, list) else ()
