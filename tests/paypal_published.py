"""PayPal's published answers, by the merged specification beside the repository, where that is there."""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from openapi_schema_validator import OAS30ReadValidator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT4

NAMED_BY = "KOLAJ_PAYPAL_OPENAPI"
_ROOT = Path(__file__).parent.parent
_FILE = "paypal-merged.json"
_DOCUMENT = "urn:paypal"


@dataclass(frozen=True)
class Published:
    document: Mapping[str, Any]

    def faults(self, method: str, template: str, status: int, body: object) -> list[str]:
        """What is wrong with an answer; a path's ids may have other names than ours."""
        path = next((path for path in self.document["paths"] if _shape(path) == _shape(template)), None)
        operation = None if path is None else self.document["paths"][path].get(method.casefold())
        if operation is None:
            return [f"{method} {template} is not published"]
        answers = operation["responses"]
        answer = answers.get(str(status)) or answers.get("default")
        # A repeated request is answered with 200 what was answered with 201 at first.
        if status == HTTPStatus.OK and str(status) not in answers:
            answer = answers["201"]
        if answer is None:
            return [f"{method} {template} has no answer {status}"]
        content = self._resolved(answer).get("content", {}).get("application/json")
        if content is None:
            return [] if body is None else ["a body where none is published"]
        return [f"{fault.json_path}: {fault.message}" for fault in self._validator(content["schema"]).iter_errors(body)]

    def _resolved(self, node: Any) -> Any:
        while "$ref" in node:
            *_, section, name = node["$ref"].split("/")
            node = self.document["components"][section][name]
        return node

    def _validator(self, schema: Any) -> Any:
        resource = Resource(contents=self.document, specification=DRAFT4)
        return OAS30ReadValidator(_absolute(schema), registry=Registry().with_resource(_DOCUMENT, resource))


def published() -> Published:
    """Skips where the file is not there: it is not part of this repository."""
    named = os.environ.get(NAMED_BY)
    beside = [Path(named)] if named else sorted((_ROOT.parent / "shared").rglob(_FILE))
    if not beside or not beside[0].is_file():
        pytest.skip(f"the merged specification is not beside the repository; {NAMED_BY} may name it")
    return Published(json.loads(beside[0].read_text(encoding="utf-8")))


def _shape(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", path)


def _absolute(node: Any) -> Any:
    if isinstance(node, dict):
        return {name: _DOCUMENT + value if name == "$ref" else _absolute(value) for name, value in node.items()}
    return [_absolute(one) for one in node] if isinstance(node, list) else node
