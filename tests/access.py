"""API keys and callers for tests of the HTTP edge."""

from datetime import UTC, datetime

import asyncpg

from infra.gateway.access.key import ApiKey
from infra.gateway.access.key_changes import ApiKeys, Grant
from infra.gateway.access.scopes import SCOPES
from schemas.access import KeyEvent


def a_grant(
    *scopes: str,
    name: str = "shop",
    integrations: tuple[str, ...] | None = None,
    rate: str | None = None,
    expires_at: datetime | None = None,
) -> Grant:
    """All scopes where none is named."""
    return Grant(name, f"/services/{name}", scopes or tuple(SCOPES), integrations, rate, expires_at)


async def an_api_key(pool: asyncpg.Pool, grant: Grant | None = None) -> tuple[ApiKey, str]:
    """A new key of that database and its text. No log is told."""
    return await ApiKeys(pool, _untold).create(grant or a_grant(), by="a test", at=datetime.now(UTC))


def bearing(text: str) -> dict[str, str]:
    """The headers of a request with this key or token."""
    return {"Authorization": f"Bearer {text}"}


async def _untold(event: KeyEvent) -> None:
    del event
