"""Settings as words of the command line: NAME=VALUE, or a file of JSON."""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import typer
from pydantic import JsonValue

from agents.integrations.settings_rules import settings_fault
from providers.connector import Connector


def settings_of(connector: Connector, words: Sequence[str], file: Path | None) -> dict[str, JsonValue]:
    """The settings that were given: those of the file, and single ones above them.

    Raises:
        typer.BadParameter: a word is no NAME=VALUE, or the file holds no JSON object.
    """
    given: dict[str, JsonValue] = {} if file is None else json_object(file, "--settings")
    for word in words:
        name, equals, text = word.partition("=")
        if not equals or not name:
            raise typer.BadParameter(f"{name or 'an empty word'}: write it as NAME=VALUE", param_hint="--set")
        given[name] = _value(connector, name, text)
    return given


def check(connector: Connector, environment: str, settings: Mapping[str, JsonValue]) -> None:
    """Say what is wrong before anything is published: what lies in a topic stays there.

    Raises:
        typer.BadParameter: these settings cannot be.
    """
    fault = settings_fault(connector, environment, settings)
    if fault is not None:
        raise typer.BadParameter(f"{fault.field}: {fault.detail}", param_hint="settings")


def json_object(file: Path, option: str) -> dict[str, Any]:
    """The JSON object in a file, or on standard input for `-`.

    Raises:
        typer.BadParameter: it cannot be read, or is no JSON object.
    """
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
        value = json.loads(text)
    except OSError as bad:
        raise typer.BadParameter(f"{file} cannot be read ({bad.strerror})", param_hint=option) from bad
    except ValueError as bad:
        raise typer.BadParameter(f"{file} is not JSON", param_hint=option) from bad
    if not isinstance(value, dict):
        raise typer.BadParameter(f"{file} must hold one JSON object", param_hint=option)
    return value


def _value(connector: Connector, name: str, text: str) -> JsonValue:
    """A word as the setting takes it: text where its model wants text, else JSON."""
    schema = connector.settings.model_json_schema().get("properties", {}).get(name, {})
    kinds = {part.get("type") for part in schema.get("anyOf", [schema])}
    if "string" in kinds:
        return text
    try:
        value: JsonValue = json.loads(text)
    except ValueError:
        return text
    return value
