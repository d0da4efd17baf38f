"""The settings of a hub under test, as the environment of its processes."""

import base64
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from infra.integration_settings import credential_prefix
from infra.sandbox.iyzico import Sandbox

MASTER_KEY: Final = base64.b64encode(os.urandom(32)).decode()
"""One for all hubs of a run: several come after each other on one database, which remembers what it was sealed with."""
LIMITED: Final = (
    *("create", "capture", "cancel", "refund", "query"),
    *("start_three_d_secure", "complete_three_d_secure"),
)
BREAKER_OPEN_S: Final = 5.0
"""How long a provider that was down is left alone, instead of half a minute."""


@dataclass(frozen=True)
class Account:
    """An account at a provider, as a hub under test is told of it: where its sandbox is, and with which keys."""

    integration: str
    provider: str
    base_url: str
    keys: Mapping[str, str]
    further: Mapping[str, Any] = field(default_factory=dict)


def accounts(*known: Account) -> dict[str, str]:
    """The settings of a hub that has these accounts and no others."""
    entries = [
        {"id": one.integration, "provider": one.provider, "base_url": one.base_url, **one.further} for one in known
    ]
    secrets = {
        credential_prefix(one.integration) + name.upper(): value for one in known for name, value in one.keys.items()
    }
    return {"KOLAJ_INTEGRATIONS": json.dumps(entries), **secrets}


def hub_environment(
    bootstrap: str,
    database_url: str,
    prefix: str,
    base_urls: Mapping[str, str],
    sandbox: Sandbox,
    *,
    absence_s: float,
    overrides: Mapping[str, str] | None,
) -> dict[str, str]:
    """Settings of a hub that takes over quickly, asks a provider that was down again soon, and is not throttled.

    All its integrations have the sandbox's keys.
    """
    limits = {name: {"calls": 1000, "per_s": 1.0} for name in LIMITED}
    entries = [
        {
            "id": name,
            "provider": "iyzico",
            "base_url": base_url,
            "rate_limits": limits,
            "absence_window_s": absence_s,
            "breaker_open_s": BREAKER_OPEN_S,
        }
        for name, base_url in base_urls.items()
    ]
    keys = {"API_KEY": sandbox.api_key, "SECRET_KEY": sandbox.secret_key}
    secrets = {credential_prefix(name) + key: value for name in base_urls for key, value in keys.items()}
    return {
        "KAFKA_BOOTSTRAP": bootstrap,
        "DATABASE_URL": database_url,
        "KOLAJ_TOPIC_PREFIX": prefix,
        "KOLAJ_INTEGRATIONS": json.dumps(entries),
        "INTEGRATION_ENCRYPTION_KEY": MASTER_KEY,
        "KOLAJ_DEADLINE_S": "3",
        "KOLAJ_LEASE_MARGIN_S": "1",
        "KOLAJ_LEASE_S": "6",
        "KOLAJ_SESSION_TIMEOUT_S": "6",
        "KOLAJ_MAX_IN_FLIGHT": "32",
        "KOLAJ_RETRY_DELAYS_S": "1,3",
        **secrets,
        **(overrides or {}),
    }
