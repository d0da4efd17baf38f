"""Secrets for a command: from a hidden prompt, a file or standard input. Never from its arguments, which others see."""

import getpass
import json
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import typer

from agents.vault.secret import Secret
from infra.cli.failing import Failed
from infra.integration_settings import pasting_fault

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,99}")


def read_secrets(names: Sequence[str], file: Path | None, *, known: Sequence[str] = ()) -> dict[str, Secret]:
    """A value for each name; a JSON object brings names of its own.

    Args:
        file: `-` for standard input, which is read too when nobody sits at it.
        known: the only names there may be; any when empty.

    Raises:
        typer.BadParameter: a name is not one that there may be, or none is left to ask for.
        Failed: a value is missing or cannot be right; the message never repeats it.
    """
    for name in names:
        _check_name(name, known)
    if file is None and sys.stdin.isatty():
        values: Mapping[str, object] = {name: getpass.getpass(f"{name} (hidden): ") for name in _some(names)}
    else:
        values = _values(_text(file), names)
    for name, value in values.items():
        _check_name(name, known)
        fault = pasting_fault(value) if isinstance(value, str) else "is not a text in quotation marks"
        if fault:
            raise Failed(f"{name} {fault}")
    return {name: Secret(str(value)) for name, value in values.items()}


def _text(file: Path | None) -> str:
    if file is None or str(file) == "-":
        return sys.stdin.read()
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as bad:
        raise Failed(f"{file} cannot be read as UTF-8 text ({type(bad).__name__})") from None


def _values(text: str, names: Sequence[str]) -> Mapping[str, object]:
    if text.lstrip().startswith("{"):
        try:
            found = json.loads(text)
        except ValueError:
            raise Failed('the values are no JSON object; write {"api_key": "…"}, or a line for each name') from None
        if names and not found.keys() <= set(names):
            raise Failed(f"the JSON object has names that were not asked for; it may have {', '.join(names)}")
        return dict(found)
    lines = text.splitlines()
    if len(lines) != len(_some(names)):
        raise Failed(f"there are {len(lines)} lines for {len(names)} names ({', '.join(names)}); give a line for each")
    return dict(zip(names, lines, strict=True))


def _some(names: Sequence[str]) -> Sequence[str]:
    if not names:
        raise typer.BadParameter("say which secrets: name them, or the account's --provider", param_hint="NAME")
    return names


def _check_name(name: str, known: Sequence[str]) -> None:
    if known and name not in known:
        raise typer.BadParameter(f"the provider has no secret {name}; it needs {', '.join(known)}", param_hint="NAME")
    if not _NAME.fullmatch(name):
        raise typer.BadParameter(f"{name[:40]!r} is no name of a secret; write it like secret_key", param_hint="NAME")
