"""What stands beside a provider's samples of its documents, and is held to the truth: `samples/contract/*.json`."""

import json
from pathlib import Path
from typing import Any

from providers.connector import Connector
from providers.registry import folder_of


def contract_file(connector: Connector, name: str) -> Path:
    return folder_of(connector) / "samples" / "contract" / f"{name}.json"


def contract(connector: Connector, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(contract_file(connector, name).read_text(encoding="utf-8"))
    return found
