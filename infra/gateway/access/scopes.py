"""What callers may be let to do: the one list of scopes. A scope is a capability and an action."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

SCOPES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "payments:write": "order payments: create, capture, cancel, refund",
        "payments:read": "see where commands stand, and their results",
        "integrations:read": "see which accounts at providers there are",
        "webhooks:manage": "subscribe addresses to events, and replay to them",
        "events:read": "follow events",
    }
)


def unknown_scopes(scopes: Iterable[str]) -> list[str]:
    """Those that do not exist."""
    return sorted(set(scopes) - SCOPES.keys())
