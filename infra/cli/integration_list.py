"""`kolaj integrations list | show | rebuild`: the registry as it stands, and how each integration does."""

from datetime import UTC, datetime
from typing import Annotated, Any

import asyncpg
import typer
from rich.markup import escape
from rich.table import Table

from agents.integrations import reading
from agents.integrations.rebuild import Rebuilt, rebuild_registry
from agents.stops import Stops
from infra.cli.by_hand import ledger_of
from infra.cli.credential_desk import desk_of
from infra.cli.failing import Failed
from infra.cli.integration_changes import Name
from infra.cli.output import Json, emit, run, say, tables
from infra.settings import Settings, read_settings
from projections.statements import statement
from providers.registry import connectors
from schemas.errors import HubError
from schemas.integrations import IntegrationState
from streams.reader import replay

_COLUMNS = ("integration_id", "kind", "provider", "environment", "status", "name", "owner", "revision", "from")


def register(app: typer.Typer) -> None:
    """Make the commands part of `kolaj integrations`."""
    app.command("list")(list_all)
    app.command()(show)
    app.command()(rebuild)


def list_all(
    *,
    removed: Annotated[bool, typer.Option("--removed", help="Those that were removed, too.")] = False,
    json: Annotated[bool, Json] = False,
) -> None:
    """List all integrations. An active one shows as `failing` while its checks fail or a breaker is open."""
    rows = [row for row in run(_rows(read_settings(kafka=False))) if removed or row["status"] != "removed"]
    if json:
        emit([{name: row[name] for name in (*_COLUMNS, "error", "stopped_by")} for row in rows])
        return
    table = Table(*(name.replace("_", " ") for name in _COLUMNS), "what is wrong")
    for row in rows:
        wrong = row["error"] or (f"stopped by {row['stopped_by']}" if row["stopped_by"] else "")
        style = None if row["status"] == "active" and not wrong else "yellow"
        cells = (escape(str(row[name] if row[name] is not None else "")) for name in _COLUMNS)
        table.add_row(*cells, escape(wrong), style=style)
    tables().print(table)


def show(integration_id: Name, *, json: Annotated[bool, Json] = False) -> None:
    """Show one integration: its settings, how it does, and who uses it. Secrets are never shown."""
    settings = read_settings(kafka=False)
    found = next((row for row in run(_rows(settings)) if row["integration_id"] == integration_id), None)
    if found is None:
        raise Failed(f"no integration is called {integration_id}; `kolaj integrations list` shows those there are")
    people = run(_users(settings, integration_id))
    found["credentials"] = run(_credentials(settings, integration_id))
    if json:
        emit({**found, "users": people})
        return
    table = Table("", "", show_header=False)
    for name, value in found.items():
        table.add_row(name.replace("_", " "), escape(str(value if value is not None else "")))
    tables().print(table)
    if people:
        users = Table("user", "at the provider", "metadata")
        for person in people:
            cells = (person["user_id"], person["external_user_id"], str(person["metadata"] or ""))
            users.add_row(*map(escape, cells))
        tables().print(users)


def rebuild(
    *,
    over: Annotated[bool, typer.Option("--over", help="Also where the registry holds something already.")] = False,
    json: Annotated[bool, Json] = False,
) -> None:
    """Make the registry anew from its events, after PostgreSQL was lost. Give the secrets again afterwards."""
    done = run(_rebuild(read_settings(), over=over))
    if json:
        emit({"results": done.results, "revision": done.revision})
    else:
        say(f"made of {done.results} results; it stands at revision {done.revision}")


async def _rebuild(settings: Settings, *, over: bool) -> Rebuilt:
    async with ledger_of(settings) as pool:
        return await rebuild_registry(pool, replay(settings.kafka, settings.topics.integration_events.name), over=over)


async def _rows(settings: Settings) -> list[dict[str, Any]]:
    async with ledger_of(settings) as pool:
        states = await reading.integrations(pool)
        stops = {row["integration_id"]: row["stopped_by"] for row in await Stops(pool).all() if row["by_hand"]}
        health = await _health(pool)
    rows = [_of_settings(settings, item) for item in settings.integrations] + [_of_registry(state) for state in states]
    for row in rows:
        seen = health.get(row["integration_id"], {})
        failing = seen.get("health") == "unhealthy" or seen.get("breaker_open")
        if row["status"] == "active" and failing:
            row["status"] = "failing"
        row["error"] = seen.get("error_message") if row["status"] in {"active", "failing", "paused"} else None
        row["checked_at"] = seen.get("checked_at")
        row["stopped_by"] = stops.get(row["integration_id"])
    return sorted(rows, key=lambda row: str(row["integration_id"]))


async def _health(pool: asyncpg.Pool) -> dict[str, Any]:
    """What the tables tell of checks and breakers; nothing where this account may not read them."""
    try:
        found = await pool.fetch(statement("integrations/health"))
    except asyncpg.InsufficientPrivilegeError:
        return {}
    return {row["integration_id"]: dict(row) for row in found}


async def _users(settings: Settings, integration_id: str) -> list[dict[str, Any]]:
    async with ledger_of(settings) as pool:
        return [mapping.model_dump(mode="json") for mapping in await reading.users(pool, integration_id)]


async def _credentials(settings: Settings, integration_id: str) -> str | None:
    """Which versions of its secrets live, and the secrets' names; `None` where variables are all there is."""
    if settings.encryption_key is None:
        return None
    try:
        async with desk_of(settings) as desk:
            versions = await desk.store.history(integration_id)
    except HubError as unseen:  # not everybody who may see integrations may see the vault
        return f"cannot be looked at: {unseen}"
    live = [one for one in reversed(versions) if one.is_live(datetime.now(UTC))]
    return "; ".join(f"version {one.number}: {', '.join(one.fields)}" for one in live) or None


def _of_registry(state: IntegrationState) -> dict[str, Any]:
    return {**state.model_dump(mode="json"), "from": "registry"}


def _of_settings(settings: Settings, item: Any) -> dict[str, Any]:
    connector = connectors().get(item.provider)
    own = item.model_dump(mode="json", exclude={"id", "provider", "environment", "ca_file"}, exclude_defaults=True)
    return {
        "integration_id": item.id,
        "kind": None if connector is None else connector.kind,
        "provider": item.provider,
        "version": None if connector is None else connector.version,
        "environment": item.environment or settings.environment,
        "status": "active",
        "name": item.id,
        "owner": None,
        "settings": own,
        "revision": None,
        "created_at": None,
        "changed_at": None,
        "from": "settings",
    }
