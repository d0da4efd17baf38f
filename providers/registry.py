"""The providers that are installed: every `providers/<kind>/<name>/` folder, found when the hub starts."""

import importlib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Final

from providers.connector import Connector
from schemas.errors import SettingsError

_HERE: Final = Path(__file__).parent


@cache
def connectors() -> Mapping[str, Connector]:
    """All connectors by name.

    Raises:
        SettingsError: a provider's folder is broken; the message names it.
    """
    return load(_HERE, "providers")


def folder_of(connector: Connector) -> Path:
    """Where everything about a provider lies."""
    return _HERE / f"{connector.kind}s" / connector.name


def load(root: Path, package: str) -> Mapping[str, Connector]:
    """Walk the folders `root/<kind>/<name>`, which are importable as `package.<kind>.<name>`.

    Raises:
        SettingsError: a folder cannot be imported, exports no `CONNECTOR`, names it otherwise than itself, or a name
            is used twice.
    """
    found: dict[str, Connector] = {}
    for kind in _folders(root):
        for folder in _folders(kind):
            connector = _connector(f"{package}.{kind.name}.{folder.name}")
            if connector.name != folder.name:
                raise SettingsError(
                    f"{kind.name}/{folder.name}: its connector is named {connector.name!r}; give both one name"
                )
            if connector.name in found:
                raise SettingsError(f"{kind.name}/{folder.name}: the name is used by another provider; rename one")
            found[connector.name] = connector
    return MappingProxyType(found)


def _folders(root: Path) -> Iterator[Path]:
    for entry in sorted(root.iterdir()):
        if entry.is_dir() and not entry.name.startswith(("_", ".")):
            yield entry


def _connector(name: str) -> Connector:
    try:
        module = importlib.import_module(name)
    except ImportError as bad:
        raise SettingsError(f"{name}: cannot be imported ({bad}); repair or remove the folder") from bad
    connector = getattr(module, "CONNECTOR", None)
    if not isinstance(connector, Connector):
        raise SettingsError(f"{name}: exports no CONNECTOR; add it to its __init__.py or remove the folder")
    return connector
