"""What stands beside a provider's samples of its documents, and is held to the truth: `samples/contract/*.json`."""

import json
from pathlib import Path
from typing import Any

import providers
from providers.connector import Connector


def contract_file(connector: Connector, name: str) -> Path:
    folder = Path(providers.__path__[0]) / f"{connector.kind}s" / connector.name / "samples" / "contract"
    return folder / f"{name}.json"


def contract(connector: Connector, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(contract_file(connector, name).read_text(encoding="utf-8"))
    return found
