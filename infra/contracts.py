"""The contract with other services, generated from the code: AsyncAPI 3.0, OpenAPI 3.1, a JSON Schema for each type."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel

from infra.asyncapi import asyncapi
from infra.asyncapi_compatibility import broken_channels
from infra.channels import channels, type_name, without_discriminators
from infra.compatibility import incompatibilities
from infra.gateway.app import surface
from infra.gateway.openapi import document as openapi
from infra.openapi_compatibility import broken_operations
from schemas.errors import HubError

ASYNCAPI: Final = "asyncapi.json"
OPENAPI: Final = "openapi.json"
RELEASED: Final = "released"
"""Folder with the two documents as of the last release: what nobody may break."""
TYPES: Final = "types"
_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


class ContractBroken(HubError):
    """An export would change the meaning of a type that others rely on."""


def documents() -> dict[str, str]:
    """All files of the contract: relative path to text."""
    files = {name: _text(document) for name, document in _whole().items()}
    for channel in channels():
        for model in channel.models:
            files[f"{TYPES}/{type_name(model)}.schema.json"] = _text(type_schema(model))
    return files


def type_schema(model: type[BaseModel]) -> dict[str, Any]:
    """The JSON Schema of a type's body, on its own."""
    schema = without_discriminators(model.model_json_schema())
    return {"$schema": _DIALECT, "$id": f"urn:kolaj:{type_name(model)}", **schema, "title": type_name(model)}


def export(directory: Path) -> list[str]:
    """Write the contract; returns the paths that changed, relative to `directory`.

    Raises:
        ContractBroken: a type lies there with a schema that the code does not keep; nothing is written.
    """
    faults = broken(directory)
    if faults:
        raise ContractBroken(
            "; ".join(faults) + ": what was published never changes; keep it and add the change as a new version"
        )
    changed = []
    for name, text in documents().items():
        path = directory / name
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            changed.append(name)
    return changed


def release(directory: Path) -> list[str]:
    """Write the contract, and keep its two documents as what no later version may break; returns what changed.

    Raises:
        ContractBroken: it breaks what was released before; nothing is written.
    """
    changed = export(directory)
    for name in _whole():
        text = (directory / name).read_text(encoding="utf-8")
        kept = directory / RELEASED / name
        if not kept.is_file() or kept.read_text(encoding="utf-8") != text:
            kept.parent.mkdir(exist_ok=True)
            kept.write_text(text, encoding="utf-8")
            changed.append(f"{RELEASED}/{name}")
    return changed


def broken(directory: Path) -> list[str]:
    """Where the code breaks what the contract in `directory` promises: of its types, and as it was released."""
    return [*_broken_types(directory), *_broken_release(directory)]


def _broken_release(directory: Path) -> list[str]:
    faults = []
    compare = {ASYNCAPI: broken_channels, OPENAPI: broken_operations}
    for name, document in _whole().items():
        kept = directory / RELEASED / name
        if kept.is_file():
            old = json.loads(kept.read_text(encoding="utf-8"))
            faults += [f"{name}: {fault}" for fault in compare[name](old, document)]
    return faults


def _broken_types(directory: Path) -> list[str]:
    kinds = {type_name(model): (model, channel.kind) for channel in channels() for model in channel.models}
    faults = []
    for path in sorted((directory / TYPES).glob("*.schema.json")):
        name = path.name.removesuffix(".schema.json")
        if name not in kinds:
            faults.append(f"{name}: the type is gone, and records of it lie in the log")
            continue
        model, kind = kinds[name]
        old = json.loads(path.read_text(encoding="utf-8"))
        faults += [f"{name}: {fault}" for fault in incompatibilities(old, type_schema(model), kind)]
    return faults


def _whole() -> dict[str, dict[str, Any]]:
    """The documents that are about everything."""
    return {ASYNCAPI: asyncapi(), OPENAPI: openapi(surface())}


def _text(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
