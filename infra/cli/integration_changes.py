"""`kolaj integrations add | set | pause | resume | enable | disable | remove | map | unmap`: orders to the registry."""

from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from agents.integrations import reading
from agents.integrations.settings_rules import merged
from infra.cli.by_hand import By, ledger_of, named
from infra.cli.failing import Failed
from infra.cli.output import Json, emit, run, say
from infra.cli.setting_words import check, settings_of
from infra.registry_orders import ordered
from infra.settings import Settings, read_settings
from providers.connector import Connector
from providers.registry import connectors
from schemas.integrations import (
    AddIntegration,
    ChangeIntegration,
    DisableIntegration,
    EnableIntegration,
    IntegrationChange,
    IntegrationCommand,
    IntegrationState,
    MapUser,
    PauseIntegration,
    RemoveIntegration,
    ResumeIntegration,
    UnmapUser,
)

Name = Annotated[str, typer.Argument(metavar="ID", help="What commands name.")]
User = Annotated[str, typer.Argument(metavar="USER", help="The user, seller or store, by your own id.")]
SetWords = Annotated[list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A setting of the connector.")]
SettingsFile = Annotated[
    Path | None, typer.Option("--settings", metavar="FILE", help="A JSON object of settings; - for standard input.")
]
Wait = Annotated[float, typer.Option("--wait", min=0, metavar="S", help="Seconds to wait for the result.")]
WhyNot = Annotated[str | None, typer.Option("--why", help="What for; it is kept for ever.")]
WAIT_S = 60.0


def register(app: typer.Typer) -> None:
    """Make the commands part of `kolaj integrations`."""
    for name, command in (
        ("add", add),
        ("set", change),
        ("pause", pause),
        ("resume", resume),
        ("enable", enable),
        ("disable", disable),
        ("remove", remove),
        ("map", map_user),
        ("unmap", unmap_user),
    ):
        app.command(name)(command)


def add(
    integration_id: Name,
    *,
    provider: Annotated[str, typer.Option(help="A connector; `kolaj providers` lists them.")],
    name: Annotated[str | None, typer.Option(help="What people call it; its id by default.")] = None,
    owner: Annotated[str | None, typer.Option(help="Whose account it is.")] = None,
    words: SetWords = None,
    file: SettingsFile = None,
    by: By,
    wait_s: Wait = WAIT_S,
    json: Annotated[bool, Json] = False,
) -> None:
    """Add an account at a provider. Its secrets are given apart; until they are there its commands wait."""
    settings = read_settings(database=False)
    connector = _connector(provider)
    own = settings_of(connector, words or (), file)
    check(connector, settings.environment, own)
    order = _order(
        AddIntegration,
        integration_id=integration_id,
        kind=connector.kind,
        provider=connector.name,
        environment=settings.environment,
        name=name or integration_id,
        owner=owner,
        settings=own,
        by=named(by, "--by"),
    )
    _do(settings, order, wait_s, json=json)


def change(
    integration_id: Name,
    *,
    words: SetWords = None,
    file: SettingsFile = None,
    unset: Annotated[list[str] | None, typer.Option(metavar="NAME", help="Back to the connector's own value.")] = None,
    name: Annotated[str | None, typer.Option(help="What people call it.")] = None,
    owner: Annotated[str | None, typer.Option(help="Whose account it is.")] = None,
    revision: Annotated[
        int | None, typer.Option(min=1, help="Only if it was last changed by this revision (`show`).")
    ] = None,
    by: By,
    wait_s: Wait = WAIT_S,
    json: Annotated[bool, Json] = False,
) -> None:
    """Change settings, name or owner; running workers follow within two seconds."""
    settings = read_settings()
    state = run(_state(settings, integration_id))
    connector = _connector(state.provider)
    own = settings_of(connector, words or (), file)
    gone = tuple(unset or ())
    if not (own or gone or name or owner):
        raise typer.BadParameter("nothing to change; give --set, --unset, --name or --owner")
    check(connector, state.environment, merged(state.settings, own, gone))
    order = _order(
        ChangeIntegration,
        integration_id=integration_id,
        settings=own or None,
        unset=gone,
        name=name,
        owner=owner,
        expected_revision=revision,
        by=named(by, "--by"),
    )
    _do(settings, order, wait_s, json=json)


def pause(
    integration_id: Name, *, by: By, why: WhyNot = None, wait_s: Wait = WAIT_S, json: Annotated[bool, Json] = False
) -> None:
    """Send nothing more to it once this returns. Its commands wait; what was sent is still asked about."""
    _status(PauseIntegration, integration_id, by, wait_s, json=json, why=why)


def resume(integration_id: Name, *, by: By, wait_s: Wait = WAIT_S, json: Annotated[bool, Json] = False) -> None:
    """Let a paused integration go on. What waited is taken up, in order."""
    _status(ResumeIntegration, integration_id, by, wait_s, json=json)


def disable(
    integration_id: Name, *, by: By, why: WhyNot = None, wait_s: Wait = WAIT_S, json: Annotated[bool, Json] = False
) -> None:
    """Send nothing more to it once this returns, and refuse its commands; what was sent is still asked about."""
    _status(DisableIntegration, integration_id, by, wait_s, json=json, why=why)


def enable(integration_id: Name, *, by: By, wait_s: Wait = WAIT_S, json: Annotated[bool, Json] = False) -> None:
    """Let a disabled integration take commands again."""
    _status(EnableIntegration, integration_id, by, wait_s, json=json)


def remove(integration_id: Name, *, by: By, wait_s: Wait = WAIT_S, json: Annotated[bool, Json] = False) -> None:
    """Take a disabled integration away, once nothing is open at it. Its id can be used again."""
    _status(RemoveIntegration, integration_id, by, wait_s, json=json)


def map_user(
    integration_id: Name,
    user_id: User,
    external_user_id: Annotated[str, typer.Argument(metavar="EXTERNAL", help="Its name at the provider; no secret.")],
    *,
    metadata: Annotated[list[str] | None, typer.Option("--meta", metavar="NAME=VALUE", help="Anything more.")] = None,
    by: By,
    wait_s: Wait = WAIT_S,
    json: Annotated[bool, Json] = False,
) -> None:
    """Say that a user, seller or store uses this account, and by which name there."""
    pairs = dict(word.partition("=")[::2] for word in metadata or ())
    facts = {"integration_id": integration_id, "user_id": user_id, "external_user_id": external_user_id}
    order = _order(MapUser, **facts, metadata=pairs, by=named(by, "--by"))
    _do(read_settings(database=False), order, wait_s, json=json)


def unmap_user(
    integration_id: Name, user_id: User, *, by: By, wait_s: Wait = WAIT_S, json: Annotated[bool, Json] = False
) -> None:
    """Say that a user uses this account no more."""
    order = _order(UnmapUser, integration_id=integration_id, user_id=user_id, by=named(by, "--by"))
    _do(read_settings(database=False), order, wait_s, json=json)


def _status(model: Any, integration_id: str, by: str, wait_s: float, *, json: bool, **more: str | None) -> None:
    said = {name: named(text, f"--{name}") for name, text in more.items() if text is not None}
    order = _order(model, integration_id=integration_id, by=named(by, "--by"), **said)
    _do(read_settings(database=False), order, wait_s, json=json)


def _do(settings: Settings, order: IntegrationCommand, wait_s: float, *, json: bool) -> None:
    result = run(ordered(settings, order, wait_s=wait_s))
    if json:
        emit({"type": result.type, **result.model_dump(mode="json", exclude_none=True)})
        return
    if isinstance(result, IntegrationChange):
        state = result.integration
        say(f"{state.integration_id} is {state.status}, revision {state.revision}")
    else:
        say("done")


def _order(model: Any, /, **facts: Any) -> Any:
    try:
        return model(**facts)
    except ValidationError as bad:
        first = bad.errors(include_url=False, include_input=False)[0]
        raise typer.BadParameter(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None


def _connector(provider: str) -> Connector:
    found = connectors().get(provider)
    if found is None:
        raise Failed(f"no provider is called {provider}; there are {', '.join(sorted(connectors())) or 'none'}")
    return found


async def _state(settings: Settings, integration_id: str) -> IntegrationState:
    async with ledger_of(settings) as pool:
        found = await reading.integration(pool, integration_id)
    if found is None or found.status == "removed":
        where = "stands in KOLAJ_INTEGRATIONS; change it there" if _is_fixed(settings, integration_id) else "is unknown"
        raise Failed(f"{integration_id} {where}; `kolaj integrations list` shows those there are")
    return found


def _is_fixed(settings: Settings, integration_id: str) -> bool:
    return any(item.id == integration_id for item in settings.integrations)
